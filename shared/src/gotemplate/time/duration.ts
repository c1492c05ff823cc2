import { byteStringFromText } from '../byte-string.ts';

/** Go's `time.Duration`: nanoseconds in 64 bits. */

const nanosecondsPerUnit: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  [byteStringFromText('\u00b5s'), 1_000n],
  [byteStringFromText('\u03bcs'), 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const limit = 2n ** 63n;
const component = /^([0-9]*)(\.([0-9]*))?([^.0-9]+)/;

/** Parses `1h30m`, `-1.5h`, `10ms`; `undefined` where Go reports an error (also for an empty text or a value without unit). */
export function parseDuration(text: string): bigint | undefined {
  const negative = text[0] === '-';
  let rest = negative || text[0] === '+' ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') return undefined;
  let total = 0n;
  while (rest !== '') {
    const parts = component.exec(rest);
    if (parts === null) return undefined;
    const [matched, whole = '', , fraction = '', unitName = ''] = parts;
    const unit = nanosecondsPerUnit.get(unitName);
    if (unit === undefined || (whole === '' && fraction === '')) return undefined;
    const value = componentNanoseconds(whole, fraction, unit);
    if (value === undefined) return undefined;
    total += value;
    if (total > limit) return undefined;
    rest = rest.slice(matched.length);
  }
  if (negative) return -total;
  return total > limit - 1n ? undefined : total;
}

function componentNanoseconds(whole: string, fraction: string, unit: bigint): bigint | undefined {
  if (whole.replace(/^0+/, '').length > 19) return undefined;
  const units = BigInt(whole === '' ? '0' : whole);
  if (units > limit || units > limit / unit) return undefined;
  const { numerator, scale } = fractionOf(fraction);
  // Go computes the fraction in floating point; the result is truncated.
  const value = units * unit + (numerator > 0n ? BigInt(Math.trunc(Number(numerator) * (Number(unit) / scale))) : 0n);
  return value > limit ? undefined : value;
}

/** The leading digits of a fraction that fit 63 bits, and the power of ten they stand over. */
function fractionOf(digits: string): { numerator: bigint; scale: number } {
  let numerator = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (numerator > (limit - 1n) / 10n) break;
    const next = numerator * 10n + BigInt(digit);
    if (next > limit) break;
    numerator = next;
    scale *= 10;
  }
  return { numerator, scale };
}

/** A duration as Go prints it: `1h30m0s`, `1.5s`, `10ms`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return '0s';
  const sign = nanoseconds < 0n ? '-' : '';
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (magnitude < 1_000n) return `${sign}${magnitude}ns`;
  if (magnitude < 1_000_000n) return `${sign}${decimal(magnitude, 3)}${byteStringFromText('\u00b5s')}`;
  if (magnitude < 1_000_000_000n) return `${sign}${decimal(magnitude, 6)}ms`;
  const minutes = magnitude / 60_000_000_000n;
  const seconds = `${decimal(magnitude % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  const hours = minutes / 60n;
  return hours === 0n ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60n}m${seconds}`;
}

/** A number with so many digits after the point, trailing zeros left out. */
function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, '0');
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return digits.slice(0, -places) + (fraction === '' ? '' : `.${fraction}`);
}

/** Go's `Duration.Truncate`: rounded toward zero to a multiple of `unit`. */
export function truncateDuration(value: bigint, unit: bigint): bigint {
  return unit <= 0n ? value : value - (value % unit);
}

/** Go's `Duration.Round`: to the nearest multiple, halves away from zero, saturating at the ends of 64 bits. */
export function roundDuration(value: bigint, unit: bigint): bigint {
  if (unit <= 0n) return value;
  const rest = value % unit;
  const magnitude = rest < 0n ? -rest : rest;
  if (magnitude * 2n < unit) return value - rest;
  const away = value < 0n ? value - rest - unit : value - rest + unit;
  if (away > limit - 1n) return limit - 1n;
  return away < -limit ? -limit : away;
}
