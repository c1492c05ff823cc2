import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';

import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf } from './cluster.ts';
import { type CommandResult, runCommand } from './command-line.ts';
import { type ControllerProcess, startController } from './controller-process.ts';
import { exposeLocalPort } from './controller-service.ts';

// Two clusters and the built command: what docs/keys.md says about groups of clusters, late joiners, retired and leaked keys.

const label = 'sealedsecrets.bitnami.com/sealed-secrets-key';
const keyNamespace = 'kube-system';

/** A cluster with a controller that all of `waxwing` reaches. */
interface Member {
  readonly server: ApiServer;
  readonly controller: ControllerProcess;
  waxwing(args: readonly string[], stdin?: string): Promise<CommandResult>;
  json(args: readonly string[]): Promise<Json>;
}

const folder = mkdtempSync(join(tmpdir(), 'waxwing-fleet-'));
const at = (name: string) => join(folder, name);
const members: Member[] = [];
let leader: Member;
let follower: Member;

async function startMember(flags: readonly string[] = []): Promise<Member> {
  const server = await leaseApiServer({ lasting: true });
  const exists = (await server.request('GET', `/api/v1/namespaces/${keyNamespace}`)).status === 200;
  if (!exists) {
    await server.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: keyNamespace },
    });
  }
  const controller = await startController({ kubeconfig: server.kubeconfig, namespace: keyNamespace, flags });
  await exposeLocalPort(server, controller.url, { namespace: keyNamespace, name: 'sealed-secrets-controller' });
  const run = (args: readonly string[], stdin = '') => {
    // `completion` and `lint` apart, every command takes it.
    return runCommand('waxwing', [...args, '--kubeconfig', server.kubeconfig], { cwd: folder, stdin });
  };
  const member: Member = {
    server,
    controller,
    waxwing: run,
    async json(args) {
      const { stdout, stderr } = await run(['--json', ...args]);
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout);
    },
  };
  members.push(member);
  return member;
}

beforeAll(async () => {
  leader = await startMember();
  follower = await startMember(['--key-renew-period=0']);
});
afterAll(async () => {
  for (const { controller, server } of members) {
    await controller.stop();
    await server.stop();
  }
  rmSync(folder, { recursive: true, force: true });
});

const pathOf = (namespace: string, name = '') =>
  `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets${name === '' ? '' : `/${name}`}`;
const secretOf = (namespace: string, name: string, data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: data });

/** As GitOps does: server-side apply of every document of a file. */
async function apply({ server }: Member, file: string): Promise<void> {
  for (const document of parseAllDocuments(readFileSync(at(file), 'utf8'))) {
    const object = document.toJS();
    const { namespace, name } = object.metadata;
    await server.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    const { status, body } = await server.request(
      'PATCH',
      `${pathOf(namespace, name)}?fieldManager=gitops&force=true`,
      object,
      {
        'content-type': 'application/apply-patch+yaml',
      },
    );
    if (status >= 300) throw new Error(`${file}: ${status} ${body.message}`);
  }
}

function becomes({ server }: Member, namespace: string, name: string, value: string): Promise<unknown> {
  return waitFor(
    async () => {
      const { status, body } = await server.request('GET', `/api/v1/namespaces/${namespace}/secrets/${name}`);
      return status === 200 && Buffer.from(body.data?.a ?? '', 'base64').toString() === value;
    },
    { timeoutMs: 15_000, what: `Secret ${namespace}/${name}` },
  );
}

const keySecrets = async ({ server }: Member): Promise<Json[]> =>
  (await server.request('GET', `/api/v1/namespaces/${keyNamespace}/secrets?labelSelector=${encodeURIComponent(label)}`))
    .body.items;

async function renew({ controller }: Member): Promise<void> {
  const before = await certificateOf(controller);
  controller.kill('SIGUSR1');
  await waitFor(async () => (await certificateOf(controller)) !== before, { what: 'the new key' });
}

/** Sends the keys of one cluster to another, sealed for it. */
async function share(from: Member, to: Member): Promise<void> {
  expect((await to.waxwing(['cert', '--output', 'target.pem'])).status).toBe(0);
  expect(
    (await from.waxwing(['keys', 'export', '--to-cert', 'target.pem', '--output', 'shared-keys.yaml'])).status,
  ).toBe(0);
  expect(readFileSync(at('shared-keys.yaml'), 'utf8')).not.toContain('PRIVATE KEY');
  const count = (await keySecrets(from)).length;
  await apply(to, 'shared-keys.yaml');
  await waitFor(async () => (await keySecrets(to)).length > count, { what: 'the keys in the other cluster' });
}

describe('a group of clusters with shared keys', () => {
  it('one file opens in all of them, also after the leader renewed its key', async () => {
    await share(leader, follower);
    await leader.waxwing(['seal', '--output', 'one.yaml'], secretOf('apps', 'one', { a: 'first' }));
    await renew(leader);
    await share(leader, follower);
    await leader.waxwing(['seal', '--output', 'two.yaml'], secretOf('apps', 'two', { a: 'second' }));
    for (const member of [leader, follower]) {
      await apply(member, 'one.yaml');
      await apply(member, 'two.yaml');
      await becomes(member, 'apps', 'one', 'first');
      await becomes(member, 'apps', 'two', 'second');
    }
    expect(follower.controller.child.exitCode).toBeNull();
  });

  it('a cluster that joins late opens everything old', async () => {
    const late = await startMember(['--key-renew-period=0']);
    await apply(late, 'one.yaml');
    await share(leader, late);
    await apply(late, 'two.yaml');
    await becomes(late, 'apps', 'one', 'first');
    await becomes(late, 'apps', 'two', 'second');
  });

  it('seals with the same key everywhere once it is primary', async () => {
    const [newest] = (await leader.json(['keys', 'list', '--no-needs'])).keys;
    const identity = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('id_ed25519')]);
    expect(identity.status).toBe(0);
    const recipients = ['-R', 'id_ed25519.pub'];
    const exported = await leader.waxwing([
      'keys',
      'export',
      '--key',
      newest.id,
      ...recipients,
      '--output',
      'newest.age',
    ]);
    expect(exported).toMatchObject({ status: 0, stdout: '' });
    const imported = await follower.waxwing(['keys', 'import', 'newest.age', '--identity', 'id_ed25519', '--primary']);
    expect(imported).toMatchObject({ status: 0, stdout: '' });
    const certificate = await certificateOf(leader.controller);
    await waitFor(async () => (await certificateOf(follower.controller)) === certificate, { what: 'the primary key' });
    const states = (await follower.json(['keys', 'list', '--no-needs'])).keys.map((key: Json) => [key.id, key.state]);
    expect(states).toContainEqual([newest.id, 'primary']);
  });
});

describe('clusters with keys of their own', () => {
  it('one run seals one file for each, which opens there and nowhere else', async () => {
    const other = await startMember();
    await leader.waxwing(['cert', '--output', 'prod.pem']);
    await other.waxwing(['cert', '--output', 'staging.pem']);
    mkdirSync(at('clusters'));
    const args = ['seal', '--cert', 'prod.pem', '--cert', 'staging.pem', '--output', 'clusters/{cluster}.yaml'];
    const { status, stderr } = await runCommand('waxwing', args, {
      cwd: folder,
      stdin: secretOf('apps', 'own', { a: 'b' }),
    });
    expect(status).toBe(0);
    expect(stderr.match(/^sealed for apps\/own/gm)).toHaveLength(2);
    const verified = async (member: Member, file: string) =>
      (await member.waxwing(['verify', `clusters/${file}.yaml`])).status;
    expect([await verified(leader, 'prod'), await verified(leader, 'staging')]).toEqual([0, 4]);
    expect([await verified(other, 'prod'), await verified(other, 'staging')]).toEqual([4, 0]);
    await apply(other, 'clusters/staging.yaml');
    await becomes(other, 'apps', 'own', 'b');
  });
});

describe('a key goes out of use', () => {
  const idOf = async (member: Member, state: string): Promise<string> => {
    const { keys } = await member.json(['keys', 'list', '--no-needs']);
    return keys.find((key: Json) => key.state === state)?.id;
  };
  let member: Member;
  beforeAll(async () => {
    member = await startMember();
    mkdirSync(at('repo'));
  });

  it('retires only when nothing needs it: seal everything again, apply, retire', async () => {
    await member.waxwing(['seal', '--output', 'repo/app.yaml'], secretOf('apps', 'app', { a: 'value' }));
    await apply(member, 'repo/app.yaml');
    await becomes(member, 'apps', 'app', 'value');
    const first = await idOf(member, 'sealing');
    await renew(member);
    const refused = await member.waxwing(['keys', 'retire', first, '--repo', 'repo']);
    expect(refused).toMatchObject({ status: 4, stdout: '' });
    expect(refused.stderr).toContain(`key ${first} is needed by 1 item of 1 object`);

    const identity = spawnSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '3072', '-N', '', '-f', at('id_rsa')]);
    expect(identity.status).toBe(0);
    await member.waxwing(['keys', 'export', '-R', 'id_rsa.pub', '--output', 'keys.age']);
    await member.waxwing(['cert', '--output', 'cert.pem']);
    const offline = [
      'reencrypt',
      '--all',
      'repo',
      '--backup',
      'keys.age',
      '--identity',
      'id_rsa',
      '--cert',
      'cert.pem',
    ];
    const again = await runCommand('waxwing', offline, { cwd: folder });
    expect(again.status).toBe(0);
    expect(again.stderr).toContain('1 object sealed again');
    // The cluster still has the old object.
    expect((await member.waxwing(['keys', 'retire', first, '--repo', 'repo'])).status).toBe(4);
    await apply(member, 'repo/app.yaml');
    expect((await member.waxwing(['keys', 'retire', first, '--repo', 'repo', '--dry-run'])).status).toBe(0);
    const retired = await member.waxwing(['keys', 'retire', first, '--repo', 'repo']);
    expect(retired).toMatchObject({ status: 0, stdout: '' });
    expect(retired.stderr).toContain(`key ${first} is retired`);
    expect(await idOf(member, 'retired')).toBe(first);
    expect((await member.waxwing(['keys', 'retire', first])).stderr).toContain('is out of use already');
    expect((await member.waxwing(['verify', 'repo/app.yaml'])).status).toBe(0);
  });

  it('that leaked: renew, see what it opened, change the values, retire it as compromised', async () => {
    await member.waxwing(['seal', '--output', 'repo/app.yaml'], secretOf('apps', 'app', { a: 'leaked' }));
    await apply(member, 'repo/app.yaml');
    await becomes(member, 'apps', 'app', 'leaked');
    const leaked = await idOf(member, 'sealing');
    await renew(member);
    const { keys } = await member.json(['keys', 'list', '--repo', 'repo']);
    expect(keys.find((key: Json) => key.id === leaked)).toMatchObject({
      state: 'active',
      neededInCluster: { objects: 1, items: 1 },
      neededInFiles: { objects: 1, items: 1 },
    });
    await member.waxwing(['seal', '--output', 'repo/app.yaml'], secretOf('apps', 'app', { a: 'changed' }));
    await apply(member, 'repo/app.yaml');
    await becomes(member, 'apps', 'app', 'changed');
    const retired = await member.waxwing(['keys', 'retire', leaked, '--repo', 'repo', '--label', 'compromised']);
    expect(retired.status).toBe(0);
    expect(await idOf(member, 'compromised')).toBe(leaked);
    // A backup from before must not bring it back into use.
    await member.waxwing(['keys', 'export', '-R', 'id_rsa.pub', '--output', 'after.age']);
    const imported = await member.waxwing(['keys', 'import', 'after.age', '--identity', 'id_rsa']);
    expect(imported.status).toBe(0);
    expect(await idOf(member, 'compromised')).toBe(leaked);
  });

  it('without permission to write nothing is imported, and the command that shows why is named', async () => {
    const namespace = keyNamespace;
    const rules = [{ apiGroups: [''], resources: ['secrets'], verbs: ['list', 'get'] }];
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const metadata = { name: 'reader', namespace };
    await member.server.request('POST', `${rbac}/namespaces/${namespace}/roles`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata,
      rules,
    });
    await member.server.request('POST', `${rbac}/namespaces/${namespace}/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }],
    });
    const kubeconfig = await member.server.kubeconfigFor({ user: 'reader' });
    const backup = join(import.meta.dirname, '../vectors/test-keys/backup-list.yaml');
    const before = (await keySecrets(member)).length;
    const import_ = () =>
      runCommand('waxwing', ['keys', 'import', backup, '--kubeconfig', kubeconfig], { cwd: folder });
    // A permission needs a moment to be seen.
    const result = await waitFor(async () => {
      const tried = await import_();
      return !tried.stderr.includes('list') && tried;
    });
    expect(result).toMatchObject({ status: 3, stdout: '' });
    expect(result.stderr).toMatch(/error: you may not create Secret \S+ in namespace kube-system/);
    expect(result.stderr).toContain('kubectl auth can-i create secrets -n kube-system');
    expect(await keySecrets(member)).toHaveLength(before);
  });

  it('a full disk leaves no half backup', async () => {
    const full = await member.waxwing(['keys', 'export', '-R', 'id_rsa.pub', '--output', '/dev/full']);
    expect(full).toMatchObject({ status: 1, stdout: '' });
    expect(full.stderr).toContain('error: write /dev/full: no space left on device');
    expect(full.stderr).not.toContain('exported key');
  });

  it('the backup of before is proven by the repository, and marked', async () => {
    await member.waxwing(['keys', 'export', '-R', 'id_rsa.pub', '--output', 'keys.age']);
    const verified = await member.waxwing([
      'keys',
      'verify-backup',
      'keys.age',
      '--identity',
      'id_rsa',
      '--repo',
      'repo',
      '--mark',
    ]);
    expect(verified.status).toBe(0);
    expect(verified.stdout).toContain('every one of them opens with this backup');
    const { keys } = await member.json(['keys', 'list', '--no-needs']);
    expect(keys.map((key: Json) => key.backup)).toEqual(['verified', 'verified', 'verified']);
    const drill = await runCommand('waxwing', ['keys', 'drill', 'keys.age', '--identity', 'id_rsa', '--repo', 'repo'], {
      cwd: folder,
    });
    expect(drill).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(at('repo/broken.yaml'), 'kind: SealedSecret\nspec: [');
    const broken = await runCommand(
      'waxwing',
      ['keys', 'drill', 'keys.age', '--identity', 'id_rsa', '--repo', 'repo'],
      { cwd: folder },
    );
    expect(broken.status).toBe(4);
    expect(broken.stdout).toMatch(/repo\/broken\.yaml: InvalidDocument: /);
  });
});
