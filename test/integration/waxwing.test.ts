import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, startCluster } from './cluster.ts';
import { runCommand } from './command-line.ts';
import { exposeLocalPort } from './controller-service.ts';

// The built command, the controller, and an API server between them.

const root = join(import.meta.dirname, '../..');
const cluster = await startCluster();
const controller = await cluster.startController();
const folder = mkdtempSync(join(tmpdir(), 'waxwing-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const service = { namespace: cluster.keyNamespace, name: 'sealed-secrets-controller' };
const at = (name: string) => join(folder, name);

interface RunOptions {
  readonly stdin?: string;
  readonly kubeconfig?: string;
}

/** With the cluster; the environment has nothing but PATH. */
function waxwing(args: readonly string[], { stdin = '', kubeconfig = cluster.server.kubeconfig }: RunOptions = {}) {
  const where = ['--kubeconfig', kubeconfig, '--controller-namespace', service.namespace];
  return runCommand('waxwing', [...args, ...where], { cwd: folder, stdin });
}

/** Without any: no kubeconfig, no HOME. */
const offline = (args: readonly string[], stdin = '') => runCommand('waxwing', args, { cwd: folder, stdin });

const secretOf = (namespace: string, name: string, data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: data });

beforeAll(async () => {
  await exposeLocalPort(cluster.server, controller.url, service);
});

describe('waxwing with a cluster', () => {
  it('fetches the certificate and tells what it is', async () => {
    const { status, stdout, stderr } = await waxwing(['cert']);
    expect({ status, stdout }).toEqual({ status: 0, stdout: await certificateOf(controller) });
    expect(stderr).toMatch(/^key [0-9a-f]{16}, RSA 2048, valid from .* until /);
  });

  it('seals with it what the controller opens, and says for which controller', async () => {
    const namespace = await cluster.createNamespace();
    const result = await waxwing(['seal', '-o', 'json'], { stdin: secretOf(namespace, 'sealed', { a: 'b' }) });
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(
      new RegExp(`^sealed for ${namespace}/sealed \\(strict\\), ${service.namespace}/${service.name}: key `),
    );
    await cluster.apply(JSON.parse(result.stdout));
    await cluster.secretWith(namespace, 'sealed', { a: 'b' });
  });

  it('asks the controller whether objects open, and ends with 4 when one does not', async () => {
    await waxwing(['seal', '--output', 'verified.yaml'], { stdin: secretOf('some', 'verified', { a: 'b' }) });
    expect(await waxwing(['verify', 'verified.yaml'])).toEqual({
      status: 0,
      stdout: 'verified.yaml: some/verified opens\n',
      stderr: '',
    });
    writeFileSync(at('moved.yaml'), readFileSync(at('verified.yaml'), 'utf8').replaceAll('verified', 'moved'));
    expect(await waxwing(['verify', 'verified.yaml', 'moved.yaml'])).toEqual({
      status: 4,
      stdout: 'verified.yaml: some/verified opens\nmoved.yaml: some/moved does not open\n',
      stderr: '',
    });
  });

  it('seals files again in place, and of a tree what is not current; every other byte stays', async () => {
    mkdirSync(at('tree/deep'), { recursive: true });
    const write = (name: string) =>
      waxwing(['seal', '--output', name], { stdin: secretOf('some', 'stale', { a: '1', b: '2' }) });
    await write('tree/one.yaml');
    await write('tree/deep/two.json');
    writeFileSync(at('tree/one.yaml'), `# a comment\n${readFileSync(at('tree/one.yaml'), 'utf8')}`);
    writeFileSync(at('tree/chart.yaml'), 'kind: {{ .Values.kind }}\n');
    const before = await certificateOf(controller);
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== before, { what: 'the new key' });
    await write('tree/current.yaml');

    const text = (name: string) => readFileSync(at(name), 'utf8');
    const [one, current] = [text('tree/one.yaml'), text('tree/current.yaml')];
    const result = await waxwing(['reencrypt', '--all', 'tree', '--json']);
    expect(result.status).toBe(0);
    const { objects } = JSON.parse(result.stdout);
    expect(objects.map(({ file, action, items }: Record<string, unknown>) => [file, action, items])).toEqual([
      ['tree/current.yaml', 'current', 0],
      ['tree/deep/two.json', 'sealed again', 2],
      ['tree/one.yaml', 'sealed again', 2],
    ]);
    expect(text('tree/current.yaml')).toBe(current);
    expect(text('tree/one.yaml')).not.toBe(one);
    const others = (content: string) => content.replaceAll(/[A-Za-z0-9+/=]{100,}|[0-9a-f]{16}/g, '');
    expect(others(text('tree/one.yaml'))).toBe(others(one));
    expect((await waxwing(['verify', 'tree'])).status).toBe(0);
    const again = await waxwing(['reencrypt', '--all', 'tree']);
    expect(again.stderr).toContain('0 objects sealed again');
    expect(again.stderr).toContain('3 current, 0 failed');

    const single = text('tree/current.yaml');
    expect(await waxwing(['reencrypt', '--in-place', 'tree/current.yaml'])).toMatchObject({ status: 0, stdout: '' });
    expect(text('tree/current.yaml')).not.toBe(single);
  });
});

describe('waxwing says what is in the way, ends with 3, and writes nothing', () => {
  it('no such Service', async () => {
    const { status, stdout, stderr } = await waxwing(['seal', '--controller-name', 'nowhere'], {
      stdin: secretOf('some', 'x', { a: 'b' }),
    });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toMatch(/^error: cannot get sealed secret service: services "nowhere" not found/);
    expect(stderr).toMatch(/\nhint: .*kubectl get services --all-namespaces/);
  });

  it('no permission', async () => {
    const kubeconfig = await cluster.server.kubeconfigFor({ user: 'mallory' });
    const { status, stdout, stderr } = await waxwing(['cert'], { kubeconfig });
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(stderr).toContain('is forbidden: User "mallory"');
    expect(stderr).toMatch(/\nhint: .*kubectl -n \S+ auth can-i get services/);
  });

  it('nothing behind the Service', async () => {
    await exposeLocalPort(cluster.server, 'http://127.0.0.1:9', { ...service, name: 'stopped' });
    const { status, stdout, stderr } = await waxwing(['cert', '--controller-name', 'stopped', '--json']);
    expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'ControllerUnreachable',
      hint: expect.stringContaining('kubectl -n '),
    });
  });

  it('no API server', async () => {
    const config = parse(readFileSync(cluster.server.kubeconfig, 'utf8'));
    config.clusters[0].cluster.server = 'https://127.0.0.1:9';
    writeFileSync(at('down.yaml'), JSON.stringify(config));
    for (const args of [['cert'], ['verify', 'x.yaml'], ['keys', 'list']]) {
      const { status, stdout, stderr } = await waxwing(args, { kubeconfig: at('down.yaml') });
      expect({ status, stdout }).toEqual({ status: 3, stdout: '' });
      expect(stderr).toContain('connection refused');
    }
  });
});

describe('waxwing without a cluster', () => {
  const vectors = join(root, 'test/vectors/test-keys');
  const certificate = ['--cert', join(vectors, 'alpha.crt.pem')];
  const key = ['--private-key', join(vectors, 'alpha.key.pem')];

  it('needs no kubeconfig and no HOME', async () => {
    const secret = secretOf('some', 'offline', { a: 'b' });
    expect((await offline(['seal', ...certificate, '--output', 'offline.yaml'], secret)).status).toBe(0);
    expect(
      (await offline(['merge', '--into', 'offline.yaml', ...certificate], secretOf('', 'x', { c: 'd' }))).status,
    ).toBe(0);
    expect((await offline(['raw', '--scope', 'cluster-wide', ...certificate], 'value')).status).toBe(0);
    expect((await offline(['cert', ...certificate])).status).toBe(0);
    expect((await offline(['lint', 'offline.yaml'])).status).toBe(0);
    expect((await offline(['verify', 'offline.yaml', ...key])).status).toBe(0);
    expect((await offline(['template', 'offline.yaml'])).status).toBe(0);
    const opened = await offline(['unseal', 'offline.yaml', ...key]);
    expect(parse(opened.stdout).data).toEqual({ a: 'Yg==', c: 'ZA==' });
    expect((await offline(['completion', 'bash'])).status).toBe(0);
  });

  it('and where one is needed says so', async () => {
    const { status, stdout, stderr } = await offline(['verify', 'offline.yaml']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('hint: Name a kubeconfig with --kubeconfig or KUBECONFIG');
  });

  it('loads nothing for sealing that sealing does not need', async () => {
    writeFileSync(
      at('record.cjs'),
      `const { Module } = require('node:module');
const load = Module._load;
const names = [];
Module._load = (name, ...rest) => (names.push(name), load(name, ...rest));
process.on('exit', () => require('node:fs').writeFileSync('loaded.json', JSON.stringify(names)));`,
    );
    writeFileSync(at('secret.json'), secretOf('some', 'x', { a: 'b' }));
    const program = join(root, 'cli/dist/waxwing.cjs');
    const args = ['--require', at('record.cjs'), program, 'seal', 'secret.json', ...certificate];
    const { status } = spawnSync(process.execPath, args, { cwd: folder, env: {} });
    expect(status).toBe(0);
    const loaded: string[] = JSON.parse(readFileSync(at('loaded.json'), 'utf8'));
    expect(loaded).toContain('./waxwing-program.cjs');
    const libraries = loaded.filter((name) => name.startsWith('./') && !name.startsWith('./waxwing-program'));
    expect(libraries).toEqual([]);
    for (const heavy of ['http', 'https', 'node:http', 'node:https', 'node:tls', 'node:worker_threads']) {
      expect(loaded).not.toContain(heavy);
    }
  });

  it.each([
    ['a file', ['seal', ...certificate, '--output', '/dev/full'], '/dev/full'],
    ['standard output', ['seal', ...certificate], 'standard output'],
    ['the help', ['--help'], 'standard output'],
  ] as const)('a full disk is told: %s', (_, args, name) => {
    const line = `exec "$@" ${name === '/dev/full' ? '' : '> /dev/full'}`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line, 'sh', join(root, 'bin/waxwing'), ...args], {
      cwd: folder,
      input: secretOf('some', 'x', { a: 'b' }),
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(`error: write ${name}: no space left on device`);
  });
});
