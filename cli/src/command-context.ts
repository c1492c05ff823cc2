import type { Io } from './io.ts';
import type { GlobalOptions } from './options.ts';

/** What a command is given besides its own options. */
export interface CommandContext {
  readonly io: Io;
  /** Options before the command, known when it runs. */
  readonly global: () => GlobalOptions;
  /** Tells people something on standard error; silent with `--quiet`. */
  readonly note: (text: string) => Promise<void>;
  /** Writes a result to standard output. @throws SealedSecretsError `UnwritableFile`. */
  readonly print: (text: string) => Promise<void>;
  /** The same as one line of JSON. */
  readonly printJson: (value: unknown) => Promise<void>;
  /** The exit status of a command that worked, when it is not 0: the answer was no. */
  readonly setStatus: (status: number) => void;
}
