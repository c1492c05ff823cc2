import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

// A real terminal, which script(1) of util-linux makes.

const root = join(import.meta.dirname, '../..');
const vectors = join(root, 'test/vectors/test-keys');
const folder = mkdtempSync(join(tmpdir(), 'waxwing-terminal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasScript = spawnSync('script', ['--version']).status === 0;

/** Runs `waxwing` on a terminal, types when `question` is shown, and returns all that the terminal showed. */
async function onTerminal(
  args: readonly string[],
  question: string,
  typed: string,
): Promise<{ shown: string; status: number | null }> {
  const line = [process.execPath, join(root, 'cli/src/main.ts'), ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env['PATH'], TERM: 'xterm' },
  });
  let shown = '';
  let hasTyped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (hasTyped || !shown.includes(question)) return;
    hasTyped = true;
    child.stdin.write(typed);
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { shown, status };
}

describe.skipIf(!hasScript)('on a terminal', () => {
  const raw = ['raw', '--cert', join(vectors, 'alpha.crt.pem'), '--scope', 'cluster-wide', '--output', 'value'];

  it('a value is asked for and never shown', async () => {
    const { shown, status } = await onTerminal(raw, 'Value (not shown): ', 'canary-7Hq2x\u007f-value\r');
    expect(status).toBe(0);
    expect(shown).not.toContain('canary');
    expect(shown).toContain('sealed for cluster-wide');
    const object = {
      kind: 'SealedSecret',
      apiVersion: 'bitnami.com/v1alpha1',
      metadata: { name: 'a', namespace: 'b', annotations: { 'sealedsecrets.bitnami.com/cluster-wide': 'true' } },
      spec: { encryptedData: { a: readFileSync(join(folder, 'value'), 'utf8') } },
    };
    const open = [
      join(root, 'cli/src/main.ts'),
      'unseal',
      '-o',
      'json',
      '--private-key',
      join(vectors, 'alpha.key.pem'),
    ];
    const { stdout } = spawnSync(process.execPath, open, {
      cwd: folder,
      input: JSON.stringify(object),
      encoding: 'utf8',
    });
    expect(Buffer.from(JSON.parse(stdout).data.a, 'base64').toString()).toBe('canary-7Hq2-value');
  });

  it('Ctrl-C at the question ends the program as everywhere', async () => {
    const { status } = await onTerminal([...raw.slice(0, -1), 'never'], 'Value (not shown): ', 'half a val\u0003');
    expect(status).toBe(130);
    expect(() => readFileSync(join(folder, 'never'))).toThrow();
  });

  it('errors are red', async () => {
    const { shown } = await onTerminal(['seal', '--crt'], 'never asked', '');
    expect(shown).toContain('\u001b[31merror:');
  });
});
