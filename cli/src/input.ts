import { isSealedSecretsError, SealedSecretsError } from '@waxwing/shared';
import { describeSystemError, readDescriptor, systemErrorCode } from './descriptors.ts';
import type { Io } from './io.ts';
import { resolvePath } from './paths.ts';

/** Something to read from, opened. */
export interface Input {
  /** For messages: the path as the user wrote it, or `stdin`. */
  readonly name: string;
  /** The bytes; only once. */
  chunks(): AsyncIterable<Uint8Array>;
  close(): void;
}

/** Names of standard input as a path. Mapped, because opening them fails when it is a socket. */
const standardInputs: readonly string[] = ['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

export function standardInput(io: Io): Input {
  return { name: 'stdin', chunks: () => explained(io.stdin.chunks(), 'stdin'), close: () => {} };
}

/**
 * Opens a file for reading; `/dev/stdin` is standard input.
 *
 * @throws SealedSecretsError `UnreadableFile` with the text `open NAME: no such file or directory` or its kin.
 */
export function openInput(io: Io, name: string): Input {
  if (standardInputs.includes(name)) return standardInput(io);
  let descriptor: number;
  try {
    descriptor = io.files.openSync(resolvePath(io, name), 'r');
  } catch (cause) {
    throw unreadable('open', name, cause);
  }
  let open = true;
  const close = () => {
    if (open) io.files.closeSync(descriptor);
    open = false;
  };
  try {
    const stats = io.files.fstatSync(descriptor);
    if (stats.isDirectory()) throw new SealedSecretsError('UnreadableFile', `read ${name}: is a directory`);
    const chunks = stats.isFile() ? readRegularFile(io, descriptor) : readDescriptor(io.files, descriptor);
    return { name, chunks: () => explained(chunks, name), close };
  } catch (error) {
    close();
    throw error;
  }
}

const chunkBytes = 64 * 1024;

/** Without the thread pool, whose start costs more than reading a file. A regular file never blocks. */
async function* readRegularFile(io: Io, descriptor: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    const length = io.files.readSync(descriptor, buffer, 0, buffer.length, null);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

async function* explained(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw systemErrorCode(error) === undefined ? error : unreadable('read', name, error);
  }
}

function unreadable(operation: 'open' | 'read', name: string, cause: unknown): SealedSecretsError {
  return new SealedSecretsError('UnreadableFile', `${operation} ${name}: ${describeSystemError(cause)}`, { cause });
}

/**
 * Reads everything.
 *
 * @throws SealedSecretsError `InputTooLarge` beyond the limit, `UnreadableFile`.
 */
export async function readAll(input: Input, limitBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of input.chunks()) {
      length += chunk.length;
      if (length > limitBytes) {
        throw new SealedSecretsError('InputTooLarge', `${input.name}: larger than ${limitBytes} bytes`);
      }
      parts.push(Uint8Array.from(chunk));
    }
  } finally {
    input.close();
  }
  return Buffer.concat(parts, length);
}

/** Opens a file and reads everything. @throws SealedSecretsError like {@link openInput} and {@link readAll}. */
export async function readFile(io: Io, name: string, limitBytes: number): Promise<Buffer> {
  return await readAll(openInput(io, name), limitBytes);
}

/** An input of bytes that were read already. */
export function inputOf(name: string, bytes: Uint8Array): Input {
  return {
    name,
    async *chunks() {
      yield bytes;
    },
    close: () => {},
  };
}

/** Whether an error says that a file is not there. */
export function isMissingFile(error: unknown): boolean {
  return (
    isSealedSecretsError(error, 'UnreadableFile') && ['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error.cause) ?? '')
  );
}
