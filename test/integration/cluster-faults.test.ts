import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';
import { findRepeatedEffects } from './effects.ts';
import { seal, sealItem } from './sealing.ts';

const cluster = await startCluster();
const { server } = cluster;
const name = 'app';

async function must(method: string, path: string, body?: Json): Promise<Json> {
  const answer = await server.request(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

describe('a Secret of ours', () => {
  it('that somebody replaces by their own is left to them, and said so', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    // Nobody can replace it faster than we make it again, so it is done while we are away.
    await controller.stop();
    await cluster.deleteSecret(namespace, name);
    await cluster.createSecret({ metadata: { namespace, name }, stringData: { theirs: 'x' } });
    await using _second = await cluster.startController();
    expect((await cluster.condition(namespace, name, 'False', 'NotManaged')).message).toContain(name);
    expect((await cluster.secret(namespace, name))?.data).toEqual({ theirs: 'x' });
  });

  it('that loses its owner reference while we look is left alone too', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await cluster.patchSecret(namespace, name, { metadata: { ownerReferences: null }, stringData: { a: 'theirs' } });
    await cluster.condition(namespace, name, 'False', 'NotManaged');
    expect((await cluster.secret(namespace, name))?.data).toEqual({ a: 'theirs' });
  });

  it('that somebody makes immutable with other values is not fought over, and is right again once it is deleted', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await cluster.patchSecret(namespace, name, { immutable: true, stringData: { a: 'theirs' } });
    await cluster.condition(namespace, name, 'False', 'ImmutableSecret');
    const mark = await cluster.mark();
    await delay(1500);
    expect((await cluster.writes(mark)).filter((write) => write.includes(namespace))).toEqual([]);
    await cluster.deleteSecret(namespace, name);
    await cluster.secretWith(namespace, name, { a: '1' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

describe('objects of thousands of items', () => {
  it('are done in the end, and do not hold up one that comes later', { timeout: 180_000 }, async () => {
    const [namespace, other] = [await cluster.createNamespace(), await cluster.createNamespace()];
    const first = await cluster.startController();
    const sealIt = await sealerOf(first);
    await first.stop();
    const names = Array.from({ length: 8 }, (_, index) => `large-${index}`);
    const data = Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`item-${index}`, '1']));
    for (const large of names) await cluster.apply(sealIt({ namespace, name: large, data }));
    // As many as there are workers, each with more than enough to do.
    await using _controller = await cluster.startController({ flags: ['--workers=8'] });
    await cluster.apply(sealIt({ namespace: other, name, data: { a: '1' } }));
    const later = await secretOf(other, name);
    for (const large of names) {
      const secret = await secretOf(namespace, large);
      expect(secret.data).toEqual(data);
      // The order of creation, whatever the machine's speed.
      expect(Number(secret.metadata.resourceVersion)).toBeGreaterThan(Number(later.metadata.resourceVersion));
    }
  });
});

/** A Secret as soon as it is there, which may take minutes. */
async function secretOf(namespace: string, secretName: string) {
  return waitFor(() => cluster.secret(namespace, secretName), { timeoutMs: 120_000, what: secretName });
}

describe('a namespace', () => {
  it('that is being deleted gets no Secrets any more, and does not keep the controller from its work', async () => {
    const [namespace, other] = [await cluster.createNamespace(), await cluster.createNamespace()];
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const held = sealIt({ namespace, name, data: { a: '1' } });
    await cluster.apply({ ...held, metadata: { ...held.metadata, finalizers: ['waxwing.test/hold'] } });
    await cluster.condition(namespace, name, 'True');
    await must('DELETE', `/api/v1/namespaces/${namespace}`);
    await waitFor(async () => (await cluster.secret(namespace, name)) === undefined, { timeoutMs: 30_000 });
    await cluster.apply(sealIt({ namespace: other, name, data: { a: '1' } }));
    await cluster.condition(other, name, 'True');
    expect(await cluster.secret(namespace, name)).toBeUndefined();
    await cluster.change(namespace, name, ({ metadata }) => {
      metadata.finalizers = [];
    });
    await waitFor(async () => (await server.request('GET', `/api/v1/namespaces/${namespace}`)).status === 404, {
      timeoutMs: 60_000,
      what: 'the namespace to be gone',
    });
    expect((await controller.request('/healthz')).status).toBe(200);
  });

  it('that cannot be deleted to the end gets nothing any more, every object in it says why, and a new one of its name works', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    const release = await holdUp(namespace);
    await must('DELETE', `/api/v1/namespaces/${namespace}`);
    const mark = await cluster.mark();
    const startedMs = performance.now();
    await cluster.deleteSecret(namespace, name);
    const condition = await cluster.condition(namespace, name, 'False', 'NamespaceTerminating');
    expect(condition.message).toContain('because it is being terminated');
    await waitFor(() => /reconciling failed.*NamespaceTerminating/.test(controller.logs()));
    expect(await controller.metric('waxwing_objects', { reason: 'NamespaceTerminating' })).toBe(1);
    const writes = async () => (await cluster.writes(mark)).filter((write) => write.includes(` ${namespace}/`));
    const attempts = async () => (await writes()).filter((write) => write.startsWith('create secrets'));
    // With pauses that double from 5 ms on, ten of them take more than a second.
    await waitFor(async () => (await attempts()).length >= 10);
    expect(performance.now() - startedMs).toBeGreaterThan(1000);
    const taken = (await writes()).filter((write) => / 20[01]$/.test(write));
    expect(taken).toEqual([`update sealedsecrets/status ${namespace}/${name} 200`]);
    const errors = { namespace, reason: 'update' };
    expect(await controller.metric('sealed_secrets_controller_unseal_errors_total', errors)).toBe(1);
    await release();
    const isGone = async () => (await server.request('GET', `/api/v1/namespaces/${namespace}`)).status === 404;
    await waitFor(isGone, { timeoutMs: 60_000, what: 'the namespace to be gone' });
    await must('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await cluster.apply(sealIt({ namespace, name, data: { a: '2' } }));
    await cluster.secretWith(namespace, name, { a: '2' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    expect(await controller.metric('waxwing_objects', { reason: 'NamespaceTerminating' })).toBe(0);
  });

  /** A Pod that cannot go: the namespace controller takes Pods first and waits for them before it touches anything else. Returns how to let it go. */
  async function holdUp(namespace: string): Promise<() => Promise<void>> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    await must('POST', path, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'held', finalizers: ['waxwing.test/hold'] },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    });
    return async () => {
      const pod = await must('GET', `${path}/held`);
      await must('PUT', `${path}/held`, { ...pod, metadata: { ...pod.metadata, finalizers: [] } });
    };
  }

  it('whose quota is used up keeps its objects waiting with a condition, until there is room', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const setLimit = async (secrets: string) => {
      const quota = await must('GET', `${path}/limit`);
      const changed = await must('PUT', `${path}/limit`, { ...quota, spec: { hard: { secrets } } });
      // Nobody counts for the real server here: what the quota controller would write.
      const status = { hard: { secrets }, used: { secrets: '0' } };
      await must('PUT', `${path}/limit/status`, { ...changed, status });
    };
    await must('POST', path, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'limit' },
      spec: { hard: { secrets: '0' } },
    });
    await setLimit('0');
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    const condition = await cluster.condition(namespace, name, 'False');
    expect(condition.message).toContain('quota');
    await setLimit('5');
    await cluster.secretWith(namespace, name, { a: '1' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

describe('keys', () => {
  it('that are renewed again and again under load lose no object', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const certificates = new Set<string>();
    const names: string[] = [];
    for (let round = 0; round < 4; round++) {
      const before = await certificateOf(controller);
      controller.kill('SIGUSR1');
      // Sealed under whatever key is current at that moment, while the next one is being made.
      for (let i = 0; i < 15; i++) {
        const certificatePem = await certificateOf(controller);
        certificates.add(certificatePem);
        names.push(`app-${round}-${i}`);
        await cluster.apply(seal({ certificatePem, namespace, name: `app-${round}-${i}`, data: { a: '1' } }));
      }
      await waitFor(async () => (await certificateOf(controller)) !== before, { what: `the key of round ${round}` });
    }
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    expect(certificates.size).toBeGreaterThanOrEqual(4);
  });

  it('asked for by SIGUSR1 at random moments of the start come one at a time, and never does a debugger listen', async () => {
    const random = seededRandom(11);
    for (let round = 0; round < 12; round++) {
      const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
      const options = { namespace: keyNamespace, waitUntilReady: false };
      const controller = await cluster.startController(options);
      await delay(random() * 700);
      controller.kill('SIGUSR1');
      const isDead = () => controller.child.signalCode !== null || controller.child.exitCode !== null;
      await waitFor(
        async () => isDead() || (await controller.request('/readyz').catch(() => undefined))?.status === 200,
        { timeoutMs: 20_000, what: `round ${round}` },
      );
      if (isDead()) {
        expect(controller.logs()).not.toContain('registered private key');
      } else {
        // The first key of the namespace, or that and the one the signal asked for: it may have come before there was any.
        const keys = () => must('GET', `/api/v1/namespaces/${keyNamespace}/secrets`).then(({ items }) => items.length);
        await waitFor(async () => (await keys()) >= 1);
        await delay(300);
        expect(await keys()).toBeLessThanOrEqual(2);
        if (process.platform === 'linux') expect(listeningPorts(controller)).toEqual(portsOf(controller));
      }
      await controller.stop();
    }
  });
});

describe("the machine's clock", () => {
  /** A process whose `Date.now` jumps at SIGUSR2, by turns an hour forward and two hours back. */
  const jumpingClock = `const now = Date.now; let jumps = 0;
    Date.now = () => now() + (jumps === 0 ? 0 : jumps % 2 === 1 ? 3600e3 : -3600e3);
    process.on('SIGUSR2', () => { jumps++; });`;

  it('may jump in both directions: leadership, limits, keys and work stay', async () => {
    const namespace = await cluster.createNamespace();
    const controller = await cluster.startController({
      flags: ['--leader-elect', '--lease-duration=3s', '--lease-renew-deadline=2s', '--lease-retry-period=300ms'],
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(jumpingClock)}` },
    });
    const sealIt = await sealerOf(controller);
    const certificate = await certificateOf(controller);
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${cluster.keyNamespace}/leases`;
    const lease = async () => (await must('GET', `${leases}/waxwing-controller`)).spec;
    const { holderIdentity, leaseTransitions } = await lease();
    for (let jump = 0; jump < 4; jump++) {
      const { renewTime } = await lease();
      controller.kill('SIGUSR2');
      await cluster.apply(sealIt({ namespace, name: `app-${jump}`, data: { a: '1' } }));
      await cluster.condition(namespace, `app-${jump}`, 'True', 'Unsealed');
      // Longer than the lease lasts, so that it has to be renewed under the new time, which the Lease shows.
      await delay(3500);
      const jumped = await lease();
      expect(jumped).toMatchObject({ holderIdentity, leaseTransitions });
      const movedMs = Date.parse(jumped.renewTime) - Date.parse(renewTime);
      expect(Math.abs(movedMs)).toBeGreaterThan(3_000_000);
      const body = JSON.stringify(sealIt({ namespace, name: 'x', data: { a: '1' } }));
      expect((await controller.request('/v1/verify', { method: 'POST', body })).status).toBe(200);
      expect((await controller.request('/healthz')).status).toBe(200);
    }
    expect(await certificateOf(controller)).toBe(certificate);
    expect(controller.logs()).not.toContain('leadership is lost');
    expect(controller.child.exitCode).toBeNull();
    await controller.stop();
  });
});

describe('two controllers by accident', () => {
  it('that share keys and know nothing of each other are noticed, do everything once and do not fight', async () => {
    const namespace = await cluster.createNamespace();
    await using one = await cluster.startController({ podName: 'one' });
    await using two = await cluster.startController({ podName: 'two' });
    const certificatePem = await certificateOf(one);
    const mark = await cluster.mark();
    const names = Array.from({ length: 25 }, (_each, i) => `app-${i}`);
    for (const each of names) await cluster.apply(seal({ certificatePem, namespace, name: each, data: { a: '1' } }));
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    for (const each of names) {
      await cluster.change(namespace, each, ({ spec }) => {
        spec.encryptedData.a = sealItem(certificatePem, namespace, each, '2');
      });
    }
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    const isQuiet = async () => {
      const before = (await cluster.writes(mark)).length;
      await delay(1500);
      return (await cluster.writes(mark)).length === before;
    };
    await waitFor(isQuiet, { timeoutMs: 20_000, what: 'both to be quiet' });
    const generations = new Map(names.map((each) => [`${namespace}/${each}`, 2]));
    expect(await findRepeatedEffects(server, mark, generations)).toEqual([]);
    for (const each of names) {
      await cluster.secretWith(namespace, each, { a: '2' });
      const unsealed = (await cluster.events(namespace, each)).filter(({ reason }) => reason === 'Unsealed');
      expect(unsealed).toHaveLength(2);
    }
    const noticed = async (controller: ControllerProcess) =>
      /waxwing_foreign_controller\S* [1-9]/.test(await controller.metrics());
    // It shows when both write the same status, which is a matter of chance: so it is given more than one.
    let round = 2;
    const provoke = async () => {
      round++;
      for (const each of names) {
        await cluster.change(namespace, each, ({ spec }) => {
          spec.encryptedData.a = sealItem(certificatePem, namespace, each, String(round));
        });
      }
      return (await noticed(one)) || (await noticed(two));
    };
    const isNoticed = (await noticed(one)) || (await noticed(two));
    if (!isNoticed) await waitFor(provoke, { timeoutMs: 60_000, what: 'one to notice the other' });
  });
});

function portsOf(controller: ControllerProcess): number[] {
  return [controller.url, controller.metricsUrl].map((url) => Number(new URL(url).port)).sort((a, b) => a - b);
}

/** TCP ports on which the process listens (proc(5): /proc/net/tcp, state 0A). */
function listeningPorts({ child }: ControllerProcess): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${child.pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${child.pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = ['tcp', 'tcp6'].flatMap((file) =>
    readFileSync(`/proc/${child.pid}/net/${file}`, 'utf8').split('\n').slice(1),
  );
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.has(inode ?? ''))
    .map(([, local]) => Number.parseInt(local?.split(':')[1] ?? '', 16))
    .sort((a, b) => a - b);
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}
