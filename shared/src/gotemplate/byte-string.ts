/**
 * A Go string is a sequence of bytes that need not be UTF-8. Here it is a JavaScript string with one char code from 0 to 255
 * per byte, so that length, slicing, comparing and searching are what Go does, and runes are decoded only where Go decodes them.
 */

/** What Go calls `utf8.RuneError`: the replacement character that stands for a byte that is no UTF-8. */
export const runeError = 0xfffd;

/** The largest Unicode code point. */
export const maxRune = 0x10ffff;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const charCodeChunk = 8192;

/** The byte string with exactly these bytes. */
export function byteStringFromBytes(bytes: Uint8Array): string {
  if (bytes.length <= charCodeChunk) return String.fromCharCode(...bytes);
  let result = '';
  for (let start = 0; start < bytes.length; start += charCodeChunk) {
    result += String.fromCharCode(...bytes.subarray(start, start + charCodeChunk));
  }
  return result;
}

/** The bytes of a byte string. */
export function bytesFromByteString(byteString: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteString.length);
  for (let i = 0; i < byteString.length; i++) bytes[i] = byteString.charCodeAt(i);
  return bytes;
}

/** The byte string that holds the UTF-8 encoding of a text; lone surrogates become U+FFFD. */
export function byteStringFromText(text: string): string {
  return isAscii(text) ? text : byteStringFromBytes(encoder.encode(text));
}

/** The text a byte string holds; bytes that are no UTF-8 become U+FFFD. For messages and labels, never for values. */
export function textFromByteString(byteString: string): string {
  return isAscii(byteString) ? byteString : decoder.decode(bytesFromByteString(byteString));
}

/** True if every byte is below 0x80, so that bytes and runes are the same. */
export function isAscii(byteString: string): boolean {
  for (let i = 0; i < byteString.length; i++) if (byteString.charCodeAt(i) >= 0x80) return false;
  return true;
}

/** One decoded rune and the number of bytes it takes; an invalid byte is `runeError` of size 1, as in Go's `utf8.DecodeRune`. */
export interface DecodedRune {
  readonly rune: number;
  readonly size: number;
}

/** Decodes the rune that starts at byte `index`, which must be inside the string. */
export function decodeRune(byteString: string, index: number): DecodedRune {
  const size = runeSizeAt(byteString, index);
  const first = byteString.charCodeAt(index);
  if (size === 1) return { rune: first < 0x80 ? first : runeError, size };
  let rune = first & (size === 2 ? 0x1f : size === 3 ? 0x0f : 0x07);
  for (let i = 1; i < size; i++) rune = (rune << 6) | (byteString.charCodeAt(index + i) & 0x3f);
  return { rune, size };
}

/** The size of the valid multi-byte sequence at `index`, else 1. Shortest form only, no surrogates, at most U+10FFFF (RFC 3629). */
function runeSizeAt(byteString: string, index: number): 1 | 2 | 3 | 4 {
  const first = byteString.charCodeAt(index);
  if (first < 0xc2 || first > 0xf4) return 1;
  const size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (index + size > byteString.length) return 1;
  const second = byteString.charCodeAt(index + 1);
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < lowest || second > highest) return 1;
  for (let i = 2; i < size; i++) if ((byteString.charCodeAt(index + i) & 0xc0) !== 0x80) return 1;
  return size;
}

/** The UTF-8 bytes of a rune; surrogates and values outside Unicode become U+FFFD. */
export function encodeRune(rune: number): string {
  if (rune >= 0 && rune < 0x80) return String.fromCharCode(rune);
  if (rune < 0 || rune > maxRune || (rune >= 0xd800 && rune <= 0xdfff)) return '\xef\xbf\xbd';
  if (rune < 0x800) return String.fromCharCode(0xc0 | (rune >> 6), 0x80 | (rune & 0x3f));
  if (rune < 0x10000) {
    return String.fromCharCode(0xe0 | (rune >> 12), 0x80 | ((rune >> 6) & 0x3f), 0x80 | (rune & 0x3f));
  }
  return String.fromCharCode(
    0xf0 | (rune >> 18),
    0x80 | ((rune >> 12) & 0x3f),
    0x80 | ((rune >> 6) & 0x3f),
    0x80 | (rune & 0x3f),
  );
}

/** Every rune of the string in order, as Go's `for range` sees them. */
export function runesOf(byteString: string): number[] {
  const runes: number[] = [];
  for (let i = 0; i < byteString.length; ) {
    const { rune, size } = decodeRune(byteString, i);
    runes.push(rune);
    i += size;
  }
  return runes;
}

/** The byte string that encodes these runes. */
export function byteStringFromRunes(runes: Iterable<number>): string {
  let result = '';
  for (const rune of runes) result += encodeRune(rune);
  return result;
}

/** The number of runes, an invalid byte counting as one. */
export function countRunes(byteString: string): number {
  if (isAscii(byteString)) return byteString.length;
  let count = 0;
  for (let i = 0; i < byteString.length; i += runeSizeAt(byteString, i)) count++;
  return count;
}

/** True if the bytes are valid UTF-8. */
export function isValidUtf8(byteString: string): boolean {
  for (let i = 0; i < byteString.length; ) {
    const size = runeSizeAt(byteString, i);
    if (size === 1 && byteString.charCodeAt(i) >= 0x80) return false;
    i += size;
  }
  return true;
}

/** The string with each rune replaced by `map(rune)`; invalid bytes come out as U+FFFD, as in Go's `strings.Map`. */
export function mapRunes(byteString: string, map: (rune: number) => number): string {
  let result = '';
  for (let i = 0; i < byteString.length; ) {
    const { rune, size } = decodeRune(byteString, i);
    result += encodeRune(map(rune));
    i += size;
  }
  return result;
}
