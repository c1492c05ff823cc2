import { expect, it } from 'vitest';
import { waitFor } from '../apiserver/wait-for.ts';
import { sealerOf, startCluster } from '../integration/cluster.ts';

// The embedded server: its garbage collector can be kept from coming.
const cluster = await startCluster({ kind: 'embedded' });
const name = 'app';

it('a garbage collector that never comes is stood in for after a minute', async () => {
  const namespace = await cluster.createNamespace();
  await using controller = await cluster.startController();
  const sealIt = await sealerOf(controller);
  await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
  await cluster.condition(namespace, name, 'True');
  cluster.server.faults?.setGarbageCollectionDelay(Number.POSITIVE_INFINITY);
  await cluster.deleteSealedSecret(namespace, name);
  const { metadata } = await cluster.apply(sealIt({ namespace, name, data: { a: '2' } }));
  await cluster.condition(namespace, name, 'False', 'WaitingForGarbageCollection');
  const startMs = performance.now();
  const isReplaced = async () => (await cluster.secret(namespace, name))?.data['a'] === '2';
  await waitFor(isReplaced, { timeoutMs: 120_000, what: 'the Secret to be replaced' });
  expect(performance.now() - startMs).toBeGreaterThan(50_000);
  expect((await cluster.secret(namespace, name))?.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
  await cluster.condition(namespace, name, 'True', 'Unsealed');
});
