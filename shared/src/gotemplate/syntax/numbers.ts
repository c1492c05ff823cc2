import { unquoteRune } from '../format/quote.ts';
import { parseFloat64, parseInt64, parseUint64 } from '../number-text.ts';
import type { NumberNode } from './nodes.ts';

/** What a number literal can be: every type whose value it has exactly. */
type NumberFields = Pick<NumberNode, 'int' | 'uint' | 'float' | 'complex'>;

/** Thrown text for literals that are no number. */
export class BadNumber extends Error {}

/** Reads a character literal such as `'a'`. */
export function readRune(text: string): NumberFields {
  const rune = unquoteRune(text);
  if (rune === undefined) throw new BadNumber('malformed character constant');
  return { int: BigInt(rune), uint: BigInt(rune), float: rune, complex: undefined };
}

/** Reads a complex literal such as `1+2i`. */
export function readComplex(text: string): NumberFields {
  const match = /^([+-]?.+?[^eEpP])([+-].+)i$/s.exec(text) ?? /^([+-]?.)([+-].+)i$/s.exec(text);
  const real = parseFloat64(match?.[1] ?? '');
  const imaginary = parseFloat64(match?.[2] ?? '');
  if (real === undefined || imaginary === undefined) throw new BadNumber('illegal number syntax');
  return simplified(real, imaginary);
}

/** A complex number is also a real one where its imaginary part is zero. */
function simplified(real: number, imaginary: number): NumberFields {
  const complex = { real, imaginary };
  if (imaginary !== 0) return { int: undefined, uint: undefined, float: undefined, complex };
  return { ...integersOf(real), float: real, complex };
}

function integersOf(float: number): { int: bigint | undefined; uint: bigint | undefined } {
  if (!Number.isInteger(float)) return { int: undefined, uint: undefined };
  const value = BigInt(float);
  return {
    int: value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined,
    uint: value >= 0n && value < 2n ** 64n ? value : undefined,
  };
}

/** Reads any other number: integers of every base, floats, imaginary numbers. */
export function readNumber(text: string): NumberFields {
  if (text.endsWith('i')) {
    const imaginary = parseFloat64(text.slice(0, -1));
    if (imaginary !== undefined) return simplified(0, imaginary);
  }
  const int = parseInt64(text, 0);
  const uint = parseUint64(text, 0) ?? (int === 0n ? 0n : undefined);
  const whole = int ?? uint;
  if (whole !== undefined) return { int, uint, float: Number(whole), complex: undefined };
  const float = parseFloat64(text);
  if (float === undefined) throw new BadNumber('illegal number syntax');
  if (!/[.eEpP]/.test(text)) throw new BadNumber('integer overflow');
  return { ...integersOf(float), float, complex: undefined };
}
