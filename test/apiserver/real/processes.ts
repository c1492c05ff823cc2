import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A program of the real API server. */
export interface Program {
  readonly name: string;
  /** Exit status or signal once it has ended by itself or by `kill`. */
  readonly exited: Promise<string>;
  isRunning(): boolean;
  /** Ends it at once (SIGKILL: nothing of a test server is worth saving) and resolves when it is gone. */
  kill(): Promise<void>;
  /** The last lines it wrote, for an error message. */
  lastWords(): Promise<string>;
}

/**
 * `exec` makes the program this shell's process, while a subshell waits for the pipe of standard input to close, which
 * the system does however the test run ends (SIGKILL and crashes included). Then it kills the program and, once the
 * others that write there have died the same way, removes their folder.
 */
const dieWithParent = `
exec 3<&0
(cat <&3 >/dev/null; kill -9 $$ 2>/dev/null; [ -z "$REMOVE_FOLDER" ] || { sleep 1; rm -rf "$REMOVE_FOLDER"; }) &
exec "$@" </dev/null 3<&-`;

export interface ProgramFiles {
  /** What the program writes to stdout and stderr. */
  readonly log: string;
  /** A folder that goes with the program, also if this process cannot remove it any more. */
  readonly removeFolder?: string;
}

/** Starts a program that never outlives this process. */
export function startProgram(name: string, command: string, args: readonly string[], files: ProgramFiles): Program {
  const log = openSync(files.log, 'a');
  const child = spawn('/bin/sh', ['-c', dieWithParent, name, command, ...args], {
    // Memory is cheaper here than collecting garbage four times as often.
    env: { GOGC: '400', ...process.env, REMOVE_FOLDER: files.removeFolder ?? '' },
    stdio: ['pipe', log, log],
    // A Ctrl-C in the terminal is for the test run, which then stops its servers in order.
    detached: true,
  });
  closeSync(log);
  child.stdin?.on('error', () => {});
  // The program must not keep the test run alive; the run ends it.
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  const exited = exitOf(child);
  return {
    name,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async kill() {
      child.kill('SIGKILL');
      child.ref();
      await exited;
      child.stdin?.destroy();
    },
    async lastWords() {
      const lines = (await readFile(files.log, 'utf8')).trimEnd().split('\n');
      return lines.slice(-12).join('\n');
    },
  };
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
}
