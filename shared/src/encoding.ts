import { SealedSecretsError } from './errors.ts';

const base64Alphabet = /^[A-Za-z0-9+/]*={0,2}$/;
const lineBreaks = /[\r\n]/g;

/**
 * Decodes standard base64 (RFC 4648 section 4) as strictly as upstream does: padding is required, CR and LF are ignored,
 * any other foreign character is refused; trailing bits that are not zero are tolerated.
 *
 * @throws SealedSecretsError `InvalidEncoding` with the text `illegal base64 data at input byte N`, N counted from 0.
 */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const compact = text.includes('\n') || text.includes('\r') ? text.replace(lineBreaks, '') : text;
  if (compact.length % 4 !== 0 || !base64Alphabet.test(compact)) {
    throw new SealedSecretsError('InvalidEncoding', `illegal base64 data at input byte ${illegalBase64Offset(text)}`);
  }
  // Buffer is lenient where the check above is not; after the check they agree. A copy, because pooled buffers share memory.
  return new Uint8Array(Buffer.from(compact, 'base64'));
}

/** Encodes to standard base64 with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/**
 * The offset that Go's decoder reports for a text that is not base64: of the foreign byte, or of the start of an unfinished
 * quantum. Users of upstream search for this number.
 */
function illegalBase64Offset(text: string): number {
  const bytes = new TextEncoder().encode(text);
  const isLineBreak = (byte: number | undefined) => byte === 0x0a || byte === 0x0d;
  let position = 0;
  let inQuantum = 0;
  const skipLineBreaks = () => {
    while (isLineBreak(bytes[position])) position++;
  };
  for (;;) {
    if (position === bytes.length) return position - inQuantum;
    const byte = bytes[position++] as number;
    if (isLineBreak(byte)) continue;
    if (isBase64Character(byte)) {
      inQuantum = (inQuantum + 1) % 4;
      continue;
    }
    if (byte !== 0x3d || inQuantum < 2) return position - 1;
    if (inQuantum === 2) {
      skipLineBreaks();
      if (position === bytes.length) return position;
      if (bytes[position] !== 0x3d) return position - 1;
      position++;
    }
    skipLineBreaks();
    return position;
  }
}

function isBase64Character(byte: number): boolean {
  return (
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2b ||
    byte === 0x2f
  );
}

/** UTF-8 bytes of a text. A lone surrogate becomes U+FFFD, as everywhere in the platform. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** The text of UTF-8 bytes, or undefined where they are no UTF-8. A byte order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Orders texts by their UTF-8 bytes, as Go sorts map keys. Different from `<` only beyond the basic multilingual plane. */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xSurrogate = (x & 0xf800) === 0xd800;
    const ySurrogate = (y & 0xf800) === 0xd800;
    if (xSurrogate !== ySurrogate) return xSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
