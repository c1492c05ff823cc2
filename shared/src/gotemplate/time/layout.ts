import { decodeRune } from '../byte-string.ts';
import {
  type CivilFields,
  daysInMonth,
  fixedZone,
  type GoTime,
  isLeapYear,
  localLocation,
  type TimeLocation,
  timeFromCivil,
  utcLocation,
} from './time.ts';

/** Go's layouts: a date is formatted and parsed after the example of `Mon Jan 2 15:04:05 MST 2006`. */

/** What an element of a layout stands for. Named for how Go's reference time writes it. */
type Element =
  | 'January'
  | 'Jan'
  | '1'
  | '01'
  | 'Monday'
  | 'Mon'
  | '2'
  | '_2'
  | '02'
  | '__2'
  | '002'
  | '15'
  | '3'
  | '03'
  | '4'
  | '04'
  | '5'
  | '05'
  | '2006'
  | '06'
  | 'PM'
  | 'pm'
  | 'MST'
  | ZoneElement
  | 'fraction0'
  | 'fraction9';

type ZoneElement =
  | 'Z0700'
  | 'Z070000'
  | 'Z07'
  | 'Z07:00'
  | 'Z07:00:00'
  | '-0700'
  | '-070000'
  | '-07'
  | '-07:00'
  | '-07:00:00';

interface Chunk {
  readonly prefix: string;
  readonly element: Element | undefined;
  /** The text of the element in the layout. */
  readonly text: string;
  readonly suffix: string;
}

/** Candidates by first character, longest first, in the order Go tries them. */
const candidates: ReadonlyMap<string, readonly Element[]> = new Map<string, readonly Element[]>([
  ['J', ['January', 'Jan']],
  ['M', ['Monday', 'Mon', 'MST']],
  ['0', ['01', '02', '03', '04', '05', '06', '002']],
  ['1', ['15', '1']],
  ['2', ['2006', '2']],
  ['3', ['3']],
  ['4', ['4']],
  ['5', ['5']],
  ['P', ['PM']],
  ['p', ['pm']],
  ['-', ['-070000', '-07:00:00', '-0700', '-07:00', '-07']],
  ['Z', ['Z070000', 'Z07:00:00', 'Z0700', 'Z07:00', 'Z07']],
]);

function startsWithLowerCase(text: string): boolean {
  return /^[a-z]/.test(text);
}

/** Splits a layout at its first element. */
function nextChunk(layout: string): Chunk {
  for (let i = 0; i < layout.length; i++) {
    const found = elementAt(layout, i);
    if (found !== undefined) {
      const start = i + found.skip;
      const end = start + found.length;
      return {
        prefix: layout.slice(0, start),
        element: found.element,
        text: layout.slice(start, end),
        suffix: layout.slice(end),
      };
    }
  }
  return { prefix: layout, element: undefined, text: '', suffix: '' };
}

function elementAt(layout: string, i: number): { element: Element; length: number; skip: number } | undefined {
  const first = layout[i] ?? '';
  if (first === '_') {
    // `_2006` is an underscore before a year, not a padded day.
    if (layout.startsWith('_2006', i)) return { element: '2006', length: 4, skip: 1 };
    if (layout.startsWith('_2', i)) return { element: '_2', length: 2, skip: 0 };
    return layout.startsWith('__2', i) ? { element: '__2', length: 3, skip: 0 } : undefined;
  }
  if (first === '.' || first === ',') {
    const run = /^[.,](0+|9+)/.exec(layout.slice(i));
    if (run === null || /[0-9]/.test(layout[i + run[0].length] ?? '')) return undefined;
    return { element: run[0][1] === '0' ? 'fraction0' : 'fraction9', length: run[0].length, skip: 0 };
  }
  for (const element of candidates.get(first) ?? []) {
    if (!layout.startsWith(element, i)) continue;
    if ((element === 'Jan' || element === 'Mon') && startsWithLowerCase(layout.slice(i + 3))) continue;
    return { element, length: element.length, skip: 0 };
  }
  return undefined;
}

const longDays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const longMonths = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const shortNames = (names: readonly string[]): string[] => names.map((name) => name.slice(0, 3));
const shortDays = shortNames(longDays);
const shortMonths = shortNames(longMonths);

/** The name of a month (1 to 12), or Go's text for one that is none. */
export function monthName(month: bigint): string {
  return longMonths[Number(month) - 1] ?? `%!Month(${BigInt.asUintN(64, month)})`;
}

/** The name of a day of the week (0 to 6), or Go's text for one that is none. */
export function weekdayName(weekday: bigint): string {
  return longDays[Number(weekday)] ?? `%!Weekday(${BigInt.asUintN(64, weekday)})`;
}

function pad(value: number, width: number): string {
  const digits = String(Math.abs(value)).padStart(width, '0');
  return value < 0 ? `-${digits}` : digits;
}

/** Formats a time after a layout (a byte string, as the result). */
export function formatTime(time: GoTime, layout: string): string {
  const civil = time.civil;
  let result = '';
  let rest = layout;
  while (rest !== '') {
    const { prefix, element, text, suffix } = nextChunk(rest);
    result += prefix;
    if (element === undefined) break;
    result += formatElement(time, civil, element, text);
    rest = suffix;
  }
  return result;
}

function formatElement(time: GoTime, civil: CivilFields, element: Element, text: string): string {
  switch (element) {
    case '06':
      return pad(Math.abs(civil.year) % 100, 2);
    case '2006':
      return pad(civil.year, 4);
    case 'Jan':
      return shortMonths[civil.month - 1] ?? '';
    case 'January':
      return longMonths[civil.month - 1] ?? '';
    case '1':
      return String(civil.month);
    case '01':
      return pad(civil.month, 2);
    case 'Mon':
      return shortDays[civil.weekday] ?? '';
    case 'Monday':
      return longDays[civil.weekday] ?? '';
    case '2':
      return String(civil.day);
    case '_2':
      return String(civil.day).padStart(2, ' ');
    case '02':
      return pad(civil.day, 2);
    case '__2':
      return String(civil.yearDay).padStart(3, ' ');
    case '002':
      return pad(civil.yearDay, 3);
    case '15':
      return pad(civil.hour, 2);
    case '3':
      return String(civil.hour % 12 || 12);
    case '03':
      return pad(civil.hour % 12 || 12, 2);
    case '4':
      return String(civil.minute);
    case '04':
      return pad(civil.minute, 2);
    case '5':
      return String(civil.second);
    case '05':
      return pad(civil.second, 2);
    case 'PM':
      return civil.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return civil.hour >= 12 ? 'pm' : 'am';
    case 'MST':
      return time.zone.abbreviation || numericOffset(time.zone.offset, '-0700');
    case 'fraction0':
    case 'fraction9':
      return formatFraction(time.nanosecond, text, element === 'fraction9');
    default:
      return element[0] === 'Z' && time.zone.offset === 0 ? 'Z' : numericOffset(time.zone.offset, element);
  }
}

function numericOffset(offset: number, element: ZoneElement): string {
  const magnitude = Math.abs(offset);
  const shape = element.slice(1);
  const colon = shape.includes(':') ? ':' : '';
  // Go truncates the offset to minutes before it looks at the sign.
  const sign = Math.trunc(offset / 60) < 0 ? '-' : '+';
  let text = sign + pad(Math.floor(magnitude / 3600), 2);
  if (shape !== '07') text += colon + pad(Math.floor(magnitude / 60) % 60, 2);
  if (shape === '070000' || shape === '07:00:00') text += colon + pad(magnitude % 60, 2);
  return text;
}

function formatFraction(nanosecond: number, text: string, trim: boolean): string {
  const count = text.length - 1;
  if (trim && nanosecond === 0) return '';
  const digits = pad(nanosecond, 9);
  const kept = text[0] + digits.slice(0, count);
  if (!trim) return kept;
  const trimmed = kept.replace(/0+$/, '');
  return trimmed.length === 1 ? '' : trimmed;
}

/** What parsing has found so far. Unset numbers are `undefined`. */
interface Found {
  year: number;
  month: number | undefined;
  day: number | undefined;
  yearDay: number | undefined;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  half: 'AM' | 'PM' | undefined;
  location: TimeLocation | undefined;
  zoneOffset: number | undefined;
  zoneName: string;
}

/** Thrown and caught inside this module: the value does not fit the layout. */
class Mismatch extends Error {}

/**
 * Parses a value after a layout; times without a zone are local. `undefined` where Go reports an error. Go's short cut for RFC 3339
 * accepts the same values as the layout does.
 */
export function parseTime(layout: string, value: string): GoTime | undefined {
  try {
    return timeFromFound(parseElements(layout, value));
  } catch (error) {
    if (error instanceof Mismatch) return undefined;
    throw error;
  }
}

function parseElements(layout: string, value: string): Found {
  const found: Found = {
    year: 0,
    month: undefined,
    day: undefined,
    yearDay: undefined,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    half: undefined,
    location: undefined,
    zoneOffset: undefined,
    zoneName: '',
  };
  let rest = value;
  let remaining = layout;
  for (;;) {
    const { prefix, element, text, suffix } = nextChunk(remaining);
    rest = skipPrefix(rest, prefix);
    if (element === undefined) {
      if (rest !== '') throw new Mismatch();
      return found;
    }
    remaining = suffix;
    rest = parseElement(found, element, text, rest, remaining);
  }
}

/** Drops a literal prefix. A run of spaces in the layout matches any run of spaces, also none at the end. */
function skipPrefix(value: string, prefix: string): string {
  let rest = value;
  let expected = prefix;
  while (expected !== '') {
    if (expected[0] === ' ') {
      if (rest !== '' && rest[0] !== ' ') throw new Mismatch();
      expected = expected.replace(/^ +/, '');
      rest = rest.replace(/^ +/, '');
      continue;
    }
    if (rest === '' || rest[0] !== expected[0]) throw new Mismatch();
    expected = expected.slice(1);
    rest = rest.slice(1);
  }
  return rest;
}

function take(value: string, pattern: RegExp): { text: string; rest: string } {
  const match = pattern.exec(value);
  if (match === null) throw new Mismatch();
  return { text: match[0], rest: value.slice(match[0].length) };
}

const oneOrTwoDigits = /^[0-9]{1,2}/;
const twoDigits = /^[0-9]{2}/;

function takeNumber(value: string, pattern: RegExp, lowest: number, highest: number): { number: number; rest: string } {
  const { text, rest } = take(value, pattern);
  const number = Number(text);
  if (number < lowest || number > highest) throw new Mismatch();
  return { number, rest };
}

function takeName(value: string, names: readonly string[]): { index: number; rest: string } {
  const lower = value.slice(0, 9).toLowerCase();
  const index = names.findIndex((name) => lower.startsWith(name.toLowerCase()));
  if (index < 0) throw new Mismatch();
  return { index, rest: value.slice(names[index]?.length) };
}

function parseElement(found: Found, element: Element, text: string, value: string, layout: string): string {
  switch (element) {
    case '06': {
      const { text: digits, rest } = take(value, /^([0-9]{2}|[+-][0-9])/);
      const year = Number(digits);
      found.year = year >= 69 ? year + 1900 : year + 2000;
      return rest;
    }
    case '2006': {
      const { number, rest } = takeNumber(value, /^[0-9]{4}/, 0, 9999);
      found.year = number;
      return rest;
    }
    case 'Jan':
    case 'January': {
      const { index, rest } = takeName(value, element === 'Jan' ? shortMonths : longMonths);
      found.month = index + 1;
      return rest;
    }
    case '1':
    case '01': {
      const { number, rest } = takeNumber(value, element === '1' ? oneOrTwoDigits : twoDigits, 1, 12);
      found.month = number;
      return rest;
    }
    case 'Mon':
    case 'Monday':
      return takeName(value, element === 'Mon' ? shortDays : longDays).rest;
    case '2':
    case '_2':
    case '02': {
      const start = element === '_2' && value[0] === ' ' ? value.slice(1) : value;
      const { number, rest } = takeNumber(start, element === '02' ? twoDigits : oneOrTwoDigits, 0, 99);
      found.day = number;
      return rest;
    }
    case '__2':
    case '002': {
      const start = element === '__2' ? value.replace(/^ {1,2}/, '') : value;
      const { number, rest } = takeNumber(start, element === '002' ? /^[0-9]{3}/ : /^[0-9]{1,3}/, 0, 999);
      found.yearDay = number;
      return rest;
    }
    default:
      return parseClockElement(found, element, text, value, layout);
  }
}

function parseClockElement(found: Found, element: Element, text: string, value: string, layout: string): string {
  switch (element) {
    case '15':
    case '3':
    case '03': {
      const pattern = element === '03' ? twoDigits : oneOrTwoDigits;
      const { number, rest } = takeNumber(value, pattern, 0, element === '15' ? 23 : 12);
      found.hour = number;
      return rest;
    }
    case '4':
    case '04': {
      const { number, rest } = takeNumber(value, element === '04' ? twoDigits : oneOrTwoDigits, 0, 59);
      found.minute = number;
      return rest;
    }
    case '5':
    case '05': {
      const { number, rest } = takeNumber(value, element === '05' ? twoDigits : oneOrTwoDigits, 0, 59);
      found.second = number;
      return parseUnannouncedFraction(found, rest, layout);
    }
    case 'PM':
    case 'pm': {
      const { text: half, rest } = take(value, element === 'PM' ? /^[AP]M/ : /^[ap]m/);
      found.half = half.toUpperCase() === 'PM' ? 'PM' : 'AM';
      return rest;
    }
    case 'MST': {
      if (value.startsWith('UTC')) {
        found.location = utcLocation;
        return value.slice(3);
      }
      const length = zoneNameLength(value);
      found.zoneName = value.slice(0, length);
      return value.slice(length);
    }
    case 'fraction0': {
      if (value.length < text.length) throw new Mismatch();
      found.nanosecond = parseFraction(value.slice(0, text.length));
      return value.slice(text.length);
    }
    case 'fraction9': {
      const match = /^[.,][0-9]+/.exec(value);
      if (match === null) return value;
      found.nanosecond = parseFraction(match[0]);
      return value.slice(match[0].length);
    }
    default:
      return parseZoneOffset(found, element as ZoneElement, value);
  }
}

/** Seconds in the value may have a fraction although the layout has none. */
function parseUnannouncedFraction(found: Found, value: string, layout: string): string {
  const match = /^[.,][0-9]+/.exec(value);
  if (match === null) return value;
  const next = nextChunk(layout).element;
  if (next === 'fraction0' || next === 'fraction9') return value;
  found.nanosecond = parseFraction(match[0]);
  return value.slice(match[0].length);
}

/** A separator and digits as nanoseconds; digits beyond the ninth are dropped. */
function parseFraction(text: string): number {
  const digits = text.slice(1, 10);
  // Go's atoi takes a sign; a negative fraction is out of range.
  const match = /^[.,]\+?([0-9]+)$/.exec(text[0] + digits);
  if (match === null) {
    if (/^[.,]-0+$/.test(text[0] + digits)) return 0;
    throw new Mismatch();
  }
  return Number(match[1]) * 10 ** (9 - digits.length);
}

const zoneShapes: Record<ZoneElement, RegExp> = {
  Z0700: /^(.)([0-9]{2})([0-9]{2})/s,
  '-0700': /^(.)([0-9]{2})([0-9]{2})/s,
  Z070000: /^(.)([0-9]{2})([0-9]{2})([0-9]{2})/s,
  '-070000': /^(.)([0-9]{2})([0-9]{2})([0-9]{2})/s,
  Z07: /^(.)([0-9]{2})/s,
  '-07': /^(.)([0-9]{2})/s,
  'Z07:00': /^(.)([0-9]{2}):([0-9]{2})/s,
  '-07:00': /^(.)([0-9]{2}):([0-9]{2})/s,
  'Z07:00:00': /^(.)([0-9]{2}):([0-9]{2}):([0-9]{2})/s,
  '-07:00:00': /^(.)([0-9]{2}):([0-9]{2}):([0-9]{2})/s,
};

function parseZoneOffset(found: Found, element: ZoneElement, value: string): string {
  if (element[0] === 'Z' && value[0] === 'Z') {
    found.location = utcLocation;
    return value.slice(1);
  }
  const match = zoneShapes[element].exec(value);
  if (match === null) throw new Mismatch();
  const [whole, sign, hours, minutes = '0', seconds = '0'] = match;
  if (sign !== '+' && sign !== '-') throw new Mismatch();
  if (Number(hours) > 24 || Number(minutes) > 60 || Number(seconds) > 60) throw new Mismatch();
  const offset = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  found.zoneOffset = sign === '-' ? -offset : offset;
  return value.slice(whole.length);
}

/** The length of a zone abbreviation at the start of a value. */
function zoneNameLength(value: string): number {
  if (value.length < 3) throw new Mismatch();
  if (value.startsWith('ChST') || value.startsWith('MeST')) return 4;
  if (value.startsWith('GMT')) return 3 + signedOffsetLength(value.slice(3));
  if (value[0] === '+' || value[0] === '-') {
    const length = signedOffsetLength(value);
    if (length === 0) throw new Mismatch();
    return length;
  }
  const upper = /^[A-Z]{0,6}/.exec(value)?.[0].length ?? 0;
  if (upper === 5 && value[4] === 'T') return 5;
  if (upper === 4 && (value[3] === 'T' || value.startsWith('WITA'))) return 4;
  if (upper === 3) return 3;
  throw new Mismatch();
}

/** The length of a sign and an hour up to 23, or 0. */
function signedOffsetLength(value: string): number {
  const match = /^[+-]([0-9]+)/.exec(value);
  return match === null || Number(match[1]) > 23 ? 0 : match[0].length;
}

function timeFromFound(found: Found): GoTime {
  if (found.half === 'PM' && found.hour < 12) found.hour += 12;
  else if (found.half === 'AM' && found.hour === 12) found.hour = 0;
  const { month, day } = found.yearDay === undefined ? monthAndDay(found) : monthAndDayOfYearDay(found, found.yearDay);
  if (day < 1 || day > daysInMonth(month, found.year)) throw new Mismatch();
  const civil = { year: found.year, month, day, hour: found.hour, minute: found.minute, second: found.second };
  if (found.location !== undefined) return timeFromCivil(civil, found.nanosecond, found.location);
  // Go takes the offset of -1 second for "none was given".
  if (found.zoneOffset !== undefined && found.zoneOffset !== -1) {
    const shifted = timeFromCivil(civil, found.nanosecond, utcLocation).add(BigInt(-found.zoneOffset) * 1_000_000_000n);
    const isLocal = found.zoneOffset === 0 && (found.zoneName === '' || found.zoneName === 'UTC');
    return shifted.inLocation(isLocal ? localLocation : fixedZone(found.zoneName, found.zoneOffset));
  }
  if (found.zoneName !== '') {
    const offset = /^GMT[+-]/.test(found.zoneName) ? Number(found.zoneName.slice(3)) * 3600 : 0;
    return timeFromCivil(civil, found.nanosecond, utcLocation).inLocation(fixedZone(found.zoneName, offset));
  }
  return timeFromCivil(civil, found.nanosecond, localLocation);
}

function monthAndDay(found: Found): { month: number; day: number } {
  return { month: found.month ?? 1, day: found.day ?? 1 };
}

function monthAndDayOfYearDay(found: Found, yearDay: number): { month: number; day: number } {
  const length = isLeapYear(found.year) ? 366 : 365;
  if (yearDay < 1 || yearDay > length) throw new Mismatch();
  let month = 1;
  let day = yearDay;
  while (day > daysInMonth(month, found.year)) {
    day -= daysInMonth(month, found.year);
    month++;
  }
  if ((found.month !== undefined && found.month !== month) || (found.day !== undefined && found.day !== day)) {
    throw new Mismatch();
  }
  return { month, day };
}

/** Go's `Time.String`; with the monotonic reading where there is one. */
export function timeText(time: GoTime): string {
  const text = formatTime(time, '2006-01-02 15:04:05.999999999 -0700 MST');
  if (time.monotonic === undefined) return text;
  const sign = time.monotonic < 0n ? '-' : '+';
  const magnitude = time.monotonic < 0n ? -time.monotonic : time.monotonic;
  return `${text} m=${sign}${magnitude / 1_000_000_000n}.${(magnitude % 1_000_000_000n).toString().padStart(9, '0')}`;
}

/** Go's `Time.GoString`: the call of `time.Date` that makes this time. */
export function timeGoString(time: GoTime): string {
  const { year, month, day, hour, minute, second } = time.civil;
  const fields = [year, `time.${longMonths[month - 1]}`, day, hour, minute, second, time.nanosecond].join(', ');
  return `time.Date(${fields}, ${locationGoString(time.location)})`;
}

function locationGoString(location: TimeLocation): string {
  if (location === utcLocation) return 'time.UTC';
  if (location === localLocation) return 'time.Local';
  return `time.Location(${quoteName(location.name)})`;
}

/** Package time's own quoting: bytes outside printable ASCII as `\x`. */
function quoteName(name: string): string {
  let result = '"';
  for (let i = 0; i < name.length; i++) {
    const { rune } = decodeRune(name, i);
    const code = name.charCodeAt(i);
    if (rune >= 0x80 || code >= 0x80 || code < 0x20) result += `\\x${code.toString(16).padStart(2, '0')}`;
    else result += code === 0x22 || code === 0x5c ? `\\${name[i]}` : name[i];
  }
  return `${result}"`;
}
