import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import type { FileSystem, Io } from '../io.ts';
import { createNodeIo } from '../node-io.ts';

export interface TestIoOptions {
  readonly workingFolder: string;
  readonly stdin?: Uint8Array | string | AsyncIterable<Uint8Array>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Which of the three streams are terminals. */
  readonly terminals?: readonly ('stdin' | 'stdout' | 'stderr')[];
  /** Functions of the file system to be replaced, to make it fail. */
  readonly files?: Partial<FileSystem>;
  readonly now?: Date;
  /** A clock that moves; wins over `now`. */
  readonly clock?: () => Date;
  readonly umask?: number;
  /** What is typed without echo. */
  readonly hiddenLine?: string;
  /** What writing to standard output does instead of keeping the bytes. */
  readonly writeStdout?: (bytes: Uint8Array) => void;
}

export interface TestIo extends Io {
  /** What was written so far. */
  readonly written: { readonly stdout: string; readonly stderr: string };
  /** What is cleaned up when a signal comes. */
  readonly cleanUps: ReadonlySet<() => void>;
}

/** The real file system below a folder, with streams in memory. Nothing of the process is seen but what is given. */
export function createTestIo(options: TestIoOptions): TestIo {
  const { workingFolder, stdin = '', env = {}, terminals = [], files = {}, now, clock, umask = 0o022 } = options;
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const cleanUps = new Set<() => void>();
  return {
    ...createNodeIo(process),
    stdin: { isTerminal: terminals.includes('stdin'), chunks: () => chunksOf(stdin) },
    stdout: {
      isTerminal: terminals.includes('stdout'),
      write: async (bytes) => {
        if (options.writeStdout === undefined) stdout.push(Buffer.from(bytes));
        else options.writeStdout(bytes);
      },
    },
    stderr: { isTerminal: terminals.includes('stderr'), write: async (bytes) => void stderr.push(Buffer.from(bytes)) },
    files: { ...fs, ...files },
    env,
    workingFolder,
    umask,
    now: clock ?? (() => now ?? new Date()),
    readHiddenLine: async (ask) => {
      await ask();
      return options.hiddenLine ?? '';
    },
    randomBytes: (length) => randomBytes(length),
    onEndingSignal: (cleanUp) => {
      const registered = () => cleanUp('SIGTERM');
      cleanUps.add(registered);
      return () => cleanUps.delete(registered);
    },
    written: {
      get stdout() {
        return Buffer.concat(stdout).toString('utf8');
      },
      get stderr() {
        return Buffer.concat(stderr).toString('utf8');
      },
    },
    cleanUps,
  };
}

async function* chunksOf(stdin: Uint8Array | string | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (typeof stdin === 'string') yield Buffer.from(stdin);
  else if (stdin instanceof Uint8Array) yield stdin;
  else yield* stdin;
}
