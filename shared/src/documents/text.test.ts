import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeUtf8AsGo,
  detectText,
  encodeText,
  exceedsBytes,
  positionInText,
  StreamDecoder,
  validUtf8Length,
} from './text.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const utf16 = (text: string, encoding: 'utf-16le' | 'utf-16be', byteOrderMark = false) =>
  encodeText(text, { encoding, byteOrderMark });

describe('detectText', () => {
  it.each([
    ['plain UTF-8', utf8('a: é\n'), 'utf-8', false],
    ['UTF-8 with byte order mark', utf8('\ufeffa: é\n'), 'utf-8', true],
    ['UTF-16 LE', utf16('a: é\n', 'utf-16le'), 'utf-16le', false],
    ['UTF-16 BE', utf16('a: é\n', 'utf-16be'), 'utf-16be', false],
    ['UTF-16 LE with byte order mark', utf16('a: é\n', 'utf-16le', true), 'utf-16le', true],
    ['UTF-16 BE with byte order mark', utf16('a: é\n', 'utf-16be', true), 'utf-16be', true],
  ])('recognises %s and can write it back', (_name, bytes, encoding, byteOrderMark) => {
    const detected = detectText(bytes);
    expect(detected).toEqual({ text: 'a: é\n', encoding, byteOrderMark, crlf: false });
    expect(encodeText(detected.text, detected)).toEqual(bytes);
  });

  it('notices CRLF', () => {
    expect(detectText(utf8('a: 1\r\nb: 2\r\n')).crlf).toBe(true);
  });

  it.each([
    [new Uint8Array([0x61, 0x3a, 0xff]), 'file.yaml: not valid UTF-8 at byte 2'],
    [new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xc3]), 'file.yaml: not valid UTF-8 at byte 4'],
    [new Uint8Array([0x61, 0xed, 0xa0, 0x80]), 'file.yaml: not valid UTF-8 at byte 1'],
    [new Uint8Array([0xff, 0xfe, 0x61, 0x00, 0x00, 0xdc]), 'file.yaml: not valid UTF-16LE at byte 4'],
    [new Uint8Array([0x61, 0x00, 0x62]), 'file.yaml: not valid UTF-16LE at byte 2'],
  ])('names the offset of the first wrong byte of %j', (bytes, message) => {
    expect(() => detectText(bytes, { source: 'file.yaml' })).toThrow(
      expect.objectContaining({ code: 'InvalidEncoding', message }),
    );
  });
});

describe('StreamDecoder', () => {
  const pieces = (bytes: Uint8Array, sizes: readonly number[]) => {
    const decoder = new StreamDecoder('stdin');
    let text = '';
    let at = 0;
    for (const size of sizes) {
      text += decoder.push(bytes.subarray(at, at + size));
      at += size;
    }
    return text + decoder.push(bytes.subarray(at)) + decoder.end();
  };

  it('gives the same text as detectText, wherever the stream is cut', () => {
    const encodings = fc.constantFrom('utf-8', 'utf-16le', 'utf-16be') as fc.Arbitrary<
      'utf-8' | 'utf-16le' | 'utf-16be'
    >;
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        encodings,
        fc.boolean(),
        fc.array(fc.nat(5), { maxLength: 20 }),
        (tail, encoding, byteOrderMark, sizes) => {
          const bytes = encodeText(`ab${tail}`, { encoding, byteOrderMark });
          expect(pieces(bytes, sizes)).toBe(`ab${tail}`);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('names the offset in the whole stream', () => {
    expect(() => pieces(new Uint8Array([0x61, 0x62, 0x63, 0x64, 0x65, 0xc3, 0x28]), [3, 3])).toThrow(
      'stdin: not valid UTF-8 at byte 5',
    );
    expect(() => pieces(new Uint8Array([0x61, 0x62, 0x63, 0x64, 0xe2, 0x82]), [5])).toThrow(
      'stdin: not valid UTF-8 at byte 4',
    );
  });
});

describe('positions and sizes', () => {
  it('counts characters, and CRLF as one line break', () => {
    expect(positionInText('a\r\n😀b', 5)).toEqual({ line: 2, column: 2 });
    expect(positionInText('a\rb\nc', 4)).toEqual({ line: 3, column: 1 });
  });

  it('agrees with TextDecoder about what is valid UTF-8', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const valid = validUtf8Length(bytes);
        expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, valid))).not.toThrow();
        if (valid < bytes.length) expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it('replaces each invalid byte by one character, as Go does', () => {
    expect(decodeUtf8AsGo(new Uint8Array([0x61, 0xe2, 0x82, 0x62, 0xff]))).toBe('a\ufffd\ufffdb\ufffd');
  });

  it('measures UTF-8 exactly at the limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const { length } = utf8(text);
        expect(exceedsBytes(text, length)).toBe(false);
        expect(exceedsBytes(text, length - 1)).toBe(true);
      }),
    );
  });
});
