import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type Benchmark, formatMs, formatRatio } from './report.ts';

const root = join(import.meta.dirname, '../..');
const certificate = join(root, 'test/vectors/test-keys/alpha.crt.pem');
const documents = 1000;
/** What one run of a small native program costs, from the architecture: 1,000 of them would take seven seconds. */
const nativeRunMs = 7;
const mebibyte = 1 << 20;

function document(index: number, valueBytes: number): string {
  const items = ['a', 'b', 'c'].map((item) => `  ${item}: ${item.repeat(valueBytes)}`).join('\n');
  return `---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: secret-${index}\n  namespace: bench\nstringData:\n${items}\n`;
}

/** Highest resident memory of a run over a stream of documents of about `bytes`, in bytes. */
async function peakMemory(folder: string, bytes: number): Promise<number> {
  const file = join(folder, 'stream.yaml');
  const stream = createWriteStream(file);
  const text = document(0, 64 * 1024);
  for (let written = 0; written < bytes; written += text.length) {
    if (!stream.write(text)) await new Promise((resolve) => stream.once('drain', resolve));
  }
  stream.end();
  await finished(stream);
  const child = spawn(
    join(root, 'bin/kubeseal'),
    ['--cert', certificate, '-f', file, '-w', join(folder, 'sealed.json')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  let peak = 0;
  const sample = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
    } catch {
      // It has just ended.
    }
  }, 20);
  const code = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(sample);
  if (code !== 0) throw new Error(`kubeseal ended with ${String(code)}`);
  return peak;
}

/** Many documents in one run: time, and memory that does not grow with the stream. */
export const sealMany: Benchmark = {
  name: 'seal-many',
  description: 'many documents in one run of the CLI',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'waxwing-bench-'));
    try {
      const input = Array.from({ length: documents }, (_, index) => document(index, 64)).join('');
      const started = performance.now();
      const { status, stderr } = spawnSync(join(root, 'bin/kubeseal'), ['--cert', certificate, '-o', 'yaml'], {
        input,
        maxBuffer: 256 * mebibyte,
      });
      const ms = performance.now() - started;
      if (status !== 0) throw new Error(stderr.toString());
      const ratio = ms / (documents * nativeRunMs);
      const small = await peakMemory(folder, 2 * mebibyte);
      const large = await peakMemory(folder, 200 * mebibyte);
      const growth = (large - small) / mebibyte;
      return [
        {
          name: `${documents} documents of 3 items (${formatMs(ms)}) against ${documents} runs of ${nativeRunMs} ms`,
          value: formatRatio(ratio),
          bar: { text: 'at most 0.2 x', reached: ratio <= 0.2 },
        },
        {
          name: 'peak memory, stream of 200 MiB over one of 2 MiB',
          value: `+${growth.toFixed(0)} MiB`,
          bar: { text: 'at most +64 MiB', reached: growth <= 64 },
        },
      ];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
