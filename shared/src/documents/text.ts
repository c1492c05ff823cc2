import { SealedSecretsError } from '../errors.ts';

/** The most a single document may have, in bytes of UTF-8. */
export const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
/** The most levels of objects and lists inside each other. A Secret has four. */
export const MAX_DEPTH = 100;

export interface Position {
  /** From 1. Line breaks are LF, CRLF and CR. */
  readonly line: number;
  /** From 1, in characters (code points). */
  readonly column: number;
}

export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

export interface DetectedText {
  /** Without byte order mark. */
  readonly text: string;
  readonly encoding: TextEncoding;
  readonly byteOrderMark: boolean;
  /** True if lines end with CRLF (the first one decides). */
  readonly crlf: boolean;
}

/**
 * Decodes a file. UTF-16 is recognised by its byte order mark or, without one, by zero bytes around the first character, which
 * in YAML and JSON is ASCII or comes after ASCII.
 *
 * @throws SealedSecretsError `InvalidEncoding` naming `source` and the offset of the first byte that is wrong.
 */
export function detectText(bytes: Uint8Array, options: { readonly source?: string } = {}): DetectedText {
  const { encoding, markLength } = detectEncoding(bytes);
  const body = bytes.subarray(markLength);
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    const offset = markLength + (encoding === 'utf-8' ? validUtf8Length(body) : validUtf16Length(body, encoding));
    throw invalidEncoding(encoding, offset, options.source);
  }
  const firstBreak = text.indexOf('\n');
  return { text, encoding, byteOrderMark: markLength > 0, crlf: firstBreak > 0 && text[firstBreak - 1] === '\r' };
}

/** The encoding by the first four bytes, and how many of them are a byte order mark. */
function detectEncoding(bytes: Uint8Array): { encoding: TextEncoding; markLength: number } {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return { encoding: 'utf-8', markLength: 3 };
  if (a === 0xff && b === 0xfe) return { encoding: 'utf-16le', markLength: 2 };
  if (a === 0xfe && b === 0xff) return { encoding: 'utf-16be', markLength: 2 };
  if (a !== undefined && a !== 0 && b === 0) return { encoding: 'utf-16le', markLength: 0 };
  if (a === 0 && b !== undefined && b !== 0) return { encoding: 'utf-16be', markLength: 0 };
  return { encoding: 'utf-8', markLength: 0 };
}

function invalidEncoding(encoding: TextEncoding, offset: number, source?: string): SealedSecretsError {
  return new SealedSecretsError(
    'InvalidEncoding',
    `${source ?? 'input'}: not valid ${encoding.toUpperCase()} at byte ${offset}`,
    { hint: 'Save the file as UTF-8. Binary values belong into "data", encoded with base64.' },
  );
}

/** The text back in the encoding it was detected in, byte order mark included. */
export function encodeText(text: string, like: Pick<DetectedText, 'encoding' | 'byteOrderMark'>): Uint8Array {
  const marked = like.byteOrderMark ? `\ufeff${text}` : text;
  if (like.encoding === 'utf-8') return new TextEncoder().encode(marked);
  const bytes = new Uint8Array(marked.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < marked.length; i++) view.setUint16(i * 2, marked.charCodeAt(i), like.encoding === 'utf-16le');
  return bytes;
}

/** How many leading bytes are well-formed UTF-8 (Unicode 16, table 3-7). */
export function validUtf8Length(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const length = utf8SequenceLength(bytes, i);
    if (length === 0) return i;
    i += length;
  }
  return i;
}

function utf8SequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  const isTail = (byte: number | undefined) => byte !== undefined && byte >= 0x80 && byte <= 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) return isTail(second) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const low = lead === 0xe0 ? 0xa0 : 0x80;
    const high = lead === 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && isTail(bytes[at + 2]) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const low = lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && isTail(bytes[at + 2]) && isTail(bytes[at + 3]) ? 4 : 0;
  }
  return 0;
}

function validUtf16Length(bytes: Uint8Array, encoding: TextEncoding): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const unit = (at: number) => (at + 1 < bytes.length ? view.getUint16(at, encoding === 'utf-16le') : -1);
  let i = 0;
  for (; i + 1 < bytes.length; i += 2) {
    const first = unit(i);
    if (first < 0xd800 || first > 0xdfff) continue;
    const second = unit(i + 2);
    if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) return i;
    i += 2;
  }
  return i;
}

/**
 * Decodes a stream piece by piece; characters may be cut anywhere, and a piece is not kept, so its buffer may be used again. `push` and `end` throw `InvalidEncoding` with the offset in
 * the stream.
 */
export class StreamDecoder {
  private readonly source: string | undefined;
  private pending: Uint8Array = new Uint8Array(0);
  private encoding: TextEncoding | undefined;
  private offset = 0;

  constructor(source?: string) {
    this.source = source;
  }

  push(chunk: Uint8Array): string {
    const bytes = this.pending.length === 0 ? chunk : concat(this.pending, chunk);
    if (this.encoding === undefined && bytes.length < 4) {
      this.pending = bytes.slice();
      return '';
    }
    return this.decode(bytes, false);
  }

  end(): string {
    const bytes = this.pending;
    this.pending = new Uint8Array(0);
    return this.decode(bytes, true);
  }

  private decode(bytes: Uint8Array, last: boolean): string {
    let body = bytes;
    if (this.encoding === undefined) {
      const { encoding, markLength } = detectEncoding(bytes);
      this.encoding = encoding;
      this.offset = markLength;
      body = bytes.subarray(markLength);
    }
    const { encoding } = this;
    const whole = last ? body.length : body.length - cutLength(body, encoding);
    this.pending = body.slice(whole);
    const piece = body.subarray(0, whole);
    try {
      const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(piece);
      this.offset += whole;
      return text;
    } catch {
      const valid = encoding === 'utf-8' ? validUtf8Length(piece) : validUtf16Length(piece, encoding);
      throw invalidEncoding(encoding, this.offset + valid, this.source);
    }
  }
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}

/** How many bytes at the end may belong to a character that is not complete yet. */
function cutLength(bytes: Uint8Array, encoding: TextEncoding): number {
  if (encoding !== 'utf-8') {
    const odd = bytes.length % 2;
    const high = bytes[bytes.length - odd - (encoding === 'utf-16le' ? 1 : 2)] ?? 0;
    return high >= 0xd8 && high <= 0xdb ? odd + 2 : odd;
  }
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte >= 0x80 && byte <= 0xbf) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

/**
 * Bytes to text the way Go converts a string to JSON: every byte that is not part of well-formed UTF-8 becomes one U+FFFD.
 * (TextDecoder puts one for a whole truncated sequence.)
 */
export function decodeUtf8AsGo(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let text = '';
  let rest = bytes;
  for (;;) {
    const valid = validUtf8Length(rest);
    text += decoder.decode(rest.subarray(0, valid));
    if (valid === rest.length) return text;
    text += '\ufffd';
    rest = rest.subarray(valid + 1);
  }
}

/** Line and column of an offset (in UTF-16 units) of a text. */
export function positionInText(text: string, offset: number, firstLine = 1): Position {
  let line = firstLine;
  let lineStart = 0;
  for (let i = 0; i < offset; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 10 || (unit === 13 && text.charCodeAt(i + 1) !== 10)) {
      line++;
      lineStart = i + 1;
    }
  }
  let column = 1;
  for (let i = lineStart; i < offset; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xdc00 || unit > 0xdfff) column++;
  }
  return { line, column };
}

/** True if the text needs more than `limit` bytes of UTF-8. Counts only where the cheap bounds leave a doubt. */
export function exceedsBytes(text: string, limit: number): boolean {
  if (text.length > limit) return true;
  if (text.length * 3 <= limit) return false;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
  }
  return bytes > limit;
}
