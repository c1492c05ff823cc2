import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { renderChart, theObject } from '../contract/chart/helm.ts';
import { canUse } from '../contract/go-tools.ts';
import { comparePermissions, rulesOf } from '../contract/permissions.ts';
import { sealerOf, startCluster } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';

const hasTools = canUse('helm');

const cluster = await startCluster({ lasting: true });
const { server } = cluster;
let releases = 0;

const plurals: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

/** A controller with the arguments, the environment and the roles of a rendered chart, and nothing else. */
interface Installation extends AsyncDisposable {
  readonly namespace: string;
  readonly controller: ControllerProcess;
  /** Rules that were not needed so far, and requests that had no rule. */
  comparison(): Promise<{ readonly unused: readonly string[]; readonly missing: readonly string[] }>;
}

async function install(values: Json): Promise<Installation> {
  const namespace = await createNamespace(server, { generateName: 'keys-' });
  releases += 1;
  const release = `sealed-secrets-${process.pid}-${releases}`;
  const objects = await renderChart({
    release,
    namespace,
    values: { ...values, keySize: 2048, rbac: { clusterRoleName: `${release}-unsealer`, ...values.rbac } },
  });
  for (const object of objects) await applyRole(object);
  const user = `system:serviceaccount:${namespace}:${release}`;
  const [container] = theObject(objects, 'Deployment').spec.template.spec.containers;
  const controller = await cluster.startController({
    namespace,
    kubeconfig: await server.kubeconfigFor({ user }),
    flags: withoutPorts(container.args),
    env: Object.fromEntries(
      container.env.flatMap(({ name, value }: Json) => (value === undefined ? [] : [[name, String(value)]])),
    ),
  });
  const permissions = rulesOf(objects, { kind: 'ServiceAccount', name: release, namespace });
  return {
    namespace,
    controller,
    async comparison() {
      const events = (await server.auditEvents()).filter((event) => event.user === user);
      return comparePermissions(permissions, events);
    },
    [Symbol.asyncDispose]: () => controller[Symbol.asyncDispose](),
  };
}

async function applyRole(object: Json): Promise<void> {
  const plural = plurals[object.kind];
  if (plural === undefined) return;
  const place = object.metadata.namespace === undefined ? '' : `/namespaces/${object.metadata.namespace}`;
  const path = `/apis/rbac.authorization.k8s.io/v1${place}/${plural}/${object.metadata.name}`;
  const { status, body } = await server.request('PATCH', `${path}?fieldManager=test&force=true`, object, {
    'content-type': 'application/apply-patch+yaml',
  });
  if (status >= 300) throw new Error(`${path}: ${status} ${body.message}`);
}

/** The ports of the test's own process stay. */
function withoutPorts(args: readonly string[]): string[] {
  return args.filter((_, index) => ![args[index], args[index - 1]].some((name) => /^--listen-/.test(name ?? '')));
}

/** The life of an object: made, changed, its Secret deleted and damaged, removed. */
async function liveThrough({ controller }: Installation, namespace: string, annotations = {}): Promise<void> {
  const sealIt = await sealerOf(controller);
  const name = 'app';
  await cluster.apply(sealIt({ namespace, name, data: { a: '1' }, annotations }));
  await cluster.condition(namespace, name, 'True', 'Unsealed');
  await cluster.event(namespace, name, 'Unsealed');
  await cluster.deleteSecret(namespace, name);
  await cluster.secretWith(namespace, name, { a: '1' });
  await cluster.patchSecret(namespace, name, { data: { a: Buffer.from('broken').toString('base64') } });
  await cluster.secretWith(namespace, name, { a: '1' });
  const other = sealIt({ namespace, name, data: { b: '2' }, annotations });
  await cluster.change(namespace, name, (object) => {
    object.spec = other.spec;
  });
  await cluster.secretWith(namespace, name, { b: '2' });
  await cluster.deleteSealedSecret(namespace, name);
  await waitFor(async () => (await cluster.secret(namespace, name)) === undefined, {
    timeoutMs: 30_000,
    what: 'the Secret to go',
  });
}

/** Watches are renewed and leases kept up by time: the last rules are used a little later. */
async function expectExactly(installation: Installation): Promise<void> {
  const isExact = async () => (await installation.comparison()).unused.length === 0;
  await waitFor(isExact, { timeoutMs: 20_000 }).catch(() => {});
  expect(await installation.comparison()).toEqual({ unused: [], missing: [] });
  // What it says itself at its start, asking for each permission as it uses it.
  expect(installation.controller.logs()).not.toContain('permission missing');
}

/** A public SSH key, as `ssh-keygen -t ed25519` makes it (RFC 8709, section 4). */
function sshRecipient(): string {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  const fields = [Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url')].flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return `ssh-ed25519 ${Buffer.concat(fields).toString('base64')}`;
}

/** A token of a service account of its own, for the controller's audience. */
async function callerToken(namespace: string): Promise<string> {
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'caller' } };
  await server.request('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, account);
  const review = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: ['waxwing'], expirationSeconds: 600 },
  };
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/caller/token`;
  return (await server.request('POST', path, review)).body.status.token;
}

describe.skipIf(!hasTools)('the roles of the chart are what the controller needs', () => {
  it('for all namespaces', async () => {
    await using installation = await install({});
    await liveThrough(installation, await cluster.createNamespace());
    await expectExactly(installation);
  });

  it('for all namespaces, with the old garbage collection', async () => {
    await using installation = await install({ oldGcBehavior: true });
    // A Secret without owner is the controller's alone to delete; others the garbage collector may delete first.
    const withoutOwner = {
      'sealedsecrets.bitnami.com/managed': 'true',
      'sealedsecrets.bitnami.com/skip-set-owner-references': 'true',
    };
    await liveThrough(installation, await cluster.createNamespace(), withoutOwner);
    await expectExactly(installation);
  });

  it('for several namespaces, with Roles only', async () => {
    const team = await cluster.createNamespace();
    await using installation = await install({
      additionalNamespaces: [team],
      rbac: { clusterRole: false, namespacedRoles: true },
    });
    await liveThrough(installation, team);
    await liveThrough(installation, installation.namespace);
    await expectExactly(installation);
  });

  it('for the own namespace, with Roles only and without election', async () => {
    await using installation = await install({
      replicas: 1,
      leaderElection: { enabled: false },
      rbac: { clusterRole: false, namespacedRoles: true },
    });
    await liveThrough(installation, installation.namespace);
    await expectExactly(installation);
  });

  it('with backups of new keys', async () => {
    await using installation = await install({ backup: { recipients: [sshRecipient()] } });
    await liveThrough(installation, await cluster.createNamespace());
    await expectExactly(installation);
  });

  it('with callers who have to identify themselves', async () => {
    await using installation = await install({ http: { auth: 'token' } });
    const namespace = await cluster.createNamespace();
    const sealIt = await sealerOf(installation.controller);
    const answer = await installation.controller.request('/v1/verify', {
      method: 'POST',
      body: JSON.stringify(sealIt({ namespace, name: 'app', data: { a: '1' } })),
      headers: { 'X-Waxwing-Token': await callerToken(namespace) },
    });
    expect(answer.status).toBe(403);
    await liveThrough(installation, namespace);
    await expectExactly(installation);
  });
});
