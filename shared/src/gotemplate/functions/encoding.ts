import { define, param, type TemplateFunction } from './definition.ts';

/** Base64 and base32 (RFC 4648), with Go's behaviour for malformed input: its error text is the result. */

const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const base32Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Groups of bits, most significant first, as characters; padded with `=` to whole quanta. */
function encodeBits(bytes: string, alphabet: string, bits: 5 | 6, quantum: 4 | 8): string {
  const parts: string[] = [];
  let pending = 0;
  let count = 0;
  for (let i = 0; i < bytes.length; i++) {
    pending = (pending << 8) | bytes.charCodeAt(i);
    count += 8;
    while (count >= bits) {
      count -= bits;
      parts.push(alphabet[(pending >> count) & ((1 << bits) - 1)] ?? '');
    }
    pending &= (1 << count) - 1;
  }
  if (count > 0) parts.push(alphabet[(pending << (bits - count)) & ((1 << bits) - 1)] ?? '');
  while (parts.length % quantum !== 0) parts.push('=');
  return parts.join('');
}

/** Characters back to bytes; bits that do not fill a byte are dropped. */
function decodeBits(values: readonly number[], bits: 5 | 6): string {
  const parts: string[] = [];
  let pending = 0;
  let count = 0;
  for (const value of values) {
    pending = (pending << bits) | value;
    count += bits;
    if (count < 8) continue;
    count -= 8;
    parts.push(String.fromCharCode((pending >> count) & 0xff));
    pending &= (1 << count) - 1;
  }
  return parts.join('');
}

/** Standard base64 with padding. */
export function encodeBase64(bytes: string): string {
  return encodeBits(bytes, base64Alphabet, 6, 4);
}

/** A decoded byte string, or the offset of the byte that Go's decoder complains about. */
export type Decoded = { readonly bytes: string } | { readonly badOffset: number };

/** Standard base64 with padding; line breaks anywhere are ignored, bits beyond the last byte need not be zero. */
export function decodeBase64(text: string): Decoded {
  const values: number[] = [];
  const isNewline = (index: number): boolean => text[index] === '\n' || text[index] === '\r';
  for (let i = 0; i < text.length; i++) {
    const value = base64Alphabet.indexOf(text[i] ?? '');
    if (value >= 0) {
      values.push(value);
      continue;
    }
    if (isNewline(i)) continue;
    const inQuantum = values.length % 4;
    if (text[i] !== '=' || inQuantum < 2) return { badOffset: i };
    let next = i + 1;
    if (inQuantum === 2) {
      while (isNewline(next)) next++;
      if (next === text.length) return { badOffset: text.length };
      if (text[next] !== '=') return { badOffset: next - 1 };
      next++;
    }
    while (isNewline(next)) next++;
    return next < text.length ? { badOffset: next } : { bytes: decodeBits(values, 6) };
  }
  const rest = values.length % 4;
  return rest === 0 ? { bytes: decodeBits(values, 6) } : { badOffset: text.length - rest };
}

/** Standard base32 with padding; line breaks are ignored and do not count in offsets. */
function decodeBase32(text: string): Decoded {
  const stripped = text.replace(/[\r\n]/g, '');
  const values: number[] = [];
  for (let i = 0; i < stripped.length; i++) {
    const inQuantum = values.length % 8;
    const left = stripped.length - i - 1;
    if (stripped[i] === '=' && inQuantum >= 2 && left < 8) return decodePadding(stripped, i, values, inQuantum);
    const value = base32Alphabet.indexOf(stripped[i] ?? '');
    if (value < 0) return { badOffset: i };
    values.push(value);
  }
  const rest = values.length % 8;
  return rest === 0 ? { bytes: decodeBits(values, 5) } : { badOffset: stripped.length - rest };
}

/** The padding that starts at `start` must fill the quantum. */
function decodePadding(text: string, start: number, values: readonly number[], inQuantum: number): Decoded {
  const left = text.length - start - 1;
  if (left + inQuantum < 7) return { badOffset: text.length };
  for (let k = 0; k < 7 - inQuantum; k++) {
    if (left > k && text[start + 1 + k] !== '=') return { badOffset: start + k };
  }
  if (inQuantum === 3 || inQuantum === 6) return { badOffset: start };
  return { bytes: decodeBits(values, 5) };
}

function decodedOrComplaint(decoded: Decoded, encoding: 'base64' | 'base32'): string {
  return 'bytes' in decoded ? decoded.bytes : `illegal ${encoding} data at input byte ${decoded.badOffset}`;
}

export const encodingFunctions: readonly TemplateFunction[] = [
  define('b64enc', [param.string], (_, bytes) => encodeBase64(bytes)),
  define('b64dec', [param.string], (_, text) => decodedOrComplaint(decodeBase64(text), 'base64')),
  define('b32enc', [param.string], (_, bytes) => encodeBits(bytes, base32Alphabet, 5, 8)),
  define('b32dec', [param.string], (_, text) => decodedOrComplaint(decodeBase32(text), 'base32')),
];
