import type { KubeObject } from './json.ts';
import type { ResourceType } from './resources.ts';
import type { Change } from './store.ts';
import { type Cluster, createObject, deleteObject, hasFinalizers } from './writes.ts';

const contentDelayMs = 5;
/** How often a namespace is looked at whose content waits for finalizers. */
const retryDelayMs = 50;

/**
 * What the namespace and service account controllers do: a terminating namespace loses its content and then itself, a new
 * one gets the service account `default`. Returns how to stop.
 */
export function followNamespaces(cluster: Cluster): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const later = (work: () => void, delayMs = contentDelayMs) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      work();
    }, delayMs).unref();
    timers.add(timer);
  };
  const onChange = ({ type, current }: Change) => {
    const { name, deletionTimestamp } = current.object.metadata;
    if (type === 'ADDED') later(() => ensureServiceAccount(cluster, name));
    else if (type === 'MODIFIED' && deletionTimestamp !== undefined) later(() => terminate(name));
  };
  function terminate(name: string): void {
    if (emptyNamespace(cluster, name)) finalize(cluster, name);
    else if (cluster.store.collection('/namespaces').get(name) !== undefined) {
      later(() => terminate(name), retryDelayMs);
    }
  }
  const unsubscribe = cluster.store.collection('/namespaces').subscribe(onChange);
  return () => {
    unsubscribe();
    for (const timer of timers) clearTimeout(timer);
  };
}

function ensureServiceAccount(cluster: Cluster, namespace: string): void {
  const type = cluster.types.find('', 'v1', 'serviceaccounts');
  const isActive =
    cluster.store.collection('/namespaces').get(namespace)?.object.metadata.deletionTimestamp === undefined;
  if (
    type === undefined ||
    !isActive ||
    cluster.store.collection('/serviceaccounts').get(`${namespace}/default`) !== undefined
  )
    return;
  if (cluster.store.collection('/namespaces').get(namespace) === undefined) return;
  const object = { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'default' } };
  createObject(cluster, type, namespace, object, {
    manager: 'kube-controller-manager',
    dryRun: false,
    subresource: undefined,
  });
}

/** Deletes all content; true when nothing is left. Objects with finalizers stay until those are gone, and everything else while a Pod does. */
function emptyNamespace(cluster: Cluster, namespace: string): boolean {
  const types = [...cluster.types.all()].filter(({ namespaced }) => namespaced);
  const pods = types.filter(({ storage }) => storage === '/pods');
  return deleteAll(cluster, pods, namespace) && deleteAll(cluster, types, namespace);
}

function deleteAll(cluster: Cluster, types: readonly ResourceType[], namespace: string): boolean {
  let empty = true;
  for (const type of types) {
    for (const version of [...cluster.store.collection(type.storage).sorted(`${namespace}/`)]) {
      const { removed } = deleteObject(cluster, type, version, {
        uid: undefined,
        resourceVersion: undefined,
        propagation: 'Background',
        dryRun: false,
      });
      empty &&= removed;
    }
  }
  return empty;
}

function finalize(cluster: Cluster, name: string): void {
  const version = cluster.store.collection('/namespaces').get(name);
  if (version === undefined) return;
  const next = { ...version.object, metadata: { ...version.object.metadata }, spec: {} } as KubeObject;
  if (hasFinalizers(next)) cluster.store.write('/namespaces', name, next);
  else cluster.store.remove('/namespaces', name, next);
}
