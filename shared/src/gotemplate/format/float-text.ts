/**
 * Floating-point numbers as text, with Go's rules (`strconv.FormatFloat`, 64 bit): shortest digits that read back as the same
 * number, or a fixed precision rounded half to even on the exact binary value. JavaScript's own methods round halves away.
 */

/** How a float is written: `e`, `f`, `g` as in C, `b` binary exponent, `x` hexadecimal; upper case where it matters. */
export type FloatFormat = 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X';

/** Significant decimal digits; the value is 0.DIGITS times ten to the power of `point`. */
interface Digits {
  readonly digits: string;
  readonly point: number;
}

const view = new DataView(new ArrayBuffer(8));

/** Sign, mantissa and binary exponent: the value is mantissa times two to the power of exponent. */
function decompose(value: number): { negative: boolean; mantissa: bigint; exponent: number } {
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return {
    negative: bits >> 63n === 1n,
    mantissa: biased === 0 ? fraction : fraction | (1n << 52n),
    exponent: (biased === 0 ? 1 : biased) - 1075,
  };
}

/**
 * Formats a float. A precision of -1 asks for the shortest text that reads back as the same value; otherwise it counts digits
 * after the point (`e`, `f`, `x`) or significant digits (`g`).
 */
export function formatFloat(value: number, format: FloatFormat, precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const magnitude = Math.abs(value);
  switch (format) {
    case 'b':
      return sign + binaryExponentText(magnitude);
    case 'x':
      return sign + hexadecimalText(magnitude, precision);
    case 'X':
      return sign + hexadecimalText(magnitude, precision).toUpperCase();
    case 'f':
      return (
        sign + plainText(precision < 0 ? shortestDigits(magnitude) : digitsAfterPoint(magnitude, precision), precision)
      );
    case 'e':
    case 'E': {
      const digits = precision < 0 ? shortestDigits(magnitude) : significantDigits(magnitude, precision + 1);
      return sign + exponentText(digits, precision < 0 ? Math.max(digits.digits.length - 1, 0) : precision, format);
    }
    default:
      return sign + generalText(magnitude, precision, format);
  }
}

/** `g`: exponent form for exponents below -4 or not below the precision (6 where the precision is the shortest). */
function generalText(magnitude: number, precision: number, format: 'g' | 'G'): string {
  const shortest = precision < 0;
  const digits = shortest ? shortestDigits(magnitude) : significantDigits(magnitude, Math.max(precision, 1));
  const count = digits.digits.length;
  let threshold = shortest ? 6 : Math.max(precision, 1);
  if (!shortest && threshold > count && count >= digits.point) threshold = count;
  const exponent = digits.point - 1;
  if (exponent < -4 || exponent >= threshold) {
    return exponentText(digits, Math.max(count - 1, 0), format === 'g' ? 'e' : 'E');
  }
  return plainText(digits, Math.max(count - digits.point, 0));
}

/** Digits as `d.ddde±dd`. */
function exponentText({ digits, point }: Digits, fraction: number, letter: 'e' | 'E'): string {
  const first = digits[0] ?? '0';
  const rest = digits.slice(1, 1 + fraction).padEnd(fraction, '0');
  const exponent = digits === '' ? 0 : point - 1;
  const exponentDigits = String(Math.abs(exponent)).padStart(2, '0');
  return `${first}${rest === '' ? '' : `.${rest}`}${letter}${exponent < 0 ? '-' : '+'}${exponentDigits}`;
}

/** Digits as `ddd.ddd`; a negative fraction count means as many as there are. */
function plainText({ digits, point }: Digits, fraction: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  const wanted = fraction < 0 ? Math.max(digits.length - point, 0) : fraction;
  if (wanted === 0) return whole;
  const after = point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return `${whole}.${after.slice(0, wanted).padEnd(wanted, '0')}`;
}

/** The shortest digits that identify the value: JavaScript's own conversion. */
function shortestDigits(magnitude: number): Digits {
  if (magnitude === 0) return { digits: '', point: 0 };
  const [mantissa = '', exponent = '0'] = magnitude.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 };
}

/** All decimal digits of the exact binary value. */
function exactDigits(magnitude: number): Digits {
  if (magnitude === 0) return { digits: '', point: 0 };
  const { mantissa, exponent } = decompose(magnitude);
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString();
    return { digits, point: digits.length };
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString();
  return { digits, point: digits.length + exponent };
}

function significantDigits(magnitude: number, count: number): Digits {
  return roundDigits(exactDigits(magnitude), count);
}

function digitsAfterPoint(magnitude: number, count: number): Digits {
  const exact = exactDigits(magnitude);
  return roundDigits(exact, exact.point + count);
}

/** Keeps the first `count` digits, rounding half to even. */
function roundDigits({ digits, point }: Digits, count: number): Digits {
  if (count >= digits.length) return { digits: trimZeros(digits), point };
  if (count < 0) return { digits: '', point: 0 };
  const next = digits.charCodeAt(count) - 48;
  const tail = /[1-9]/.test(digits.slice(count + 1));
  const lastIsOdd = count > 0 && (digits.charCodeAt(count - 1) & 1) === 1;
  const up = next > 5 || (next === 5 && (tail || lastIsOdd));
  const kept = digits.slice(0, count);
  if (!up) return kept === '' ? { digits: '', point: 0 } : { digits: trimZeros(kept), point };
  const raised = (BigInt(kept === '' ? '0' : kept) + 1n).toString();
  return { digits: trimZeros(raised), point: raised.length > kept.length ? point + 1 : point };
}

function trimZeros(digits: string): string {
  return digits.replace(/0+$/, '');
}

function binaryExponentText(magnitude: number): string {
  const { mantissa, exponent } = decompose(magnitude);
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** `0x1.hhhp±dd`, rounded half to even when a precision is asked for. */
function hexadecimalText(magnitude: number, precision: number): string {
  let { mantissa, exponent } = decompose(magnitude);
  if (mantissa === 0n) exponent = 0;
  else {
    while (mantissa >> 52n === 0n) {
      mantissa <<= 1n;
      exponent--;
    }
    exponent += 52;
  }
  if (precision >= 0 && precision < 13) {
    const shift = BigInt((13 - precision) * 4);
    const rest = mantissa & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    mantissa >>= shift;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++;
    mantissa <<= shift;
    if (mantissa >> 53n !== 0n) {
      mantissa >>= 1n;
      exponent++;
    }
  }
  const whole = mantissa >> 52n;
  let fraction = (mantissa & 0xfffffffffffffn).toString(16).padStart(13, '0');
  fraction = precision < 0 ? trimZeros(fraction) : fraction.slice(0, precision).padEnd(precision, '0');
  const exponentDigits = String(Math.abs(exponent)).padStart(2, '0');
  return `0x${whole}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${exponentDigits}`;
}
