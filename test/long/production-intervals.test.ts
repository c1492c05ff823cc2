import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from '../integration/cluster.ts';
import { findRepeatedEffects } from '../integration/effects.ts';
import { startFaultProxy } from '../integration/fault-proxy.ts';
import { createAccount, keyAdminRules, unsealerRules } from '../integration/roles.ts';
import { longTestServer, minutesFrom, productionIntervals } from './settings.ts';

const cluster = await startCluster({ kind: longTestServer() });
const { server } = cluster;
const proxy = await startFaultProxy(server);
afterAll(() => proxy.stop());
const name = 'app';

describe('with the intervals of production', () => {
  it('half-open watches are found out within 120 s, without help', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({
      kubeconfig: proxy.kubeconfig,
      flags: productionIntervals,
    });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name: 'before', data: { a: '1' } }));
    await cluster.condition(namespace, 'before', 'True');
    expect(proxy.freezeWatches()).toBeGreaterThanOrEqual(3);
    const startMs = performance.now();
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await waitFor(() => cluster.secret(namespace, name), { timeoutMs: 120_000, what: 'the Secret' });
    console.log(`half-open: seen after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    expect((await controller.request('/healthz')).status).toBe(200);
  });

  it('a leader that sleeps for 60 s has been followed after the lease time, and ends when it wakes up', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const options = { namespace: keyNamespace, flags: [...productionIntervals, '--leader-elect'] };
    const leader = await cluster.startController({ ...options, podName: 'one' });
    await using follower = await cluster.startController({ ...options, podName: 'two' });
    await waitFor(async () => (await leader.metric('waxwing_leader')) === 1, { timeoutMs: 30_000 });
    const sealIt = await sealerOf(follower);
    const mark = await cluster.mark();
    for (let i = 0; i < 200; i++) {
      await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: '1' } }));
      if (i === 100) leader.kill('SIGSTOP');
    }
    const startMs = performance.now();
    // The lease is 15 s long, and followers look every 2 s.
    await waitFor(async () => (await follower.metric('waxwing_leader')) === 1, { timeoutMs: 25_000 });
    console.log(`SIGSTOP: followed after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    await delay(60_000 - (performance.now() - startMs));
    leader.kill('SIGCONT');
    expect(await leader.exited()).toBe(1);
    const names = Array.from({ length: 200 }, (_, i) => `app-${i}`);
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    const generations = new Map(names.map((each) => [`${namespace}/${each}`, 1]));
    expect(await findRepeatedEffects(server, mark, generations)).toEqual([]);
  });

  it('Leases that are forbidden let both replicas work; once they are granted one leads and the other ends, to follow it', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const account = await createAccount(server, keyNamespace);
    await account.grant(unsealerRules);
    await account.grant(keyAdminRules, keyNamespace);
    const flags = [...productionIntervals, '--leader-elect'];
    const options = { namespace: keyNamespace, kubeconfig: account.kubeconfig, flags };
    const one = await cluster.startController({ ...options, podName: 'one' });
    const two = await cluster.startController({ ...options, podName: 'two' });
    const replicas = [one, two];
    for (const replica of replicas) {
      await waitFor(async () => (await replica.metric('waxwing_leader_election_forbidden')) === 1, {
        timeoutMs: 20_000,
      });
    }
    const sealIt = await sealerOf(one);
    await cluster.apply(sealIt({ namespace, name: 'forbidden', data: { a: '1' } }));
    await cluster.condition(namespace, 'forbidden', 'True', 'Unsealed');
    const verbs = ['get', 'create', 'update'];
    await account.grant([{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs }], keyNamespace);
    // Tried every 30 s, and a little apart.
    const [status, ended] = await Promise.race(replicas.map(async (each) => [await each.exited(), each] as const));
    expect(status).toBe(1);
    const leader = ended === one ? two : one;
    expect(ended.logs()).toContain('another replica holds it');
    expect(leader.logs()).toContain('this replica leads');
    expect(await leader.metric('waxwing_leader_election_forbidden')).toBe(0);
    await cluster.apply(sealIt({ namespace, name: 'granted', data: { a: '1' } }));
    await cluster.condition(namespace, 'granted', 'True', 'Unsealed');
    expect(await leader.stop()).toBe(0);
  });

  it.each([
    ['one minute', minutesFrom('WAXWING_SHORT_OUTAGE_MINUTES', 1)],
    ['a quarter of an hour', minutesFrom('WAXWING_LONG_OUTAGE_MINUTES', 15)],
  ])('an API server that is away for %s stops nothing, and everything converges within 60 s', async (_, outageMs) => {
    const namespace = await cluster.createNamespace();
    const keyNamespace = await createNamespace(server);
    // As the chart runs it.
    const options = { namespace: keyNamespace, flags: [...productionIntervals, '--leader-elect'] };
    await using leader = await cluster.startController({ ...options, podName: 'one' });
    await waitFor(async () => (await leader.metric('waxwing_leader')) === 1, { timeoutMs: 30_000 });
    await using follower = await cluster.startController({ ...options, podName: 'two' });
    const sealIt = await sealerOf(leader);
    const sealed = sealIt({ namespace, name, data: { a: '1' } });
    // In the middle of work.
    const mark = await cluster.mark();
    for (let i = 0; i < 50; i++) await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: '1' } }));
    await server.pause();
    const endMs = performance.now() + outageMs;
    try {
      while (performance.now() < endMs) {
        for (const replica of [leader, follower]) {
          expect((await replica.request('/healthz')).status).toBe(200);
          expect((await replica.request('/readyz')).status).toBe(200);
          expect(await certificateOf(replica)).toContain('BEGIN CERTIFICATE');
          const body = JSON.stringify(sealed);
          expect((await replica.request('/v1/verify', { method: 'POST', body })).status).toBe(200);
        }
        await delay(5000);
      }
      // It may write for 10 s without renewing.
      if (outageMs > 15_000) expect(await leader.metric('waxwing_leader')).toBe(0);
    } finally {
      await server.resume();
    }
    const startMs = performance.now();
    await cluster.apply(sealed);
    await waitFor(() => cluster.secret(namespace, name), { timeoutMs: 60_000 });
    const names = Array.from({ length: 50 }, (_each, i) => `app-${i}`);
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    const tookMs = performance.now() - startMs;
    console.log(`outage of ${outageMs / 60_000} min: converged after ${(tookMs / 1000).toFixed(1)} s`);
    expect(tookMs).toBeLessThan(60_000);
    const generations = new Map(names.map((each) => [`${namespace}/${each}`, 1]));
    expect(await findRepeatedEffects(server, mark, generations)).toEqual([]);
    expect([leader.child.exitCode, follower.child.exitCode]).toEqual([null, null]);
    expect([await leader.metric('waxwing_leader'), await follower.metric('waxwing_leader')]).toEqual([1, 0]);
  });
});
