import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { waitFor } from '../wait-for.ts';
import { startProgram } from './processes.ts';

const folder = await mkdtemp(join(tmpdir(), 'waxwing-processes-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it('a program runs until it is killed', async () => {
  const program = startProgram('sleeper', '/bin/sleep', ['60'], { log: join(folder, 'sleeper.log') });
  expect(program.isRunning()).toBe(true);
  await program.kill();
  expect(program.isRunning()).toBe(false);
  expect(await program.exited).toBe('SIGKILL');
});

it('a program that ends by itself leaves its status and its last words', async () => {
  const program = startProgram('failing', '/bin/sh', ['-c', 'echo no such key >&2; exit 3'], {
    log: join(folder, 'failing.log'),
  });
  expect(await program.exited).toBe('status 3');
  expect(await program.lastWords()).toBe('no such key');
});

it('a program dies, and its folder goes, when the process that started it is killed', async () => {
  const log = join(folder, 'orphan.log');
  const doomed = join(folder, 'doomed');
  await mkdir(doomed);
  const script = `
    import { startProgram } from ${JSON.stringify(new URL('./processes.ts', import.meta.url).href)};
    const files = ${JSON.stringify({ log, removeFolder: doomed })};
    startProgram('orphan', '/bin/sh', ['-c', 'echo $$; exec sleep 60'], files);
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const pid = Number(await waitFor(() => readFile(log, 'utf8').catch(() => ''), { what: 'the program' }));
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await waitFor(() => !isAlive(pid) && !existsSync(doomed), { what: 'the program to die with its parent' });
});
