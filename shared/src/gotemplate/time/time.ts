import { types } from '../values/types.ts';

/** Moments and time zones with the behaviour of Go's `time` package. */

/** A zone in force at a moment: its abbreviation and its offset from UTC in seconds. */
export interface ZoneAt {
  readonly abbreviation: string;
  readonly offset: number;
  readonly isDst: boolean;
}

/** A time zone; Go's `*time.Location`. Compared by identity. */
export class TimeLocation {
  readonly type = types.locationPointer;
  readonly name: string;
  readonly lookup: (unixSeconds: bigint) => ZoneAt;

  constructor(name: string, lookup: (unixSeconds: bigint) => ZoneAt) {
    this.name = name;
    this.lookup = lookup;
  }
}

const utcZone: ZoneAt = { abbreviation: 'UTC', offset: 0, isDst: false };

/** UTC. */
export const utcLocation = new TimeLocation('UTC', () => utcZone);

/** The local zone of the program, which is UTC: a template gives the same everywhere. Distinct from UTC where Go compares. */
export const localLocation = new TimeLocation('UTC', () => utcZone);

const unnamedZones = new Map<number, TimeLocation>();

/** A zone with one offset for all times. Like Go's, it is a new one every time, but for whole hours without a name. */
export function fixedZone(name: string, offset: number): TimeLocation {
  const hour = offset / 3600;
  if (name !== '' || !Number.isInteger(hour) || hour < -12 || hour > 14) return newFixedZone(name, offset);
  const known = unnamedZones.get(offset) ?? newFixedZone(name, offset);
  unnamedZones.set(offset, known);
  return known;
}

function newFixedZone(name: string, offset: number): TimeLocation {
  return new TimeLocation(name, () => ({ abbreviation: name, offset, isDst: false }));
}

/** A calendar date and time of day. Months and days count from 1. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

export interface CivilFields extends CivilTime {
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 is the first of January. */
  readonly yearDay: number;
}

/** A moment with nanoseconds and the zone it is shown in; Go's `time.Time`. */
export class GoTime {
  readonly type = types.time;
  readonly unixSeconds: bigint;
  readonly nanosecond: number;
  readonly location: TimeLocation;
  /** Nanoseconds on the monotonic clock, only in what `now` gives. */
  readonly monotonic: bigint | undefined;

  constructor(unixSeconds: bigint, nanosecond: number, location: TimeLocation, monotonic?: bigint) {
    this.unixSeconds = unixSeconds;
    this.nanosecond = nanosecond;
    this.location = location;
    this.monotonic = monotonic;
  }

  /** Nanoseconds since 1970, not limited to 64 bits. */
  get unixNanoseconds(): bigint {
    return this.unixSeconds * 1_000_000_000n + BigInt(this.nanosecond);
  }

  get zone(): ZoneAt {
    return this.location.lookup(this.unixSeconds);
  }

  /** The date and time of day in the zone of this time. */
  get civil(): CivilFields {
    return civilFromSeconds(this.unixSeconds + BigInt(this.zone.offset));
  }

  /** The same moment shown in another zone. */
  inLocation(location: TimeLocation): GoTime {
    return new GoTime(this.unixSeconds, this.nanosecond, location, this.monotonic);
  }

  /** This time plus nanoseconds. */
  add(nanoseconds: bigint): GoTime {
    const total = this.unixNanoseconds + nanoseconds;
    const monotonic = this.monotonic === undefined ? undefined : this.monotonic + nanoseconds;
    return timeFromNanoseconds(total, this.location, monotonic);
  }
}

/** A time from nanoseconds since 1970. */
export function timeFromNanoseconds(nanoseconds: bigint, location: TimeLocation, monotonic?: bigint): GoTime {
  const seconds = floorDivide(nanoseconds, 1_000_000_000n);
  return new GoTime(seconds, Number(nanoseconds - seconds * 1_000_000_000n), location, monotonic);
}

/** Seconds from 0001-01-01 to 1970-01-01. */
export const secondsBeforeUnixEpoch = 62_135_596_800n;

/** Go's zero time: the first of January of year 1, UTC. */
export const zeroTime = new GoTime(-secondsBeforeUnixEpoch, 0, utcLocation);

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}

const daySeconds = 86_400n;

/** Days since 1970 of a proleptic Gregorian date; month and day may lie outside their range and carry over. */
function daysFromCivil(year: number, month: number, day: number): number {
  const monthIndex = month - 1;
  const wholeYears = Math.floor(monthIndex / 12);
  const y = year + wholeYears;
  const m = monthIndex - wholeYears * 12;
  // Years begin in March, so that the leap day is the last.
  const shifted = m < 2 ? y - 1 : y;
  const marchMonth = (m + 10) % 12;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5);
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468 + (day - 1);
}

function civilFromSeconds(seconds: bigint): CivilFields {
  const days = floorDivide(seconds, daySeconds);
  const rest = Number(seconds - days * daySeconds);
  const z = Number(days) + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return {
    year,
    month,
    day,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((Number(days) + 4) % 7) + 7) % 7,
    yearDay: Number(days) - daysFromCivil(year, 1, 1) + 1,
  };
}

/** A time from calendar fields in a zone; fields out of range carry over. In a gap or overlap the earlier offset is tried first. */
export function timeFromCivil(civil: CivilTime, nanosecond: number, location: TimeLocation): GoTime {
  const days = daysFromCivil(civil.year, civil.month, civil.day);
  const seconds = BigInt(days) * daySeconds + BigInt(civil.hour * 3600 + civil.minute * 60 + civil.second);
  return new GoTime(seconds - BigInt(offsetForCivil(seconds, location)), nanosecond, location);
}

/** Go's guess: the offset at the civil seconds taken as UTC, corrected once if that lands on the other side of a change. */
function offsetForCivil(civilSeconds: bigint, location: TimeLocation): number {
  const guess = location.lookup(civilSeconds).offset;
  if (guess === 0) {
    // The guess is used as it is unless the zone changes within the guessed offset.
    return guess;
  }
  const other = location.lookup(civilSeconds - BigInt(guess)).offset;
  return other === guess ? guess : other;
}

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** The number of days of a month (1 to 12). */
export function daysInMonth(month: number, year: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Go's `AddDate`: years, months and days added to the calendar fields, which then carry over. */
export function addDate(time: GoTime, years: number, months: number, days: number): GoTime {
  const civil = time.civil;
  const moved = { ...civil, year: civil.year + years, month: civil.month + months, day: civil.day + days };
  return timeFromCivil(moved, time.nanosecond, time.location);
}
