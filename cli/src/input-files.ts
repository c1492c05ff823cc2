import { type Input, openInput, standardInput } from './input.ts';
import type { Io } from './io.ts';

/** The inputs that arguments name, opened one after the other; `-`, or no argument at all, is standard input. */
export function* openNamed(io: Io, names: readonly string[]): Generator<Input> {
  for (const name of names.length === 0 ? ['-'] : names) yield name === '-' ? standardInput(io) : openInput(io, name);
}
