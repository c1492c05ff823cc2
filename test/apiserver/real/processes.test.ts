import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
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
  const program = startProgram('sleeper', '/bin/sleep', ['60'], join(folder, 'sleeper.log'));
  expect(program.isRunning()).toBe(true);
  await program.kill();
  expect(program.isRunning()).toBe(false);
  expect(await program.exited).toBe('SIGKILL');
});

it('a program that ends by itself leaves its status and its last words', async () => {
  const program = startProgram(
    'failing',
    '/bin/sh',
    ['-c', 'echo no such key >&2; exit 3'],
    join(folder, 'failing.log'),
  );
  expect(await program.exited).toBe('status 3');
  expect(await program.lastWords()).toBe('no such key');
});

it('a program dies when the process that started it is killed', async () => {
  const script = `
    import { startProgram } from ${JSON.stringify(new URL('./processes.ts', import.meta.url).href)};
    startProgram('orphan', '/bin/sh', ['-c', 'echo $$; exec sleep 60'], ${JSON.stringify(join(folder, 'orphan.log'))});
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const { readFile } = await import('node:fs/promises');
  const pid = Number(
    await waitFor(() => readFile(join(folder, 'orphan.log'), 'utf8').catch(() => ''), { what: 'the program' }),
  );
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  await waitFor(() => !isAlive(pid), { what: 'the program to die with its parent' });
});
