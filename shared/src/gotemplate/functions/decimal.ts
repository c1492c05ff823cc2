import { CallError } from '../errors.ts';

/** Decimal arithmetic on floats, as shopspring/decimal does it: exact, but for division. */

/** coefficient times ten to the power of exponent. */
interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
}

const divisionPrecision = 16;

/** The shortest decimal that reads back as this float. */
export function decimalFromFloat(value: number): Decimal {
  if (!Number.isFinite(value)) throw new CallError('Cannot create a Decimal from an infinity or NaN');
  if (value === 0) return { coefficient: 0n, exponent: 0 };
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return { coefficient: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

/** The nearest float. */
export function decimalToFloat({ coefficient, exponent }: Decimal): number {
  return Number(`${coefficient}e${exponent}`);
}

function aligned(a: Decimal, b: Decimal): { a: bigint; b: bigint; exponent: number } {
  const exponent = Math.min(a.exponent, b.exponent);
  return {
    a: a.coefficient * 10n ** BigInt(a.exponent - exponent),
    b: b.coefficient * 10n ** BigInt(b.exponent - exponent),
    exponent,
  };
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  const common = aligned(a, b);
  return { coefficient: common.a + common.b, exponent: common.exponent };
}

export function subtractDecimals(a: Decimal, b: Decimal): Decimal {
  return addDecimals(a, { coefficient: -b.coefficient, exponent: b.exponent });
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent };
}

/** Rounded to 16 places after the point, halves away from zero. */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (b.coefficient === 0n) throw new CallError('decimal division by 0');
  const shift = a.exponent - b.exponent + divisionPrecision;
  const numerator = shift >= 0 ? a.coefficient * 10n ** BigInt(shift) : a.coefficient;
  const denominator = shift >= 0 ? b.coefficient : b.coefficient * 10n ** BigInt(-shift);
  const quotient = numerator / denominator;
  const rest = numerator % denominator;
  const absolute = (value: bigint): bigint => (value < 0n ? -value : value);
  const isNegative = numerator < 0n !== denominator < 0n;
  const up = absolute(rest) * 2n >= absolute(denominator) ? (isNegative ? -1n : 1n) : 0n;
  return { coefficient: quotient + up, exponent: -divisionPrecision };
}

export type { Decimal };
