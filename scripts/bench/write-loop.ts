import type { ApiClient, Json } from '../../test/apiserver/client.ts';
import { must } from './cluster.ts';
import { forEachConcurrently } from './pool.ts';

const concurrencies = [8, 16, 32, 64];

/**
 * The fastest that writing alone can be: create a Secret, PUT a status, post an event, with payloads like the controller's and nothing
 * decrypted. Objects per second by concurrency. `namespace` must hold SealedSecrets whose status nobody else writes.
 */
export async function writeOnlyRates(client: ApiClient, namespace: string): Promise<ReadonlyMap<number, number>> {
  const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
  const { items } = (await must(client, 'GET', path)) as { items: Json[] };
  const share = Math.floor(items.length / concurrencies.length);
  const rates = new Map<number, number>();
  for (const [round, concurrency] of concurrencies.entries()) {
    const objects = items.slice(round * share, (round + 1) * share);
    const started = performance.now();
    await forEachConcurrently(objects, concurrency, (object) => writeOne(client, namespace, object));
    rates.set(concurrency, objects.length / ((performance.now() - started) / 1000));
  }
  return rates;
}

async function writeOne(client: ApiClient, namespace: string, object: Json): Promise<void> {
  const { name, uid, resourceVersion, generation } = object.metadata;
  const owner = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name, uid, controller: true };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, ownerReferences: [owner] },
    type: 'Opaque',
    data: { 'item-0': Buffer.alloc(32, name).toString('base64') },
  };
  const created = (await must(client, 'POST', `/api/v1/namespaces/${namespace}/secrets`, secret)) as Json;
  await must(client, 'POST', `/api/v1/namespaces/${namespace}/events`, unsealedEvent(namespace, object.metadata));
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const condition = {
    type: 'Synced',
    status: 'True',
    lastUpdateTime: now,
    lastTransitionTime: now,
    reason: 'Unsealed',
  };
  const record = {
    uid: created.metadata.uid,
    resourceVersion: created.metadata.resourceVersion,
    specHash: 'f'.repeat(64),
  };
  const status = {
    observedGeneration: generation,
    conditions: [condition],
    secret: { ...record, rendererRevision: 1 },
    controller: 'bench',
  };
  const body = {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, uid, resourceVersion },
    status,
  };
  await must(client, 'PUT', `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${name}/status`, {
    ...body,
    spec: object.spec,
  });
}

function unsealedEvent(namespace: string, { name, uid, resourceVersion }: Json): unknown {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${Buffer.from(uid).toString('hex').slice(0, 16)}`, namespace },
    involvedObject: { kind: 'SealedSecret', apiVersion: 'bitnami.com/v1alpha1', namespace, name, uid, resourceVersion },
    reason: 'Unsealed',
    message: 'SealedSecret unsealed successfully',
    type: 'Normal',
    count: 1,
    firstTimestamp: now,
    lastTimestamp: now,
    source: { component: 'sealed-secrets' },
    reportingComponent: 'sealed-secrets',
  };
}
