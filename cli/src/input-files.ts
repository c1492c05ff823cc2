import type { CommandContext } from './command-context.ts';
import { type Input, openInput, standardInput } from './input.ts';
import { findManifests } from './manifests.ts';
import { withNotices } from './text-notices.ts';

/**
 * The inputs that arguments name, opened one after the other; `-`, or no argument at all, is standard input. People are told where something
 * is waited for, and how a text is written that is not plain UTF-8.
 */
export async function* openNamed(context: CommandContext, names: readonly string[]): AsyncGenerator<Input> {
  for (const name of names.length === 0 ? ['-'] : names) {
    yield withNotices(name === '-' ? await openStandardInput(context) : openInput(context.io, name), context.note);
  }
}

/** The same, where an argument may also name a folder, whose manifests are meant, as far as they are wanted. */
export async function* openManifests(
  context: CommandContext,
  paths: readonly string[],
  isWanted: (file: string) => boolean = () => true,
): AsyncGenerator<Input> {
  const names = paths.flatMap((path) =>
    path === '-' ? [path] : findManifests(context.io, path).filter((file) => file === path || isWanted(file)),
  );
  if (paths.length === 0 || names.length > 0) yield* openNamed(context, names);
}

/** Standard input; a person at a terminal is told that it is waited for. */
export async function openStandardInput({ io, note }: CommandContext): Promise<Input> {
  if (io.stdin.isTerminal) await note('(reading from the terminal; end with Ctrl-D, or name a file)');
  return standardInput(io);
}
