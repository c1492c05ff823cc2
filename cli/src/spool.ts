import { join } from 'node:path';
import { encodeHex, encodeUtf8 } from '@waxwing/shared';
import type { Io } from './io.ts';

/** A result that is complete before any of it is shown. */
export interface Spool {
  append(data: string | Uint8Array): void;
  readonly byteLength: number;
  /** Everything appended, in order; can be gone through several times. A chunk is valid until the next one. */
  chunks(): Iterable<Uint8Array>;
  /** Gives back memory and disk. */
  dispose(): void;
}

/** How much is kept in memory. */
const memoryBytes = 8 * 1024 * 1024;
const chunkBytes = 256 * 1024;
const privateMode = 0o600;

/**
 * A spool that keeps 8 MiB in memory and the rest in a temporary file without a name.
 *
 * @param options.secret the content must never reach a disk: everything stays in memory
 */
export function createSpool(io: Io, options: { readonly secret?: boolean } = {}): Spool {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let file: UnnamedFile | undefined;
  let byteLength = 0;

  const spill = (): UnnamedFile => {
    const created = createUnnamedFile(io);
    for (const chunk of waiting) created.append(chunk);
    waiting = [];
    waitingBytes = 0;
    return created;
  };
  return {
    append(data) {
      // A copy: callers may use their bytes again.
      const bytes = typeof data === 'string' ? encodeUtf8(data) : Uint8Array.from(data);
      byteLength += bytes.length;
      if (file !== undefined) {
        file.append(bytes);
        return;
      }
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (options.secret !== true && waitingBytes > memoryBytes) file = spill();
    },
    get byteLength() {
      return byteLength;
    },
    *chunks() {
      if (file !== undefined) yield* file.chunks();
      yield* waiting;
    },
    dispose() {
      file?.close();
      file = undefined;
      waiting = [];
    },
  };
}

interface UnnamedFile {
  append(bytes: Uint8Array): void;
  chunks(): Iterable<Uint8Array>;
  close(): void;
}

function createUnnamedFile(io: Io): UnnamedFile {
  const { files } = io;
  const path = join(temporaryFolder(io.env), `waxwing-${encodeHex(io.randomBytes(8))}.tmp`);
  const descriptor = files.openSync(path, 'wx+', privateMode);
  let unlinked = true;
  try {
    files.unlinkSync(path);
  } catch {
    // Windows keeps the names of open files.
    unlinked = false;
  }
  let length = 0;
  return {
    append(bytes) {
      let written = 0;
      while (written < bytes.length) {
        written += files.writeSync(descriptor, bytes, written, bytes.length - written, length + written);
      }
      length += bytes.length;
    },
    *chunks() {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      for (let position = 0; position < length; ) {
        const read = files.readSync(descriptor, buffer, 0, Math.min(buffer.length, length - position), position);
        if (read === 0) throw new Error('the temporary file of the result was cut');
        yield buffer.subarray(0, read);
        position += read;
      }
    },
    close() {
      files.closeSync(descriptor);
      if (!unlinked) files.unlinkSync(path);
    },
  };
}

function temporaryFolder(env: Io['env']): string {
  return env['TMPDIR'] || env['TEMP'] || env['TMP'] || '/tmp';
}
