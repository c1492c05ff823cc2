import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runKubeseal } from '@waxwing/cli/kubeseal';
import { createTestIo, type TestIoOptions } from '@waxwing/cli/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createNamespace } from '../apiserver/namespace.ts';
import { exposeAsService, podAddress } from '../apiserver/service-backend.ts';
import { startCluster } from './cluster.ts';

const cluster = await startCluster();
const controllerNamespace = cluster.keyNamespace;
const controllerName = 'sealed-secrets-controller';
const controller = await cluster.startController();
const folder = mkdtempSync(join(tmpdir(), 'waxwing-kubeseal-'));
const servers: Server[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const server of servers) server.close();
});

const at = (name: string) => join(folder, name);
const service = ['--controller-namespace', controllerNamespace, '--controller-name', controllerName];

/** Pods are not reached at loopback addresses; this one leads to the controller. */
async function forward(host: string, target: string): Promise<number> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
  });
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

interface RunOptions extends Partial<TestIoOptions> {
  readonly kubeconfig?: string | false;
}

async function run(argv: string[], options: RunOptions = {}) {
  const { kubeconfig = cluster.server.kubeconfig, ...rest } = options;
  const io = createTestIo({ workingFolder: folder, env: { TMPDIR: folder }, ...rest });
  const flags = kubeconfig === false ? [] : [`--kubeconfig=${kubeconfig}`];
  const exit = await runKubeseal([...flags, ...service, ...argv], io, 'test');
  return { exit, stdout: io.written.stdout, stderr: io.written.stderr };
}

async function certificate(): Promise<string> {
  return (await controller.request('/v1/cert.pem')).body;
}

function secretOf(namespace: string, name: string, data: Record<string, string>): string {
  return JSON.stringify({ metadata: { name, namespace }, stringData: data });
}

beforeAll(async () => {
  const targetPort = await forward(podAddress(), controller.url);
  const backend = { namespace: controllerNamespace, port: 8080, targetPort };
  await exposeAsService(cluster.server, { ...backend, service: controllerName, portName: 'http' });
  await exposeAsService(cluster.server, { ...backend, service: 'unnamed-port', portName: '' });
});

describe('kubeseal with a cluster', () => {
  it('fetches the certificate', async () => {
    expect(await run(['--fetch-cert'])).toEqual({ exit: 0, stdout: await certificate(), stderr: '' });
  });

  it('fetches it through a port without name', async () => {
    const outcome = await run(['--controller-name', 'unnamed-port', '--fetch-cert']);
    expect(outcome).toEqual({ exit: 0, stdout: await certificate(), stderr: '' });
  });

  it('fetches it from a URL', async () => {
    const outcome = await run(['--fetch-cert', '--cert', `${controller.url}/v1/cert.pem`], { kubeconfig: false });
    expect(outcome).toEqual({ exit: 0, stdout: await certificate(), stderr: '' });
    const missing = await run(['--fetch-cert', '--cert', `${controller.url}/v1/nothing`], { kubeconfig: false });
    expect(missing).toEqual({
      exit: 1,
      stdout: '',
      stderr: `error: cannot fetch "${controller.url}/v1/nothing": 404 Not Found\n`,
    });
  });

  it('seals what the controller opens', async () => {
    const namespace = await cluster.createNamespace();
    const { exit, stdout } = await run([], { stdin: secretOf(namespace, 'sealed', { foo: 'bar' }) });
    expect(exit).toBe(0);
    await cluster.apply(JSON.parse(stdout));
    await cluster.secretWith(namespace, 'sealed', { foo: 'bar' });
  });

  it('takes the namespace of the context', async () => {
    const kubeconfig = await cluster.server.kubeconfigFor({ user: 'nobody', namespace: 'of-the-context' });
    writeFileSync(at('cert.pem'), await certificate());
    const argv = ['--cert', 'cert.pem'];
    const { stdout } = await run(argv, { kubeconfig, stdin: '{"metadata":{"name":"a"},"data":{"b":"Yw=="}}' });
    expect(JSON.parse(stdout).metadata.namespace).toBe('of-the-context');
  });

  it('validates, and names every SealedSecret that cannot be opened', async () => {
    const namespace = await cluster.createNamespace();
    const { stdout } = await run([], { stdin: secretOf(namespace, 'valid', { foo: 'bar' }) });
    expect(await run(['--validate'], { stdin: stdout })).toEqual({ exit: 0, stdout: '', stderr: '' });
    const moved = stdout.replace('"name": "valid"', '"name": "moved"');
    const other = stdout.replace('"name": "valid"', '"name": "other"');
    expect(await run(['--validate'], { stdin: `${moved}${stdout}${other}` })).toEqual({
      exit: 1,
      stdout: '',
      stderr: 'error: unable to decrypt sealed secret: moved\nunable to decrypt sealed secret: other\n',
    });
    expect(await run(['--validate'], { stdin: '' })).toMatchObject({ exit: 1, stdout: '' });
  });

  it('re-encrypts: new ciphertexts, everything else as it was', async () => {
    const namespace = await cluster.createNamespace();
    const { stdout } = await run([], { stdin: secretOf(namespace, 'renewed', { foo: 'bar', baz: 'x' }) });
    const before = JSON.parse(stdout);
    before.spec.template.data = { conf: 'v={{ .foo }}', baz: null };
    before.spec.template.metadata.labels = { team: 'a' };
    before.metadata.labels = { top: 'level' };
    const outcome = await run(['--re-encrypt'], { stdin: JSON.stringify(before) });
    expect(outcome).toMatchObject({ exit: 0, stderr: '' });
    const after = JSON.parse(outcome.stdout);
    expect(Object.keys(after.spec.encryptedData).sort()).toEqual(['baz', 'foo']);
    expect(after.spec.encryptedData.foo).not.toBe(before.spec.encryptedData.foo);
    expect({ ...after, spec: { ...after.spec, encryptedData: before.spec.encryptedData } }).toEqual(before);
    await cluster.apply(after);
    await cluster.secretWith(namespace, 'renewed', { conf: 'v=bar', foo: 'bar' });
  });

  it('re-encrypts files in place and keeps their other bytes', async () => {
    const namespace = await cluster.createNamespace();
    const { stdout } = await run([], { stdin: secretOf(namespace, 'in-place', { foo: 'bar' }) });
    const ciphertext = JSON.parse(stdout).spec.encryptedData.foo;
    const text = (first: string, second: string) => `# two of them
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: in-place, namespace: ${namespace}} # flow
spec:
  template: {data: {conf: "{{ .foo }}", gone: null}}
  encryptedData:
    foo: '${first}'
--- # next
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
    namespace: ${namespace}
    name:   in-place
spec:
    encryptedData: { "foo" : ${second} }
# the end`;
    writeFileSync(at('file.yaml'), text(ciphertext, ciphertext), { mode: 0o640 });
    expect(await run(['--re-encrypt', '-f', 'file.yaml'])).toEqual({ exit: 0, stdout: '', stderr: '' });
    const after = readFileSync(at('file.yaml'), 'utf8');
    const found = [...after.matchAll(/[A-Za-z0-9+/]{300,}=*/g)].map(([match]) => match);
    expect(found).toHaveLength(2);
    expect(after).toBe(text(found[0] ?? '', found[1] ?? ''));
    expect(found).not.toContain(ciphertext);
    expect(await run(['--validate', '-f', 'file.yaml'])).toEqual({ exit: 0, stdout: '', stderr: '' });
  });

  it('leaves a file alone of which one document cannot be re-encrypted', async () => {
    const namespace = await cluster.createNamespace();
    const { stdout } = await run(['-o', 'yaml'], { stdin: secretOf(namespace, 'good', { foo: 'bar' }) });
    const text = stdout + stdout.replaceAll('name: good', 'name: moved');
    writeFileSync(at('mixed.yaml'), text);
    const outcome = await run(['--rotate', '-f', 'mixed.yaml']);
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^Flag --rotate has been deprecated, please use --re-encrypt instead\nerror: (cannot re-encrypt secret|unable to rotate secret)/,
    );
    expect(readFileSync(at('mixed.yaml'), 'utf8')).toBe(text);
  });

  it('waits as long as the controller asks for', async () => {
    const slow = await cluster.startController({
      namespace: await createNamespace(cluster.server),
      flags: ['--rate-limit=2', '--rate-limit-burst=1'],
    });
    const name = 'slow';
    const targetPort = await forward(podAddress(), slow.url);
    await exposeAsService(cluster.server, {
      namespace: controllerNamespace,
      service: name,
      portName: 'http',
      port: 8080,
      targetPort,
    });
    const { stdout } = await run(['--controller-name', name], { stdin: secretOf('default', 'a', { foo: 'bar' }) });
    expect(await run(['--controller-name', name, '--validate'], { stdin: stdout.repeat(4) })).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('kubeseal and credentials', () => {
  const config = () => parse(readFileSync(cluster.server.kubeconfig, 'utf8'));
  const adminToken = () => config().users[0].user.token as string;
  const caOf = () => {
    const { 'certificate-authority': file, 'certificate-authority-data': data } = config().clusters[0].cluster;
    return data === undefined ? readFileSync(file, 'utf8') : Buffer.from(data, 'base64').toString();
  };
  const fetched = async () => ({ exit: 0, stdout: await certificate(), stderr: '' });

  function writeKubeconfig(name: string, user: object, clusterFields: object = {}): string {
    mkdirSync(at('credentials'), { recursive: true });
    writeFileSync(at('credentials/ca.pem'), caOf());
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'main',
      contexts: [{ name: 'main', context: { cluster: 'main', user: 'main' } }],
      clusters: [
        { name: 'main', cluster: { server: cluster.server.url, 'certificate-authority': 'ca.pem', ...clusterFields } },
      ],
      users: [{ name: 'main', user }],
    };
    writeFileSync(at(`credentials/${name}`), JSON.stringify(content));
    return at(`credentials/${name}`);
  }

  it('finds them in KUBECONFIG and at home', async () => {
    const env = { TMPDIR: folder, KUBECONFIG: `${at('missing')}:${cluster.server.kubeconfig}` };
    expect(await run(['--fetch-cert'], { kubeconfig: false, env })).toEqual(await fetched());
    mkdirSync(at('home/.kube'), { recursive: true });
    writeFileSync(
      at('home/.kube/config'),
      readFileSync(writeKubeconfig('home', { token: adminToken() }), 'utf8').replace(
        'ca.pem',
        at('credentials/ca.pem'),
      ),
    );
    expect(await run(['--fetch-cert'], { kubeconfig: false, env: { HOME: at('home') } })).toEqual(await fetched());
  });

  it('resolves files relative to the kubeconfig', async () => {
    mkdirSync(at('credentials'), { recursive: true });
    writeFileSync(at('credentials/token'), `${adminToken()}\n`);
    expect(await run(['--fetch-cert'], { kubeconfig: writeKubeconfig('token-file', { tokenFile: 'token' }) })).toEqual(
      await fetched(),
    );
  });

  it('runs exec plug-ins', async () => {
    mkdirSync(at('credentials'), { recursive: true });
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: adminToken() },
    };
    writeFileSync(
      at('credentials/plugin'),
      `#!/bin/sh\n[ -n "$KUBERNETES_EXEC_INFO" ] && [ "$1" = give ] && echo '${JSON.stringify(credential)}'\n`,
    );
    chmodSync(at('credentials/plugin'), 0o755);
    const exec = { apiVersion: credential.apiVersion, command: './plugin', args: ['give'], interactiveMode: 'Never' };
    expect(await run(['--fetch-cert'], { kubeconfig: writeKubeconfig('exec', { exec }) })).toEqual(await fetched());
    const failing = { ...exec, args: ['nothing'] };
    const outcome = await run(['--fetch-cert'], { kubeconfig: writeKubeconfig('exec-failing', { exec: failing }) });
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^error: .*getting credentials: /);
  });

  it('names a plug-in that cannot be started', async () => {
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' };
    const outcome = await run(['--fetch-cert'], { kubeconfig: writeKubeconfig('exec-missing', { exec }) });
    expect(outcome.stderr).toMatch(/getting credentials: exec: no-such-plugin: no such file or directory/);
  });

  it('uses the service account of a pod where nothing else is configured', async () => {
    const account = '/var/run/secrets/kubernetes.io/serviceaccount';
    mkdirSync(at('account'), { recursive: true });
    writeFileSync(at('account/token'), adminToken());
    writeFileSync(at('account/ca.crt'), caOf());
    writeFileSync(at('account/namespace'), 'of-the-pod');
    const here = (path: unknown) => String(path).replace(account, at('account'));
    const files = {
      openSync: ((path, ...rest) => openSync(here(path), ...rest)) as typeof openSync,
      statSync: ((path: string, options: { throwIfNoEntry: false }) =>
        statSync(here(path), options)) as typeof statSync,
    };
    const { hostname, port } = new URL(cluster.server.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    expect(await run(['--fetch-cert'], { kubeconfig: false, env, files })).toEqual(await fetched());
    const { stdout } = await run([], {
      kubeconfig: false,
      env,
      files,
      stdin: '{"metadata":{"name":"a"},"data":{"b":"Yw=="}}',
    });
    expect(JSON.parse(stdout).metadata.namespace).toBe('of-the-pod');
  });

  it('takes everything from flags', async () => {
    writeFileSync(at('ca.pem'), caOf());
    const argv = [
      '--server',
      cluster.server.url,
      '--certificate-authority',
      'ca.pem',
      '--token',
      adminToken(),
      '--fetch-cert',
    ];
    expect(await run(argv, { kubeconfig: false })).toEqual(await fetched());
    const unchecked = [
      '--server',
      cluster.server.url,
      '--insecure-skip-tls-verify',
      '--token',
      adminToken(),
      '--fetch-cert',
    ];
    expect(await run(unchecked, { kubeconfig: false })).toEqual(await fetched());
    const env = Object.fromEntries(
      [
        ['SERVER', cluster.server.url],
        ['CERTIFICATE_AUTHORITY', at('ca.pem')],
        ['TOKEN', adminToken()],
      ].map(([name, value]) => [`SEALED_SECRETS_${name}`, value]),
    );
    expect(await run(['--fetch-cert'], { kubeconfig: false, env })).toEqual(await fetched());
  });

  it('does not trust an API server whose certificate nothing vouches for', async () => {
    const outcome = await run(['--server', cluster.server.url, '--token', adminToken(), '--fetch-cert'], {
      kubeconfig: false,
    });
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/tls: failed to verify certificate/);
  });

  it('goes through the proxy of the kubeconfig and of the flag', async () => {
    let tunnels = 0;
    const proxy = createServer((incoming) => {
      incoming.once('data', (data) => {
        const [, host = '', port = ''] = /^CONNECT ([^:]+):(\d+)/.exec(data.toString()) ?? [];
        tunnels++;
        const outgoing = connect(Number(port), host, () => {
          incoming.write('HTTP/1.1 200 OK\r\n\r\n');
          incoming.pipe(outgoing).pipe(incoming);
        });
        for (const socket of [incoming, outgoing]) socket.on('error', () => socket.destroy());
      });
    });
    servers.push(proxy);
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const url = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
    expect(
      await run(['--fetch-cert'], {
        kubeconfig: writeKubeconfig('proxy', { token: adminToken() }, { 'proxy-url': url }),
      }),
    ).toEqual(await fetched());
    const afterFirst = tunnels;
    expect(afterFirst).toBeGreaterThan(0);
    expect(await run(['--fetch-cert', '--proxy-url', url])).toEqual(await fetched());
    expect(tunnels).toBeGreaterThan(afterFirst);
  });
});

describe('kubeseal says what is in the way', () => {
  const advice =
    'Please, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller\n';

  it('no such Service', async () => {
    const outcome = await run(['--controller-name', 'nowhere', '--fetch-cert']);
    expect(outcome).toEqual({
      exit: 1,
      stdout: '',
      stderr: `error: cannot get sealed secret service: services "nowhere" not found.\n${advice}`,
    });
    const told = await run(['--controller-name', 'nowhere', '--fetch-cert'], { terminals: ['stderr'] });
    expect(told.stderr).toMatch(/\nhint: .*kubectl get services --all-namespaces/);
  });

  it('a Service without ports', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'portless' },
      spec: { type: 'ExternalName', externalName: 'example.com' },
    };
    await cluster.server.request('POST', `/api/v1/namespaces/${controllerNamespace}/services`, service);
    const outcome = await run(['--controller-name', 'portless', '--fetch-cert']);
    expect(outcome).toEqual({
      exit: 1,
      stdout: '',
      stderr: `error: the service ${controllerNamespace}/portless has no ports\n`,
    });
  });

  it('no permission', async () => {
    const kubeconfig = await cluster.server.kubeconfigFor({ user: 'mallory' });
    const outcome = await run(['--fetch-cert'], { kubeconfig, terminals: ['stderr'] });
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(
      /^error: cannot get sealed secret service: services "sealed-secrets-controller" is forbidden: User "mallory" /,
    );
    expect(outcome.stderr).toMatch(/\nhint: .*kubectl -n \S+ auth can-i get services/);
  });

  it('no permission for an impersonated user', async () => {
    const outcome = await run(['--as', 'eve', '--as-group', 'visitors', '--fetch-cert']);
    expect(outcome.stderr).toMatch(/is forbidden: User "eve" /);
  });

  it('nothing behind the Service', async () => {
    const unused = await forward(podAddress(), controller.url);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await exposeAsService(cluster.server, {
      namespace: controllerNamespace,
      service: 'stopped',
      portName: 'http',
      port: 8080,
      targetPort: unused,
    });
    const outcome = await run(['--controller-name', 'stopped', '--fetch-cert'], { terminals: ['stderr'] });
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/^error: cannot fetch certificate: /);
    expect(outcome.stderr).toMatch(/\nhint: .*kubectl -n /);
  });

  it('an API server that does not answer in time', async () => {
    const silent = createServer(() => {});
    servers.push(silent);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const server = `http://127.0.0.1:${(silent.address() as { port: number }).port}`;
    const outcome = await run(['--server', server, '--request-timeout', '300ms', '--fetch-cert']);
    expect(outcome).toMatchObject({ exit: 1, stdout: '' });
    expect(outcome.stderr).toMatch(/no answer within 0\.3 s/);
  });
});
