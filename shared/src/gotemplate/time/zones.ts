import { localLocation, TimeLocation, utcLocation, type ZoneAt } from './time.ts';
import { zoneTable } from './zone-table.ts';

/** Named time zones (Go's `time.LoadLocation`): offsets from the JavaScript engine, abbreviations from our table. */

interface Abbreviation {
  readonly text: string;
  readonly isDst: boolean;
}

/** Offset in seconds to abbreviation, by zone name; filled at first use. */
let abbreviationsByZone: ReadonlyMap<string, ReadonlyMap<number, Abbreviation>> | undefined;

function parseZoneTable(): ReadonlyMap<string, ReadonlyMap<number, Abbreviation>> {
  const byZone = new Map<string, ReadonlyMap<number, Abbreviation>>();
  for (const line of zoneTable.trim().split('\n')) {
    const [offsets = '', names = ''] = line.split('|');
    const byOffset = new Map<number, Abbreviation>();
    for (const entry of offsets.split(' ')) {
      const [offset = '', text = ''] = entry.split('=');
      byOffset.set(Number(offset), { text: text.replace('*', ''), isDst: text.endsWith('*') });
    }
    for (const name of names.split(',')) byZone.set(name, byOffset);
  }
  return byZone;
}

const locations = new Map<string, TimeLocation>();

/** The zone of this name; `""` and `UTC` are UTC, `Local` is our local zone. `undefined` for names the database does not have. */
export function loadLocation(name: string): TimeLocation | undefined {
  if (name === '' || name === 'UTC') return utcLocation;
  if (name === 'Local') return localLocation;
  const known = locations.get(name);
  if (known !== undefined) return known;
  abbreviationsByZone ??= parseZoneTable();
  const abbreviations = abbreviationsByZone.get(name);
  if (abbreviations === undefined) return undefined;
  const location = new TimeLocation(name, zoneLookup(name, abbreviations));
  locations.set(name, location);
  return location;
}

function zoneLookup(name: string, abbreviations: ReadonlyMap<number, Abbreviation>): (unixSeconds: bigint) => ZoneAt {
  // Zones such as `Etc/GMT+3` never change; for all others the engine knows when they did.
  const offsetAt = abbreviations.size === 1 ? fixedOffset(abbreviations) : intlOffset(name);
  return (unixSeconds) => {
    const offset = offsetAt(unixSeconds);
    const abbreviation = abbreviations.get(offset);
    const text = abbreviation === undefined ? 'LMT' : abbreviation.text;
    return {
      offset,
      abbreviation: text === '#' ? numericAbbreviation(offset) : text,
      isDst: abbreviation?.isDst ?? false,
    };
  };
}

function fixedOffset(abbreviations: ReadonlyMap<number, Abbreviation>): () => number {
  const [offset = 0] = abbreviations.keys();
  return () => offset;
}

// The range JavaScript dates cover, in seconds.
const furthestSeconds = 8_640_000_000_000n;

function intlOffset(name: string): (unixSeconds: bigint) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset', year: 'numeric' });
  return (unixSeconds) => {
    const clamped =
      unixSeconds > furthestSeconds ? furthestSeconds : unixSeconds < -furthestSeconds ? -furthestSeconds : unixSeconds;
    const parts = format.formatToParts(new Date(Number(clamped) * 1000));
    return offsetFromText(parts.find((part) => part.type === 'timeZoneName')?.value ?? 'GMT');
  };
}

/** `GMT+05:30`, `GMT-04:56:02`, `GMT` as seconds. */
function offsetFromText(text: string): number {
  const match = /^GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (match === null) return 0;
  const [, sign, hours, minutes, seconds = '0'] = match;
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  return sign === '-' ? -offset : offset;
}

/** `+03`, `-0330`. */
function numericAbbreviation(offset: number): string {
  const minutes = Math.floor(Math.abs(offset) / 60);
  const hourText = String(Math.floor(minutes / 60)).padStart(2, '0');
  const minuteText = minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${hourText}${minuteText}`;
}
