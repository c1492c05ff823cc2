/**
 * What a YAML scalar means to Go's `sigs.k8s.io/yaml` 1.6.0: YAML 1.1 with Go's number syntax. Deliberately not the rules of
 * the specification: `12:30` is text, `08` is the float 8, `1_000` is 1000, `0o17` and `0b11` are integers, dates stay text.
 */
import { decodeUtf8AsGo } from './text.ts';

export type ScalarValue = null | boolean | bigint | number | string;
type ScalarKind = 'null' | 'bool' | 'int' | 'float' | 'timestamp' | 'str';

const TAG_PREFIX = 'tag:yaml.org,2002:';

const FIXED_VALUES: ReadonlyMap<string, ScalarValue> = new Map<string, ScalarValue>([
  ...wordsFor(true, 'y Y yes Yes YES true True TRUE on On ON'),
  ...wordsFor(false, 'n N no No NO false False FALSE off Off OFF'),
  ...wordsFor(null, '~ null Null NULL'),
  ['', null],
  ...wordsFor(Number.NaN, '.nan .NaN .NAN'),
  ...wordsFor(Number.POSITIVE_INFINITY, '.inf .Inf .INF +.inf +.Inf +.INF'),
  ...wordsFor(Number.NEGATIVE_INFINITY, '-.inf -.Inf -.INF'),
]);

function wordsFor(value: ScalarValue, words: string): [string, ScalarValue][] {
  return words.split(' ').map((word) => [word, value]);
}

const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const DOTTED_FLOAT = /^\.[0-9]+([eE][-+]?[0-9]+)?$/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))$/;
// A sign behind the prefix: go-yaml cuts `0b` off and parses the rest.
const SIGN_AFTER_PREFIX = /^0b([-+])([01]+)$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

/** The type a plain scalar without tag has, and its value. A timestamp keeps its text as value, as Go hands it out. */
export function resolvePlain(text: string): { kind: ScalarKind; value: ScalarValue } {
  const first = text.charCodeAt(0);
  // Letters that begin one of the words, digits, sign, dot, tilde: everything else is text without a closer look.
  if (text.length > 0 && !isTypedStart(first)) return { kind: 'str', value: text };
  const fixed = FIXED_VALUES.get(text);
  if (fixed !== undefined) return { kind: kindOf(fixed), value: fixed };
  if (first === 0x2e) {
    if (DOTTED_FLOAT.test(text)) return finiteFloat(text, text);
  } else if (first === 0x2b || first === 0x2d || (first >= 0x30 && first <= 0x39)) {
    if (isTimestamp(text)) return { kind: 'timestamp', value: text };
    const digits = text.replaceAll('_', '');
    const integer = parseInteger(digits);
    if (integer !== undefined) return { kind: 'int', value: integer };
    if (FLOAT.test(digits)) return finiteFloat(digits, text);
    const signed = SIGN_AFTER_PREFIX.exec(digits);
    if (signed !== null) return resolvePlain(`${signed[1]}0b${signed[2]}`);
  }
  return { kind: 'str', value: text };
}

function isTypedStart(c: number): boolean {
  return (
    (c >= 0x30 && c <= 0x39) || c === 0x2b || c === 0x2d || c === 0x2e || 'yYnNtTfFoO~'.includes(String.fromCharCode(c))
  );
}

function kindOf(value: ScalarValue): ScalarKind {
  if (value === null) return 'null';
  return typeof value === 'boolean' ? 'bool' : 'float';
}

/** Numbers beyond float64 are text, since Go's ParseFloat refuses them. */
function finiteFloat(digits: string, text: string): { kind: ScalarKind; value: ScalarValue } {
  const value = Number(digits);
  return Number.isFinite(value) ? { kind: 'float', value } : { kind: 'str', value: text };
}

/** Integers as Go's ParseInt and ParseUint read them with base 0; beyond 64 bits undefined. */
function parseInteger(digits: string): bigint | undefined {
  const match = INTEGER.exec(digits);
  if (match === null) return undefined;
  const [, sign = '', hex, octal, binary, decimal] = match;
  let magnitude: bigint;
  if (hex !== undefined) magnitude = BigInt(`0x${hex}`);
  else if (octal !== undefined) magnitude = BigInt(`0o${octal}`);
  else if (binary !== undefined) magnitude = BigInt(`0b${binary}`);
  else magnitude = BigInt(decimal ?? '0');
  const value = sign === '-' ? -magnitude : magnitude;
  if (value < MIN_INT64 || value > MAX_UINT64) return undefined;
  // ParseUint takes no sign, so a plus only fits what int64 holds.
  if (sign === '+' && value > 2n ** 63n - 1n) return undefined;
  return value;
}

/** The outcome of resolving a scalar with a tag: its value, or why the text does not fit the tag. */
export type ResolvedScalar = { readonly value: ScalarValue } | { readonly problem: string };

/** Resolves any scalar. `implicit` as in the syntax tree. Problems never quote the text, which may be a secret. */
export function resolveScalar(text: string, tag: string, implicit: boolean): ResolvedScalar {
  if (tag === '') return { value: implicit ? resolvePlain(text).value : text };
  if (!tag.startsWith(TAG_PREFIX)) return { value: text };
  const name = tag.slice(TAG_PREFIX.length);
  switch (name) {
    case 'binary': {
      const bytes = decodeBase64AsGo(text);
      return bytes === undefined
        ? { problem: '!!binary value contains invalid base64 data' }
        : { value: decodeUtf8AsGo(bytes) };
    }
    case 'null':
    case 'bool':
    case 'int':
    case 'float':
    case 'timestamp': {
      const resolved = resolvePlain(text);
      if (
        name === 'float' &&
        resolved.kind === 'int' &&
        BigInt.asIntN(64, resolved.value as bigint) === resolved.value
      ) {
        return { value: Number(resolved.value) };
      }
      // Only an untagged scalar or one tagged as such is tried as a timestamp.
      const kind = resolved.kind === 'timestamp' && name !== 'timestamp' ? 'str' : resolved.kind;
      return kind === name ? { value: resolved.value } : { problem: `cannot decode this value as !!${name}` };
    }
    default:
      return { value: text };
  }
}

/** Standard base64 with padding; CR and LF are skipped, as in Go. */
function decodeBase64AsGo(text: string): Uint8Array | undefined {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Uint8Array.from(atob(compact), (char) => char.charCodeAt(0));
}

const TIMESTAMP =
  /^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]| +)([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?$/;

/** True if Go's YAML library takes the text for a date or a time, and therefore quotes such strings when it writes. */
function isTimestamp(text: string): boolean {
  if (text.charCodeAt(4) !== 0x2d) return false;
  const match = TIMESTAMP.exec(text);
  if (match === null) return false;
  const [, year, month, day, hour, minute, second, zone] = match;
  if (hour !== undefined) {
    // With T a zone is needed, with a space there must be none.
    const withT = /[Tt]/.test(text);
    if (withT !== (zone !== undefined)) return false;
    if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return false;
    if (zone !== undefined && zone !== 'Z' && (Number(zone.slice(1, 3)) > 24 || Number(zone.slice(4)) > 60))
      return false;
  }
  return isCalendarDay(Number(year), Number(month), Number(day));
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return day <= (days[month - 1] ?? 0);
}
