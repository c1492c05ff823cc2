import { CallError } from './errors.ts';
import { stringerText } from './format/printer.ts';
import { define, param, type TemplateFunction } from './functions/definition.ts';
import { compareVersions, versionWith } from './functions/semver.ts';
import { formatDuration, roundDuration, truncateDuration } from './time/duration.ts';
import { formatTime, timeGoString, timeText } from './time/layout.ts';
import {
  addDate,
  GoTime,
  localLocation,
  secondsBeforeUnixEpoch,
  TimeLocation,
  timeFromNanoseconds,
  utcLocation,
} from './time/time.ts';
import { types } from './values/types.ts';
import { GoInteger, GoSlice, type GoValue, GoVersion, int, int64, uint64 } from './values/value.ts';

/**
 * The methods that values of templates have: those of Go's times, durations, months, weekdays and zones, and of versions, as far as
 * a template can call them (one result, or one and an error). A table per type; nothing of JavaScript's objects can be reached.
 */
export function methodOf(receiver: GoValue, name: string): TemplateFunction | undefined {
  if (receiver instanceof GoTime) return timeMethods.get(name)?.(receiver);
  if (receiver instanceof GoVersion) {
    const method = versionMethods.get(name) ?? (receiver.isPointer ? versionPointerMethods.get(name) : undefined);
    return method?.(receiver);
  }
  if (receiver instanceof TimeLocation) return name === 'String' ? define(name, [], () => receiver.name) : undefined;
  if (!(receiver instanceof GoInteger)) return undefined;
  if (receiver.type === types.duration) return durationMethods.get(name)?.(receiver.value);
  if ((receiver.type === types.month || receiver.type === types.weekday) && name === 'String') {
    return define(name, [], () => stringerText(receiver) ?? '');
  }
  return undefined;
}

type MethodTable<T> = ReadonlyMap<string, (receiver: T) => TemplateFunction>;

/** A method without arguments. */
function getter<T>(name: string, read: (receiver: T) => GoValue): [string, (receiver: T) => TemplateFunction] {
  return [name, (receiver) => define(name, [], () => read(receiver))];
}

const duration = (nanoseconds: bigint): GoInteger => new GoInteger(types.duration, BigInt.asIntN(64, nanoseconds));

function byteSlice(byteString: string): GoSlice {
  return new GoSlice(
    types.byteSlice,
    Array.from(byteString, (byte) => new GoInteger(types.uint8, BigInt(byte.charCodeAt(0)))),
  );
}

const maxDuration = 2n ** 63n - 1n;

function saturatedDuration(nanoseconds: bigint): GoInteger {
  if (nanoseconds > maxDuration) return duration(maxDuration);
  return duration(nanoseconds < -maxDuration - 1n ? -maxDuration - 1n : nanoseconds);
}

const sinceYearOne = (time: GoTime): bigint => time.unixNanoseconds + secondsBeforeUnixEpoch * 1_000_000_000n;

const compareTimes = (a: GoTime, b: GoTime): number =>
  a.unixNanoseconds < b.unixNanoseconds ? -1 : a.unixNanoseconds > b.unixNanoseconds ? 1 : 0;

/** RFC 3339 with nanoseconds, refused for what that format cannot hold. */
export function strictRfc3339(time: GoTime): string {
  const { year } = time.civil;
  if (year < 0 || year > 9999) throw new CallError('year outside of range [0,9999]');
  if (Math.abs(time.zone.offset) >= 24 * 3600) throw new CallError('timezone hour outside of range [0,23]');
  return formatTime(time, '2006-01-02T15:04:05.999999999Z07:00');
}

const timeMethods: MethodTable<GoTime> = new Map([
  getter<GoTime>('Year', (time) => int(time.civil.year)),
  getter<GoTime>('Month', (time) => new GoInteger(types.month, BigInt(time.civil.month))),
  getter<GoTime>('Day', (time) => int(time.civil.day)),
  getter<GoTime>('Weekday', (time) => new GoInteger(types.weekday, BigInt(time.civil.weekday))),
  getter<GoTime>('YearDay', (time) => int(time.civil.yearDay)),
  getter<GoTime>('Hour', (time) => int(time.civil.hour)),
  getter<GoTime>('Minute', (time) => int(time.civil.minute)),
  getter<GoTime>('Second', (time) => int(time.civil.second)),
  getter<GoTime>('Nanosecond', (time) => int(time.nanosecond)),
  getter<GoTime>('Unix', (time) => int64(time.unixSeconds)),
  getter<GoTime>('UnixMilli', (time) => int64(time.unixSeconds * 1000n + BigInt(Math.floor(time.nanosecond / 1e6)))),
  getter<GoTime>('UnixMicro', (time) =>
    int64(time.unixSeconds * 1_000_000n + BigInt(Math.floor(time.nanosecond / 1e3))),
  ),
  getter<GoTime>('UnixNano', (time) => int64(time.unixNanoseconds)),
  getter<GoTime>('IsZero', (time) => time.unixSeconds === -secondsBeforeUnixEpoch && time.nanosecond === 0),
  getter<GoTime>('IsDST', (time) => time.zone.isDst),
  getter<GoTime>('UTC', (time) => time.inLocation(utcLocation)),
  getter<GoTime>('Local', (time) => time.inLocation(localLocation)),
  getter<GoTime>('Location', (time) => time.location),
  getter<GoTime>('String', timeText),
  getter<GoTime>('GoString', timeGoString),
  getter<GoTime>('MarshalText', (time) => byteSlice(strictRfc3339(time))),
  getter<GoTime>('MarshalJSON', (time) => byteSlice(`"${strictRfc3339(time)}"`)),
  ['Format', (time) => define('Format', [param.string], (_, layout) => formatTime(time, layout))],
  ['Add', (time) => define('Add', [param.duration], (_, nanoseconds) => time.add(nanoseconds))],
  [
    'AddDate',
    (time) =>
      define('AddDate', [param.int, param.int, param.int], (_, years, months, days) =>
        addDate(time, calendarNumber(years), calendarNumber(months), calendarNumber(days)),
      ),
  ],
  [
    'Sub',
    (time) =>
      define('Sub', [param.time], (_, other) => saturatedDuration(time.unixNanoseconds - other.unixNanoseconds)),
  ],
  ['After', (time) => define('After', [param.time], (_, other) => compareTimes(time, other) > 0)],
  ['Before', (time) => define('Before', [param.time], (_, other) => compareTimes(time, other) < 0)],
  ['Compare', (time) => define('Compare', [param.time], (_, other) => int(compareTimes(time, other)))],
  ['Equal', (time) => define('Equal', [param.time], (_, other) => compareTimes(time, other) === 0)],
  ['In', (time) => define('In', [param.location], (_, location) => inLocation(time, location))],
  ['Truncate', (time) => define('Truncate', [param.duration], (_, unit) => truncateTime(time, unit))],
  ['Round', (time) => define('Round', [param.duration], (_, unit) => roundTime(time, unit))],
  [
    'AppendFormat',
    (time) =>
      define('AppendFormat', [param.bytes, param.string], (_, bytes, layout) => {
        const appended = byteSlice(formatTime(time, layout));
        return new GoSlice(types.byteSlice, [...bytes.elements(), ...appended.elements()]);
      }),
  ],
]);

/** Beyond this the calendar of JavaScript's numbers ends. */
const furthestCalendarNumber = 100_000_000n;

function calendarNumber(value: bigint): number {
  if (value > furthestCalendarNumber || value < -furthestCalendarNumber) throw new CallError('a date is too far away');
  return Number(value);
}

function inLocation(time: GoTime, location: GoValue): GoTime {
  if (!(location instanceof TimeLocation)) throw new CallError('time: missing Location in call to Time.In');
  return time.inLocation(location);
}

function remainderOf(time: GoTime, unit: bigint): bigint {
  const rest = sinceYearOne(time) % unit;
  return rest < 0n ? rest + unit : rest;
}

function withoutMonotonic(time: GoTime): GoTime {
  return new GoTime(time.unixSeconds, time.nanosecond, time.location);
}

function truncateTime(time: GoTime, unit: bigint): GoTime {
  const wall = withoutMonotonic(time);
  if (unit <= 0n) return wall;
  return timeFromNanoseconds(time.unixNanoseconds - remainderOf(time, unit), time.location);
}

function roundTime(time: GoTime, unit: bigint): GoTime {
  const wall = withoutMonotonic(time);
  if (unit <= 0n) return wall;
  const rest = remainderOf(time, unit);
  return wall.add(rest * 2n < unit ? -rest : unit - rest);
}

/** Go's division: whole units and the rest as a fraction, each exact. */
function inUnits(nanoseconds: bigint, unit: bigint): number {
  return Number(nanoseconds / unit) + Number(nanoseconds % unit) / Number(unit);
}

const durationMethods: MethodTable<bigint> = new Map([
  getter<bigint>('Hours', (value) => inUnits(value, 3_600_000_000_000n)),
  getter<bigint>('Minutes', (value) => inUnits(value, 60_000_000_000n)),
  getter<bigint>('Seconds', (value) => inUnits(value, 1_000_000_000n)),
  getter<bigint>('Milliseconds', (value) => int64(value / 1_000_000n)),
  getter<bigint>('Microseconds', (value) => int64(value / 1_000n)),
  getter<bigint>('Nanoseconds', (value) => int64(value)),
  getter<bigint>('String', (value) => formatDuration(value)),
  getter<bigint>('Abs', (value) => saturatedDuration(value < 0n ? -value : value)),
  ['Truncate', (value) => define('Truncate', [param.duration], (_, unit) => duration(truncateDuration(value, unit)))],
  ['Round', (value) => define('Round', [param.duration], (_, unit) => duration(roundDuration(value, unit)))],
]);

const versionMethods: MethodTable<GoVersion> = new Map([
  getter<GoVersion>('Major', (version) => uint64(version.major)),
  getter<GoVersion>('Minor', (version) => uint64(version.minor)),
  getter<GoVersion>('Patch', (version) => uint64(version.patch)),
  getter<GoVersion>('Prerelease', (version) => version.prerelease),
  getter<GoVersion>('Metadata', (version) => version.metadata),
  getter<GoVersion>('String', (version) => version.text),
  getter<GoVersion>('Value', (version) => version.text),
  getter<GoVersion>('MarshalText', (version) => byteSlice(version.text)),
  getter<GoVersion>('MarshalJSON', (version) => byteSlice(`"${version.text}"`)),
  getter<GoVersion>('IncPatch', (version) =>
    // A pre-release is followed by its release.
    versionWith(version, { patch: version.prerelease === '' ? BigInt.asUintN(64, version.patch + 1n) : version.patch }),
  ),
  getter<GoVersion>('IncMinor', (version) =>
    versionWith(version, { minor: BigInt.asUintN(64, version.minor + 1n), patch: 0n }),
  ),
  getter<GoVersion>('IncMajor', (version) =>
    versionWith(version, { major: BigInt.asUintN(64, version.major + 1n), minor: 0n, patch: 0n }),
  ),
  [
    'SetPrerelease',
    (version) =>
      define('SetPrerelease', [param.string], (_, prerelease) =>
        versionWith(version, { prerelease, metadata: version.metadata }),
      ),
  ],
  [
    'SetMetadata',
    (version) =>
      define('SetMetadata', [param.string], (_, metadata) =>
        versionWith(version, { metadata, prerelease: version.prerelease }),
      ),
  ],
]);

function comparing(
  name: string,
  result: (order: number) => GoValue,
): [string, (version: GoVersion) => TemplateFunction] {
  return [
    name,
    (version) =>
      define(name, [param.version], (_, other) => {
        if (other === null) {
          if (name === 'Equal') return false;
          throw new CallError('nil version');
        }
        return result(compareVersions(version, other));
      }),
  ];
}

/** Methods that only pointers to versions have, which is what `semver` gives. */
const versionPointerMethods: MethodTable<GoVersion> = new Map([
  getter<GoVersion>('Original', (version) => version.original),
  comparing('Compare', (order) => int(order)),
  comparing('Equal', (order) => order === 0),
  comparing('LessThan', (order) => order < 0),
  comparing('LessThanEqual', (order) => order <= 0),
  comparing('GreaterThan', (order) => order > 0),
  comparing('GreaterThanEqual', (order) => order >= 0),
]);
