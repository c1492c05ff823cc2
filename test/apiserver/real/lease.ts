import { stat } from 'node:fs/promises';
import type { Json } from '../client.ts';
import { applyCrd } from '../crd.ts';
import type { ApiServer } from '../harness.ts';
import { fileIn } from './flags.ts';
import type { Lease } from './pool.ts';
import { connectRealApiServer } from './server.ts';

/**
 * A real API server of a pool (`pool.ts`), for the caller alone until it is stopped. It is empty: what the one before left of SealedSecrets,
 * Secrets and the rest that controllers look at is gone, its audit log begins now.
 *
 * @param lasting the server is changed in ways that others must not meet, so nobody gets it afterwards
 */
export async function leaseRealApiServer(poolUrl: string, lasting: boolean): Promise<ApiServer> {
  const { id, coordinates } = (await ask(poolUrl, 'lease')) as Lease;
  const auditFrom = (await stat(fileIn(coordinates, 'audit.log'))).size;
  const server = await connectRealApiServer(coordinates, auditFrom);
  let isAway = false;
  const act = async (action: string) => {
    await ask(poolUrl, `${action}?id=${id}`);
  };
  return {
    ...server,
    async pause() {
      isAway = true;
      await act('pause');
    },
    async resume() {
      await act('resume');
      isAway = false;
    },
    compact: () => act('compact'),
    async stop() {
      const isReusable = !lasting && !isAway;
      if (isReusable) await empty(server);
      await act(isReusable ? 'return' : 'discard');
    },
  };
}

async function ask(poolUrl: string, what: string): Promise<unknown> {
  const response = await fetch(`${poolUrl}/${what}`, { method: 'POST' });
  if (!response.ok) throw new Error(`The pool of API servers cannot ${what}: ${await response.text()}`);
  return response.json();
}

const keptNamespaces = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);

/** Collections whose objects a test may leave, and which another would meet: a controller looks at all namespaces. */
const leftovers: readonly string[] = [
  '/apis/bitnami.com/v1alpha1/sealedsecrets',
  '/api/v1/secrets',
  '/api/v1/configmaps',
  '/api/v1/services',
  '/api/v1/pods',
  '/apis/coordination.k8s.io/v1/leases',
  '/apis/apps/v1/deployments',
  '/apis/rbac.authorization.k8s.io/v1/roles',
  '/apis/rbac.authorization.k8s.io/v1/rolebindings',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
];

async function empty(server: ApiServer): Promise<void> {
  await applyCrd(server);
  for (const path of leftovers) {
    const { body } = await server.request('GET', path, undefined, {
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    });
    await Promise.all(
      ((body.items ?? []) as Json[]).filter(isLeftover).map(({ metadata }) => remove(server, path, metadata)),
    );
  }
}

/** What kube-apiserver and kube-controller-manager made for themselves stays. */
function isLeftover({ metadata }: Json): boolean {
  const { name, namespace, labels = {} } = metadata;
  if (labels['kubernetes.io/bootstrapping'] !== undefined || labels['apiserver.kubernetes.io/identity'] !== undefined)
    return false;
  if (name === 'kube-root-ca.crt' || (namespace === 'default' && name === 'kubernetes')) return false;
  return !(keptNamespaces.has(namespace) && /^(system:|extension-apiserver-|apiserver-|kube-)/.test(name));
}

async function remove(server: ApiServer, collection: string, metadata: Json): Promise<void> {
  const { name, namespace, finalizers } = metadata;
  const path =
    namespace === undefined
      ? `${collection}/${name}`
      : `${collection.slice(0, collection.lastIndexOf('/'))}/namespaces/${namespace}${collection.slice(collection.lastIndexOf('/'))}/${name}`;
  if (finalizers !== undefined) {
    const patch = { metadata: { finalizers: null } };
    await server.request('PATCH', path, patch, { 'content-type': 'application/merge-patch+json' });
  }
  await server.request('DELETE', `${path}?gracePeriodSeconds=0`);
}
