import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const MIB = 1024 * 1024;

function read(megabytes: number, format: string): { documents: number; peak: number } {
  const script = path.join(import.meta.dirname, 'document-stream.ts');
  // V8 alone lets its young generation grow by 60 MiB in a busy process; what is measured here is what we hold.
  const run = spawnSync(process.execPath, ['--max-semi-space-size=16', script, String(megabytes), format], {
    encoding: 'utf8',
  });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout) as { documents: number; peak: number };
}

describe.each(['yaml', 'json'])('reading a long %s stream', (format) => {
  it('needs at most 64 MiB more for 200 MB than for 2 MB', () => {
    const short = read(2, format);
    const long = read(200, format);
    expect(long.documents).toBeGreaterThan(short.documents * 90);
    console.log(
      `${format}: peak ${(short.peak / MIB).toFixed(0)} MiB for 2 MB, ${(long.peak / MIB).toFixed(0)} MiB for 200 MB`,
    );
    expect(long.peak - short.peak).toBeLessThan(64 * MIB);
  });
});
