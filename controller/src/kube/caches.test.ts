import { describe, expect, test } from 'vitest';
import { createProgress } from '../progress.ts';
import { specHashOf } from '../spec-hash.ts';
import { targetOf } from '../target.ts';
import { createTestLogger } from '../testing.ts';
import type { Change, ResourceApi, SealedSecretSummary } from './api.ts';
import { createSealedSecretReflector, sealedSecretSummaryOf, secretMetadataOf } from './caches.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

function aRawSecret(parts: { annotations?: Record<string, string>; ownerReferences?: unknown[] } = {}) {
  const { annotations = {}, ownerReferences = [] } = parts;
  return {
    metadata: {
      namespace: 'a',
      name: 'x',
      uid: 'u',
      resourceVersion: '5',
      annotations,
      ownerReferences,
      managedFields: [{}],
    },
    data: { password: 'Y2FuYXJ5' },
  };
}

function aRawSealedSecret(
  parts: { spec?: unknown; annotations?: Record<string, string>; status?: unknown; version?: string } = {},
) {
  const { spec = { encryptedData: { a: 'AgBx' } }, annotations = {}, status, version = '7' } = parts;
  return {
    metadata: {
      namespace: 'a',
      name: 'x',
      uid: 'u',
      generation: 3,
      resourceVersion: version,
      labels: { 'app.kubernetes.io/instance': 'shop' },
      annotations: { [lastApplied]: 'x'.repeat(1000), ...annotations },
      managedFields: [{ manager: 'kubectl' }],
    },
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

describe('the Secret cache', () => {
  test('keeps no value, no annotation and no managed field', () => {
    const raw = aRawSecret({ annotations: { [lastApplied]: '{"data":{"password":"Y2FuYXJ5"}}' } });
    const kept = JSON.stringify(secretMetadataOf(raw));
    expect(kept).not.toContain('Y2FuYXJ5');
    expect(kept).not.toContain('last-applied');
    expect(Object.keys(secretMetadataOf(raw)).sort()).toEqual([
      'controller',
      'deleting',
      'managed',
      'name',
      'namespace',
      'patch',
      'resourceVersion',
      'uid',
    ]);
  });

  test('knows the controller and what may be done with the Secret', () => {
    const owner = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'x', uid: 'ss' };
    const annotations = { 'sealedsecrets.bitnami.com/managed': 'true', 'sealedsecrets.bitnami.com/patch': 'True' };
    const other = { ...owner, uid: 'other' };
    const secret = secretMetadataOf(
      aRawSecret({ annotations, ownerReferences: [other, { ...owner, controller: true }] }),
    );
    expect(secret).toMatchObject({
      controller: { kind: 'SealedSecret', name: 'x', uid: 'ss' },
      managed: true,
      patch: false,
    });
  });

  test.each([[null], [{}], [{ metadata: null }], [{ metadata: { annotations: 'x', ownerReferences: {} } }]])(
    'reads anything without throwing: %j',
    (raw) => {
      expect(secretMetadataOf(raw)).toMatchObject({ name: '', controller: undefined });
    },
  );
});

describe('the summary of a SealedSecret', () => {
  test('has what decides whether there is something to do', () => {
    const status = {
      observedGeneration: 3,
      conditions: [
        { type: 'Other', status: 'True' },
        { type: 'Synced', status: 'False', reason: 'UnknownKey' },
      ],
      secret: { uid: 's', resourceVersion: '9', specHash: 'h', rendererRevision: 2 },
      controller: 'waxwing/1',
    };
    expect(sealedSecretSummaryOf(aRawSealedSecret({ status }))).toMatchObject({
      uid: 'u',
      generation: 3,
      instanceLabel: 'shop',
      observedGeneration: 3,
      synced: { status: 'False', reason: 'UnknownKey' },
      record: { uid: 's', resourceVersion: '9', specHash: 'h', rendererRevision: 2 },
      controller: 'waxwing/1',
      deleting: false,
    });
  });

  test('holds no spec', () => {
    expect(JSON.stringify(sealedSecretSummaryOf(aRawSealedSecret()))).not.toContain('AgBx');
  });

  test.each([[null], [{ spec: 'x' }], [{ metadata: { labels: 7 }, spec: { encryptedData: [1] }, status: 'x' }]])(
    'exists for invalid objects too: %j',
    (raw) => {
      expect(sealedSecretSummaryOf(raw)).toMatchObject({ uid: '', specHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    },
  );
});

describe('the hash of a spec', () => {
  const hash = (parts: Parameters<typeof aRawSealedSecret>[0]) => specHashOf(aRawSealedSecret(parts));

  test('does not change with the order of keys, other metadata or the status', () => {
    const one = hash({ spec: { encryptedData: { a: '1', b: '2' }, template: { type: 'x' } } });
    const other = hash({
      spec: { template: { type: 'x' }, encryptedData: { b: '2', a: '1' } },
      annotations: { note: 'y' },
      status: { observedGeneration: 3 },
      version: '99',
    });
    expect(other).toBe(one);
  });

  test.each([
    [{ spec: { encryptedData: { a: '2' } } }],
    [{ spec: { encryptedData: { a: 'AgBx' }, template: { immutable: true } } }],
    [{ annotations: { 'sealedsecrets.bitnami.com/cluster-wide': 'true' } }],
    [{ annotations: { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } }],
  ])('changes with %j', (parts) => {
    expect(hash(parts)).not.toBe(hash({}));
  });

  test('keys named __proto__ count', () => {
    const raw = (text: string) => JSON.parse(`{"spec":{"encryptedData":{"__proto__":"${text}"}}}`);
    expect(specHashOf(raw('1'))).not.toBe(specHashOf(raw('2')));
  });

  test('exists however deep values are nested that nobody reads, as deep as an API server takes them', () => {
    const nested = (end: string) => JSON.parse(`${'[{"a":'.repeat(5_000)}${end}${'}]'.repeat(5_000)}`);
    const raw = (end: string) => aRawSealedSecret({ spec: { encryptedData: {}, template: { metadata: nested(end) } } });
    expect(sealedSecretSummaryOf(raw('1')).specHash).toBe(specHashOf(raw('1')));
    expect(specHashOf(raw('1'))).not.toBe(specHashOf(raw('2')));
    expect(targetOf('a/b', raw('1'), '').sealedSecret).toMatchObject({ code: 'InvalidObject' });
  });

  test('is the one that statuses hold already', () => {
    const spec = {
      encryptedData: { b: 'AgB=', a: 'é"' },
      template: { data: { x: null }, metadata: { labels: {} } },
      list: [1, [], true],
    };
    expect(specHashOf({ spec })).toBe('980e68779c2bd71f99f596adf8f5b68e1ed8a3b8132fa7766db4abad0dc6c88a');
  });
});

describe('the SealedSecret reflector', () => {
  function follow(
    items: unknown[],
    onChange: (change: Change<SealedSecretSummary>) => void = () => {},
    maxHeldCharacters = 1e6,
  ) {
    let send: (type: string, object: unknown) => void = () => {};
    const resources: ResourceApi = {
      list: async () => ({ items, resourceVersion: '1', continueToken: '' }),
      watch: (_selection, _watch, onEvent, options) => {
        send = (type, object) => onEvent({ type, object });
        return new Promise((_resolve, reject) => {
          options?.signal?.addEventListener('abort', () => reject(options.signal?.reason));
        });
      },
    };
    const reflector = createSealedSecretReflector({
      name: 'sealedsecrets',
      resources,
      namespace: '',
      labelSelector: '',
      timing: { pageSize: 10, idleTimeoutMs: 1000, reconnectMaxDelayMs: 1, requestTimeoutMs: 1000 },
      maxHeldCharacters,
      onChange,
      logger: createTestLogger(),
      progress: createProgress(() => performance.now()),
      now: () => performance.now(),
      random: Math.random,
    });
    reflector.start();
    return { reflector, send: (type: string, object: unknown) => send(type, object) };
  }

  async function synced(follower: ReturnType<typeof follow>) {
    await follower.reflector.whenSynced();
    await new Promise((resolve) => setImmediate(resolve));
    return follower;
  }

  test('hands out a new object once, without what nobody reads', async () => {
    const { reflector } = await synced(follow([aRawSealedSecret()]));
    const raw = reflector.take('a/x');
    expect(raw).toMatchObject({ spec: { encryptedData: { a: 'AgBx' } } });
    expect(JSON.stringify(raw)).not.toContain('last-applied');
    expect(JSON.stringify(raw)).not.toContain('managedFields');
    expect(reflector.take('a/x')).toBeUndefined();
    expect(reflector.get('a/x')).toMatchObject({ name: 'x' });
    await reflector.stop();
  });

  test('a status alone is nothing to do, but an object that waits is kept up to date', async () => {
    const { reflector, send } = await synced(follow([aRawSealedSecret()]));
    send('MODIFIED', aRawSealedSecret({ status: { observedGeneration: 3 }, version: '8' }));
    expect(reflector.take('a/x')).toMatchObject({ metadata: { resourceVersion: '8' } });
    send('MODIFIED', aRawSealedSecret({ status: { observedGeneration: 2 }, version: '9' }));
    expect(reflector.take('a/x')).toBeUndefined();
    send(
      'MODIFIED',
      aRawSealedSecret({ annotations: { 'sealedsecrets.bitnami.com/cluster-wide': 'true' }, version: '10' }),
    );
    expect(reflector.take('a/x')).toMatchObject({ metadata: { resourceVersion: '10' } });
    await reflector.stop();
  });

  test('what the handler releases is not held, and neither is a deleted object', async () => {
    const following = follow([aRawSealedSecret()], (change) => {
      if (change.type !== 'deleted' && change.object.resourceVersion === '7') following.reflector.release(change.key);
    });
    const { reflector, send } = await synced(following);
    expect(reflector.take('a/x')).toBeUndefined();
    send('MODIFIED', aRawSealedSecret({ spec: {}, version: '8' }));
    send('DELETED', aRawSealedSecret({ spec: {}, version: '9' }));
    expect(reflector.take('a/x')).toBeUndefined();
    await reflector.stop();
  });

  test('holds no more than its bound; the others are fetched', async () => {
    const items = ['x', 'y', 'z'].map((name) => {
      const raw = aRawSealedSecret({ spec: { encryptedData: { a: 'A'.repeat(400) } } });
      return { ...raw, metadata: { ...raw.metadata, name } };
    });
    const { reflector } = await synced(follow(items, () => {}, 1000));
    const held = ['a/x', 'a/y', 'a/z'].map((key) => reflector.take(key) !== undefined);
    expect(held).toEqual([true, true, false]);
    await reflector.stop();
  });
});
