import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { activeKeyLabelValue, generateSealingKey, issueCertificate, keyLabel } from '@waxwing/shared';
import { describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { type Cluster, certificateOf, sealerOf, startCluster } from '../integration/cluster.ts';
import type { ControllerProcess } from '../integration/controller-process.ts';
import { longTestServer, productionIntervals } from './settings.ts';

const cluster = await startCluster({ kind: longTestServer() });
const { server } = cluster;
const objects = 1000;
const names = Array.from({ length: objects }, (_, i) => `app-${i}`);

async function addKey(namespace: string, ageDays: number): Promise<void> {
  const { privateKey, publicKey } = await generateSealingKey(2048);
  const certificate = await issueCertificate({
    privateKey,
    publicKey,
    commonName: '',
    notBefore: new Date(Date.now() - ageDays * 86_400_000),
    validForMs: 10 * 365 * 86_400_000,
    randomBytes,
  });
  const encode = (text: string) => Buffer.from(text).toString('base64');
  await cluster.createSecret({
    metadata: { namespace, generateName: 'key-', labels: { [keyLabel]: activeKeyLabelValue } },
    type: 'kubernetes.io/tls',
    data: {
      'tls.key': encode(privateKey.export({ type: 'pkcs1', format: 'pem' }) as string),
      'tls.crt': encode(certificate),
    },
  });
}

/** Waits until every object of the namespace has a condition of that status. Milliseconds. */
async function allHave(status: string, namespace: string, { child, logs }: ControllerProcess): Promise<number> {
  const startMs = performance.now();
  const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
  const isDone = async () => {
    if (child.exitCode !== null)
      throw new Error(`The controller ended with ${child.exitCode}:\n${logs().slice(-2000)}`);
    const { items } = (await server.request('GET', path)).body;
    const done = items.filter((item: Awaited<ReturnType<Cluster['sealedSecret']>>) =>
      item.status?.conditions?.some((condition: { status: string }) => condition.status === status),
    );
    await delay(300);
    return done.length === objects;
  };
  await waitFor(isDone, { timeoutMs: 600_000, what: `${objects} objects to be ${status}` });
  return performance.now() - startMs;
}

interface Health {
  readonly slowestMs: number;
  /** The longest series of answers that a liveness probe would not have waited for. */
  readonly missedInARow: number;
}

/** A liveness probe waits for a second, and three misses in a row restart the container. */
const probe = { timeoutMs: 1000, failureThreshold: 3 };

/** Asks for `/healthz` again and again, until it is told to stop. */
function watchHealth(controller: ControllerProcess) {
  let slowestMs = 0;
  let missed = 0;
  let missedInARow = 0;
  let isOver = false;
  const run = async () => {
    while (!isOver) {
      const startMs = performance.now();
      const { status } = await controller.request('/healthz');
      if (status !== 200) throw new Error(`/healthz answers ${status}`);
      const tookMs = performance.now() - startMs;
      slowestMs = Math.max(slowestMs, tookMs);
      missed = tookMs > probe.timeoutMs ? missed + 1 : 0;
      missedInARow = Math.max(missedInARow, missed);
      await delay(100);
    }
  };
  const running = run();
  running.catch(() => {});
  return {
    async stop(): Promise<Health> {
      isOver = true;
      await running;
      return { slowestMs, missedInARow };
    },
  };
}

const apply = async (objectOf: (name: string) => object) => {
  const remaining = [...names];
  const worker = async () => {
    for (let name = remaining.pop(); name !== undefined; name = remaining.pop()) await cluster.apply(objectOf(name));
  };
  await Promise.all(Array.from({ length: 8 }, worker));
};

describe(`${objects} objects`, () => {
  it('that no key opens, with 23 keys, are tried once each, and then the CPU is idle', async () => {
    const [namespace, keyNamespace] = [await cluster.createNamespace(), await createNamespace(server)];
    for (let age = 23; age > 0; age--) await addKey(keyNamespace, age);
    const flags = [...productionIntervals, `--additional-namespaces=${namespace}`];
    await using controller = await cluster.startController({ namespace: keyNamespace, flags });
    const health = watchHealth(controller);
    const ciphertext = `AQAA${randomBytes(512).toString('base64')}`;
    await apply((name) => ({
      apiVersion: 'bitnami.com/v1alpha1',
      kind: 'SealedSecret',
      metadata: { namespace, name },
      spec: { encryptedData: { a: ciphertext } },
    }));
    const tookMs = await allHave('False', namespace, controller);
    const { slowestMs, missedInARow } = await health.stop();
    const errors = { namespace, reason: 'unseal' };
    expect(await controller.metric('sealed_secrets_controller_unseal_errors_total', errors)).toBe(objects);
    await delay(2000);
    const before = await controller.metric('process_cpu_seconds_total');
    await delay(10_000);
    const usedSeconds = (await controller.metric('process_cpu_seconds_total')) - before;
    console.log(
      `hopeless: all told after ${(tookMs / 1000).toFixed(1)} s, then ${((usedSeconds / 10) * 100).toFixed(1)} % of a CPU; slowest /healthz ${slowestMs.toFixed(0)} ms`,
    );
    expect(before).toBeGreaterThan(0);
    expect(usedSeconds / 10).toBeLessThan(0.05);
    expect(missedInARow).toBeLessThan(probe.failureThreshold);
  });

  it('converge while verify and rotate are asked without end', async () => {
    const [quiet, busy, keyNamespace] = [
      await cluster.createNamespace(),
      await cluster.createNamespace(),
      await createNamespace(server),
    ];
    const flags = [...productionIntervals, '--rate-limit=100000', '--rate-limit-burst=100000'];
    await using controller = await cluster.startController({ namespace: keyNamespace, flags });
    const sealIt = await sealerOf(controller);
    await apply((name) => sealIt({ namespace: quiet, name, data: { a: '1' } }));
    const alone = await allHave('True', quiet, controller);
    const body = JSON.stringify(sealIt({ namespace: busy, name: 'x', data: { a: '1' } }));
    const answers = new Map<number, number>();
    let isOver = false;
    const requests = Array.from({ length: 16 }, async (_, i) => {
      const path = i % 2 === 0 ? '/v1/verify' : '/v1/rotate';
      while (!isOver) {
        const { status } = await controller.request(path, { method: 'POST', body });
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    });
    const health = watchHealth(controller);
    const startMs = performance.now();
    await apply((name) => sealIt({ namespace: busy, name, data: { a: '1' } }));
    await allHave('True', busy, controller);
    const tookMs = performance.now() - startMs;
    isOver = true;
    await Promise.all(requests);
    const { slowestMs, missedInARow } = await health.stop();
    console.log(
      `under requests: ${objects} objects in ${(tookMs / 1000).toFixed(1)} s (the last of the quiet ones ${(alone / 1000).toFixed(1)} s after they were written), answers ${JSON.stringify([...answers])}, slowest /healthz ${slowestMs.toFixed(0)} ms`,
    );
    expect(answers.get(200)).toBeGreaterThan(50);
    expect(tookMs).toBeLessThan(120_000);
    expect(missedInARow).toBeLessThan(probe.failureThreshold);
  });

  it('whose templates generate keys delay neither health checks nor leases nor an ordinary object', async () => {
    const [namespace, other, keyNamespace] = [
      await cluster.createNamespace(),
      await cluster.createNamespace(),
      await createNamespace(server),
    ];
    const flags = [...productionIntervals, '--leader-elect'];
    await using controller = await cluster.startController({ namespace: keyNamespace, flags });
    const sealIt = await sealerOf(controller);
    const health = watchHealth(controller);
    await apply((name) => {
      const sealed = sealIt({ namespace, name, data: { a: '1' } });
      const template = { ...sealed.spec.template, data: { key: '{{ genPrivateKey "ed25519" }}' } };
      return { ...sealed, spec: { ...sealed.spec, template } };
    });
    const startMs = performance.now();
    await cluster.apply(sealIt({ namespace: other, name: 'ordinary', data: { a: '1' } }));
    await cluster.secretWith(other, 'ordinary', { a: '1' });
    const ordinaryMs = performance.now() - startMs;
    const tookMs = await allHave('True', namespace, controller);
    const { slowestMs, missedInARow } = await health.stop();
    console.log(
      `templates: done ${(tookMs / 1000).toFixed(1)} s after the last was written, ordinary object ${ordinaryMs.toFixed(0)} ms, slowest /healthz ${slowestMs.toFixed(0)} ms`,
    );
    expect((await cluster.secret(namespace, 'app-7'))?.data['key']).toContain('PRIVATE KEY');
    expect(controller.logs()).not.toContain('leadership is lost');
    expect(missedInARow).toBeLessThan(probe.failureThreshold);
    expect(await certificateOf(controller)).toContain('CERTIFICATE');
  });
});
