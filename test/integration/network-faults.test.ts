import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { findRepeatedEffects } from './effects.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { sealItem } from './sealing.ts';

const cluster = await startCluster();
const proxy = await startFaultProxy(cluster.server);
afterAll(() => proxy.stop());
const { kubeconfig } = proxy;
const name = 'app';

describe('a watch that is half open', () => {
  it('is given up after the idle time, and what it did not tell is found without help', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ kubeconfig, flags: ['--watch-idle-timeout=2s'] });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name: 'before', data: { a: '1' } }));
    await cluster.condition(namespace, 'before', 'True');
    expect(proxy.freezeWatches()).toBeGreaterThanOrEqual(3);
    const startedMs = performance.now();
    await cluster.apply(sealIt({ namespace, name: 'after', data: { a: '2' } }));
    await cluster.deleteSecret(namespace, 'before');
    await cluster.secretWith(namespace, 'after', { a: '2' });
    await cluster.secretWith(namespace, 'before', { a: '1' });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    expect((await controller.request('/healthz')).status).toBe(200);
    expect(controller.logs()).not.toContain('cannot follow objects');
  });

  it('together with every new connection is waited for, and the process stays', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--watch-idle-timeout=2s', '--request-timeout=1s'];
    await using controller = await cluster.startController({ kubeconfig, flags });
    const sealIt = await sealerOf(controller);
    const before = proxy.requests;
    proxy.freeze();
    try {
      await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
      await waitFor(() => proxy.requests > before + 4, { timeoutMs: 20_000 });
      expect((await controller.request('/healthz')).status).toBe(200);
      expect((await controller.request('/readyz')).status).toBe(200);
      expect(await certificateOf(controller)).toContain('BEGIN CERTIFICATE');
    } finally {
      proxy.thaw();
    }
    await cluster.secretWith(namespace, name, { a: '1' });
    expect(controller.child.exitCode).toBeNull();
  });
});

describe('an API server that fails now and then', () => {
  it.each([
    ['refusing a fifth of all requests with 429, 500 or 409', 0],
    ['losing the answers of a fifth of all requests', 1],
  ])('%s, gets everything once', async (_, afterwards) => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ kubeconfig });
    const certificatePem = await certificateOf(controller);
    const sealIt = await sealerOf(controller);
    const mark = await cluster.mark();
    const names = Array.from({ length: 30 }, (_each, i) => `app-${i}`);
    proxy.fail({ share: 0.2, statuses: [429, 500, 409], afterwards });
    try {
      for (const each of names) await cluster.apply(sealIt({ namespace, name: each, data: { a: '1' } }));
      for (const each of names) await cluster.secretWith(namespace, each, { a: '1' });
      for (const each of names.slice(0, 10)) {
        await cluster.change(namespace, each, ({ spec }) => {
          spec.encryptedData.a = sealItem(certificatePem, namespace, each, '2');
        });
      }
      for (const [i, each] of names.entries()) await cluster.secretWith(namespace, each, { a: i < 10 ? '2' : '1' });
      for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    } finally {
      proxy.fail();
    }
    const generations = new Map(names.map((each, i) => [`${namespace}/${each}`, i < 10 ? 2 : 1]));
    expect(await findRepeatedEffects(cluster.server, mark, generations)).toEqual([]);
    expect((await controller.request('/healthz')).status).toBe(200);
  });

  it('losing the answers to writes of Secrets changes nothing that comes out differently each time', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ kubeconfig });
    const certificatePem = await certificateOf(controller);
    const sealIt = await sealerOf(controller);
    const object = sealIt({ namespace, name, data: { a: '1' } });
    object.spec.template.data = { password: '{{ randAlphaNum 20 }}' };
    /** Does it while each write of a Secret is carried out and answered with an error; the Secret as first seen, and when all is well. */
    const whileAnswersAreLost = async (change: () => Promise<unknown>, value: string) => {
      proxy.fail({
        share: 1,
        statuses: [500],
        afterwards: 1,
        match: ({ method, path }) => method !== 'GET' && path.includes('/secrets'),
      });
      try {
        await change();
        const written = await waitFor(async () => {
          const secret = await cluster.secret(namespace, name);
          return secret?.data?.['a'] === value ? secret : undefined;
        });
        await cluster.condition(namespace, name, 'True', 'Unsealed');
        return [written, await cluster.secret(namespace, name)] as const;
      } finally {
        proxy.fail();
      }
    };
    const [created, afterCreate] = await whileAnswersAreLost(() => cluster.apply(object), '1');
    expect(afterCreate).toEqual(created);
    const [updated, afterUpdate] = await whileAnswersAreLost(
      () =>
        cluster.change(namespace, name, ({ spec }) => {
          spec.encryptedData.a = sealItem(certificatePem, namespace, name, '2');
        }),
      '2',
    );
    expect(afterUpdate).toEqual(updated);
    expect(updated.data['password']).not.toBe(created.data['password']);
  });

  it('on status writes alone is tried again until the condition is there', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ kubeconfig });
    const sealIt = await sealerOf(controller);
    const mark = await cluster.mark();
    proxy.fail({ share: 1, statuses: [500], match: ({ path }) => path.includes('/status') });
    try {
      await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
      await cluster.secretWith(namespace, name, { a: '1' });
      await waitFor(() => controller.logs().includes('status update failed'));
    } finally {
      proxy.fail();
    }
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    const generations = new Map([[`${namespace}/${name}`, 1]]);
    expect(await findRepeatedEffects(cluster.server, mark, generations)).toEqual([]);
  });
});

describe('credentials', () => {
  it('that are replaced while the old ones are revoked and watches are open are read again', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--credential-check-interval=1s'];
    await using controller = await cluster.startController({ kubeconfig, flags });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name: 'before', data: { a: '1' } }));
    await cluster.condition(namespace, 'before', 'True');
    const refused = proxy.refused;
    await proxy.replaceToken();
    await cluster.apply(sealIt({ namespace, name: 'after', data: { a: '2' } }));
    await cluster.secretWith(namespace, 'after', { a: '2' });
    await cluster.condition(namespace, 'after', 'True', 'Unsealed');
    // Watches that are opened from now on need the new one too.
    proxy.cut();
    await cluster.apply(sealIt({ namespace, name: 'later', data: { a: '3' } }));
    await cluster.secretWith(namespace, 'later', { a: '3' });
    expect(proxy.refused - refused).toBeLessThan(10);
    expect(controller.child.exitCode).toBeNull();
  });
});
