import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import type { TemplateLimits } from './budget.ts';
import { TemplateError } from './errors.ts';
import { templateFunctions } from './functions/index.ts';
import { renderTemplate } from './render.ts';

/** Templates that want to do harm: whatever they are, rendering ends soon, with output or with a TemplateError that tells no value. */

const effects = await createTemplateEffects({ withCostlyFunctions: true });
const marker = 'sEcReT-MaRkEr';

interface Outcome {
  readonly output?: string;
  readonly error?: TemplateError;
  readonly ms: number;
}

function render(
  text: string,
  limits: Partial<TemplateLimits> = {},
  data = new Map([
    ['a', marker],
    ['b', '7'],
  ]),
): Outcome {
  const started = performance.now();
  try {
    const output = renderTemplate({ name: 't', text, data, effects, limits });
    return { output, ms: performance.now() - started };
  } catch (error) {
    // Anything else fails the test as it is.
    if (!(error instanceof TemplateError)) throw error;
    return { error, ms: performance.now() - started };
  }
}

const tight: Partial<TemplateLimits> = {
  maxSteps: 50_000,
  maxAllocatedBytes: 4_000_000,
  maxOutputBytes: 200_000,
  maxCostlyUnits: 2,
  maxMilliseconds: 2_000,
};

// No costly functions: their cost is their own test's matter.
const cheapNames = [...templateFunctions.keys()].filter((name) => !/^gen|bcrypt|htpasswd|derive/.test(name));

const expression: fc.Memo<string> = fc.memo((depth) => {
  const leaf = fc.constantFrom(
    '.',
    '$',
    '.a',
    '.b',
    '$.a',
    'nil',
    '0',
    '-1',
    '9223372036854775807',
    '1e308',
    '""',
    '"x"',
    '"(a*)*b"',
    '"%1000000d"',
    '$x',
    '.constructor',
    '.__proto__',
    '(dict)',
    '(list)',
    '1000000',
  );
  if (depth <= 1) return leaf;
  const call = fc
    .tuple(fc.constantFrom(...cheapNames), fc.array(expression(depth - 1), { maxLength: 3 }))
    .map(([name, args]) => `(${[name, ...args].join(' ')})`);
  return fc.oneof({ weight: 2, arbitrary: leaf }, { weight: 3, arbitrary: call });
});

const template: fc.Memo<string> = fc.memo((depth) => {
  const action = expression(3).map((text) => `{{ ${text} }}`);
  if (depth <= 1) return action;
  const block = fc.tuple(expression(2), template(depth - 1), template(depth - 1));
  return fc.oneof(
    action,
    fc.tuple(template(depth - 1), template(depth - 1)).map((parts) => parts.join('')),
    block.map(([value, a, b]) => `{{ range ${value} }}${a}{{ else }}${b}{{ end }}`),
    block.map(([value, a, b]) => `{{ with ${value} }}${a}{{ else }}${b}{{ end }}`),
    block.map(
      ([value, a, b]) => `{{ $x := ${value} }}${a}{{ range until 9 }}{{ $x = list $x $x }}{{ end }}${b}{{ $x }}`,
    ),
    block.map(([value, a, b]) => `{{ define "d" }}${a}{{ template "d" . }}{{ end }}${b}{{ template "d" ${value} }}`),
    block.map(([value, a]) => `{{ $x := dict "k" ${value} }}{{ $_ := set $x "self" $x }}${a}{{ $x }}`),
  );
});

describe('hostile templates', () => {
  test('of a grammar end in time, with output inside its limit or a TemplateError', () => {
    fc.assert(
      fc.property(template(4), (body) => {
        const { output, error, ms } = render(`{{ $x := 1 }}${body}`, tight);
        expect(ms).toBeLessThan(5_000);
        if (error === undefined) expect(output?.length).toBeLessThanOrEqual(200_000);
        else expect(error.message).not.toContain(marker);
      }),
      { numRuns: 1_500 },
    );
  });

  test('of random characters end in a TemplateError or in output', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '{{',
        '}}',
        '-',
        ' ',
        '(',
        ')',
        '|',
        '"',
        '`',
        "'",
        '.a',
        '$',
        ':=',
        'range',
        'end',
        'if',
        '0x',
        '/*',
        '*/',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = Buffer.from(pieces.join(''), 'utf8').toString('latin1');
        const { error } = render(text, tight);
        if (error !== undefined) expect(error.line).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 3_000 },
    );
  });

  const bombs: ReadonlyArray<readonly [string, string]> = [
    ['a range over a huge number', '{{ range 9223372036854775807 }}{{ end }}'],
    ['a string doubled again and again', '{{ $x := "x" }}{{ range until 100 }}{{ $x = print $x $x }}{{ end }}{{ $x }}'],
    ['a list doubled and printed', '{{ $x := list 1 }}{{ range until 100 }}{{ $x = list $x $x }}{{ end }}{{ $x }}'],
    [
      'a list doubled and made JSON',
      '{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ mustToJson $x }}',
    ],
    [
      'a list doubled and compared',
      '{{ $x := list 1 }}{{ $y := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ $y = list $y $y }}{{ end }}{{ deepEqual $x $y }}',
    ],
    [
      'a list doubled and copied',
      '{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ deepCopy $x }}',
    ],
    ['a template that calls itself', '{{ define "d" }}{{ template "d" }}{{ end }}{{ template "d" }}'],
    [
      'a template that calls itself twice',
      '{{ define "d" }}{{ template "d" }}{{ template "d" }}{{ end }}{{ template "d" }}',
    ],
    ['an entry that is its own template', '{{ block "t" . }}{{ template "t" }}{{ end }}'],
    ['a dict that contains itself, printed', '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $d }}'],
    [
      'a dict that contains itself, merged',
      '{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" $e }}{{ merge $d $e | len }}{{ deepEqual $d $e }}',
    ],
    ['repeat of a billion', '{{ repeat 1000000000 "x" }}'],
    ['until of a billion', '{{ until 1000000000 }}'],
    ['seq of a billion', '{{ seq 1000000000 }}'],
    ['indent by a billion', '{{ indent 1000000000 "x" }}'],
    ['random text of a billion', '{{ randAlphaNum 1000000000 }}'],
    ['random bytes of a billion', '{{ randBytes 1000000000 }}'],
    ['many wide numbers', '{{ range until 1000 }}{{ $x := printf "%1000000d" 1 }}{{ end }}'],
    [
      'a replacement that multiplies',
      '{{ $x := repeat 3000 "a" }}{{ range until 10 }}{{ $x = replace "a" (repeat 3000 "a") $x }}{{ end }}',
    ],
    ['a regular expression with nested repetition', '{{ regexMatch "(a*)*(a*)*(a*)*b" (repeat 30000 "a") }}'],
    ['a regular expression of many instructions', '{{ regexMatch "((((a{30}){30}){30}){30}){30}" "a" }}'],
    [
      'a large regular expression on a large text',
      '{{ regexReplaceAll "(a{500}|b{500}|[a-z]{500})" (repeat 1000000 "c") "$1" }}',
    ],
    ['a constraint for exponential backtracking', '{{ semverCompare (repeat 3000 "1-1.1 ") "1.0.0" }}'],
    ['floats that grow', '{{ $x := 1e300 }}{{ mulf $x $x $x $x $x $x | divf 1 }}'],
    ['deep JSON', '{{ fromJson (repeat 100000 "[") }}'],
    ['deep parentheses', `{{ ${'('.repeat(100_000)}1 }}`],
    ['deep structures', '{{ if 1 }}'.repeat(100_000)],
    ['a long number', `{{ ${'9'.repeat(200_000)} }}`],
    ['many keys', '{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}'],
  ];

  for (const [name, text] of bombs) {
    test(`stops at ${name}`, () => {
      const { error, ms, output } = render(text, { maxCostlyUnits: 20 });
      expect(ms).toBeLessThan(8_000);
      // Some are harmless here; what counts is that they end.
      if (error === undefined) expect(output?.length).toBeLessThan(1_000_000);
      else expect(['limit', 'exec', 'parse']).toContain(error.kind);
    });
  }

  test('a text beyond the limit is refused before it is read', () => {
    const { error } = render('x'.repeat(2_000_000));
    expect(error?.kind).toBe('limit');
  });

  test('output beyond the limit is refused', () => {
    const { error } = render('{{ range until 1000 }}{{ repeat 1000 "x" }}{{ end }}', { maxOutputBytes: 10_000 });
    expect(error?.message).toBe('the output is larger than 10000 bytes');
  });

  test('time beyond the limit is refused', () => {
    let clock = 0;
    const slow = { ...effects, monotonicMs: () => (clock += 1_000) };
    expect(() =>
      renderTemplate({ name: 't', text: '{{ range until 100000 }}{{ . }}{{ end }}', data: new Map(), effects: slow }),
    ).toThrow('the template takes longer than 30000 ms');
  });
});

describe('prototypes', () => {
  const names = [
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'type',
    'entries',
    'value',
  ];

  for (const name of names) {
    test(`${name} is a key like any other`, () => {
      expect(render(`{{ .${name} }}`).output).toBe('<no value>');
      expect(render(`{{ (dict "${name}" 1).${name} }}`).output).toBe('1');
      expect(render(`{{ index . "${name}" }}|{{ get (dict) "${name}" }}|{{ hasKey (dict) "${name}" }}`).output).toBe(
        '||false',
      );
      expect(render(`{{ .${name} }}`, {}, new Map([[name, 'own']])).output).toBe('own');
      expect(render(`{{ (fromJson "{\\"${name}\\":{\\"x\\":1}}").${name}.x }}`).output).toBe('1');
    });

    test(`${name} is neither a function nor a field of other values`, () => {
      // Sprig has a function of this name.
      if (name !== 'toString') expect(render(`{{ ${name} }}`).error?.kind).toBe('parse');
      for (const value of [
        '1',
        '"x"',
        '(list 1)',
        'true',
        '1.5',
        '1i',
        '(toDate "2006" "2020")',
        '(semver "1.2.3")',
        '(now).Location',
        '(now).Month',
      ]) {
        expect(render(`{{ (${value}).${name} }}`).error?.kind, value).toBe('exec');
      }
    });
  }

  test('nothing a template does changes JavaScript objects', () => {
    render(
      '{{ $d := dict "__proto__" (dict "polluted" 1) }}{{ $_ := mergeOverwrite $d (fromJson "{\\"__proto__\\":{\\"polluted\\":1}}") }}{{ $_ := set $d "__proto__" $d }}',
    );
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('messages of errors', () => {
  const failing = [
    '{{ fail .a }}',
    '{{ .a.b }}',
    '{{ index .a 99 }}',
    '{{ template .a }}',
    '{{ mustFromJson .a }}',
    '{{ mustToDate "2006" .a }}',
    '{{ semver .a }}',
    '{{ mustRegexFind (print "(" .a) "x" }}',
    '{{ urlParse (print ":" .a) }}',
    '{{ genSelfSignedCert "x" (list .a) nil 1 }}',
    '{{ genCAWithKey "x" 1 .a }}',
    '{{ buildCustomCert (b64enc .a) (b64enc .a) }}',
    '{{ decryptAES "k" .a }}',
    '{{ mustDateModify .a (toDate "2006" "2020") }}',
    '{{ lt .a 1 }}',
    '{{ eq .a 1 }}',
    '{{ slice .a }}',
    '{{ range .a }}{{ end }}',
    '{{ get .a .a }}',
    '{{ dig .a .a .a }}',
    '{{ call .a }}',
    '{{ add .a | repeat .a }}',
    '{{ mustToJson (list .a 1i) }}',
    '{{ urlJoin (dict "host" (list .a)) }}',
  ];

  for (const text of failing) {
    test(`of ${text} hold no value`, () => {
      const { error } = render(text);
      expect(error).toBeInstanceOf(TemplateError);
      expect(error?.message).not.toContain(marker);
      expect(error?.line).toBe(1);
    });
  }
});
