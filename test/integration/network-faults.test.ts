import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';
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

describe('an API server that has no time', () => {
  it('is waited for, and that is no reason to restart', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--reconcile-deadline=2s'];
    await using controller = await cluster.startController({ kubeconfig, flags });
    const sealIt = await sealerOf(controller);
    // Each request waits four times for a second or more.
    proxy.fail({ share: 1, statuses: [429], match: ({ method }) => method !== 'GET' });
    try {
      await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
      const endMs = performance.now() + 8000;
      while (performance.now() < endMs) {
        const { status, body } = await controller.request('/healthz');
        expect(`${status} ${body}`).toMatch(/^200/);
        await delay(200);
      }
    } finally {
      proxy.fail();
    }
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

describe('an API server that starts and has not read its roles', () => {
  it('refuses Leases for a while, and the election goes on', async () => {
    const namespace = await cluster.createNamespace();
    const flags = [
      '--leader-elect',
      '--lease-duration=3s',
      '--lease-renew-deadline=2s',
      '--lease-retry-period=300ms',
      '--lease-name=refused',
    ];
    await using one = await cluster.startController({ kubeconfig, flags, podName: 'one' });
    await using two = await cluster.startController({ kubeconfig, flags, podName: 'two' });
    await waitFor(async () => (await one.metric('waxwing_leader')) === 1);
    proxy.fail({ share: 1, statuses: [403] });
    try {
      await delay(6000);
    } finally {
      proxy.fail();
    }
    const leaders = async () => (await one.metric('waxwing_leader')) + (await two.metric('waxwing_leader'));
    await waitFor(async () => (await leaders()) === 1);
    await cluster.apply((await sealerOf(one))({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    for (const controller of [one, two]) {
      expect(controller.logs()).not.toContain('Leases are forbidden');
      expect(controller.child.exitCode).toBeNull();
    }
    expect(await leaders()).toBe(1);
  });
});

describe('an API server that takes connections and never answers', () => {
  const secondsToEnd = async (controller: ControllerProcess) => {
    const startMs = performance.now();
    controller.kill('SIGTERM');
    expect(await controller.exited()).toBe(0);
    return (performance.now() - startMs) / 1000;
  };

  it('does not keep a controller that starts from answering its health check, and from working later', async () => {
    const namespace = await cluster.createNamespace();
    proxy.freeze();
    const controller = await cluster.startController({ kubeconfig, waitUntilReady: false });
    try {
      await waitFor(async () => (await controller.request('/healthz').catch(() => undefined))?.status === 200);
      expect((await controller.request('/readyz')).status).toBe(503);
    } finally {
      proxy.thaw();
      proxy.cut();
    }
    await waitFor(async () => (await controller.request('/readyz')).status === 200, { timeoutMs: 30_000 });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(namespace, name, { a: '1' });
    await controller.stop();
  });

  it('does not keep a controller from ending that waits for its keys', async () => {
    proxy.freeze();
    try {
      const before = proxy.requests;
      const controller = await cluster.startController({ kubeconfig, waitUntilReady: false });
      await waitFor(() => proxy.requests > before);
      expect(await secondsToEnd(controller)).toBeLessThan(5);
    } finally {
      proxy.thaw();
    }
  });

  it('does not keep a leader from ending in the middle of its work', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--leader-elect', '--shutdown-timeout=4s', '--lease-name=hanging'];
    const controller = await cluster.startController({ kubeconfig, flags });
    await waitFor(async () => (await controller.metric('waxwing_leader')) === 1);
    const sealIt = await sealerOf(controller);
    for (let i = 0; i < 20; i++) await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: '1' } }));
    const before = proxy.requests;
    proxy.freeze();
    try {
      // Keys are listed and the Lease is renewed as well.
      controller.kill('SIGUSR1');
      await waitFor(() => proxy.requests > before + 2);
      expect(await secondsToEnd(controller)).toBeLessThan(4 + 3 + 4);
    } finally {
      proxy.thaw();
    }
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
