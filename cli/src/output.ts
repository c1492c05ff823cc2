import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { encodeHex, encodeUtf8, SealedSecretsError } from '@waxwing/shared';
import { describeSystemError, systemErrorCode, writeDescriptor } from './descriptors.ts';
import type { Io } from './io.ts';
import { resolvePath } from './paths.ts';
import type { Spool } from './spool.ts';

/** Where a result goes, looked at before the work begins. */
export type OutputTarget =
  | { readonly kind: 'stdout' }
  /** A pipe, a terminal, a device: there is nothing to replace. */
  | { readonly kind: 'device'; readonly path: string; readonly name: string }
  | {
      readonly kind: 'file';
      /** With symbolic links resolved. */
      readonly path: string;
      /** As the user wrote it, for messages. */
      readonly name: string;
      readonly existing: Pick<Stats, 'mode' | 'uid' | 'gid'> | undefined;
    };

export const stdoutTarget: OutputTarget = { kind: 'stdout' };

const standardOutputs: readonly string[] = ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1'];
const maxLinks = 40;
/** Permissions of files with decrypted values or keys. */
const privateMode = 0o600;
const newFileMode = 0o666;
const permissionBits = 0o7777;
const anyWriteBit = 0o222;

/**
 * Looks at an output file without changing anything, so that a run fails before it has done its work. The empty name is standard output.
 *
 * @throws SealedSecretsError `UnwritableFile`.
 */
export function prepareOutput(io: Io, name: string): OutputTarget {
  if (name === '' || standardOutputs.includes(name)) return stdoutTarget;
  try {
    // An open descriptor, which must not be resolved to the file behind it.
    if (/^\/(dev|proc\/self)\/fd\/\d+$/.test(name)) return { kind: 'device', path: name, name };
    const path = resolveLinks(io, resolvePath(io, name));
    const existing = io.files.statSync(path, { throwIfNoEntry: false });
    if (existing === undefined) {
      io.files.statSync(dirname(path));
      return { kind: 'file', path, name, existing };
    }
    if (existing.isDirectory()) throw unwritable(name, 'is a directory');
    if (!existing.isFile()) return { kind: 'device', path, name };
    // Root may write everything; a file without any write permission is protected on purpose all the same.
    if ((existing.mode & anyWriteBit) === 0) throw unwritable(name, 'permission denied (the file is read-only)');
    io.files.accessSync(path, io.files.constants.W_OK);
    return { kind: 'file', path, name, existing };
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw unwritable(name, describeSystemError(error), error);
  }
}

function unwritable(name: string, reason: string, cause?: unknown): SealedSecretsError {
  return new SealedSecretsError('UnwritableFile', `open ${name}: ${reason}`, {
    hint: 'Nothing was written. Name another output file, or make this one and its folder writable.',
    cause,
  });
}

/** Like `realpath`, but the last name need not exist, also behind a dangling link. */
function resolveLinks(io: Io, path: string): string {
  let current = path;
  for (let links = 0; links < maxLinks; links++) {
    let target: string;
    try {
      target = io.files.readlinkSync(current);
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT' || systemErrorCode(error) === 'EINVAL') {
        return join(io.files.realpathSync(dirname(current)), basename(current));
      }
      throw error;
    }
    current = resolvePath({ workingFolder: dirname(current) }, target);
  }
  return io.files.realpathSync(path);
}

export interface DeliverOptions {
  /** The result holds decrypted values or keys: nobody else may read the file, whatever its permissions were. */
  readonly private?: boolean;
}

/**
 * Puts a complete result where it belongs: a file is replaced as a whole or stays as it was.
 *
 * @throws SealedSecretsError `UnwritableFile`.
 */
export async function deliver(
  io: Io,
  target: OutputTarget,
  result: Spool,
  options: DeliverOptions = {},
): Promise<void> {
  switch (target.kind) {
    case 'stdout':
      return await deliverToStdout(io, result);
    case 'device':
      return await deliverToDevice(io, target.path, target.name, result);
    case 'file':
      return await deliverToFile(io, target, result, options);
  }
}

async function deliverToStdout(io: Io, result: Spool): Promise<void> {
  try {
    for (const chunk of result.chunks()) await io.stdout.write(chunk);
  } catch (error) {
    throw writeFailure('standard output', error);
  }
}

async function deliverToDevice(io: Io, path: string, name: string, result: Spool): Promise<void> {
  try {
    const descriptor = io.files.openSync(path, 'w');
    try {
      for (const chunk of result.chunks()) await writeDescriptor(io.files, descriptor, chunk);
    } finally {
      io.files.closeSync(descriptor);
    }
  } catch (error) {
    throw writeFailure(name, error);
  }
}

function writeFailure(name: string, error: unknown): unknown {
  if (systemErrorCode(error) === undefined) return error;
  return new SealedSecretsError('UnwritableFile', `write ${name}: ${describeSystemError(error)}`, { cause: error });
}

type FileTarget = Extract<OutputTarget, { kind: 'file' }>;

async function deliverToFile(io: Io, target: FileTarget, result: Spool, options: DeliverOptions): Promise<void> {
  try {
    if (await replaceFile(io, target, result, options)) return;
    await overwriteInPlace(io, target, result, options);
  } catch (error) {
    throw writeFailure(target.name, error);
  }
}

/** Failures of making or renaming the temporary file after which the file can still be written itself. */
const needsInPlace: readonly (string | undefined)[] = ['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV'];

/** Writes a temporary file beside the target and renames it. False when the place does not allow that and nothing has happened. */
async function replaceFile(io: Io, target: FileTarget, result: Spool, options: DeliverOptions): Promise<boolean> {
  const { files } = io;
  const folder = dirname(target.path);
  const temporary = join(folder, `.${basename(target.path).slice(0, 200)}.${encodeHex(io.randomBytes(8))}.tmp`);
  const stopListening = io.onEndingSignal(() => removeQuietly(io, temporary));
  let descriptor: number | undefined;
  try {
    try {
      descriptor = files.openSync(temporary, 'wx', privateMode);
    } catch (error) {
      if (target.existing !== undefined && needsInPlace.includes(systemErrorCode(error))) return false;
      throw error;
    }
    for (const chunk of result.chunks()) await writeDescriptor(files, descriptor, chunk);
    takeOver(io, descriptor, target.existing, options);
    files.fsyncSync(descriptor);
    files.closeSync(descriptor);
    descriptor = undefined;
    try {
      files.renameSync(temporary, target.path);
    } catch (error) {
      removeQuietly(io, temporary);
      if (target.existing !== undefined && needsInPlace.includes(systemErrorCode(error))) return false;
      throw error;
    }
    syncFolder(io, folder);
    return true;
  } catch (error) {
    if (descriptor !== undefined) files.closeSync(descriptor);
    removeQuietly(io, temporary);
    throw error;
  } finally {
    stopListening();
  }
}

/** Gives the new file the owner and permissions of the one it replaces. */
function takeOver(io: Io, descriptor: number, existing: FileTarget['existing'], options: DeliverOptions): void {
  if (existing !== undefined) {
    const own = io.files.fstatSync(descriptor);
    if (own.uid !== existing.uid || own.gid !== existing.gid) {
      try {
        io.files.fchownSync(descriptor, existing.uid, existing.gid);
      } catch {
        // Only root may give files away; the content matters more.
      }
    }
  }
  io.files.fchmodSync(descriptor, modeOf(io, existing, options));
}

function modeOf(io: Io, existing: FileTarget['existing'], options: DeliverOptions): number {
  if (options.private === true) return privateMode;
  return existing === undefined ? newFileMode & ~io.umask : existing.mode & permissionBits;
}

function removeQuietly(io: Io, path: string): void {
  try {
    io.files.unlinkSync(path);
  } catch {
    // It was renamed already, or never made.
  }
}

function syncFolder(io: Io, folder: string): void {
  try {
    const descriptor = io.files.openSync(folder, 'r');
    try {
      io.files.fsyncSync(descriptor);
    } finally {
      io.files.closeSync(descriptor);
    }
  } catch {
    // Not every file system knows how; the rename itself has happened.
  }
}

/**
 * Writes over the content of a file that cannot be replaced: a bind mount, or a folder without write permission. The old content is
 * put back when writing fails, for example because the disk is full.
 */
async function overwriteInPlace(io: Io, target: FileTarget, result: Spool, options: DeliverOptions): Promise<void> {
  const { files } = io;
  const descriptor = files.openSync(target.path, 'r+');
  try {
    const before = readFully(io, descriptor);
    if (options.private === true) files.fchmodSync(descriptor, privateMode);
    try {
      await overwrite(io, descriptor, result.chunks());
    } catch (error) {
      await overwrite(io, descriptor, [before]);
      throw error;
    }
    files.fsyncSync(descriptor);
  } finally {
    files.closeSync(descriptor);
  }
}

function readFully(io: Io, descriptor: number): Uint8Array {
  const { size } = io.files.fstatSync(descriptor);
  const content = Buffer.alloc(size);
  let length = 0;
  while (length < size) {
    const read = io.files.readSync(descriptor, content, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return content.subarray(0, length);
}

async function overwrite(io: Io, descriptor: number, chunks: Iterable<Uint8Array>): Promise<void> {
  let position = 0;
  for (const chunk of chunks) {
    let written = 0;
    while (written < chunk.length) {
      written += io.files.writeSync(descriptor, chunk, written, chunk.length - written, position + written);
    }
    position += chunk.length;
  }
  io.files.ftruncateSync(descriptor, position);
}

/** Writes a short result to standard output. @throws SealedSecretsError `UnwritableFile`, for example when the disk is full. */
export async function print(io: Pick<Io, 'stdout'>, text: string): Promise<void> {
  try {
    await io.stdout.write(encodeUtf8(text));
  } catch (error) {
    throw writeFailure('standard output', error);
  }
}

/** Writes a line for people to standard error. Failures are ignored: there is nowhere to tell them. */
export async function tell(io: Pick<Io, 'stderr'>, text: string): Promise<void> {
  try {
    await io.stderr.write(encodeUtf8(`${text}\n`));
  } catch {
    // The terminal is gone.
  }
}
