import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Benchmark, formatMs, formatRatio, type Measurement, median } from './report.ts';

const root = join(import.meta.dirname, '../..');
const rounds = 30;
const exampleSecret = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db-credentials', namespace: 'payments' },
  stringData: { password: 'correct horse battery staple' },
});

/** Milliseconds of one run to its end. */
function time(command: string, args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(command, args, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.toString()}`);
  return performance.now() - started;
}

/** Sealing one item offline against a Node that does nothing, taken in turns so that a busy machine slows both. */
export const cliStart: Benchmark = {
  name: 'cli-start',
  description: 'start of the CLI against bare Node',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'waxwing-bench-'));
    try {
      const secret = join(folder, 'secret.json');
      writeFileSync(secret, exampleSecret);
      const certificate = join(root, 'test/vectors/test-keys/alpha.crt.pem');
      const programs: readonly { name: string; command: string; args: readonly string[] }[] = [
        { name: 'node -e 0', command: process.execPath, args: ['-e', '0'] },
        { name: 'kubeseal', command: join(root, 'bin/kubeseal'), args: ['--cert', certificate, '-f', secret] },
        { name: 'waxwing seal', command: join(root, 'bin/waxwing'), args: ['seal', secret, '--cert', certificate] },
      ];
      const times = programs.map((): number[] => []);
      for (let round = 0; round < rounds + 2; round++) {
        for (const [index, { command, args }] of programs.entries()) {
          const ms = time(command, args);
          // The first rounds fill the compile cache and the page cache.
          if (round >= 2) times[index]?.push(ms);
        }
      }
      const bare = median(times[0] ?? []);
      return programs.map(({ name }, index): Measurement => {
        const ms = median(times[index] ?? []);
        if (index === 0) return { name: `${name}, median of ${rounds}`, value: formatMs(ms) };
        return {
          name: `${name}, one item, against bare Node (${formatMs(ms)})`,
          value: formatRatio(ms / bare),
          bar: { text: 'at most 2 x', reached: ms / bare <= 2 },
        };
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
