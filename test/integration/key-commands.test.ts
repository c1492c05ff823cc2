import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, startCluster } from './cluster.ts';
import { type CommandResult, runCommand } from './command-line.ts';
import { startController } from './controller-process.ts';
import { seal } from './sealing.ts';

const label = 'sealedsecrets.bitnami.com/sealed-secrets-key';
const cluster = await startCluster();
const { server } = cluster;

let folder: string;
let recipient: string;
/** A second cluster, which shares nothing with the first. */
let other: ApiServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-keys-'));
  const identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
  writeFileSync(join(folder, 'identity.txt'), `${identity}\n`, { mode: 0o600 });
  other = await leaseApiServer();
});
afterAll(async () => {
  await other.stop();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(folder, name);
const newKeyNamespace = (on: Pick<ApiServer, 'request'> = server) => createNamespace(on, { generateName: 'keys-' });

/** Runs `waxwing keys ...` against a cluster. */
function keys(args: readonly string[], namespace: string, on: ApiServer = server): Promise<CommandResult> {
  const where = ['--kubeconfig', on.kubeconfig, '--controller-namespace', namespace];
  return runCommand('waxwing', ['keys', ...args, ...where], { cwd: folder });
}

/** The same with `--json`; the result must be a success. */
async function keysJson(args: readonly string[], namespace: string, on: ApiServer = server): Promise<Json> {
  const where = ['--kubeconfig', on.kubeconfig, '--controller-namespace', namespace];
  const { stdout, stderr } = await runCommand('waxwing', ['--json', 'keys', ...args, ...where], { cwd: folder });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

const keySecrets = async (namespace: string, on: ApiServer = server): Promise<Json[]> =>
  (await on.request('GET', `/api/v1/namespaces/${namespace}/secrets?labelSelector=${encodeURIComponent(label)}`)).body
    .items;

/** A controller of its own namespace with one key, and an object sealed with it that is applied and written to `repo/NAME.json`. */
async function sealedObject(name: string) {
  const namespace = await newKeyNamespace();
  const controller = await cluster.startController({ namespace, flags: ['--all-namespaces=false'] });
  const sealed = seal({
    certificatePem: await certificateOf(controller),
    namespace,
    name,
    data: { a: 'canary-value-1' },
  });
  await cluster.apply(sealed);
  await cluster.secretWith(namespace, name, { a: 'canary-value-1' });
  const repository = mkdtempSync(join(folder, 'repo-'));
  writeFileSync(join(repository, `${name}.json`), JSON.stringify(sealed));
  return { namespace, controller, sealed, repository };
}

describe('keys list', () => {
  it('shows every key and proves by decrypting how much needs it', async () => {
    const { namespace, repository } = await sealedObject('listed');
    const list = await keysJson(['list', '--repo', repository], namespace);
    expect(list.keys).toEqual([
      expect.objectContaining({
        state: 'sealing',
        seals: true,
        backup: 'absent',
        neededInFiles: { objects: 1, items: 1 },
      }),
    ]);
    const table = await keys(['list', '--no-needs'], namespace);
    expect(table.stdout).toMatch(/^KEY +STATE +AGE/);
    expect(table.stdout).toContain(list.keys[0].id);
  });

  it('without permission says which one is missing', async () => {
    const namespace = await newKeyNamespace();
    const kubeconfig = await server.kubeconfigFor({ user: 'somebody' });
    const args = ['keys', 'list', '--kubeconfig', kubeconfig, '--controller-namespace', namespace];
    const result = await runCommand('waxwing', args, { cwd: folder });
    expect(result).toMatchObject({ status: 3, stdout: '' });
    expect(result.stderr).toContain('you may not list Secrets');
    expect(result.stderr).toContain(`kubectl auth can-i list secrets -n ${namespace}`);
  });
});

describe('export and import', () => {
  it('carry a key to a new cluster, where the running controller opens the old files without a restart', async () => {
    const { namespace, sealed } = await sealedObject('moved');
    const exported = await keys(['export', '-r', recipient, '--output', 'moved.age'], namespace);
    expect(exported).toMatchObject({ status: 0, stdout: '' });
    expect(statSync(file('moved.age')).mode & 0o777).toBe(0o600);

    const target = await newKeyNamespace(other);
    await using controller = await startController({
      kubeconfig: other.kubeconfig,
      namespace: target,
      flags: ['--all-namespaces=false'],
    });
    const copy = { ...sealed, metadata: { ...sealed.metadata, namespace: target } };
    // The value is bound to its namespace, so the other cluster has one of that name, too.
    await other.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    await using second = await startController({
      kubeconfig: other.kubeconfig,
      namespace: target,
      podName: 'controller-1',
      flags: [`--additional-namespaces=${namespace}`],
    });
    copy.metadata.namespace = namespace;
    const created = await other.request(
      'POST',
      `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`,
      copy,
    );
    expect(created.status).toBe(201);
    const condition = async () => {
      const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/moved`;
      return (await other.request('GET', path)).body.status?.conditions?.[0];
    };
    await waitFor(async () => (await condition())?.status === 'False', { what: 'the failure without the key' });

    const plan = await keys(['import', 'moved.age', '--identity', 'identity.txt', '--dry-run'], target, other);
    expect(plan).toMatchObject({ status: 0, stdout: '' });
    expect(plan.stderr).toContain('create   key');
    expect(await keySecrets(target, other)).toHaveLength(1);
    expect((await keys(['import', 'moved.age', '--identity', 'identity.txt'], target, other)).status).toBe(0);
    await waitFor(async () => (await condition())?.status === 'True', {
      timeoutMs: 10_000,
      what: 'Synced after the import',
    });
    expect(controller.child.exitCode).toBeNull();
    expect(second.child.exitCode).toBeNull();
  });

  it('importing twice changes nothing', async () => {
    const { namespace } = await sealedObject('twice');
    await keys(['export', '-r', recipient, '--output', 'twice.age'], namespace);
    const before = await keySecrets(namespace);
    const result = await keys(['import', 'twice.age', '--identity', 'identity.txt'], namespace);
    expect(result.status).toBe(0);
    expect(result.stderr).toContain('keep     key');
    expect(await keySecrets(namespace)).toEqual(before);
  });

  it('--primary makes an old key the one that seals', async () => {
    const { namespace, controller } = await sealedObject('primary');
    const oldCertificate = await certificateOf(controller);
    await keys(['export', '-r', recipient, '--output', 'primary.age'], namespace);
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== oldCertificate);
    const imported = await keys(['import', 'primary.age', '--identity', 'identity.txt', '--primary'], namespace);
    expect(imported.status).toBe(0);
    expect(imported.stderr).toContain('--key-renew-period=0');
    await waitFor(async () => (await certificateOf(controller)) === oldCertificate, {
      what: 'the old key to seal again',
    });
  });

  it('upstream backups and PEM pairs are taken; what is no key refuses the whole import', async () => {
    const namespace = await newKeyNamespace();
    const vectors = join(import.meta.dirname, '../vectors/test-keys');
    const backup = await keys(['import', join(vectors, 'backup-list.yaml')], namespace);
    expect(backup.status).toBe(0);
    const imported = await keySecrets(namespace);
    expect(imported.length).toBeGreaterThanOrEqual(2);
    const pair = ['--private-key', join(vectors, 'delta.key.pem'), '--certificate', join(vectors, 'delta.crt.pem')];
    expect((await keys(['import', ...pair], await newKeyNamespace())).status).toBe(0);
    const mixed = ['--private-key', join(vectors, 'delta.key.pem'), '--certificate', join(vectors, 'alpha.crt.pem')];
    const refused = await keys(['import', ...mixed], namespace);
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('the certificate belongs to another private key');
    expect(await keySecrets(namespace)).toHaveLength(imported.length);
  });

  it.each([
    ['a truncated file', (text: string) => text.slice(0, 300), 'truncated or changed'],
    ['a foreign file', () => 'kind: ConfigMap\napiVersion: v1\n', 'holds ConfigMap, not only Secrets'],
  ])('%s imports nothing', async (_, change, message) => {
    const { namespace } = await sealedObject('broken');
    await keys(['export', '-r', recipient, '--output', 'broken.age'], namespace);
    writeFileSync(file('broken.age'), change(readFileSync(file('broken.age'), 'utf8')));
    const result = await keys(['import', 'broken.age', '--identity', 'identity.txt'], namespace);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain(message);
  });

  it('a wrong identity or passphrase imports nothing and says so', async () => {
    const { namespace } = await sealedObject('wrong');
    writeFileSync(file('passphrase'), 'correct horse battery\n');
    writeFileSync(file('wrong-passphrase'), 'incorrect horse battery\n');
    const exported = await keys(['export', '--passphrase-file', 'passphrase', '--output', 'wrong.age'], namespace);
    expect(exported.status).toBe(0);
    const result = await keys(['import', 'wrong.age', '--passphrase-file', 'wrong-passphrase'], namespace);
    expect(result).toMatchObject({ status: 1, stdout: '' });
    expect(result.stderr).toContain('none of the identities or passphrases opens this file');
    expect((await keys(['import', 'wrong.age', '--passphrase-file', 'passphrase'], namespace)).status).toBe(0);
  });

  it('no private key is shown unless the flag of that name asks for it', async () => {
    const { namespace } = await sealedObject('plain');
    const refused = await keys(['export'], namespace);
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    const encrypted = await keys(['export', '-r', recipient], namespace);
    expect(encrypted.stdout).toMatch(/^-----BEGIN AGE ENCRYPTED FILE-----/);
    const plain = await keys(['export', '--insecure-plaintext'], namespace);
    const { items } = JSON.parse(plain.stdout);
    expect(Buffer.from(items[0].data['tls.key'], 'base64').toString()).toContain('BEGIN RSA PRIVATE KEY');
    expect(items[0].metadata).not.toHaveProperty('uid');
    expect(plain.stderr).toContain('private keys in clear');
  });
});

describe('keys sealed for another cluster', () => {
  it('open only there, and outlive the SealedSecret they came in', async () => {
    const { namespace } = await sealedObject('shared');
    const target = await newKeyNamespace(other);
    await using controller = await startController({
      kubeconfig: other.kubeconfig,
      namespace: target,
      flags: ['--all-namespaces=false'],
    });
    writeFileSync(file('other.pem'), await certificateOf(controller));
    const args = ['export', '--to-cert', 'other.pem', '--to-namespace', target, '--output', 'for-other.yaml'];
    expect((await keys(args, namespace)).status).toBe(0);
    const text = readFileSync(file('for-other.yaml'), 'utf8');
    expect(text).not.toContain('PRIVATE KEY');
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${target}/sealedsecrets`;
    const name = /^ {2}name: (\S+)$/m.exec(text)?.[1] ?? '';
    const applied = await other.request('PATCH', `${path}/${name}?fieldManager=test&force=true`, text, {
      'content-type': 'application/apply-patch+yaml',
    });
    expect(applied.status).toBe(201);
    await waitFor(async () => (await keySecrets(target, other)).some((secret) => secret.metadata.name === name), {
      what: 'the key',
    });
    await other.request('DELETE', `${path}/${name}`);
    await waitFor(async () => (await other.request('GET', `${path}/${name}`)).status === 404);
    // The garbage collector would have taken an owned Secret by now.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect((await keySecrets(target, other)).map((secret) => secret.metadata.name)).toContain(name);
  });
});

describe('verify-backup, drill and retire', () => {
  it('a backup is proven against a repository, and marked on the key', async () => {
    const { namespace, repository, sealed } = await sealedObject('proven');
    await keys(['export', '-r', recipient, '--output', 'proven.age'], namespace);
    const verify = ['verify-backup', 'proven.age', '--identity', 'identity.txt', '--repo', repository];
    const result = await keysJson([...verify, '--mark'], namespace);
    expect(result).toMatchObject({ objects: 1, items: 1, unproven: [], marked: [expect.any(String)] });
    const [secret] = await keySecrets(namespace);
    expect(secret.metadata.annotations['waxwing.dev/backup-verified']).toMatch(/^\d{4}-.*Z sha256:[0-9a-f]{64}$/);
    const foreign = { ...sealed, metadata: { ...sealed.metadata, name: 'elsewhere' } };
    writeFileSync(join(repository, 'foreign.json'), JSON.stringify(foreign));
    const incomplete = await keys(verify, namespace);
    expect(incomplete.status).toBe(4);
    expect(incomplete.stdout).toContain(`CLOSED  ${join(repository, 'foreign.json')}: ${namespace}/elsewhere (a)`);
  });

  it('a drill brings a repository back in memory, and shows no value', async () => {
    const { namespace, repository, controller } = await sealedObject('drilled');
    await keys(['export', '-r', recipient, '--output', 'drilled.age'], namespace);
    const before = readdirSync(folder);
    const drill = ['keys', 'drill', 'drilled.age', '--identity', 'identity.txt', '--repo', repository];
    const result = await runCommand('waxwing', drill, { cwd: folder });
    expect(result).toMatchObject({ status: 0 });
    expect(result.stdout).toContain('1 of 1 objects would come back');
    expect(result.stdout + result.stderr).not.toContain('canary-value');
    expect(readdirSync(folder)).toEqual(before);
    const type = 'kubernetes.io/service-account-token';
    const token = seal({ certificatePem: await certificateOf(controller), namespace, name: 'token', data: {}, type });
    writeFileSync(join(repository, 'token.json'), JSON.stringify(token));
    const incomplete = await runCommand('waxwing', drill, { cwd: folder });
    expect(incomplete.status).toBe(4);
    expect(incomplete.stdout).toContain(`${namespace}/token ForbiddenType`);
  });

  it('a key that something needs is not retired; one that nothing needs is', async () => {
    const { namespace, controller, sealed, repository } = await sealedObject('retired');
    const [first] = (await keysJson(['list'], namespace)).keys;
    const sealing = await keys(['retire', first.id], namespace);
    expect(sealing.status).toBe(4);
    expect(sealing.stderr).toContain('is the one that seals');
    controller.kill('SIGUSR1');
    await waitFor(async () => (await keySecrets(namespace)).length === 2);
    // Other tests of this cluster have objects that no key of ours opens, so that nothing is proven there.
    const needed = await keys(['retire', first.id, '--repo', repository], namespace);
    expect(needed.status).toBe(4);
    expect(needed.stderr).toMatch(/is needed by|it is unproven/);
    expect((await keySecrets(namespace)).map((secret) => secret.metadata.labels[label])).toEqual(['active', 'active']);
    await cluster.deleteSealedSecret(namespace, sealed.metadata.name);
  });
});

describe('the loss of a whole cluster', () => {
  it('is survived with the backup and Git: kubectl create restores the keys, GitOps the objects, the controller the Secrets', async () => {
    const { namespace, sealed } = await sealedObject('survivor');
    await keys(['export', '--insecure-plaintext', '--output', 'lost.json'], namespace);
    const target = await newKeyNamespace(other);
    for (const item of JSON.parse(readFileSync(file('lost.json'), 'utf8')).items) {
      const secret = { ...item, metadata: { ...item.metadata, namespace: target } };
      expect((await other.request('POST', `/api/v1/namespaces/${target}/secrets`, secret)).status).toBe(201);
    }
    await other.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
    expect((await other.request('POST', path, sealed)).status).toBe(201);
    await using _controller = await startController({
      kubeconfig: other.kubeconfig,
      namespace: target,
      flags: [`--additional-namespaces=${namespace}`, '--key-renew-period=0'],
    });
    const secret = await waitFor(async () => {
      const { status, body } = await other.request('GET', `/api/v1/namespaces/${namespace}/secrets/survivor`);
      return status === 200 && body;
    });
    expect(Buffer.from(secret.data.a, 'base64').toString()).toBe('canary-value-1');
    expect(await keySecrets(target, other)).toHaveLength(1);
  });
});

describe('backup before activation', () => {
  it('a new key seals only after its encrypted copy was written', async () => {
    const namespace = await newKeyNamespace();
    await using controller = await cluster.startController({ namespace, flags: [`--backup-recipient=${recipient}`] });
    await certificateOf(controller);
    const { body } = await server.request(
      'GET',
      `/api/v1/namespaces/${namespace}/configmaps?labelSelector=waxwing.dev/key-backup`,
    );
    const [secret] = await keySecrets(namespace);
    writeFileSync(file('automatic.age'), body.items[0].data['key.age']);
    const list = await keysJson(
      ['verify-backup', 'automatic.age', '--identity', 'identity.txt', '--repo', folder],
      namespace,
    );
    expect(list.keys).toHaveLength(1);
    expect(secret.metadata.annotations['waxwing.dev/backup-written']).toMatch(/sha256:/);
    expect(await controller.metric('waxwing_key_backups', { state: 'written' })).toBe(1);
  });

  it('a backup that cannot be written leaves the controller without a key, and it says so', async () => {
    const namespace = await newKeyNamespace();
    const flags = [`--backup-recipient=${recipient}`, `--backup-file-dir=${file('not-mounted')}`];
    const controller = await cluster.startController({ namespace, flags, waitUntilReady: false });
    await waitFor(() => controller.logs().includes('was not activated'), { timeoutMs: 15_000, what: 'the log line' });
    expect((await controller.request('/v1/cert.pem')).status).toBe(500);
    expect(await keySecrets(namespace)).toEqual([]);
    expect(await controller.metric('waxwing_key_backup_failing')).toBe(1);
    await controller.stop();
  });
});
