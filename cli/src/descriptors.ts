import type { FileSystem } from './io.ts';

const chunkBytes = 64 * 1024;
/** How long to wait for a pipe whose other end shares it without blocking; nothing tells when it is ready. */
const retryMs = 5;

/**
 * Reads an open descriptor to its end. Reading happens on the thread pool, so that signals are handled while a pipe is silent.
 * The chunks are only valid until the next one is asked for.
 *
 * @throws the error of the system.
 */
export async function* readDescriptor(files: Pick<FileSystem, 'read'>, descriptor: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (;;) {
    const length = await readOnce(files, descriptor, buffer);
    if (length === 0) return;
    yield buffer.subarray(0, length);
  }
}

async function readOnce(files: Pick<FileSystem, 'read'>, descriptor: number, buffer: Buffer): Promise<number> {
  for (;;) {
    try {
      return await new Promise<number>((resolve, reject) => {
        files.read(descriptor, buffer, 0, buffer.length, null, (error, length) =>
          error === null ? resolve(length) : reject(error),
        );
      });
    } catch (error) {
      const code = systemErrorCode(error);
      // Windows tells the end of a pipe as an error.
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      await wait(retryMs);
    }
  }
}

/** Writes all bytes to an open descriptor. @throws the error of the system. */
export async function writeDescriptor(
  files: Pick<FileSystem, 'writeSync'>,
  descriptor: number,
  bytes: Uint8Array,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += files.writeSync(descriptor, bytes, written);
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
      await wait(retryMs);
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The code of an error of the operating system, such as `ENOENT`; undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
    ? error.code
    : undefined;
}

const systemErrorTexts: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBUSY: 'device or resource busy',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file exists',
  EFBIG: 'file too large',
  EIO: 'input/output error',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENXIO: 'no such device or address',
  EPERM: 'operation not permitted',
  EPIPE: 'broken pipe',
  EROFS: 'read-only file system',
  ETXTBSY: 'text file busy',
};

/** An error of the operating system in the words of the C library (and so of upstream's messages). */
export function describeSystemError(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === undefined) return error instanceof Error ? error.message : String(error);
  return systemErrorTexts[code] ?? code;
}
