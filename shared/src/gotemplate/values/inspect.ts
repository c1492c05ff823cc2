import { CallError } from '../errors.ts';
import { GoTime, TimeLocation } from '../time/time.ts';
import { type GoType, type Kind, types } from './types.ts';
import {
  type Evaluated,
  GoCertificate,
  GoComplex,
  GoInteger,
  GoMap,
  GoSlice,
  type GoValue,
  GoVersion,
} from './value.ts';

/** The dynamic type of a value; that of a nil interface is unknown, so it has none. */
export function typeOf(value: Evaluated): GoType | undefined {
  if (value === undefined || value === null) return undefined;
  switch (typeof value) {
    case 'string':
      return types.string;
    case 'number':
      return types.float64;
    case 'boolean':
      return types.bool;
    default:
      break;
  }
  if (value instanceof GoComplex) return types.complex128;
  if (value instanceof GoVersion) return value.isPointer ? types.versionPointer : types.version;
  if (value instanceof GoCertificate) return types.certificate;
  return value.type;
}

/** The kind of the dynamic type. */
export function kindOf(value: Evaluated): Kind {
  return typeOf(value)?.kind ?? 'invalid';
}

/** The name of the dynamic type for messages, `nil` where there is none. */
export function typeName(value: Evaluated): string {
  return typeOf(value)?.name ?? 'nil';
}

/** Truth as `if`, `and` and `or` see it: the zero value of a type is false, except that structs are always true. */
export function isTrue(value: Evaluated): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'string') return value.length > 0;
  if (typeof value === 'boolean') return value;
  // NaN is not zero.
  if (typeof value === 'number') return value !== 0;
  if (value instanceof GoInteger) return value.value !== 0n;
  if (value instanceof GoComplex) return value.real !== 0 || value.imaginary !== 0;
  if (value instanceof GoSlice) return value.length > 0;
  if (value instanceof GoMap) return value.size > 0;
  return true;
}

/** Sprig's idea of empty: nil or the zero value; structs are never empty. */
export function isEmpty(value: GoValue): boolean {
  return !isTrue(value);
}

/** Counts work, so that values that contain themselves or each other many times end in a limit. */
export interface StepCounter {
  step(amount?: number): void;
}

const deepestNesting = 500;

/** Guards recursion over values. */
export function checkNesting(depth: number): void {
  if (depth > deepestNesting) throw new CallError('a value is nested too deeply, or contains itself');
}

/** Go's `reflect.DeepEqual`: same type and same content; a nil slice or map differs from an empty one. */
export function deepEqual(a: GoValue, b: GoValue, counter: StepCounter, depth = 0): boolean {
  counter.step();
  checkNesting(depth);
  if (typeOf(a) !== typeOf(b)) return false;
  if (a instanceof GoSlice && b instanceof GoSlice) return slicesEqual(a, b, counter, depth);
  if (a instanceof GoMap && b instanceof GoMap) return mapsEqual(a, b, counter, depth);
  return sameScalar(a, b);
}

function slicesEqual(a: GoSlice, b: GoSlice, counter: StepCounter, depth: number): boolean {
  if (a.isNil !== b.isNil || a.length !== b.length) return false;
  if (a.backing === b.backing && a.offset === b.offset) return true;
  for (let i = 0; i < a.length; i++) if (!deepEqual(a.at(i), b.at(i), counter, depth + 1)) return false;
  return true;
}

function mapsEqual(a: GoMap, b: GoMap, counter: StepCounter, depth: number): boolean {
  if (a.entries === undefined || b.entries === undefined) return a.entries === b.entries;
  if (a.entries === b.entries) return true;
  if (a.size !== b.size) return false;
  for (const [key, value] of a.entries) {
    const other = b.entries.get(key);
    if (other === undefined || !deepEqual(value, other, counter, depth + 1)) return false;
  }
  return true;
}

/** Equality of two values of one type that is neither slice nor map. */
export function sameScalar(a: GoValue, b: GoValue): boolean {
  if (a instanceof GoInteger && b instanceof GoInteger) return a.value === b.value;
  if (a instanceof GoComplex && b instanceof GoComplex) return a.real === b.real && a.imaginary === b.imaginary;
  if (a instanceof GoTime && b instanceof GoTime) {
    return (
      a.unixSeconds === b.unixSeconds &&
      a.nanosecond === b.nanosecond &&
      a.location === b.location &&
      a.monotonic === b.monotonic
    );
  }
  if (a instanceof GoVersion && b instanceof GoVersion) return a.text === b.text && a.original === b.original;
  if (a instanceof GoCertificate && b instanceof GoCertificate) {
    return a.certificatePem === b.certificatePem && a.keyPem === b.keyPem;
  }
  if (a instanceof TimeLocation) return a === b;
  return a === b;
}

/** A copy that shares no slice or map with the original, as copystructure makes it. */
export function deepCopy(value: GoValue, counter: StepCounter, depth = 0): GoValue {
  counter.step();
  checkNesting(depth);
  if (value instanceof GoSlice) {
    if (value.isNil) return value;
    return new GoSlice(
      value.type,
      value.elements().map((element) => deepCopy(element, counter, depth + 1)),
    );
  }
  if (value instanceof GoMap) {
    if (value.entries === undefined) return value;
    const copy = new Map<string, GoValue>();
    for (const [key, element] of value.entries) copy.set(key, deepCopy(element, counter, depth + 1));
    return new GoMap(value.type, copy);
  }
  // The fields of a version are not exported, so the original's copier leaves them out.
  if (value instanceof GoVersion) return blankVersion(value.isPointer);
  return value;
}

function blankVersion(isPointer: boolean): GoVersion {
  return new GoVersion({ isPointer, major: 0n, minor: 0n, patch: 0n, prerelease: '', metadata: '', original: '' });
}
