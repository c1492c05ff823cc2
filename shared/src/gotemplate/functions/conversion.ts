import { bytesOf, displayText, type PrintMeter } from '../format/printer.ts';
import { parseFloat64, parseInt64 } from '../number-text.ts';
import { types } from '../values/types.ts';
import { GoInteger, GoSlice, type GoValue, stringSlice } from '../values/value.ts';

/** Conversions that sprig makes silently: what is no number is zero, what is no string is printed. */

const minInt64 = -(2n ** 63n);

/** Go's conversion of a float to int64 on amd64: truncated; what does not fit is the lowest number. */
function floatToInt64(value: number): bigint {
  if (!Number.isFinite(value)) return minInt64;
  const whole = BigInt(Math.trunc(value));
  return whole >= minInt64 && whole < -minInt64 ? whole : minInt64;
}

/** Any value as an int64 (spf13/cast): text in Go's notation, `12.00` as 12; durations and lists are 0. */
export function toInt64(value: GoValue): bigint {
  if (typeof value === 'string') return parseInt64(withoutZeroDecimals(value), 0) ?? 0n;
  if (typeof value === 'number') return floatToInt64(value);
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return isPlainInteger(value) ? BigInt.asIntN(64, value.value) : 0n;
}

/** Any value as a float64; text in Go's notation. */
export function toFloat64(value: GoValue): number {
  if (typeof value === 'string') return parseFloat64(value) ?? 0;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return isPlainInteger(value) ? Number(value.value) : 0;
}

/** Months and weekdays count as integers, durations do not. */
function isPlainInteger(value: GoValue): value is GoInteger {
  return value instanceof GoInteger && value.type !== types.duration;
}

/** Cuts a decimal point with nothing but zeros behind it. */
function withoutZeroDecimals(text: string): string {
  return /\.0+$/.test(text) ? text.slice(0, text.lastIndexOf('.')) : text;
}

/** Any value as a string: strings and bytes as they are, everything else as `%v` prints it. */
export function toText(value: GoValue, meter: PrintMeter): string {
  if (value instanceof GoSlice && value.type === types.byteSlice) return bytesOf(value);
  return displayText(value, meter);
}

/** Any value as a list of strings: elements that are nil are left out; a value that is no list is the only element. */
export function toTextList(value: GoValue, meter: PrintMeter): GoSlice {
  if (value === null) return stringSlice([]);
  if (!(value instanceof GoSlice)) return stringSlice([toText(value, meter)]);
  if (value.type === types.stringSlice) return value;
  const texts: string[] = [];
  for (let i = 0; i < value.length; i++) {
    const element = value.at(i);
    if (element !== null) texts.push(toText(element, meter));
  }
  return new GoSlice(types.stringSlice, texts, 0, texts.length, value.length);
}

/** The strings of a list as an array. */
export function textsOf(value: GoValue, meter: PrintMeter): string[] {
  return toTextList(value, meter)
    .elements()
    .map((element) => (typeof element === 'string' ? element : ''));
}
