import type { GoTime, TimeLocation } from '../time/time.ts';
import { type GoType, types } from './types.ts';

/**
 * Values as Go sees them. Strings are byte strings, floats are numbers, booleans are booleans; everything else is one of the
 * classes below, which carries its Go type. `null` is a nil interface (an element of a list or map that is nil), `undefined` is
 * no value at all (Go's invalid `reflect.Value`: a missing key, a literal nil). The two behave differently in field access and
 * as arguments, so both exist.
 */
export type GoValue =
  | string
  | number
  | boolean
  | GoInteger
  | GoComplex
  | GoSlice
  | GoMap
  | GoTime
  | TimeLocation
  | GoVersion
  | GoCertificate
  | null;

/** A value while it is evaluated: also none. */
export type Evaluated = GoValue | undefined;

/** Any integer; also the named integers of package time. The value fits the type. */
export class GoInteger {
  readonly type: GoType;
  readonly value: bigint;

  constructor(type: GoType, value: bigint) {
    this.type = type;
    this.value = value;
  }
}

/** A complex128. */
export class GoComplex {
  readonly real: number;
  readonly imaginary: number;

  constructor(real: number, imaginary: number) {
    this.real = real;
    this.imaginary = imaginary;
  }
}

/**
 * A slice: a window onto an array that other slices may share. Sorting in place shows through all of them, and slicing may reach
 * beyond the length up to the capacity, as in Go.
 */
export class GoSlice {
  readonly type: GoType;
  readonly isNil: boolean;
  readonly backing: GoValue[];
  readonly offset: number;
  readonly length: number;
  readonly capacity: number;

  constructor(
    type: GoType,
    backing: GoValue[] | undefined,
    offset = 0,
    length = backing?.length ?? 0,
    capacity = length,
  ) {
    this.type = type;
    this.isNil = backing === undefined;
    this.backing = backing ?? [];
    this.offset = offset;
    this.length = length;
    this.capacity = capacity;
  }

  /** The element at an index below the length. */
  at(index: number): GoValue {
    const value = this.backing[this.offset + index];
    return value === undefined ? zeroElement(this.type) : value;
  }

  /** A copy of the elements. */
  elements(): GoValue[] {
    const elements: GoValue[] = [];
    for (let i = 0; i < this.length; i++) elements.push(this.at(i));
    return elements;
  }

  /** The window from `start` to `end`, which may reach up to the capacity. */
  window(start: number, end: number): GoSlice {
    return new GoSlice(this.type, this.backing, this.offset + start, end - start, this.capacity - start);
  }
}

/** What the unused capacity of a slice holds. */
function zeroElement(type: GoType): GoValue {
  switch (type.element?.kind) {
    case 'string':
      return '';
    case 'int':
      return int(0n);
    case 'uint8':
      return new GoInteger(types.uint8, 0n);
    case 'slice':
      return new GoSlice(types.anySlice, undefined);
    default:
      return null;
  }
}

/** A map with string keys. `entries` is undefined in a nil map, which reads as empty and cannot be written. */
export class GoMap {
  readonly type: GoType;
  readonly entries: Map<string, GoValue> | undefined;

  constructor(type: GoType, entries: Map<string, GoValue> | undefined) {
    this.type = type;
    this.entries = entries;
  }

  get size(): number {
    return this.entries?.size ?? 0;
  }

  get(key: string): GoValue | undefined {
    return this.entries?.get(key);
  }

  /** Keys in byte order, the order of printing and of `range`. */
  sortedKeys(): string[] {
    return this.entries === undefined ? [] : [...this.entries.keys()].sort(compareBytes);
  }
}

/** Byte order; JavaScript's `<` compares char codes, which are the bytes. */
export function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A semantic version, as `semver` gives it (a pointer) or the version after it (a struct, which has fewer methods). */
export class GoVersion {
  readonly isPointer: boolean;
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: string;
  readonly metadata: string;
  readonly original: string;

  constructor(fields: Omit<GoVersion, 'text'>) {
    this.isPointer = fields.isPointer;
    this.major = fields.major;
    this.minor = fields.minor;
    this.patch = fields.patch;
    this.prerelease = fields.prerelease;
    this.metadata = fields.metadata;
    this.original = fields.original;
  }

  get text(): string {
    const prerelease = this.prerelease === '' ? '' : `-${this.prerelease}`;
    const metadata = this.metadata === '' ? '' : `+${this.metadata}`;
    return `${this.major}.${this.minor}.${this.patch}${prerelease}${metadata}`;
  }
}

/** What the certificate functions give: PEM of certificate and key. */
export class GoCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;

  constructor(certificatePem: string, keyPem: string) {
    this.certificatePem = certificatePem;
    this.keyPem = keyPem;
  }
}

/** An int, wrapped to 64 bits. */
export function int(value: bigint | number): GoInteger {
  return new GoInteger(types.int, BigInt.asIntN(64, BigInt(value)));
}

/** An int64, wrapped to 64 bits. */
export function int64(value: bigint | number): GoInteger {
  return new GoInteger(types.int64, BigInt.asIntN(64, BigInt(value)));
}

/** A uint64, wrapped to 64 bits. */
export function uint64(value: bigint): GoInteger {
  return new GoInteger(types.uint64, BigInt.asUintN(64, value));
}

/** A `[]interface {}` of these elements. */
export function anySlice(elements: GoValue[]): GoSlice {
  return new GoSlice(types.anySlice, elements);
}

/** A `[]string` of these elements. */
export function stringSlice(elements: string[]): GoSlice {
  return new GoSlice(types.stringSlice, elements);
}

/** A `map[string]interface {}` of these entries. */
export function anyMap(entries: Map<string, GoValue>): GoMap {
  return new GoMap(types.anyMap, entries);
}
