import { CallError } from '../errors.ts';
import { parseInt64Saturating } from '../number-text.ts';
import { formatDuration, parseDuration, roundDuration } from '../time/duration.ts';
import { formatTime, parseTime } from '../time/layout.ts';
import { GoTime, localLocation, timeFromNanoseconds, utcLocation, zeroTime } from '../time/time.ts';
import { loadLocation } from '../time/zones.ts';
import { types } from '../values/types.ts';
import { GoInteger, type GoValue } from '../values/value.ts';
import { alias, type CallContext, define, param, type TemplateFunction } from './definition.ts';

/** sprig's functions on dates. The local zone is UTC. */

function now({ effects }: CallContext): GoTime {
  return timeFromNanoseconds(effects.now(), localLocation);
}

/** A time as it is, an int or int64 as seconds since 1970, anything else as now. */
function timeOf(context: CallContext, value: GoValue): GoTime {
  if (value instanceof GoTime) return value;
  if (value instanceof GoInteger && (value.type === types.int || value.type === types.int64)) {
    return new GoTime(value.value, 0, localLocation);
  }
  return now(context);
}

function dateInZone(context: CallContext, layout: string, value: GoValue, zone: string): string {
  const location = loadLocation(zone) ?? utcLocation;
  return formatTime(timeOf(context, value).inLocation(location), layout);
}

const second = 1_000_000_000n;

function sinceText(context: CallContext, value: GoValue): string {
  return formatDuration(roundDuration(elapsed(context, timeOf(context, value)), second));
}

/** The time since then, kept inside 64 bits. */
function elapsed({ effects }: CallContext, time: GoTime): bigint {
  const nanoseconds = effects.now() - time.unixNanoseconds;
  const largest = 2n ** 63n - 1n;
  return nanoseconds > largest ? largest : nanoseconds < -largest - 1n ? -largest - 1n : nanoseconds;
}

/** Seconds as text or int64 to a duration; other types count as zero. */
function durationText(value: GoValue): string {
  let seconds = 0n;
  if (typeof value === 'string') seconds = parseInt64Saturating(value);
  else if (value instanceof GoInteger && value.type === types.int64) seconds = value.value;
  return formatDuration(BigInt.asIntN(64, seconds * second));
}

const hour = 3600n * second;
const roundedUnits: ReadonlyArray<readonly [bigint, string]> = [
  [365n * 24n * hour, 'y'],
  [30n * 24n * hour, 'mo'],
  [24n * hour, 'd'],
  [hour, 'h'],
  [60n * second, 'm'],
  [second, 's'],
];

/** A duration in its largest unit that it exceeds, without its sign. */
function roundedDuration(context: CallContext, value: GoValue): string {
  let duration = 0n;
  if (typeof value === 'string') duration = parseDuration(value) ?? 0n;
  else if (value instanceof GoInteger && value.type === types.int64) duration = value.value;
  else if (value instanceof GoTime) duration = elapsed(context, value);
  const magnitude = duration < 0n ? -duration : duration;
  for (const [unit, suffix] of roundedUnits) if (magnitude > unit) return `${magnitude / unit}${suffix}`;
  return '0s';
}

const dateInZoneFunction = define('dateInZone', [param.string, param.any, param.string], dateInZone);
const dateModify = define('dateModify', [param.string, param.time], (_, text, time) => {
  const duration = parseDuration(text);
  return duration === undefined ? time : time.add(duration);
});
const mustDateModify = define('mustDateModify', [param.string, param.time], (_, text, time) => {
  const duration = parseDuration(text);
  if (duration === undefined) throw new CallError('time: invalid duration');
  return time.add(duration);
});

export const dateFunctions: readonly TemplateFunction[] = [
  define('now', [], (context) => {
    const time = now(context);
    return new GoTime(time.unixSeconds, time.nanosecond, time.location, 0n);
  }),
  define('date', [param.string, param.any], (context, layout, value) => dateInZone(context, layout, value, 'Local')),
  dateInZoneFunction,
  alias('date_in_zone', dateInZoneFunction),
  define('htmlDate', [param.any], (context, value) => dateInZone(context, '2006-01-02', value, 'Local')),
  define('htmlDateInZone', [param.any, param.string], (context, value, zone) =>
    dateInZone(context, '2006-01-02', value, zone),
  ),
  dateModify,
  alias('date_modify', dateModify),
  mustDateModify,
  alias('must_date_modify', mustDateModify),
  define('ago', [param.any], sinceText),
  define('duration', [param.any], (_, value) => durationText(value)),
  define('durationRound', [param.any], roundedDuration),
  define('toDate', [param.string, param.string], (_, layout, text) => parseTime(layout, text) ?? zeroTime),
  define('mustToDate', [param.string, param.string], (_, layout, text) => {
    const time = parseTime(layout, text);
    if (time === undefined) throw new CallError('parsing time: the text does not fit the layout');
    return time;
  }),
  define('unixEpoch', [param.time], (_, time) => time.unixSeconds.toString()),
];
