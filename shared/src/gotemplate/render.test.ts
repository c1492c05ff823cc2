import { describe, expect, test } from 'vitest';
import type { TemplateEffects } from './effects.ts';
import { TemplateError } from './errors.ts';
import { renderTemplate } from './render.ts';

const unavailable = (): never => {
  throw new Error('not expected to be called');
};

/** 2024-02-29 13:14:15.5 UTC. */
const moment = 1_709_212_455_500_000_000n;

const effects: TemplateEffects = {
  now: () => moment,
  monotonicMs: () => 0,
  randomBytes: (length) => Uint8Array.from({ length }, (_, i) => i * 37 + 11),
  hash: unavailable,
  hmacSha256: unavailable,
  scrypt: unavailable,
  bcrypt: unavailable,
  aesCbc: unavailable,
  generateKey: (type) => `KEY ${type}`,
  issueCertificate: unavailable,
  checkCertificateAndKey: unavailable,
};

const render = (text: string, data: Record<string, string> = {}): string =>
  renderTemplate({ name: 't', text, data: new Map(Object.entries(data)), effects });

function failureOf(text: string): TemplateError {
  try {
    render(text);
  } catch (error) {
    if (error instanceof TemplateError) return error;
    throw error;
  }
  throw new Error('no failure');
}

describe('places of errors', () => {
  const cases: ReadonlyArray<readonly [string, string, 'parse' | 'exec', number, number]> = [
    ['a field of a string', 'x\n{{ .a }}{{ "s" | .b }}', 'exec', 2, 18],
    ['a function that fails', '{{ 1 }}\n\n  {{ upper 5 }}', 'exec', 3, 12],
    ['a call inside a call', '{{ print (fail "x") }}', 'exec', 1, 11],
    ['an unknown function', 'one\ntwo {{ nope }}', 'parse', 2, 8],
    ['an unclosed action', 'text {{ .a', 'parse', 1, 11],
    ['a missing end', '{{ if .a }}', 'parse', 1, 12],
    ['an undefined variable', '{{ $x }}', 'parse', 1, 4],
    ['a template that is not there', '\n{{ template "nope" }}', 'exec', 2, 13],
  ];
  for (const [name, text, kind, line, column] of cases) {
    test(`of ${name}`, () => {
      expect(failureOf(text)).toMatchObject({ kind, line, column, templateName: 't' });
    });
  }

  test('columns count bytes', () => {
    expect(failureOf('\xc3\xa9\xc3\xa9{{ fail "x" }}').column).toBe(8);
  });
});

describe('effects', () => {
  test('time comes from the caller', () => {
    expect(render('{{ now | date "2006-01-02 15:04:05.0" }} {{ ago 1709212395 }} {{ now.Unix }}')).toBe(
      '2024-02-29 13:14:15.5 1m1s 1709212455',
    );
  });

  test('randomness comes from the caller', () => {
    expect(render('{{ randBytes 3 }}')).toBe('CzBV');
    expect(render('{{ uuidv4 }}')).toBe('0b30557a-9fc4-490e-b358-7da2c7ec1136');
    expect(render('{{ randNumeric 5 }}{{ randAlpha 5 }}')).toMatch(/^[0-9]{5}[A-Za-z]{5}$/);
    expect(render('{{ shuffle "abc" }}')).toMatch(/^[abc]{3}$/);
  });

  test('keys come from the caller', () => {
    expect(render('{{ genPrivateKey "" }}|{{ genPrivateKey "ed25519" }}|{{ genPrivateKey "x" }}')).toBe(
      'KEY rsa|KEY ed25519|Unknown type x',
    );
  });
});

describe('the data', () => {
  test('is not changed by a template', () => {
    const data = new Map([['a', '1']]);
    const text = '{{ $d := dict "k" . }}{{ $_ := mergeOverwrite $d (dict "k" (split "," "x")) }}{{ $d }}';
    expect(renderTemplate({ name: 't', text, data, effects })).toBe('map[k:map[_0:x a:1]]');
    expect([...data]).toEqual([['a', '1']]);
  });

  test('may have any key', () => {
    expect(
      renderTemplate({
        name: 't',
        text: '{{ . }}',
        data: new Map([
          ['10', 'x'],
          ['9', 'y'],
          ['__proto__', 'z'],
          ['', 'e'],
        ]),
        effects,
      }),
    ).toBe('map[:e 10:x 9:y __proto__:z]');
  });
});

describe('time zones', () => {
  test('have the abbreviations of their database', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Asia/Tokyo',
      'America/Sao_Paulo',
      'Asia/Kathmandu',
      'Etc/GMT+5',
      'Australia/Lord_Howe',
    ];
    const texts = zones.map((zone) => render(`{{ dateInZone "15:04 MST -07:00" 1719792000 "${zone}" }}`));
    expect(texts).toEqual([
      '02:00 CEST +02:00',
      '20:00 EDT -04:00',
      '09:00 JST +09:00',
      '21:00 -03 -03:00',
      '05:45 +0545 +05:45',
      '19:00 -05 -05:00',
      '10:30 +1030 +10:30',
    ]);
  });
});
