import { describe, expect, it } from 'vitest';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import type { ControllerProcess } from './controller-process.ts';
import { findRepeatedEffects } from './effects.ts';
import { startFaultProxy } from './fault-proxy.ts';
import { seal, sealItem } from './sealing.ts';

const cluster = await startCluster();
const { server } = cluster;
const name = 'app';
const generationsOf = (namespace: string, names: readonly string[]) =>
  new Map(names.map((each) => [`${namespace}/${each}`, 1]));
const quickLease = ['--leader-elect', '--lease-duration=3s', '--lease-renew-deadline=2s', '--lease-retry-period=300ms'];

describe('an API server that goes away', () => {
  it.each([
    ['without election', []],
    ['for longer than a leader may write without renewing', quickLease],
  ])('%s does not stop the endpoints, and everything converges when it is back', async (_, flags) => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags });
    const sealIt = await sealerOf(controller);
    const before = sealIt({ namespace, name: 'before', data: { a: '1' } });
    await cluster.apply(before);
    await cluster.condition(namespace, 'before', 'True');
    await server.pause();
    try {
      await waitFor(
        () => controller.logs().includes('ApiUnavailable') || /cannot reach|connection/.test(controller.logs()),
      );
      const isLeading = flags.length === 0 ? 1 : 0;
      await waitFor(async () => (await controller.metric('waxwing_leader')) === isLeading, {
        what: 'leadership to end',
      });
      expect((await controller.request('/healthz')).status).toBe(200);
      expect((await controller.request('/readyz')).status).toBe(200);
      expect(await certificateOf(controller)).toContain('BEGIN CERTIFICATE');
      const body = JSON.stringify(before);
      expect((await controller.request('/v1/verify', { method: 'POST', body })).status).toBe(200);
    } finally {
      await server.resume();
    }
    await cluster.deleteSecret(namespace, 'before');
    await cluster.apply(sealIt({ namespace, name: 'after', data: { a: '2' } }));
    await cluster.secretWith(namespace, 'after', { a: '2' });
    await cluster.secretWith(namespace, 'before', { a: '1' });
    expect(controller.child.exitCode).toBeNull();
  });

  it('at start is waited for, while the health check answers', async () => {
    await server.pause();
    const controller = await cluster.startController({ waitUntilReady: false });
    try {
      await waitFor(async () => (await controller.request('/healthz').catch(() => undefined))?.status === 200);
      expect((await controller.request('/readyz')).status).toBe(503);
      expect((await controller.request('/v1/cert.pem')).status).toBe(500);
    } finally {
      await server.resume();
    }
    await waitFor(async () => (await controller.request('/readyz')).status === 200, { timeoutMs: 20_000 });
    await controller.stop();
  });

  it('that forgets its history is listed again, and nothing is written twice', async () => {
    const namespace = await cluster.createNamespace();
    const proxy = await startFaultProxy(server);
    try {
      await using controller = await cluster.startController({ kubeconfig: proxy.kubeconfig });
      const sealIt = await sealerOf(controller);
      const apply = (each: string) => cluster.apply(sealIt({ namespace, name: each, data: { a: each } }));
      const lists = (watch: string) => controller.metric('waxwing_watch_lists', { watch });
      await apply('one');
      await cluster.condition(namespace, 'one', 'True', 'Unsealed');
      await cluster.event(namespace, 'one', 'Unsealed');
      const before = { sealedSecrets: await lists('sealedsecrets'), secrets: await lists('secrets') };
      expect(before).toEqual({ sealedSecrets: 1, secrets: 1 });
      const mark = await cluster.mark();
      // The controller is cut off, so that it cannot follow before what it would follow from is forgotten.
      proxy.freeze();
      await apply('two');
      await cluster.deleteSecret(namespace, 'one');
      await server.pause();
      await server.resume();
      await waitFor(async () => (await server.request('GET', '/version').catch(() => undefined))?.status === 200);
      await server.compact();
      proxy.thaw();
      await cluster.secretWith(namespace, 'two', { a: 'two' });
      await cluster.secretWith(namespace, 'one', { a: 'one' });
      expect(await lists('sealedsecrets')).toBeGreaterThan(before.sealedSecrets);
      expect(await lists('secrets')).toBeGreaterThan(before.secrets);
      expect(controller.logs()).toMatch(/cannot follow objects.*too old resource version/);
      await apply('three');
      for (const each of ['one', 'two', 'three']) await cluster.condition(namespace, each, 'True', 'Unsealed');
      await cluster.event(namespace, 'three', 'Unsealed');
      expect(await findRepeatedEffects(server, mark, generationsOf(namespace, ['two', 'three']))).toEqual([]);
      const writes = (await cluster.writes(mark)).filter((write) => write.includes(`${namespace}/`));
      const ofSecrets = writes.filter((write) => / secrets /.test(write)).sort();
      expect(ofSecrets).toEqual(['one', 'three', 'two'].map((each) => `create secrets ${namespace}/${each} 201`));
    } finally {
      await proxy.stop();
    }
  });
});

describe('an API server of which a fifth of the answers is lost', () => {
  it.each([
    ['500', { status: 500 }],
    ['500 after doing it', { status: 500, afterwards: true }],
    ['409', { status: 409 }],
    ['429', { status: 429, retryAfterSeconds: 0 }],
  ] as const)('as %s converges, and nothing takes effect twice', async (_what, fault) => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const mark = await cluster.mark();
    const isOurs = ({ userAgent, verb }: { userAgent: string; verb: string }) =>
      userAgent.startsWith('controller/') && verb !== 'watch' && verb !== 'list';
    // The real server loses nothing; there this is a plain burst.
    const active = server.faults?.fail({ ...fault, share: 0.2, match: isOurs });
    const names = Array.from({ length: 30 }, (_, i) => `app-${i}`);
    for (const each of names) await cluster.apply(sealIt({ namespace, name: each, data: { a: each } }));
    for (const each of names) {
      await cluster.secretWith(namespace, each, { a: each });
      await cluster.condition(namespace, each, 'True', 'Unsealed');
    }
    active?.remove();
    for (const each of names) {
      // One that was lost is posted again after a second or two.
      await cluster.event(namespace, each, 'Unsealed');
      const told = (await cluster.events(namespace, each)).filter(({ reason }) => reason === 'Unsealed');
      expect(told.map(({ count }) => count)).toEqual([1]);
    }
    const writes = (await cluster.writes(mark)).filter((write) => write.includes(`${namespace}/`));
    expect(writes.filter((write) => write.startsWith('update secrets'))).toEqual([]);
    expect(
      writes.filter((write) => write.startsWith('create secrets') && write.endsWith(' 201')).length,
    ).toBeLessThanOrEqual(30);
  });
});

describe('a status write that is refused', () => {
  it('is made again, and nothing else is', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const mark = await cluster.mark();
    const match = { verb: 'update', resource: 'sealedsecrets', subresource: 'status', namespace };
    // Only the embedded server has faults; on the real one this is the ordinary course of things.
    const fault = server.faults?.fail({ status: 409, count: 1, match });
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    const writes = (await cluster.writes(mark)).filter((write) => write.includes(namespace));
    expect(writes.filter((write) => write.startsWith('create secrets'))).toHaveLength(1);
    expect(writes.filter((write) => write.startsWith('update sealedsecrets/status'))).toHaveLength(
      fault === undefined ? 1 : 2,
    );
  });

  it('because somebody changes labels all the time gets through', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    for (let round = 0; round < 20; round++) {
      await cluster.change(namespace, name, ({ metadata }) => {
        metadata.labels = { round: String(round) };
      });
    }
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

describe('garbage collection that lags', () => {
  it('is waited for: the Secret of a deleted and recreated SealedSecret is never adopted', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    server.faults?.setGarbageCollectionDelay(10_000);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    const before = await cluster.secret(namespace, name);
    await cluster.deleteSealedSecret(namespace, name);
    const { metadata } = await cluster.apply(sealIt({ namespace, name, data: { a: '2' } }));
    if (server.faults !== undefined) await cluster.condition(namespace, name, 'False', 'WaitingForGarbageCollection');
    const after = await cluster.secretWith(namespace, name, { a: '2' });
    expect(after.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after.metadata.ownerReferences).toMatchObject([{ uid: metadata.uid }]);
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    server.faults?.setGarbageCollectionDelay(0);
  });
});

describe('another writer of the same Secret', () => {
  it('who keeps changing it wins after five repairs, and is named; a spec change begins anew', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}?fieldManager=the-other-one`;
    const change = (round: number) =>
      server.request(
        'PATCH',
        path,
        { stringData: { a: `theirs ${round}` } },
        { 'content-type': 'application/merge-patch+json' },
      );
    for (let round = 1; round <= 5; round++) {
      await change(round);
      await cluster.secretWith(namespace, name, { a: '1' });
    }
    await change(6);
    const condition = await cluster.condition(namespace, name, 'False', 'DriftContested');
    expect(condition.message).toContain('the-other-one');
    expect((await cluster.secret(namespace, name))?.data).toEqual({ a: 'theirs 6' });
    await cluster.change(namespace, name, (object) => {
      object.spec = sealIt({ namespace, name, data: { a: '2' } }).spec;
    });
    await cluster.secretWith(namespace, name, { a: '2' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

describe('somebody who deletes the Secret', () => {
  it('each time it is made is given way to after five times; a spec change begins anew', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    for (let round = 1; round <= 5; round++) {
      await cluster.condition(namespace, name, 'True');
      await cluster.deleteSecret(namespace, name);
      await cluster.secretWith(namespace, name, { a: '1' });
    }
    await cluster.condition(namespace, name, 'True');
    await cluster.deleteSecret(namespace, name);
    await cluster.condition(namespace, name, 'False', 'DriftContested');
    expect(await cluster.secret(namespace, name)).toBeUndefined();
    await cluster.change(namespace, name, (object) => {
      object.spec = sealIt({ namespace, name, data: { a: '2' } }).spec;
    });
    await cluster.secretWith(namespace, name, { a: '2' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });
});

/** A field nobody reads, which the CRD keeps. The API server takes 10,000 levels, and a recursion over them takes more stack than there is. */
const nestedLists = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

describe('poison', () => {
  it('gets its own condition, and the objects beside it are served', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const good = (each: string) => sealIt({ namespace, name: each, data: { a: '1' } });
    const poison = {
      'bad-label': { ...good('bad-label').spec, template: { metadata: { labels: { 'not a label!': 'x' } } } },
      'bad-base64': { encryptedData: { a: '%%%' } },
      'bad-key': { encryptedData: { 'not a key!': good('bad-key').spec.encryptedData.a } },
      'many-items': { encryptedData: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`i${i}`, 'AgB='])) },
      proto: { encryptedData: JSON.parse('{"__proto__":"x","constructor":"y"}') },
      'null-template': { encryptedData: {}, template: { metadata: null, data: null } },
      nested: { ...good('nested').spec, template: { metadata: { more: nestedLists(3_000) } } },
    };
    for (const [each, spec] of Object.entries(poison)) {
      await cluster.apply({ ...good(each), spec });
    }
    // As large as a Secret may be, and a byte larger.
    const large = { full: 'x'.repeat(1 << 20), 'too-large': 'x'.repeat((1 << 20) + 1) };
    for (const [each, value] of Object.entries(large)) {
      await cluster.apply(sealIt({ namespace, name: each, data: { a: value } }));
    }
    await cluster.apply(good('healthy'));
    await cluster.secretWith(namespace, 'healthy', { a: '1' });
    await cluster.secretWith(namespace, 'full', { a: large.full });
    await cluster.condition(namespace, 'too-large', 'False', 'ApiRejected');
    await cluster.condition(namespace, 'bad-label', 'False', 'ApiRejected');
    await cluster.condition(namespace, 'bad-base64', 'False', 'MalformedItem');
    await cluster.condition(namespace, 'many-items', 'False');
    expect((await cluster.condition(namespace, 'proto', 'False', 'MalformedItem')).message).toContain('__proto__');
    await cluster.condition(namespace, 'null-template', 'True');
    await cluster.secretWith(namespace, 'nested', { a: '1' });
    await cluster.condition(namespace, 'nested', 'True');
    expect((await controller.request('/healthz')).status).toBe(200);
    // Every controller of the tests that follow would read them.
    const all = [...Object.keys(poison), ...Object.keys(large), 'healthy'];
    await Promise.all(all.map((each) => cluster.deleteSealedSecret(namespace, each)));
  });
});

describe('costly templates', () => {
  it('of more objects than may wait are all rendered in the end, and everything else goes on', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const names = Array.from({ length: 24 }, (_, i) => `costly-${i}`);
    const entry = '{{ range until 100 }}{{ genPrivateKey "ed25519" | len }} {{ end }}';
    for (const each of names) {
      const object = sealIt({ namespace, name: each, data: { a: '1' } });
      object.spec.template.data = { x: entry, y: entry, z: entry };
      await cluster.apply(object);
    }
    await cluster.apply(sealIt({ namespace, name: 'cheap', data: { a: '1' } }));
    await cluster.secretWith(namespace, 'cheap', { a: '1' });
    expect((await controller.request('/healthz')).status).toBe(200);
    for (const each of names) await cluster.condition(namespace, each, 'True');
    expect(controller.logs()).toContain('RendererBusy');
    await Promise.all([...names, 'cheap'].map((each) => cluster.deleteSealedSecret(namespace, each)));
  });
});

describe('hopeless objects', () => {
  it('are tried once, reported, counted once each, and then left alone', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags: [`--additional-namespaces=${namespace}`] });
    const count = 100;
    for (let i = 0; i < count; i++) {
      await cluster.apply({
        apiVersion: 'bitnami.com/v1alpha1',
        kind: 'SealedSecret',
        metadata: { namespace, name: `hopeless-${i}` },
        spec: { encryptedData: { a: `AQAA${'A'.repeat(400)}` } },
      });
    }
    for (let i = 0; i < count; i++) await cluster.condition(namespace, `hopeless-${i}`, 'False', 'UnknownKey');
    const errors = () =>
      controller.metric('sealed_secrets_controller_unseal_errors_total', { namespace, reason: 'unseal' });
    expect(await errors()).toBe(count);
    const requests = await controller.metric('sealed_secrets_controller_unseal_requests_total');
    expect(requests).toBe(count);
    const mark = await cluster.mark();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await controller.metric('sealed_secrets_controller_unseal_requests_total')).toBe(requests);
    expect(await cluster.writes(mark)).toEqual([]);
  });
});

describe('namespaces', () => {
  it('are the own one and the additional ones, and a missing one is waited for', async () => {
    const [included, excluded] = [await cluster.createNamespace(), await cluster.createNamespace()];
    const late = `late-${cluster.keyNamespace}`;
    await using controller = await cluster.startController({
      flags: [`--additional-namespaces=${included}, ${late},`],
    });
    const sealIt = await sealerOf(controller);
    for (const namespace of [included, excluded, cluster.keyNamespace])
      await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(included, name, { a: '1' });
    await cluster.secretWith(cluster.keyNamespace, name, { a: '1' });
    expect(await cluster.secret(excluded, name)).toBeUndefined();
    expect(controller.logs()).toContain("namespace doesn't exist");
    await server.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: late },
    });
    await cluster.apply(sealIt({ namespace: late, name, data: { a: '1' } }));
    await cluster.secretWith(late, name, { a: '1' });
  });
});

describe('--old-gc-behavior', () => {
  it('deletes the Secret with its SealedSecret, but none that was never ours', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags: ['--old-gc-behavior'] });
    const sealIt = await sealerOf(controller);
    server.faults?.setGarbageCollectionDelay(Number.POSITIVE_INFINITY);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await cluster.createSecret({ metadata: { namespace, name: 'foreign' } });
    await cluster.apply(sealIt({ namespace, name: 'foreign', data: { a: '1' } }));
    await cluster.condition(namespace, 'foreign', 'False', 'NotManaged');
    await cluster.deleteSealedSecret(namespace, name);
    await cluster.deleteSealedSecret(namespace, 'foreign');
    await waitFor(async () => (await cluster.secret(namespace, name)) === undefined);
    await waitFor(() => controller.logs().includes('the Secret is not ours'));
    expect(await cluster.secret(namespace, 'foreign')).toBeDefined();
    server.faults?.setGarbageCollectionDelay(0);
  });
});

describe('flags', () => {
  const startedWith = (flags: string[]) => cluster.startController({ flags, waitUntilReady: false });
  const ended = async (controller: ControllerProcess) => [await controller.exited(), controller.logs()] as const;

  it('--version prints the version', async () => {
    const [status, output] = await ended(await startedWith(['--version']));
    expect(status).toBe(0);
    expect(output).toMatch(/^controller version: (v[0-9]+\.[0-9]+\.[0-9]+|[0-9a-f]{40}|UNKNOWN)(\+dirty)?\n$/);
  });

  it('that are wrong are all told, and nothing is asked of the cluster', async () => {
    const mark = await cluster.mark();
    const [status, output] = await ended(await startedWith(['--key-size=many', '--rate-limit=0', '--no-such-flag']));
    expect(status).toBe(2);
    for (const text of ['--key-size', '--rate-limit', '--no-such-flag']) expect(output).toContain(text);
    expect(
      (await server.auditEvents()).slice(mark).filter(({ userAgent }) => userAgent.startsWith('controller/')),
    ).toEqual([]);
  });

  it('--update-status=false leaves the status alone', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags: ['--update-status=false'] });
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(namespace, name, { a: '1' });
    await cluster.event(namespace, name, 'Unsealed');
    expect((await cluster.sealedSecret(namespace, name)).status).toBeUndefined();
  });

  it('--accept-deprecated-v1-data=false refuses the deprecated format, in objects and in requests', async () => {
    const namespace = await cluster.createNamespace();
    const deprecated = async (controller: ControllerProcess, each: string) => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: each }, data: { a: 'MQ==' } };
      const object = (await sealerOf(controller))({ namespace, name: each, data: {} });
      const certificatePem = await certificateOf(controller);
      return {
        ...object,
        spec: { encryptedData: {}, data: sealItem(certificatePem, namespace, each, JSON.stringify(secret)) },
      };
    };
    const verdict = async (controller: ControllerProcess, object: unknown) =>
      (await controller.request('/v1/verify', { method: 'POST', body: JSON.stringify(object) })).status;
    await using accepting = await cluster.startController();
    const accepted = await deprecated(accepting, 'accepted');
    expect(await verdict(accepting, accepted)).toBe(200);
    await cluster.apply(accepted);
    await cluster.secretWith(namespace, 'accepted', { a: '1' });
    await cluster.condition(namespace, 'accepted', 'True', 'Unsealed');
    await accepting.stop();
    await using refusing = await cluster.startController({ flags: ['--accept-deprecated-v1-data=false'] });
    const refused = await deprecated(refusing, 'refused');
    expect(await verdict(refusing, refused)).toBe(409);
    await cluster.apply(refused);
    await cluster.condition(namespace, 'refused', 'False', 'DeprecatedFormat');
    expect(await cluster.secret(namespace, 'refused')).toBeUndefined();
  });

  it('--kubeclient-qps is the most that is asked of the API server', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--kubeclient-qps=10', '--kubeclient-burst=1'];
    await using controller = await cluster.startController({ flags });
    const sealIt = await sealerOf(controller);
    const names = Array.from({ length: 10 }, (_, i) => `app-${i}`);
    const startedMs = performance.now();
    for (const each of names) await cluster.apply(sealIt({ namespace, name: each, data: { a: '1' } }));
    for (const each of names) await cluster.condition(namespace, each, 'True', 'Unsealed');
    // Three writes for each object; the last of them may be on its way.
    expect(performance.now() - startedMs).toBeGreaterThan(((10 * 3 - 2) / 10) * 1000);
  });

  it('--skip-recreate leaves a deleted Secret deleted', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ flags: ['--skip-recreate'] });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True');
    await cluster.deleteSecret(namespace, name);
    await cluster.apply(sealIt({ namespace, name: 'other', data: { a: '1' } }));
    await cluster.condition(namespace, 'other', 'True');
    expect(await cluster.secret(namespace, name)).toBeUndefined();
  });

  it('--metrics-omit-secret-labels hides the names', async () => {
    const namespace = await cluster.createNamespace();
    for (const omit of [true, false]) {
      const controller = await cluster.startController({ flags: [`--metrics-omit-secret-labels=${omit}`] });
      await cluster.apply(
        seal({ certificatePem: await certificateOf(controller), namespace, name: `omit-${omit}`, data: { a: '1' } }),
      );
      await cluster.condition(namespace, `omit-${omit}`, 'True');
      const value = await controller.metric('sealed_secrets_controller_condition_info', {
        namespace,
        name: `omit-${omit}`,
      });
      expect(value).toBe(omit ? 0 : 1);
      await controller.stop();
    }
  });
});

describe('--label-selector', () => {
  it('chooses the objects, and one that loses its label does not lose its Secret', async () => {
    const namespace = await cluster.createNamespace();
    const flags = ['--label-selector=team=a', '--old-gc-behavior'];
    await using controller = await cluster.startController({ flags });
    const sealIt = await sealerOf(controller);
    const chosen = sealIt({ namespace, name: 'chosen', data: { a: '1' }, labels: { team: 'a' } });
    chosen.metadata.labels = { team: 'a' };
    await cluster.apply(sealIt({ namespace, name: 'other', data: { a: '1' } }));
    await cluster.apply(chosen);
    await cluster.condition(namespace, 'chosen', 'True', 'Unsealed');
    await cluster.deleteSecret(namespace, 'chosen');
    await cluster.secretWith(namespace, 'chosen', { a: '1' });
    expect(await cluster.secret(namespace, 'other')).toBeUndefined();
    await cluster.condition(namespace, 'chosen', 'True', 'Unsealed');
    await cluster.change(namespace, 'chosen', ({ metadata }) => {
      metadata.labels = {};
    });
    await waitFor(() => controller.logs().includes('the SealedSecret still exists'));
    expect((await cluster.secret(namespace, 'chosen'))?.data).toEqual({ a: '1' });
  });
});

describe('a namespace that is full', () => {
  it('keeps its objects waiting with a reason', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const liftQuota = await fill(namespace);
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'False', 'QuotaExceeded');
    await liftQuota();
    await cluster.secretWith(namespace, name, { a: '1' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });

  /** The embedded server does not count; there a fault speaks kube-apiserver's words. Returns how to make room again. */
  async function fill(namespace: string): Promise<() => Promise<void>> {
    const message =
      'secrets "app" is forbidden: exceeded quota: few, requested: secrets=1, used: secrets=0, limited: secrets=0';
    const match = { verb: 'create', resource: 'secrets', namespace };
    const fault = server.faults?.fail({ status: 403, message, match });
    if (fault !== undefined) return async () => fault.remove();
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const hard = { secrets: '0' };
    const metadata = { name: 'few' };
    const { body } = await server.request('POST', path, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata,
      spec: { hard },
    });
    // The controller that counts does not run here, and admission goes by the status.
    await server.request('PUT', `${path}/few/status`, { ...body, status: { hard, used: hard } });
    return async () => void (await server.request('DELETE', `${path}/few`));
  }
});
