import { describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from '../integration/cluster.ts';
import { createAccount, keyAdminRules, unsealerRules } from '../integration/roles.ts';
import { seal } from '../integration/sealing.ts';
import { productionIntervals } from './settings.ts';

// The embedded server: its garbage collector can be kept from coming. What the real one misses is left to the ten minutes of churn.test.ts.
const cluster = await startCluster({ kind: 'embedded' });
const { server } = cluster;
const name = 'app';
const neverCollected = () => server.faults?.setGarbageCollectionDelay(Number.POSITIVE_INFINITY);
const patience = { timeoutMs: 120_000 };

it('a garbage collector that never comes is stood in for after a minute', async () => {
  const namespace = await cluster.createNamespace();
  await using controller = await cluster.startController({ flags: productionIntervals });
  const sealIt = await sealerOf(controller);
  await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
  await cluster.condition(namespace, name, 'True');
  neverCollected();
  await cluster.deleteSealedSecret(namespace, name);
  const { metadata } = await cluster.apply(sealIt({ namespace, name, data: { a: '2' } }));
  await cluster.condition(namespace, name, 'False', 'WaitingForGarbageCollection');
  const startMs = performance.now();
  const isReplaced = async () => (await cluster.secret(namespace, name))?.data['a'] === '2';
  await waitFor(isReplaced, { timeoutMs: 120_000, what: 'the Secret to be replaced' });
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(50_000);
  // Not at the next look that happens to be due: those are half a minute apart by then.
  expect(tookMs).toBeLessThan(75_000);
  expect((await cluster.secret(namespace, name))?.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
  await cluster.condition(namespace, name, 'True', 'Unsealed');
});

describe('a Secret whose SealedSecret is gone and that no garbage collector takes', () => {
  it('is deleted after a minute, also by a controller that did not see how it came to this; one with another owner stays', async () => {
    const namespace = await cluster.createNamespace();
    const controller = await cluster.startController({ flags: productionIntervals });
    const certificatePem = await certificateOf(controller);
    neverCollected();
    const names = ['seen', 'missed', 'shared', 'alive'];
    for (const each of names) {
      await cluster.apply(seal({ certificatePem, namespace, name: each, data: { a: '1' } }));
      await cluster.condition(namespace, each, 'True');
    }
    const { metadata } = await cluster.createSecret({ metadata: { namespace, name: 'second-owner' } });
    const [owner] = (await cluster.secret(namespace, 'shared'))?.metadata.ownerReferences ?? [];
    const second = { apiVersion: 'v1', kind: 'Secret', name: 'second-owner', uid: metadata.uid };
    await cluster.patchSecret(namespace, 'shared', { metadata: { ownerReferences: [owner, second] } });
    await cluster.deleteSealedSecret(namespace, 'seen');
    await cluster.deleteSealedSecret(namespace, 'shared');
    const startMs = performance.now();
    controller.kill('SIGKILL');
    await controller.exited();
    await cluster.deleteSealedSecret(namespace, 'missed');
    await using successor = await cluster.startController({ flags: productionIntervals });
    const isGone = async (each: string) => (await cluster.secret(namespace, each)) === undefined;
    await waitFor(async () => (await isGone('seen')) && (await isGone('missed')), patience);
    expect(performance.now() - startMs).toBeGreaterThan(60_000);
    expect(await isGone('shared')).toBe(false);
    expect(await isGone('alive')).toBe(false);
    await cluster.deleteSecret(namespace, 'shared');
    expect(successor.logs()).toContain(
      'no garbage collector took the Secret of a SealedSecret that is gone: deleted it',
    );
  });

  it('is told with the command, once, and counted, where the controller may not delete Secrets', async () => {
    const namespace = await cluster.createNamespace();
    const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
    const account = await createAccount(server, keyNamespace);
    const mayNotDelete = (verb: string) => verb !== 'delete';
    await account.grant(unsealerRules.map((rule) => ({ ...rule, verbs: rule.verbs.filter(mayNotDelete) })));
    await account.grant(keyAdminRules, keyNamespace);
    await using controller = await cluster.startController({
      namespace: keyNamespace,
      kubeconfig: account.kubeconfig,
      flags: productionIntervals,
    });
    const sealIt = await sealerOf(controller);
    neverCollected();
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await cluster.deleteSealedSecret(namespace, name);
    const command = `kubectl -n ${namespace} delete secret ${name}`;
    await waitFor(() => controller.logs().includes(command), patience);
    expect(await cluster.secret(namespace, name)).toBeDefined();
    expect(await controller.metrics()).toContain('\nwaxwing_uncollected_secrets 1\n');
    await cluster.deleteSecret(namespace, name);
    const isForgotten = async () => (await controller.metrics()).includes('\nwaxwing_uncollected_secrets 0\n');
    await waitFor(isForgotten, patience);
    expect(controller.logs().split(command)).toHaveLength(2);
  });
});
