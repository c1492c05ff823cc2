import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';
import { findRepeatedEffects } from './effects.ts';
import { seal, sealItem } from './sealing.ts';

const cluster = await startCluster();
const { server } = cluster;
const leaseMs = 4000;
const electing = [
  '--leader-elect',
  `--lease-duration=${leaseMs}ms`,
  '--lease-renew-deadline=3s',
  '--lease-retry-period=300ms',
];
/** What the follower needs besides the Lease's duration to take it: two looks at it, and the API server's time. */
const graceMs = 3_000;
/** What it needs until everything that waited is done, which depends on the machine. */
const catchUpMs = 6_000;

interface Replicas {
  readonly leader: ControllerProcess;
  readonly follower: ControllerProcess;
  readonly certificatePem: string;
}

async function startReplicas(keyNamespace: string): Promise<Replicas> {
  const options = { namespace: keyNamespace, flags: electing };
  const leader = await cluster.startController({ ...options, podName: 'one' });
  const follower = await cluster.startController({ ...options, podName: 'two' });
  await waitFor(async () => (await leader.metric('waxwing_leader')) === 1);
  return { leader, follower, certificatePem: await certificateOf(follower) };
}

async function leaseOf(keyNamespace: string) {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${keyNamespace}/leases/waxwing-controller`;
  return { path, lease: (await server.request('GET', path)).body };
}

/** The Lease went to another holder neither before it ran out, counted from the last renewal, nor long after. */
async function expectTakeover(keyNamespace: string, renewTime: string): Promise<void> {
  const { acquireTime } = (await leaseOf(keyNamespace)).lease.spec;
  const tookMs = Date.parse(acquireTime) - Date.parse(renewTime);
  expect(tookMs).toBeGreaterThanOrEqual(leaseMs);
  expect(tookMs).toBeLessThan(leaseMs + graceMs);
}

/** Creates and changes objects in a namespace until it is told to stop; then says what each of them has to hold. */
function churn(namespace: string, certificatePem: string) {
  const wanted = new Map<string, { value: string; generations: number }>();
  let isOver = false;
  const run = async () => {
    for (let round = 0; !isOver; round++) {
      const name = `app-${round % 40}`;
      const value = String(round);
      const before = wanted.get(name);
      if (before === undefined) {
        await cluster.apply(seal({ certificatePem, namespace, name, data: { a: value } }));
      } else {
        await cluster.change(namespace, name, ({ spec }) => {
          spec.encryptedData.a = sealItem(certificatePem, namespace, name, value);
        });
      }
      wanted.set(name, { value, generations: (before?.generations ?? 0) + 1 });
      await delay(15);
    }
  };
  const running = run();
  return {
    async stop() {
      isOver = true;
      await running;
      return wanted;
    },
  };
}

/** Every Secret as its SealedSecret says, and nothing done twice. */
async function check(
  namespace: string,
  mark: number,
  wanted: ReadonlyMap<string, { value: string; generations: number }>,
) {
  for (const [name, { value }] of wanted) {
    await cluster.secretWith(namespace, name, { a: value });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  }
  const generations = new Map(Array.from(wanted, ([name, { generations: count }]) => [`${namespace}/${name}`, count]));
  expect(await findRepeatedEffects(server, mark, generations)).toEqual([]);
}

/** Milliseconds until an object made now has its Secret. */
async function timeOfNewObject(namespace: string, name: string, certificatePem: string): Promise<number> {
  const startMs = performance.now();
  await cluster.apply(seal({ certificatePem, namespace, name, data: { a: '1' } }));
  await waitFor(() => cluster.secret(namespace, name), { timeoutMs: 20_000, what: name });
  return performance.now() - startMs;
}

describe('a leader under load', () => {
  it('that is killed is followed within the lease time, and nothing is done twice', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    const mark = await cluster.mark();
    const load = churn(namespace, certificatePem);
    await delay(1500);
    leader.kill('SIGKILL');
    const { renewTime } = (await leaseOf(keyNamespace)).lease.spec;
    const tookMs = await timeOfNewObject(namespace, 'after-kill', certificatePem);
    await delay(500);
    await check(namespace, mark, await load.stop());
    // Load that goes on would disturb the tests that follow.
    await expectTakeover(keyNamespace, renewTime);
    expect(tookMs).toBeLessThan(leaseMs + graceMs + catchUpMs);
    expect(await follower.metric('waxwing_leader')).toBe(1);
    await follower.stop();
  });

  it('that is ended politely hands over at once', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    const mark = await cluster.mark();
    const load = churn(namespace, certificatePem);
    await delay(500);
    expect(await leader.stop()).toBe(0);
    await waitFor(async () => (await follower.metric('waxwing_leader')) === 1, { timeoutMs: leaseMs });
    await check(namespace, mark, await load.stop());
    await follower.stop();
  });

  it('that sleeps and wakes up again has been followed, writes nothing more and ends', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    const mark = await cluster.mark();
    const load = churn(namespace, certificatePem);
    await delay(1000);
    leader.kill('SIGSTOP');
    const { renewTime } = (await leaseOf(keyNamespace)).lease.spec;
    try {
      const tookMs = await timeOfNewObject(namespace, 'after-stop', certificatePem);
      expect(tookMs).toBeLessThan(leaseMs + graceMs + catchUpMs);
      await expectTakeover(keyNamespace, renewTime);
      await delay(leaseMs);
    } finally {
      leader.kill('SIGCONT');
    }
    expect(await leader.exited()).toBe(1);
    expect(leader.logs()).toContain('leadership is lost');
    await check(namespace, mark, await load.stop());
    expect(await follower.metric('waxwing_leader')).toBe(1);
    await follower.stop();
  });

  it('whose Lease was taken away ends, and the follower waits until the new holder has been silent for long enough', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    let renewTime = '';
    await waitFor(async () => {
      const { path, lease } = await leaseOf(keyNamespace);
      renewTime = new Date().toISOString().replace('Z', '000Z');
      Object.assign(lease.spec, { holderIdentity: 'somebody else', renewTime });
      return (await server.request('PUT', path, lease)).status === 200;
    });
    expect(await leader.exited()).toBe(1);
    expect(leader.logs()).toContain('another replica holds it');
    const tookMs = await timeOfNewObject(namespace, 'after', certificatePem);
    expect(tookMs).toBeLessThan(leaseMs + graceMs + catchUpMs);
    await expectTakeover(keyNamespace, renewTime);
    await follower.stop();
  });
});

describe('an API server that is away for longer than the Lease lasts', () => {
  it('ends neither replica: the same one leads again, and nothing is done twice', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    const sealed = (name: string) => seal({ certificatePem, namespace, name, data: { a: '1' } });
    const names = Array.from({ length: 40 }, (_, i) => `app-${i}`);
    const mark = await cluster.mark();
    // In the middle of work.
    for (const name of names) await cluster.apply(sealed(name));
    await server.pause();
    try {
      await waitFor(async () => (await leader.metric('waxwing_leader')) === 0);
      // Answered as soon as it may write.
      leader.kill('SIGUSR1');
      await delay(leaseMs + graceMs);
      for (const replica of [leader, follower]) {
        expect((await replica.request('/healthz')).status).toBe(200);
        expect((await replica.request('/readyz')).status).toBe(200);
        const body = JSON.stringify(sealed('x'));
        expect((await replica.request('/v1/verify', { method: 'POST', body })).status).toBe(200);
        expect(await certificateOf(replica)).toBe(certificatePem);
      }
    } finally {
      await server.resume();
    }
    await waitFor(async () => (await leader.metric('waxwing_leader')) === 1, { timeoutMs: leaseMs });
    for (const name of names) await cluster.condition(namespace, name, 'True', 'Unsealed');
    const generations = new Map(names.map((name) => [`${namespace}/${name}`, 1]));
    expect(await findRepeatedEffects(server, mark, generations)).toEqual([]);
    await waitFor(async () => (await certificateOf(leader)) !== certificatePem, { what: 'the new key' });
    const { body: keys } = await server.request('GET', `/api/v1/namespaces/${keyNamespace}/secrets`);
    expect(keys.items).toHaveLength(2);
    expect([leader.child.exitCode, follower.child.exitCode]).toEqual([null, null]);
    expect(await follower.metric('waxwing_leader')).toBe(0);
    await Promise.all([leader.stop(), follower.stop()]);
  });
});

describe('a follower', () => {
  it('answers certificate, verify and rotate, follows keys, and writes nothing', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    const { leader, follower, certificatePem } = await startReplicas(keyNamespace);
    const body = JSON.stringify(seal({ certificatePem, namespace, name: 'x', data: { a: '1' } }));
    expect((await follower.request('/v1/verify', { method: 'POST', body })).status).toBe(200);
    expect((await follower.request('/v1/rotate', { method: 'POST', body })).status).toBe(200);
    expect((await follower.request('/readyz')).status).toBe(200);
    // A signal to the follower is no reason to make a key; one to the leader is, and the follower learns of it.
    follower.kill('SIGUSR1');
    leader.kill('SIGUSR1');
    // The follower may see the key in its watch before the leader has the answer to its create.
    await waitFor(
      async () => {
        const [led, followed] = await Promise.all([certificateOf(leader), certificateOf(follower)]);
        return led !== certificatePem && followed === led;
      },
      { what: 'one new certificate from both' },
    );
    const { body: keys } = await server.request('GET', `/api/v1/namespaces/${keyNamespace}/secrets`);
    expect(keys.items).toHaveLength(2);
    // Only the leader says something about objects.
    await cluster.apply((await sealerOf(leader))({ namespace, name: 'x', data: { a: '1' } }));
    await cluster.condition(namespace, 'x', 'True');
    expect(await follower.metric('sealed_secrets_controller_unseal_requests_total')).toBe(0);
    expect(await follower.metric('sealed_secrets_controller_condition_info')).toBe(0);
    await Promise.all([leader.stop(), follower.stop()]);
  });

  it('without keys waits and makes none, until it leads', async () => {
    const keyNamespace = await createNamespace(server);
    const options = { namespace: keyNamespace, flags: electing, waitUntilReady: false };
    const holder = { holderIdentity: 'somebody', leaseDurationSeconds: 6, leaseTransitions: 0 };
    const path = `/apis/coordination.k8s.io/v1/namespaces/${keyNamespace}/leases`;
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'waxwing-controller' },
      spec: { ...holder, renewTime: new Date().toISOString().replace('Z', '000Z') },
    };
    expect((await server.request('POST', path, lease)).status).toBe(201);
    await using follower = await cluster.startController(options);
    await waitFor(async () => (await follower.request('/healthz').catch(() => undefined))?.status === 200);
    const keys = async () => (await server.request('GET', `/api/v1/namespaces/${keyNamespace}/secrets`)).body.items;
    follower.kill('SIGUSR1');
    await delay(1500);
    expect(await keys()).toEqual([]);
    expect((await follower.request('/readyz')).status).toBe(503);
    expect((await follower.request('/v1/cert.pem')).status).toBe(500);
    await waitFor(async () => (await follower.request('/readyz')).status === 200, { timeoutMs: 20_000 });
    expect((await keys()).length).toBeGreaterThanOrEqual(1);
    expect(await follower.metric('waxwing_leader')).toBe(1);
  });
});
