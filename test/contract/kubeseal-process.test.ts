import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// What only a real process shows: descriptors, pipes, signals, and which modules are loaded.

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'cli/src/kubeseal-main.ts');
const certificate = join(root, 'test/vectors/test-keys/alpha.crt.pem');
const secret = 'kind: Secret\nmetadata: {name: db, namespace: payments}\nstringData:\n  password: canary-7Hq2-value\n';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'waxwing-process-'));
  fs.writeFileSync(join(folder, 'in.yaml'), secret);
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const environment = () => ({ TMPDIR: folder, PATH: process.env['PATH'] });

function run(script: string) {
  const kubeseal = `"${process.execPath}" "${program}" --cert "${certificate}"`;
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script.replaceAll('KUBESEAL', kubeseal)], {
    cwd: folder,
    env: environment(),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { status, stdout, stderr };
}

function start(argv: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [program, '--cert', certificate, ...argv], { cwd: folder, env: environment() });
}

describe('streams of the shell', () => {
  test('a pipe in and a pipe out', () => {
    const { status, stdout } = run('cat in.yaml | KUBESEAL | cat');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).kind).toBe('SealedSecret');
  });

  test('a pipe that is closed at once', () => {
    const many = Array.from({ length: 400 }, () => secret).join('---\n');
    fs.writeFileSync(at('many.yaml'), many);
    const { stdout, stderr } = run('{ KUBESEAL -f many.yaml; echo "exit $?" >&2; } | head -c 1');
    expect(stdout).toBe('{');
    expect(stderr).toBe('error: write standard output: broken pipe\nexit 1\n');
  });

  test('a full device', () => {
    expect(run('KUBESEAL -f in.yaml > /dev/full')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'error: write standard output: no space left on device\n',
    });
  });

  test('a directory as standard input', () => {
    expect(run('KUBESEAL < .')).toEqual({ status: 1, stdout: '', stderr: 'error: read stdin: is a directory\n' });
  });

  test('substituted files and /dev/stdin', () => {
    const { status, stdout } = run('printf value | KUBESEAL --raw --scope cluster-wide --from-file /dev/stdin | wc -c');
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: '716' });
    expect(run('cat in.yaml | KUBESEAL -f /dev/fd/3 3<&0 < /dev/null').status).toBe(0);
  });

  test('/dev/stdout as output file does not replace what standard output is', () => {
    const inode = () => fs.statSync(at('out.json')).ino;
    fs.writeFileSync(at('out.json'), '');
    const before = inode();
    expect(run('KUBESEAL -f in.yaml -w /dev/stdout > out.json').status).toBe(0);
    expect(inode()).toBe(before);
    expect(JSON.parse(fs.readFileSync(at('out.json'), 'utf8')).kind).toBe('SealedSecret');
  });

  test('more than a pipe holds, read slowly', async () => {
    fs.writeFileSync(at('many.yaml'), Array.from({ length: 300 }, () => secret).join('---\n'));
    const child = start(['-f', 'many.yaml', '-o', 'yaml']);
    let text = '';
    for await (const chunk of child.stdout) {
      text += chunk;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(text.match(/^---$/gm)).toHaveLength(300);
  });
});

describe('signals', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s while input is awaited ends the program at once',
    async (signal) => {
      fs.writeFileSync(at('out.yaml'), 'old');
      spawnSync('mkfifo', [at('input')]);
      const child = start(['-f', 'input', '-w', 'out.yaml']);
      // Opening waits for the program to open the other end.
      await using input = await fs.promises.open(at('input'), 'w');
      await input.write(secret);
      child.kill(signal);
      const [, received] = await once(child, 'exit');
      expect(received).toBe(signal);
      expect(fs.readdirSync(folder).sort()).toEqual(['in.yaml', 'input', 'out.yaml']);
      expect(fs.readFileSync(at('out.yaml'), 'utf8')).toBe('old');
    },
  );
});

describe('the sealing path', () => {
  test('loads nothing but our own files for documents and sealing, and the parts of Node these need', () => {
    const list = at('modules.json');
    fs.writeFileSync(
      at('record.mjs'),
      `import { registerHooks } from 'node:module';
import { writeFileSync } from 'node:fs';
const urls = new Set();
registerHooks({ load: (url, context, next) => (urls.add(url), next(url, context)) });
process.on('exit', () => writeFileSync(${JSON.stringify(list)}, JSON.stringify([...urls])));`,
    );
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', at('record.mjs'), program, '--cert', certificate, '-f', 'in.yaml'],
      { cwd: folder, env: environment(), encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const urls = JSON.parse(fs.readFileSync(list, 'utf8')) as string[];
    const own = urls.filter((url) => url.startsWith('file:')).map((url) => url.slice(`file://${root}/`.length));
    expect(own.filter((path) => path.includes('node_modules'))).toEqual([]);
    const allowed =
      /^(cli\/src\/[a-z-]+\.ts|cli\/src\/modes\/(fetch-certificate|raw|seal)\.ts|shared\/src\/([a-z-]+|api\/[a-z-]+|crypto\/[a-z0-9-]+|documents\/[a-z-]+|keys\/[a-z-]+)\.ts)$/;
    expect(own.filter((path) => !allowed.test(path))).toEqual([]);
    const never = ['cluster.ts', 'http-client.ts', 'template-renderer.ts', 'program.ts', 'main.ts', 'proxy.ts'];
    expect(own.filter((path) => never.some((name) => path === `cli/src/${name}`))).toEqual([]);
    const builtin = urls.filter((url) => url.startsWith('node:')).sort();
    // `node:fs` is loaded by the recording itself.
    expect(builtin).toEqual(['node:crypto', 'node:path', 'node:util']);
  });
});
