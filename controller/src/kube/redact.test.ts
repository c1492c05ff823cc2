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
          const redacted = redactValues(`${before}${form}${after}`, [bytes]).replaceAll('<redacted>', '');
          expect(redacted.includes(form)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a value of a megabyte costs no more than a moment', () => {
    const large = Buffer.alloc(1024 * 1024, 'abcdefghijklmnopqrstuvwxyz');
    const startMs = performance.now();
    expect(redactValues('hijklmnop is wrong', [large])).toBe('<redacted> is wrong');
    expect(performance.now() - startMs).toBeLessThan(20_000);
  });
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
