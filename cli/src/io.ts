import type * as nodeFs from 'node:fs';
import type { RandomBytes } from '@waxwing/shared';

/**
 * The file system as far as the CLI uses it: a part of `node:fs`, so that the real one is passed as it is and a test passes it with single
 * functions replaced. Paths are made absolute by {@link resolvePath} before they come here.
 */
export type FileSystem = Pick<
  typeof nodeFs,
  | 'accessSync'
  | 'closeSync'
  | 'constants'
  | 'fchmodSync'
  | 'fchownSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'openSync'
  | 'read'
  | 'readFileSync'
  | 'readSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'realpathSync'
  | 'renameSync'
  | 'statSync'
  | 'unlinkSync'
  | 'writeSync'
>;

/** Bytes that come in, in chunks of any size. Reading twice gives what is left. */
export interface InputStream {
  readonly isTerminal: boolean;
  chunks(): AsyncIterable<Uint8Array>;
}

export interface OutputStream {
  readonly isTerminal: boolean;
  /** Returns when everything is written. @throws the error of the system, such as `EPIPE`. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The signals that end a program and that it may clean up after. */
export type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Everything a command sees of the world outside. Nothing in this package reads the process, the clock or randomness in another way,
 * except the cluster client, which is given the environment.
 */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly files: FileSystem;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths start from. */
  readonly workingFolder: string;
  /** Permissions that new files must not have. */
  readonly umask: number;
  readonly now: () => Date;
  /** Reads a line from the terminal of standard input without echo; asks when echo is off. The line break is no part of it. */
  readonly readHiddenLine: (ask: () => Promise<void>) => Promise<string>;
  readonly randomBytes: RandomBytes;
  /**
   * Has `cleanUp` called when a signal ends the process; the process still dies of that signal. Returns the function that takes it back.
   * Signals are left alone while nothing is registered.
   */
  readonly onEndingSignal: (cleanUp: (signal: EndingSignal) => void) => () => void;
}
