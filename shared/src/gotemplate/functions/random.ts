import { byteStringFromBytes, byteStringFromRunes, runesOf } from '../byte-string.ts';
import { CallError } from '../errors.ts';
import { int } from '../values/value.ts';
import { type CallContext, define, param, type TemplateFunction } from './definition.ts';
import { encodeBase64 } from './encoding.ts';

/** Random values, all from the strong source among the effects. */

/** A uniformly distributed integer below `limit`, by rejection. */
function randomBelow({ effects }: CallContext, limit: bigint): bigint {
  const bits = (limit - 1n).toString(2).length;
  const byteCount = Math.ceil(bits / 8);
  const excess = BigInt(byteCount * 8 - bits);
  for (;;) {
    let value = 0n;
    for (const byte of effects.randomBytes(byteCount)) value = (value << 8n) | BigInt(byte);
    value >>= excess;
    if (value < limit) return value;
  }
}

const digits = '0123456789';
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const printableAscii = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 0x20 + i));

/** So many characters of an alphabet of at most 256; none for a negative count, as in the original. */
function randomText(context: CallContext, count: bigint, alphabet: string): string {
  if (count <= 0n) return '';
  context.budget.allocate(Number(count));
  const usable = 256 - (256 % alphabet.length);
  let result = '';
  while (result.length < Number(count)) {
    const wanted = Math.min(Number(count) - result.length, 16_384);
    for (const byte of context.effects.randomBytes(wanted))
      if (byte < usable) result += alphabet[byte % alphabet.length];
  }
  return result;
}

/** Letters and digits with at least one digit. */
function randomAlphaNumeric(context: CallContext, count: bigint): string {
  const text = randomText(context, count, letters + digits);
  if (text === '' || /[0-9]/.test(text)) return text;
  const position = Number(randomBelow(context, count));
  return text.slice(0, position) + digits[Number(randomBelow(context, 10n))] + text.slice(position + 1);
}

function shuffled(context: CallContext, text: string): string {
  const runes = runesOf(text);
  for (let i = runes.length - 1; i > 0; i--) {
    const j = Number(randomBelow(context, BigInt(i + 1)));
    [runes[i], runes[j]] = [runes[j] ?? 0, runes[i] ?? 0];
  }
  return byteStringFromRunes(runes);
}

/** A random UUID (RFC 9562, version 4). */
function uuid({ effects }: CallContext): string {
  const bytes = effects.randomBytes(16);
  const hex = Array.from(bytes, (byte, index) => {
    const value = index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte;
    return value.toString(16).padStart(2, '0');
  }).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export const randomFunctions: readonly TemplateFunction[] = [
  define('randAlphaNum', [param.int], randomAlphaNumeric),
  define('randAlpha', [param.int], (context, count) => randomText(context, count, letters)),
  define('randNumeric', [param.int], (context, count) => randomText(context, count, digits)),
  define('randAscii', [param.int], (context, count) => randomText(context, count, printableAscii)),
  define('randBytes', [param.int], (context, count) => {
    if (count < 0n) throw new CallError('makeslice: len out of range');
    context.budget.allocate(Number(count) * 2);
    return encodeBase64(byteStringFromBytes(context.effects.randomBytes(Number(count))));
  }),
  define('randInt', [param.int, param.int], (context, min, max) => {
    const width = BigInt.asIntN(64, max - min);
    if (width <= 0n) throw new CallError('invalid argument to Intn');
    return int(min + randomBelow(context, width));
  }),
  define('shuffle', [param.string], shuffled),
  define('uuidv4', [], uuid),
];
