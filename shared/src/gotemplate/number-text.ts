/** Numbers read from text with the rules of Go's `strconv`. All functions give `undefined` for text that Go refuses. */

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;
const maxUint64 = 2n ** 64n - 1n;

/** An unsigned integer of 64 bits. Base 0 takes the prefixes `0x`, `0o`, `0b`, `0` and underscores between digits. */
export function parseUint64(text: string, base: 0 | 8 | 10): bigint | undefined {
  const value = parseMagnitude(text, base);
  return value === undefined || value > maxUint64 ? undefined : value;
}

/** A signed integer of 64 bits; bases as in {@link parseUint64}. */
export function parseInt64(text: string, base: 0 | 8 | 10): bigint | undefined {
  const negative = text[0] === '-';
  const magnitude = parseMagnitude(negative || text[0] === '+' ? text.slice(1) : text, base);
  if (magnitude === undefined) return undefined;
  const value = negative ? -magnitude : magnitude;
  return value < minInt64 || value > maxInt64 ? undefined : value;
}

/**
 * What `strconv.Atoi` gives beside its error: the nearest integer for a decimal number that is too large, 0 for text that is none. Digits
 * that leave 64 bits end the reading, so what follows them does not matter.
 */
export function parseInt64Saturating(text: string): bigint {
  const value = parseInt64(text, 10);
  if (value !== undefined) return value;
  const [, sign = '', digits = '', rest = ''] = /^([+-]?)([0-9]*)(.*)$/s.exec(text) ?? [];
  if (digits === '' || (rest !== '' && toBigInt(digits, '') <= maxUint64)) return 0n;
  return sign === '-' ? minInt64 : maxInt64;
}

// More digits than this never fit, whatever the base; longer text is not converted at all.
const mostDigits = 4096;

function parseMagnitude(text: string, base: 0 | 8 | 10): bigint | undefined {
  if (base === 10) return /^[0-9]+$/.test(text) ? toBigInt(text, '') : undefined;
  if (base === 8) return /^[0-7]+$/.test(text) ? toBigInt(text, '0o') : undefined;
  if (text.includes('_')) {
    if (!underscoresSeparateDigits(text)) return undefined;
    return parseMagnitude(text.replaceAll('_', ''), 0);
  }
  const lower = text.slice(0, 2).toLowerCase();
  if (lower === '0x') return /^[0-9a-fA-F]+$/.test(text.slice(2)) ? toBigInt(text.slice(2), '0x') : undefined;
  if (lower === '0o') return /^[0-7]+$/.test(text.slice(2)) ? toBigInt(text.slice(2), '0o') : undefined;
  if (lower === '0b') return /^[01]+$/.test(text.slice(2)) ? toBigInt(text.slice(2), '0b') : undefined;
  if (text.length > 1 && text[0] === '0') return /^[0-7]+$/.test(text) ? toBigInt(text, '0o') : undefined;
  return /^[0-9]+$/.test(text) ? toBigInt(text, '') : undefined;
}

function toBigInt(digits: string, prefix: string): bigint {
  const significant = digits.replace(/^0+(?=.)/, '');
  return significant.length > mostDigits ? 2n ** 64n : BigInt(prefix + significant);
}

/** Underscores may stand only between digits, or between a base prefix and a digit. */
function underscoresSeparateDigits(text: string): boolean {
  const unsigned = text.replace(/^[+-]/, '');
  const isHex = /^0[xX]/.test(unsigned);
  const body = /^0[bBoOxX]/.test(unsigned) ? `0${unsigned.slice(2)}` : unsigned;
  return isHex ? !/(^|[^0-9a-fA-F])_|_([^0-9a-fA-F]|$)/.test(body) : !/(^|[^0-9])_|_([^0-9]|$)/.test(body);
}

const decimalFloat = /^[+-]?([0-9_]+\.?[0-9_]*|\.[0-9_]+)([eE][+-]?[0-9][0-9_]*)?$/;
const hexFloat = /^([+-]?)0[xX]([0-9a-fA-F_]*)\.?([0-9a-fA-F_]*)[pP]([+-]?[0-9][0-9_]*)$/;

/** A 64-bit float, correctly rounded; also hexadecimal, `inf`, `infinity` and `nan` in any case. Overflow is refused. */
export function parseFloat64(text: string): number | undefined {
  const special = specialFloat(text);
  if (special !== undefined) return special;
  if (text.includes('_') && !underscoresSeparateDigits(text)) return undefined;
  const hexParts = hexFloat.exec(text);
  const value = hexParts === null ? decimalValue(text) : hexValue(hexParts);
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

function specialFloat(text: string): number | undefined {
  if (text.length > 9) return undefined;
  const lower = text.toLowerCase();
  const unsigned = lower.replace(/^[+-]/, '');
  if (unsigned === 'inf' || unsigned === 'infinity') return lower[0] === '-' ? -Infinity : Infinity;
  return lower === 'nan' ? Number.NaN : undefined;
}

function decimalValue(text: string): number | undefined {
  if (!decimalFloat.test(text)) return undefined;
  const plain = text.replaceAll('_', '');
  return /[0-9]/.test(plain.split(/[eE]/, 1)[0] ?? '') ? Number(plain) : undefined;
}

function hexValue([, sign, whole = '', fraction = '', exponentText = '0']: RegExpExecArray): number | undefined {
  const wholeDigits = whole.replaceAll('_', '');
  const fractionDigits = fraction.replaceAll('_', '');
  const digits = (wholeDigits + fractionDigits).replace(/^0+(?=.)/, '');
  if (wholeDigits + fractionDigits === '') return undefined;
  if (digits.length > mostDigits) return undefined;
  const mantissa = BigInt(`0x${digits}`);
  const exponent = Number(exponentText.replaceAll('_', '')) - 4 * fractionDigits.length;
  const magnitude = scaleByPowerOfTwo(mantissa, exponent);
  return sign === '-' ? -magnitude : magnitude;
}

/** mantissa times two to the power of exponent, rounded once, half to even. */
function scaleByPowerOfTwo(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  const top = bits + exponent;
  if (top > 1025) return Infinity;
  if (top < -1080) return 0;
  // The lowest bit a double of this size has; below the normal range it is fixed.
  const lowest = Math.max(top - 53, -1074);
  const shift = lowest - exponent;
  if (shift <= 0) return Number(mantissa) * 2 ** exponent;
  const divisor = BigInt(shift);
  const rest = mantissa & ((1n << divisor) - 1n);
  const half = 1n << (divisor - 1n);
  let kept = mantissa >> divisor;
  if (rest > half || (rest === half && (kept & 1n) === 1n)) kept++;
  // Two steps keep the power of two representable at the lower end.
  const firstStep = Math.max(lowest, -1000);
  return Number(kept) * 2 ** firstStep * 2 ** (lowest - firstStep);
}
