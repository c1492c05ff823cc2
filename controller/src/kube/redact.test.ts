import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactFieldErrors, redactValues } from './redact.ts';

const value = Buffer.from('S3cr3t-"quoted"-Value');
const text = value.toString();

describe('redactValues', () => {
  test.each([
    ['as it is', `refused: ${text}!`],
    ['in base64', `refused: ${value.toString('base64')}!`],
    ['in base64url', `refused: ${value.toString('base64url')}!`],
    ['in base64 at offset 1', `refused: ${Buffer.concat([Buffer.from('x'), value]).toString('base64')}!`],
    ['in base64 at offset 2', `refused: ${Buffer.concat([Buffer.from('xy'), value]).toString('base64')}!`],
    ['in hex', `refused: ${value.toString('hex')}!`],
    ['in capital hex', `refused: ${value.toString('hex').toUpperCase()}!`],
    ['as JSON', `refused: ${JSON.stringify(text)}!`],
    ['as JSON in JSON', `refused: ${JSON.stringify(JSON.stringify({ password: text }))}!`],
    ['cut off', `refused: ${text.slice(3, 14)}...`],
  ])('takes a value out %s', (_how, message) => {
    const redacted = redactValues(message, [value]);
    for (const form of [text, value.toString('base64'), value.toString('hex')]) {
      for (let at = 0; at + 8 <= form.length; at++) expect(redacted).not.toContain(form.slice(at, at + 8));
    }
    expect(redacted).toContain('refused: ');
    expect(redacted).toContain('<redacted>');
  });

  test('short values are taken out as a whole', () => {
    expect(redactValues('pin 4711 refused', [Buffer.from('4711')])).toBe('pin <redacted> refused');
  });

  test('leaves a text alone that holds no value', () => {
    const message = 'secrets "db" is forbidden: exceeded quota: small';
    expect(redactValues(message, [value, Buffer.from('ab'), Buffer.alloc(0)])).toBe(message);
  });

  test('binary values are found as well', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250]);
    expect(redactValues(`x ${bytes.toString('base64')} y`, [bytes])).toBe('x <redacted>== y');
  });

  test('no piece of 8 characters of any value survives anywhere', () => {
    const printable = fc.string({ minLength: 8, maxLength: 60 });
    fc.assert(
      fc.property(printable, fc.string(), fc.string(), (secret, before, after) => {
        const bytes = Buffer.from(secret);
        const forms = [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')];
        for (const form of forms) {
          const redacted = (redactValues(`${before}${form}${after}`, [bytes]) ?? form).replaceAll('<redacted>', '');
          expect(redacted.includes(form)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('letter case does not hide a value, nor do letters whose lower case is longer than they are', () => {
    expect(redactValues('İİ refused: QUOTED"-VALUE', [value])).toBe('İİ refused: <redacted>');
    expect(redactValues('refused: ΣΟΦΙΑ-ΚΩΔΙΚΟΣ!', [Buffer.from('σοφια-κωδικοσ')])).toBe('refused: <redacted>!');
  });

  test('every value of many is looked for, and every place of a text', () => {
    const values = Array.from({ length: 400 }, (_, i) => Buffer.from(`value-number-${String(i).padStart(4, '0')}`));
    const quoted = values.slice(0, 100).map(String).join('|');
    expect(redactValues(`x ${quoted} y ${quoted}`, values)).toBe(
      `x ${'<redacted>|'.repeat(99)}<redacted> y ${'<redacted>|'.repeat(99)}<redacted>`,
    );
  });

  test('a piece of a long value is found wherever it lies', () => {
    const bytes = randomBytes(100_000);
    for (const at of [0, 1, 2, 49_999, bytes.length - 12]) {
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        const piece = bytes.subarray(at, at + 12).toString(encoding);
        const left = redactValues(`x ${piece} y`, [bytes])?.replace('<redacted>', '') ?? '';
        // The ends of the piece depend on its neighbours; seven characters of them can be left.
        expect(left.length, `${encoding} at ${at}: ${left}`).toBeLessThan('x  y'.length + 8);
      }
    }
  });

  test('what costs too much to search is not searched: the text may not be shown then', () => {
    expect(redactValues('refused', [Buffer.alloc(1024 * 1024)])).toBeUndefined();
    expect(redactValues('refused', Array<Buffer>(100_000).fill(Buffer.from('pin4711')))).toBeUndefined();
    expect(redactValues('refused: aaaaaaaab', [Buffer.alloc(120_000, 'a')])).toMatch(/^refused: <redacted>b?$/);
    expect(redactValues('refused', Array<Buffer>(100_000).fill(Buffer.from('pin')))).toBe('refused');
  });

  test.each([
    ['of five random megabytes', 'refused', () => Array.from({ length: 5 }, () => randomBytes(1024 * 1024))],
    ['of random bytes', randomBytes(3000).toString('latin1'), () => [randomBytes(120_000)]],
    ['of the same letters again and again', 'abcdefg-'.repeat(500), () => [Buffer.alloc(120_000, 'abcdefg')]],
    ['of one letter', 'aaaaaaa-'.repeat(500), () => [Buffer.alloc(120_000, 'a')]],
    ['of many short values', 'refused', () => Array.from({ length: 450 }, () => randomBytes(20))],
  ])('values %s cost no more than a moment', (_what, message, makeValues) => {
    const values = makeValues();
    redactValues(message, values);
    // What the machine needs for something of a known size: about a millisecond.
    const megabyte = randomBytes(1024 * 1024);
    const unitMs = processorMs(100, () => megabyte.toString('base64').length + megabyte.toString('hex').length);
    expect(processorMs(3, () => redactValues(message, values))).toBeLessThan(200 * unitMs);
  });

  /** Milliseconds of this thread's processor time for one run: whatever else the machine does is not counted. */
  function processorMs(runs: number, run: () => unknown): number {
    const before = process.threadCpuUsage();
    for (let i = 0; i < runs; i++) run();
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1000 / runs;
  }
});

describe('redactFieldErrors', () => {
  test.each([
    ['data[a]: Invalid value: "hunter2": must be short', 'data[a]: Invalid value: <redacted>: must be short'],
    ['Invalid value: "a \\" b": must be x', 'Invalid value: <redacted>: must be x'],
    ['Unsupported value: "x": supported values: "a", "b"', 'Unsupported value: <redacted>: supported values: "a", "b"'],
    ['Duplicate value: "x"', 'Duplicate value: <redacted>'],
    ['Invalid value: 12: must be above 20', 'Invalid value: <redacted>: must be above 20'],
    ['Invalid value: {"password":"hunter2"}: no', 'Invalid value: <redacted>'],
    ['Invalid value: map[string]string{"password":"hunter2"}: no', 'Invalid value: <redacted>'],
    [
      "invalid character 'Q' looking for beginning of value",
      "invalid character '<redacted>' looking for beginning of value",
    ],
    ["invalid character '\\'' in literal", "invalid character '<redacted>' in literal"],
    ['metadata.name: Required value', 'metadata.name: Required value'],
  ])('%s', (message, expected) => {
    expect(redactFieldErrors(message)).toBe(expected);
  });
});
