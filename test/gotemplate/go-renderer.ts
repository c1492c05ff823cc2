import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { GeneratedCase } from './generator.ts';

/** Renders templates with Go: one process, fed line by line. */

/** What came out of a template: bytes, or the class of its failure. `detail` is Go's message, for people. */
export type Outcome = { readonly output: string } | { readonly error: string; readonly detail: string };

export interface GoRenderer {
  /** Outcomes in the order of the cases. */
  render(cases: readonly GeneratedCase[]): Promise<Outcome[]>;
  /** Ends the process. */
  close(): Promise<void>;
}

/** Whether the `go` command is there. */
export function hasGo(): boolean {
  return spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
}

/** Builds the program beside this file; it is started at the first use. Throws with Go's own words if it cannot be built. */
export function startGoRenderer(): GoRenderer {
  const folder = mkdtempSync(join(tmpdir(), 'waxwing-gotemplate-'));
  const program = join(folder, 'gotemplate');
  const source = fileURLToPath(new URL('.', import.meta.url));
  const build = spawnSync('go', ['build', '-o', program, '.'], { cwd: source, encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`go build failed:\n${build.stderr}`);
  let session: Session | undefined;
  return {
    render: async (cases) => {
      const outcomes: Outcome[] = [];
      while (outcomes.length < cases.length) {
        session ??= startSession(program);
        outcomes.push(...(await session.render(cases.slice(outcomes.length))));
        const last = outcomes.at(-1);
        if (last !== undefined && 'error' in last && last.error === 'limit') {
          // The process ends after a template that takes too long.
          session = undefined;
          continue;
        }
        if (outcomes.length === cases.length) break;
        // Some templates overflow Go's stack (a dict that contains itself, printed): the process dies, and so would upstream's.
        outcomes.push({ error: 'exec', detail: 'the Go program crashed' });
        session = undefined;
      }
      return outcomes;
    },
    close: async () => {
      await session?.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One process. */
interface Session {
  /** Outcomes of the first cases: fewer than given if the process died. */
  render(cases: readonly GeneratedCase[]): Promise<Outcome[]>;
  close(): Promise<void>;
}

function startSession(program: string): Session {
  const environment = { TZ: 'UTC', PATH: process.env['PATH'] ?? '' };
  const child: ChildProcess = spawn(program, [], { env: environment, stdio: ['pipe', 'pipe', 'ignore'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the Go program has no streams');
  // A process that died is noticed by the end of its output.
  stdin.on('error', () => undefined);
  const lines = createInterface({ input: stdout });
  const ended = new Promise<void>((resolve) => lines.once('close', resolve));
  const render = (cases: readonly GeneratedCase[]): Promise<Outcome[]> =>
    new Promise((resolve) => {
      const outcomes: Outcome[] = [];
      const finish = (): void => {
        lines.off('line', onLine);
        lines.off('close', finish);
        resolve(outcomes);
      };
      const onLine = (line: string): void => {
        outcomes.push(parseLine(line));
        if (outcomes.length === cases.length) finish();
      };
      lines.on('line', onLine);
      lines.once('close', finish);
      stdin.write(cases.map(requestLine).join(''));
    });
  return {
    render,
    close: async () => {
      stdin.end();
      await ended;
    },
  };
}

function base64(byteString: string): string {
  return Buffer.from(byteString, 'latin1').toString('base64');
}

function requestLine({ name, text, data }: GeneratedCase): string {
  const entries = [...data];
  return `${JSON.stringify({
    name: base64(name),
    text: base64(text),
    keys: entries.map(([key]) => base64(key)),
    data: entries.map(([, value]) => base64(value)),
  })}\n`;
}

function parseLine(line: string): Outcome {
  const { output = '', error, detail = '' } = JSON.parse(line) as { output?: string; error?: string; detail?: string };
  if (error !== undefined) return { error, detail };
  return { output: Buffer.from(output, 'base64').toString('latin1') };
}
