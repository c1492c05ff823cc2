import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareBytewise, decodeBase64, encodeBase64, encodeUtf8 } from './encoding.ts';

describe('base64', () => {
  test('what is encoded decodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(encodeBase64(bytes))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  test('line breaks are ignored wherever they stand', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), fc.constantFrom('\n', '\r\n'), (bytes, at, lineBreak) => {
        const text = encodeBase64(bytes);
        const position = at % (text.length + 1);
        expect(decodeBase64(text.slice(0, position) + lineBreak + text.slice(position))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  test.each([
    ['no padding', 'YQ', 0],
    ['half of the padding', 'YQ=', 3],
    ['a blank', 'YW Jj', 2],
    ['the URL alphabet', 'ab-_', 2],
    ['text after the padding', 'YQ==YQ==', 4],
    ['padding alone', '====', 0],
    ['a character beyond ASCII, counted in bytes', 'YWJjé', 4],
  ])('%s is refused with the offset of the byte', (_, text, offset) => {
    expect(() => decodeBase64(text)).toThrow(`illegal base64 data at input byte ${offset}`);
  });

  test('trailing bits that are not zero are tolerated, as upstream tolerates them', () => {
    expect(decodeBase64('YR==')).toEqual(encodeUtf8('a'));
  });
});

test('names are ordered by their UTF-8 bytes', () => {
  const name = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(name, name, (a, b) => {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      expect(Math.sign(compareBytewise(a, b))).toBe(expected);
    }),
  );
});
