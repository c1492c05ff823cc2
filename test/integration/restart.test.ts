import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { seal, sealItem } from './sealing.ts';

const cluster = await startCluster();
const name = 'app';
/** The first line of the log. The program listens to signals before it writes it. */
const firstWords = 'starting sealed-secrets controller';

describe('a restart', () => {
  it('writes nothing and decrypts nothing', async () => {
    const namespace = await cluster.createNamespace();
    const first = await cluster.startController();
    const sealIt = await sealerOf(first);
    for (let i = 0; i < 20; i++) await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: String(i) } }));
    for (let i = 0; i < 20; i++) await cluster.condition(namespace, `app-${i}`, 'True', 'Unsealed');
    await first.stop();
    const mark = await cluster.mark();
    await using second = await cluster.startController({ podName: 'controller-1' });
    // Whatever the restart has to do for the old ones is done when a new object is.
    const elsewhere = await cluster.createNamespace();
    await cluster.apply(sealIt({ namespace: elsewhere, name: 'new', data: { a: 'new' } }));
    await cluster.condition(elsewhere, 'new', 'True');
    expect((await cluster.writes(mark)).filter((write) => write.includes(`${namespace}/`))).toEqual([]);
    expect(await second.metric('waxwing_unseal_attempts_per_item_count')).toBe(1);
    expect(await second.metric('sealed_secrets_controller_unseal_requests_total')).toBe(1);
    // Nothing was done for the old ones, and yet the metrics know them.
    expect(await second.metric('sealed_secrets_controller_condition_info', { namespace })).toBe(20);
  });

  it('after a change of the Secret that means nothing refreshes the record, without an event', async () => {
    const namespace = await cluster.createNamespace();
    const first = await cluster.startController();
    await cluster.apply((await sealerOf(first))({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await first.stop();
    await cluster.patchSecret(namespace, name, { metadata: { labels: { seen: 'yes' } } });
    const mark = await cluster.mark();
    await using _second = await cluster.startController();
    const { resourceVersion } = (await cluster.secret(namespace, name))?.metadata ?? {};
    await waitFor(
      async () => (await cluster.sealedSecret(namespace, name)).status.secret.resourceVersion === resourceVersion,
    );
    expect(await cluster.writes(mark)).toEqual([`update sealedsecrets/status ${namespace}/${name} 200`]);
    expect((await cluster.secret(namespace, name))?.metadata.labels).toEqual({ seen: 'yes' });
  });

  it('finds out what happened meanwhile', async () => {
    const namespace = await cluster.createNamespace();
    const first = await cluster.startController();
    const certificatePem = await certificateOf(first);
    for (const each of ['deleted', 'edited', 'changed']) {
      await cluster.apply(seal({ certificatePem, namespace, name: each, data: { a: '1' } }));
      await cluster.condition(namespace, each, 'True');
    }
    await first.stop();
    await cluster.deleteSecret(namespace, 'deleted');
    await cluster.patchSecret(namespace, 'edited', { data: { a: 'eA==' } });
    await cluster.change(namespace, 'changed', ({ spec }) => {
      spec.encryptedData.a = sealItem(certificatePem, namespace, 'changed', '2');
    });
    await using _second = await cluster.startController();
    await cluster.secretWith(namespace, 'deleted', { a: '1' });
    await cluster.secretWith(namespace, 'edited', { a: '1' });
    await cluster.secretWith(namespace, 'changed', { a: '2' });
  });

  it('finds out that a scope annotation came or went meanwhile, which changes no generation', async () => {
    const namespace = await cluster.createNamespace();
    const annotations = { 'sealedsecrets.bitnami.com/cluster-wide': 'true' };
    const setAnnotations = (each: string, wanted: Json) =>
      cluster.change(namespace, each, ({ metadata }) => {
        metadata.annotations = wanted;
      });
    const first = await cluster.startController();
    const certificatePem = await certificateOf(first);
    for (const each of ['annotated', 'bared']) {
      const sealed = seal({ certificatePem, namespace, name: each, data: { a: '1' }, scope: 'cluster-wide' });
      if (each === 'annotated') sealed.metadata.annotations = {};
      await cluster.apply(sealed);
    }
    await cluster.condition(namespace, 'annotated', 'False', 'ScopeAnnotationMissing');
    await cluster.condition(namespace, 'bared', 'True', 'Unsealed');
    await first.stop();
    await setAnnotations('annotated', annotations);
    const { metadata } = await setAnnotations('bared', {});
    expect(metadata.generation).toBe(1);
    const second = await cluster.startController();
    await cluster.condition(namespace, 'bared', 'False', 'ScopeAnnotationMissing');
    await cluster.condition(namespace, 'annotated', 'True', 'Unsealed');
    await cluster.secretWith(namespace, 'annotated', { a: '1' });
    await second.stop();
    // And the other way, each of them.
    await setAnnotations('annotated', {});
    await setAnnotations('bared', annotations);
    await using _third = await cluster.startController();
    await cluster.condition(namespace, 'annotated', 'False', 'ScopeAnnotationMissing');
    await cluster.condition(namespace, 'bared', 'True', 'Unsealed');
    await cluster.secretWith(namespace, 'bared', { a: '1' });
  });
});

describe('a port that another process holds', () => {
  it('stops nothing, and is taken when it is free', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags: [`--listen-metrics-addr=127.0.0.1:${port}`] });
    await waitFor(() => controller.logs().includes('HTTP metrics server cannot listen'));
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name: 'app', data: { a: '1' } }));
    await cluster.secretWith(namespace, 'app', { a: '1' });
    holder.close();
    await waitFor(() => controller.logs().includes('HTTP metrics server serving'));
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('waxwing_leader');
  });
});

describe('the end of the process', () => {
  it('is polite on SIGTERM and SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const controller = await cluster.startController();
      controller.kill(signal);
      expect(await controller.exited()).toBe(0);
      expect(controller.logs()).toContain('shutting down controller');
    }
  });

  it('on SIGTERM before the program listens to signals is an end all the same', async () => {
    for (const delayMs of [0, 30, 100]) {
      const controller = await cluster.startController({ waitUntilReady: false });
      await delay(delayMs);
      controller.kill('SIGTERM');
      const isListening = controller.logs().includes(firstWords);
      expect(isListening ? [0] : [0, 'SIGTERM']).toContain(await controller.exited());
    }
  });

  it.each([firstWords, 'HTTP server serving', 'registered private key', 'cache is complete', 'reconciling'])(
    'on SIGTERM is polite from the first words on: at "%s"',
    async (words) => {
      const controller = await cluster.startController({ waitUntilReady: false });
      await waitFor(() => controller.logs().includes(words), { timeoutMs: 30_000, what: words });
      controller.kill('SIGTERM');
      expect(await controller.exited()).toBe(0);
    },
  );

  it('on SIGTERM is polite while the API server is waited for', async () => {
    await cluster.server.pause();
    try {
      const controller = await cluster.startController({ waitUntilReady: false });
      await waitFor(() => controller.logs().includes('cannot reach the API server'), { timeoutMs: 30_000 });
      controller.kill('SIGTERM');
      expect(await controller.exited()).toBe(0);
    } finally {
      await cluster.server.resume();
    }
  });

  it('by SIGKILL at random moments under load leaves every Secret correct, and nothing is done twice', async () => {
    const namespace = await cluster.createNamespace();
    let controller = await cluster.startController();
    const certificatePem = await certificateOf(controller);
    const mark = await cluster.mark();
    const wanted = new Map<string, string>();
    const deadlineMs = performance.now() + 20_000;
    const random = seededRandom(7);
    for (let round = 0; performance.now() < deadlineMs; round++) {
      for (let i = 0; i < 10; i++) {
        const each = `app-${Math.floor(random() * 60)}`;
        const value = `${round}-${i}`;
        if (wanted.has(each)) {
          await cluster.change(namespace, each, ({ spec }) => {
            spec.encryptedData.a = sealItem(certificatePem, namespace, each, value);
          });
        } else {
          await cluster.apply(seal({ certificatePem, namespace, name: each, data: { a: value } }));
        }
        wanted.set(each, value);
      }
      await new Promise((resolve) => setTimeout(resolve, random() * 60));
      controller.kill('SIGKILL');
      await controller.exited();
      controller = await cluster.startController({ podName: `controller-${round}`, waitUntilReady: random() < 0.5 });
    }
    for (const [each, value] of wanted) {
      await cluster.secretWith(namespace, each, { a: value });
      await cluster.condition(namespace, each, 'True', 'Unsealed');
    }
    await controller.stop();
    // Of each object one create of its Secret took effect. Of a client that was killed the log may not know how it ended.
    const creates = (await cluster.writes(mark)).filter(
      (write) => write.startsWith('create secrets') && write.endsWith(' 201'),
    );
    expect(creates.length).toBeGreaterThan(0);
    expect(creates.length).toBeLessThanOrEqual(wanted.size);
  });
});

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}
