import { types } from './types.ts';
import { type GoInteger, GoSlice, type GoValue } from './value.ts';

/**
 * How much room Go's `append` leaves behind the elements. A template sees it: slicing may reach up to the capacity. The rule is the
 * runtime's of Go 1.26 on 64 bits: double, then grow by a quarter, then round up to what the allocator hands out.
 */

const sizeClasses = [
  8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
  512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
  5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760,
  24576, 27264, 28672, 32768,
];
const pageSize = 8192;
const doublingThreshold = 256;

/** Interfaces and strings take 16 bytes, ints 8. */
export type ElementSize = 8 | 16;

/** The capacity after appending to a slice that is too small. */
export function grownCapacity(needed: number, capacity: number, elementSize: ElementSize): number {
  let grown = capacity;
  if (needed > capacity * 2) grown = needed;
  else if (capacity < doublingThreshold) grown = capacity * 2;
  else while (grown < needed || grown === capacity) grown += (grown + 3 * doublingThreshold) >> 2;
  const bytes = grown * elementSize;
  const rounded = sizeClasses.find((size) => size >= bytes) ?? Math.ceil(bytes / pageSize) * pageSize;
  return Math.floor(rounded / elementSize);
}

/** The capacity of a slice that grew from `initial` by appending elements one by one. */
function capacityAfterAppends(length: number, initial: number, elementSize: ElementSize): number {
  let capacity = initial;
  while (capacity < length) capacity = grownCapacity(capacity + 1, capacity, elementSize);
  return capacity;
}

/** A `[]interface {}` whose elements were appended one by one. */
export function appendedAnySlice(elements: GoValue[]): GoSlice {
  return new GoSlice(types.anySlice, elements, 0, elements.length, capacityAfterAppends(elements.length, 0, 16));
}

/** A `[]string` whose elements were appended one by one to a slice with room for `initial`. */
export function appendedStringSlice(elements: string[], initial = 0): GoSlice {
  return new GoSlice(
    types.stringSlice,
    elements,
    0,
    elements.length,
    capacityAfterAppends(elements.length, initial, 16),
  );
}

/** A `[]int` whose elements were appended one by one. */
export function appendedIntSlice(elements: GoInteger[]): GoSlice {
  return new GoSlice(types.intSlice, elements, 0, elements.length, capacityAfterAppends(elements.length, 0, 8));
}
