import { CallError } from '../errors.ts';
import { sprint } from '../format/printer.ts';
import { parseInt64, parseInt64Saturating } from '../number-text.ts';
import { appendedIntSlice } from '../values/growth.ts';
import { type GoSlice, type GoValue, int, int64 } from '../values/value.ts';
import { toFloat64, toInt64 } from './conversion.ts';
import {
  addDecimals,
  type Decimal,
  decimalFromFloat,
  decimalToFloat,
  divideDecimals,
  multiplyDecimals,
  subtractDecimals,
} from './decimal.ts';
import { alias, type CallContext, define, defineVariadic, param, type TemplateFunction } from './definition.ts';

/** sprig's arithmetic: int64 that wraps around, and floats by way of decimals. Arguments of any type become numbers. */

function divide(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CallError('integer divide by zero');
  return a / b;
}

function remainder(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new CallError('integer divide by zero');
  return a % b;
}

function foldDecimals(
  { budget }: CallContext,
  first: number,
  rest: readonly GoValue[],
  combine: (a: Decimal, b: Decimal) => Decimal,
): number {
  let result = decimalFromFloat(first);
  for (const value of rest) {
    result = combine(result, decimalFromFloat(toFloat64(value)));
    // Coefficients grow with every multiplication.
    budget.allocate(result.coefficient.toString(16).length);
  }
  return decimalToFloat(result);
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Go's `math.Max`: infinity wins over NaN. */
function maximum(a: number, b: number): number {
  return a === Infinity || b === Infinity ? Infinity : Math.max(a, b);
}

function minimum(a: number, b: number): number {
  return a === -Infinity || b === -Infinity ? -Infinity : Math.min(a, b);
}

/** Ten to an integer power by Go's algorithm, whose last digit can differ from JavaScript's. */
function powerOfTen(exponent: bigint): number {
  let rest = exponent < 0n ? -exponent : exponent;
  // 10 is 0.625 times two to the fourth.
  let base = 0.625;
  let baseExponent = 4;
  let result = 1;
  let resultExponent = 0;
  for (; rest !== 0n; rest >>= 1n) {
    if (Math.abs(baseExponent) > 4096) {
      resultExponent += baseExponent;
      break;
    }
    if ((rest & 1n) === 1n) {
      result *= base;
      resultExponent += baseExponent;
    }
    base *= base;
    baseExponent *= 2;
    if (base < 0.5) {
      base += base;
      baseExponent--;
    }
  }
  if (exponent < 0n) {
    result = 1 / result;
    resultExponent = -resultExponent;
  }
  return scaled(result, resultExponent);
}

/** value times two to the power of exponent, in steps that stay representable. */
function scaled(value: number, exponent: number): number {
  let result = value;
  let rest = Math.max(-3000, Math.min(3000, exponent));
  while (rest > 1000) {
    result *= 2 ** 1000;
    rest -= 1000;
  }
  while (rest < -900) {
    result *= 2 ** -900;
    rest += 900;
  }
  return result * 2 ** rest;
}

/** sprig's rounding: up if the fraction reaches the limit; negative numbers always go down. */
function round(value: number, places: bigint, limit: number): number {
  const power = powerOfTen(places);
  const digit = power * value;
  const fraction = Number.isFinite(digit) ? digit - Math.trunc(digit) : Number.NaN;
  return (fraction >= limit ? Math.ceil(digit) : Math.floor(digit)) / power;
}

/** Integers from `start` towards `stop`, which is not reached; none if the step leads away. */
function rangeOf({ budget }: CallContext, start: bigint, stop: bigint, step: bigint): GoSlice {
  const distance = stop - start;
  const leadsAway = distance < 0n ? step >= 0n : step <= 0n;
  if (leadsAway) return appendedIntSlice([]);
  const stepSize = step < 0n ? -step : step;
  const count = ((distance < 0n ? -distance : distance) + stepSize - 1n) / stepSize;
  budget.allocate(Number(count) * 8);
  const numbers = [];
  for (let i = 0n; i < count; i++) numbers.push(int(start + i * step));
  return appendedIntSlice(numbers);
}

/** Like the command `seq`: one argument is the end, two are start and end, three have the step in the middle. */
function sequence(context: CallContext, params: readonly bigint[]): string {
  const [first = 0n, second = 0n, third = 0n] = params;
  const span = (start: bigint, end: bigint, step: bigint, increment: bigint): string =>
    rangeOf(context, start, BigInt.asIntN(64, end + increment), step)
      .elements()
      .map((number) => sprint([number], context.budget))
      .join(' ');
  const direction = (start: bigint, end: bigint): bigint => (end < start ? -1n : 1n);
  switch (params.length) {
    case 1:
      return span(1n, first, direction(1n, first), direction(1n, first));
    case 2:
      return span(first, second, direction(first, second), direction(first, second));
    case 3:
      if (third < first && second > 0n) return '';
      return span(first, third, second, direction(first, third));
    default:
      return '';
  }
}

const max = defineVariadic('max', [param.any], param.any, (_, first, rest) =>
  int64(rest.map(toInt64).reduce(larger, toInt64(first))),
);

export const mathFunctions: readonly TemplateFunction[] = [
  define('int', [param.any], (_, value) => int(toInt64(value))),
  define('int64', [param.any], (_, value) => int64(toInt64(value))),
  define('float64', [param.any], (_, value) => toFloat64(value)),
  define('atoi', [param.string], (_, text) => int(parseInt64Saturating(text))),
  define('toDecimal', [param.any], ({ budget }, value) => int64(parseInt64(sprint([value], budget), 8) ?? 0n)),
  define('add1', [param.any], (_, value) => int64(toInt64(value) + 1n)),
  defineVariadic('add', [], param.any, (_, values) =>
    int64(values.reduce<bigint>((sum, value) => sum + toInt64(value), 0n)),
  ),
  define('sub', [param.any, param.any], (_, a, b) => int64(toInt64(a) - toInt64(b))),
  define('div', [param.any, param.any], (_, a, b) => int64(divide(toInt64(a), toInt64(b)))),
  define('mod', [param.any, param.any], (_, a, b) => int64(remainder(toInt64(a), toInt64(b)))),
  defineVariadic('mul', [param.any], param.any, (_, first, rest) =>
    int64(rest.reduce<bigint>((product, value) => BigInt.asIntN(64, product * toInt64(value)), toInt64(first))),
  ),
  define('add1f', [param.any], (context, value) => foldDecimals(context, toFloat64(value), [1], addDecimals)),
  defineVariadic('addf', [], param.any, (context, values) => foldDecimals(context, 0, values, addDecimals)),
  defineVariadic('subf', [param.any], param.any, (context, first, rest) =>
    foldDecimals(context, toFloat64(first), rest, subtractDecimals),
  ),
  defineVariadic('mulf', [param.any], param.any, (context, first, rest) =>
    foldDecimals(context, toFloat64(first), rest, multiplyDecimals),
  ),
  defineVariadic('divf', [param.any], param.any, (context, first, rest) =>
    foldDecimals(context, toFloat64(first), rest, divideDecimals),
  ),
  max,
  alias('biggest', max),
  defineVariadic('min', [param.any], param.any, (_, first, rest) =>
    int64(rest.map(toInt64).reduce(smaller, toInt64(first))),
  ),
  defineVariadic('maxf', [param.any], param.any, (_, first, rest) =>
    rest.reduce<number>((largest, value) => maximum(largest, toFloat64(value)), toFloat64(first)),
  ),
  defineVariadic('minf', [param.any], param.any, (_, first, rest) =>
    rest.reduce<number>((least, value) => minimum(least, toFloat64(value)), toFloat64(first)),
  ),
  define('ceil', [param.any], (_, value) => Math.ceil(toFloat64(value))),
  define('floor', [param.any], (_, value) => Math.floor(toFloat64(value))),
  defineVariadic('round', [param.any, param.int], param.float, (_, value, places, limits) =>
    round(toFloat64(value), places, limits[0] ?? 0.5),
  ),
  define('until', [param.int], (context, count) => rangeOf(context, 0n, count, count < 0n ? -1n : 1n)),
  define('untilStep', [param.int, param.int, param.int], rangeOf),
  defineVariadic('seq', [], param.int, sequence),
];
