import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { readDescriptor, writeDescriptor } from './descriptors.ts';
import type { EndingSignal, InputStream, Io, OutputStream } from './io.ts';

/** What of `process` the CLI needs; the entry files pass it on. */
type ProcessLike = Pick<NodeJS.Process, 'cwd' | 'env' | 'getBuiltinModule' | 'kill' | 'off' | 'on' | 'pid' | 'umask'>;

const endingSignals: readonly EndingSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * The real world. File descriptors are used without `process.stdin` and its kin: these load the stream and terminal modules, which
 * costs a fifth of the start-up time, and make pipes asynchronous, so that output could be lost at the exit.
 */
export function createNodeIo(process: ProcessLike): Io {
  return {
    stdin: inputStream(process, 0),
    stdout: outputStream(process, 1),
    stderr: outputStream(process, 2),
    files: fs,
    env: process.env,
    workingFolder: process.cwd(),
    get umask() {
      return process.umask();
    },
    now: () => new Date(),
    readHiddenLine: async (ask) => (await import('./hidden-line.ts')).readHiddenLine(process.pid, ask),
    randomBytes: (length) => randomBytes(length),
    onEndingSignal: (cleanUp) => onEndingSignal(process, cleanUp),
  };
}

function inputStream(process: ProcessLike, descriptor: number): InputStream {
  return {
    get isTerminal() {
      return isTerminal(process, descriptor);
    },
    chunks: () => readDescriptor(fs, descriptor),
  };
}

function outputStream(process: ProcessLike, descriptor: number): OutputStream {
  return {
    get isTerminal() {
      return isTerminal(process, descriptor);
    },
    write: (bytes) => writeDescriptor(fs, descriptor, bytes),
  };
}

/** Everything that is no character device cannot be a terminal: most runs never load `node:tty`. */
function isTerminal(process: ProcessLike, descriptor: number): boolean {
  try {
    if (!fs.fstatSync(descriptor).isCharacterDevice()) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}

function onEndingSignal(process: ProcessLike, cleanUp: (signal: EndingSignal) => void): () => void {
  const listeners = endingSignals.map((signal) => {
    const listener = () => {
      cleanUp(signal);
      remove();
      // Dies of the signal, so that the caller sees what happened and no exit handler runs.
      process.kill(process.pid, signal);
    };
    return [signal, listener] as const;
  });
  const remove = () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return remove;
}
