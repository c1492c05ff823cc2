import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export interface CommandResult {
  /** Exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd: string;
  readonly stdin?: string;
  /** The whole environment besides PATH. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a built program of `bin/` as people run it. Its end is awaited whatever it answers. */
export function runCommand(
  program: 'waxwing' | 'kubeseal',
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  const child = spawn(join(root, 'bin', program), args, {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      output[name] += chunk.toString();
    });
  }
  child.stdin.end(options.stdin ?? '');
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (output.stderr.includes('the bundle is older than its sources')) {
        reject(new Error('What is tested is not what the sources say. Build first: npm run build'));
      } else resolve({ status: signal ?? code ?? -1, ...output });
    });
  });
}
