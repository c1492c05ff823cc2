import { randomBytes } from 'node:crypto';
import {
  type ErrorCode,
  formatJsonCompact,
  importUnsealingKey,
  SealedSecretsError,
  type Secret,
  sealedSecretDocument,
  sealSecret,
  type UnsealingKey,
} from '@waxwing/shared';
import { aSecret, testKey } from '@waxwing/shared/testing';
import { describe, expect, test } from 'vitest';
import { createDecryptionQueue } from './decryption-queue.ts';
import type { KeyRing, RingKey } from './keys/registry.ts';
import { emptyKeyRing } from './keys/registry.ts';
import type { SealedSecretSummary, SecretMetadata } from './kube/api.ts';
import { createObjectMemory } from './object-memory.ts';
import { createReconcile, type ReconcileDeps } from './reconcile.ts';
import { createTestLogger } from './testing.ts';

const { privateKey, publicKey } = testKey();
const key = 'payments/db-credentials';
const request = {
  namespace: 'payments',
  name: 'db-credentials',
  key,
  priority: 'change',
  failures: 0,
  dueMs: 0,
} as const;

/** An object as the API server has it, sealed for the test key. */
function sealedObject(entries: Record<string, string> = {}): unknown {
  const sealed = sealSecret(aSecret(), { publicKey, randomBytes: (length) => randomBytes(length) });
  const template = { ...sealed.spec.template, data: new Map(Object.entries(entries)) };
  const object = JSON.parse(formatJsonCompact(sealedSecretDocument({ ...sealed, spec: { ...sealed.spec, template } })));
  Object.assign(object.metadata, { uid: 'a-uid', resourceVersion: '1', generation: 1 });
  return object;
}

const summary: SealedSecretSummary = {
  namespace: 'payments',
  name: 'db-credentials',
  uid: 'a-uid',
  resourceVersion: '1',
  generation: 1,
  deleting: false,
  specHash: 'a-hash',
  instanceLabel: '',
  observedGeneration: undefined,
  synced: undefined,
  otherConditions: [],
  record: undefined,
  controller: '',
};

function ringOf(version: number, unsealing: UnsealingKey): KeyRing {
  return { ...emptyKeyRing, version, keys: [{ unsealing, orderMs: version, retired: false } as RingKey] };
}

/** The world around one object whose Secret does not exist yet. */
function depsWith(keyRing: () => KeyRing, created: string[]): ReconcileDeps {
  const ignore = () => {};
  return {
    cache: {
      sealedSecret: () => summary,
      takeSealedSecret: () => sealedObject(),
      releaseSealedSecret: ignore,
      secret: () => 'absent',
    },
    client: {
      secrets: {
        create: async (secret: { metadata: { name: string } }) => {
          created.push(secret.metadata.name);
          return { uid: 's', resourceVersion: '2', namespace: 'payments', name: secret.metadata.name };
        },
      },
      sealedSecrets: {},
    } as unknown as ReconcileDeps['client'],
    keyRing,
    decryptions: createDecryptionQueue(2),
    progress: { made: ignore },
    render: () => new Map(),
    volatileEntries: async () => new Set(),
    specHashOf: () => 'a-hash',
    status: { isNews: () => false, write: async () => ({ type: 'written', status: { conditions: [] } }) as never },
    events: { post: async () => {} } as unknown as ReconcileDeps['events'],
    memory: createObjectMemory({ nowMs: () => 0, repairWindowMs: 1 }),
    orphans: { overdueUid: () => undefined },
    metrics: {
      unsealRequested: ignore,
      unsealFailed: ignore,
      itemTried: ignore,
      secretWritten: ignore,
      objectConditions: ignore,
      objectDeleted: ignore,
    },
    logger: createTestLogger(),
    monotonicMs: () => 0,
    settings: {
      acceptDeprecatedData: true,
      allowCredentialTypes: false,
      repairDrift: true,
      oldGcBehavior: false,
      fieldManager: 'controller',
    },
  };
}

test('a key that comes while an object is being tried in vain opens it in the same run', async () => {
  const fitting = await importUnsealingKey(privateKey);
  let ring: KeyRing = emptyKeyRing;
  // While this key is tried, the one that fits is imported; nobody waits for it yet, so no trigger could find the object.
  const foreign: UnsealingKey = {
    ...fitting,
    unwrapKey: async () => {
      ring = ringOf(2, fitting);
      return undefined;
    },
  };
  ring = ringOf(1, foreign);
  const created: string[] = [];
  const outcome = await createReconcile(depsWith(() => ring, created))({
    ...request,
    signal: new AbortController().signal,
  });
  expect(outcome).toMatchObject({ type: 'done', action: 'created' });
  expect(created).toEqual(['db-credentials']);
});

test('every use of a private key is progress: a run of thousands of them is long, not stuck', async () => {
  const fitting = await importUnsealingKey(privateKey);
  const foreign: UnsealingKey = { ...fitting, id: 'other', unwrapKey: async () => undefined };
  const keys = [foreign, fitting].map((unsealing) => ({ unsealing, orderMs: 1, retired: false }) as RingKey);
  const made: AbortSignal[] = [];
  const { signal } = new AbortController();
  const deps = depsWith(() => ({ ...emptyKeyRing, version: 1, keys }), []);
  await createReconcile({ ...deps, progress: { made: (work) => made.push(work) } })({ ...request, signal });
  expect(made).toEqual([signal, signal]);
});

test('a Secret that somebody else wrote is not taken back to what an outdated cache says', async () => {
  const fitting = await importUnsealingKey(privateKey);
  const updated: unknown[] = [];
  const deps = depsWith(() => ringOf(1, fitting), []);
  const existing = {
    ...aSecret(),
    data: new Map([['newer', new Uint8Array()]]),
    metadata: {
      ...aSecret().metadata,
      uid: 's',
      resourceVersion: '7',
      ownerReferences: [
        {
          apiVersion: 'bitnami.com/v1alpha1',
          kind: 'SealedSecret',
          name: 'db-credentials',
          uid: 'a-uid',
          controller: true,
        },
      ],
    },
  };
  const client = {
    secrets: { get: async () => existing, update: async (secret: unknown) => updated.push(secret) },
    sealedSecrets: {
      get: async () => ({ metadata: { namespace: 'payments', name: 'db-credentials', uid: 'a-uid', generation: 2 } }),
    },
  } as unknown as ReconcileDeps['client'];
  const outcome = await createReconcile({ ...deps, client, cache: { ...deps.cache, secret: () => undefined } })({
    ...request,
    signal: new AbortController().signal,
  });
  expect(outcome).toMatchObject({ type: 'retry', error: { code: 'ApiConflict' } });
  expect(updated).toEqual([]);
});

/** Secret and status as an API server keeps them that drops our own fields; `hash` is what the object is now. */
function upstreamsCluster(ring: KeyRing) {
  const created: string[] = [];
  const state = { hash: 'a-hash', secret: undefined as Secret | undefined };
  const written: (string | undefined)[] = [];
  const deps = depsWith(() => ring, created);
  const last = () => written.at(-1);
  const current = () => ({
    ...summary,
    specHash: state.hash,
    ...(last() === undefined
      ? {}
      : { observedGeneration: 1, synced: { status: last() === 'Unsealed' ? 'True' : 'False', reason: last() ?? '' } }),
  });
  const broken = { encryptedData: { password: '%%%' } };
  return {
    state,
    written,
    run: () =>
      createReconcile({
        ...deps,
        cache: {
          ...deps.cache,
          sealedSecret: current,
          secret: () =>
            state.secret === undefined ? 'absent' : ({ ...state.secret.metadata, deleting: false } as never),
          takeSealedSecret: () =>
            state.hash === 'a-hash' ? sealedObject() : { ...(sealedObject() as object), spec: broken },
        },
        client: {
          ...deps.client,
          secrets: {
            ...deps.client.secrets,
            create: async (secret) => {
              state.secret = { ...secret, metadata: { ...secret.metadata, uid: 's', resourceVersion: '2' } };
              return deps.client.secrets.create(secret);
            },
            get: async () => state.secret,
          },
        },
        status: {
          isNews: () => false,
          write: async (_target, outcome) => {
            written.push(outcome.synced ? 'Unsealed' : outcome.reason);
            return { type: 'stored', status: { conditions: [] } } as never;
          },
        },
      })({ ...request, signal: new AbortController().signal }),
  };
}

test('an object that failed and is as it was before gets its condition back, also where no record is kept', async () => {
  const cluster = upstreamsCluster(ringOf(1, await importUnsealingKey(privateKey)));
  expect(await cluster.run()).toMatchObject({ action: 'created' });
  cluster.state.hash = 'broken';
  expect(await cluster.run()).toMatchObject({ type: 'wait' });
  cluster.state.hash = 'a-hash';
  await cluster.run();
  expect(cluster.written.map((reason) => reason === 'Unsealed')).toEqual([true, false, true]);
});

test('an object that is deleted during its run leaves no series behind', async () => {
  const fitting = await importUnsealingKey(privateKey);
  const deps = depsWith(() => ringOf(1, fitting), []);
  const series: string[] = [];
  let current: SealedSecretSummary | undefined = summary;
  const run = createReconcile({
    ...deps,
    cache: { ...deps.cache, sealedSecret: () => current },
    metrics: { ...deps.metrics, objectConditions: ({ name }) => series.push(name) },
    status: {
      isNews: () => false,
      write: async () => {
        current = undefined;
        return { type: 'stored', status: { conditions: [] } } as never;
      },
    },
  });
  await run({ ...request, signal: new AbortController().signal });
  expect(series).toEqual([]);
});

test('somebody who deletes the Secret each time is given way to', async () => {
  const fitting = await importUnsealingKey(privateKey);
  const created: string[] = [];
  const deps = depsWith(() => ringOf(1, fitting), created);
  const memory = createObjectMemory({ nowMs: () => 0, repairWindowMs: 1 });
  const run = createReconcile({ ...deps, memory });
  const outcomes: string[] = [];
  for (let i = 0; i < 8; i++) {
    const outcome = await run({ ...request, signal: new AbortController().signal });
    outcomes.push(outcome.type === 'wait' ? outcome.error.code : outcome.type);
  }
  expect(outcomes).toEqual([...Array(6).fill('done'), 'DriftContested', 'DriftContested']);
  expect(created).toHaveLength(6);
});

test('a status that cannot be stored is counted once, and only the status is tried again', async () => {
  const fitting = await importUnsealingKey(privateKey);
  let unwrapped = 0;
  const counting: UnsealingKey = {
    ...fitting,
    unwrapKey: (...wrapped) => {
      unwrapped++;
      return fitting.unwrapKey(...wrapped);
    },
  };
  const counted: string[] = [];
  const created: string[] = [];
  const deps = depsWith(() => ringOf(1, counting), created);
  let isRefused = true;
  const run = createReconcile({
    ...deps,
    cache: {
      ...deps.cache,
      secret: () =>
        created.length === 0 ? 'absent' : ({ uid: 's', resourceVersion: '2', deleting: false } as SecretMetadata),
    },
    metrics: { ...deps.metrics, unsealFailed: (reason) => counted.push(reason) },
    status: {
      isNews: () => true,
      write: async () =>
        isRefused
          ? { type: 'failed', error: new SealedSecretsError('ApiForbidden', 'refused') }
          : ({ type: 'stored', status: { conditions: [] } } as never),
    },
  });
  const runOnce = () => run({ ...request, signal: new AbortController().signal });
  for (let i = 0; i < 5; i++) expect(await runOnce()).toMatchObject({ type: 'retry' });
  expect([counted, unwrapped, created.length]).toEqual([['status'], 1, 1]);
  expect(deps.logger).toMatchObject({ records: [{ level: 'error' }, ...Array(4).fill({ level: 'debug' })] });
  isRefused = false;
  expect(await runOnce()).toMatchObject({ type: 'done', action: 'told' });
  expect(await runOnce()).toMatchObject({ type: 'done', action: 'unchanged' });
  expect(unwrapped).toBe(1);
});

test('an object that fails and whose status cannot be stored is counted once for each of the two', async () => {
  const deps = depsWith(() => emptyKeyRing, []);
  const counted: string[] = [];
  const run = createReconcile({
    ...deps,
    metrics: { ...deps.metrics, unsealFailed: (reason) => counted.push(reason) },
    status: {
      isNews: () => true,
      write: async () => ({ type: 'failed', error: new SealedSecretsError('ApiForbidden', 'refused') }),
    },
  });
  for (let i = 0; i < 5; i++) await run({ ...request, signal: new AbortController().signal });
  expect(counted).toEqual(['unseal', 'status']);
});

describe('templates that fail for lack of time', () => {
  type Rendered = ReturnType<ReconcileDeps['render']>;

  /** Runs that each render as the next answer says; the one after the last renders well. */
  async function runs(answers: (() => Rendered)[]) {
    const fitting = await importUnsealingKey(privateKey);
    const created: string[] = [];
    const statuses: unknown[] = [];
    const deps = depsWith(() => ringOf(1, fitting), created);
    const run = createReconcile({
      ...deps,
      cache: { ...deps.cache, takeSealedSecret: () => sealedObject({ a: 'x', b: 'y' }) },
      render: () => answers.shift()?.() ?? new Map(),
      status: {
        isNews: () => false,
        write: async (_target, outcome) => {
          statuses.push(outcome);
          return { type: 'stored', status: { conditions: [] } };
        },
      },
    });
    const next = (failures: number) => run({ ...request, failures, signal: new AbortController().signal });
    return { next, created, statuses };
  }
  const failing = (...codes: ErrorCode[]) => {
    const errors = codes.map((code, i): [string, SealedSecretsError] => [
      ['a', 'b'][i] as string,
      new SealedSecretsError(code, `${code} of a test`),
    ]);
    return () => new Map(errors);
  };

  test('get a condition, and are rendered again', async () => {
    const { next, created, statuses } = await runs([failing('TemplateTimeout')]);
    expect(await next(0)).toMatchObject({ type: 'retry', error: { code: 'TemplateTimeout' } });
    expect(statuses).toMatchObject([{ synced: false, reason: 'TemplateTimeout' }]);
    expect(await next(1)).toMatchObject({ type: 'done', action: 'created' });
    expect(created).toEqual(['db-credentials']);
  });

  test('are not rendered again where something else fails each time', async () => {
    const { next, created } = await runs([failing('TemplateTimeout', 'TemplateError')]);
    expect(await next(0)).toMatchObject({ type: 'wait', error: { code: 'TemplateError' } });
    expect(await next(1)).toMatchObject({ type: 'wait', error: { code: 'TemplateError' } });
    expect(created).toEqual([]);
  });

  test('wait for their turn without a word at first', async () => {
    const busy = () => {
      throw new SealedSecretsError('RendererBusy', 'others are before this one');
    };
    const { next, created, statuses } = await runs([busy, busy]);
    expect(await next(0)).toMatchObject({ type: 'retry', error: { code: 'RendererBusy' } });
    expect(statuses).toEqual([]);
    expect(await next(8)).toMatchObject({ type: 'retry', error: { code: 'RendererBusy' } });
    expect(statuses).toMatchObject([{ synced: false, reason: 'RendererBusy' }]);
    await next(9);
    expect(created).toEqual(['db-credentials']);
  });
});

describe('entries that come out differently each time', () => {
  /** A cluster in which each write of the Secret ends as the next answer says: carried out or not, answered or not. */
  async function cluster(answers: readonly ('ok' | 'lost answer' | 'refused')[]) {
    const fitting = await importUnsealingKey(privateKey);
    const left = [...answers];
    const state = { secret: undefined as Secret | undefined, version: 1, hash: 'a-hash' };
    const deps = depsWith(() => ringOf(1, fitting), []);
    const store = (secret: Secret) => {
      state.version++;
      const metadata = {
        ...secret.metadata,
        uid: secret.metadata.uid ?? `s-${state.version}`,
        resourceVersion: String(state.version),
      };
      state.secret = { ...secret, metadata };
    };
    const write = async (secret: Secret) => {
      const answer = left.shift() ?? 'ok';
      if (answer !== 'refused') store(secret);
      if (answer === 'refused') throw new SealedSecretsError('ApiConflict', 'somebody else wrote it');
      if (answer === 'lost answer') throw new SealedSecretsError('ApiUnavailable', 'the connection broke');
      const { uid = '', resourceVersion = '' } = state.secret?.metadata ?? {};
      return { uid, resourceVersion, namespace: 'payments', name: 'db-credentials' };
    };
    let rendered = 0;
    const run = createReconcile({
      ...deps,
      cache: {
        ...deps.cache,
        sealedSecret: () => ({ ...summary, specHash: state.hash }),
        takeSealedSecret: () => sealedObject({ random: 'x' }),
        secret: () =>
          state.secret === undefined ? 'absent' : ({ ...state.secret.metadata, deleting: false } as never),
      },
      client: {
        secrets: { create: write, update: write, get: async () => state.secret },
        sealedSecrets: { get: async () => sealedObject({ random: 'x' }) },
      } as unknown as ReconcileDeps['client'],
      render: () => new Map([['random', Buffer.from(`value ${++rendered}`)]]),
      volatileEntries: async () => new Set(['random']),
      status: { isNews: () => false, write: async () => ({ type: 'stored', status: { conditions: [] } }) as never },
    });
    return {
      state,
      touch: () => state.secret !== undefined && store({ ...state.secret, metadata: { ...state.secret.metadata } }),
      run: () => run({ ...request, signal: new AbortController().signal }),
      value: () => Buffer.from(state.secret?.data.get('random') ?? []).toString(),
    };
  }

  test.each([
    ['was made', 'absent'],
    ['was made again', 'deleted'],
    ['was updated', 'updated'],
  ])('stay as they are if the Secret %s and only the answer was lost', async (_what, before) => {
    const { state, run, value } = await cluster(before === 'absent' ? ['lost answer'] : ['ok', 'lost answer']);
    if (before !== 'absent') await run();
    if (before === 'deleted') state.secret = undefined;
    if (before === 'updated') state.hash = 'another';
    expect(await run()).toMatchObject({ type: 'retry' });
    const made = value();
    expect(await run()).toMatchObject({ type: 'done', action: 'nothing to change' });
    expect(value()).toBe(made);
  });

  test('are made anew for another spec although the first attempt was refused, because somebody else wrote', async () => {
    const { state, run, touch, value } = await cluster(['ok', 'refused']);
    await run();
    const old = value();
    state.hash = 'another';
    touch();
    expect(await run()).toMatchObject({ type: 'done', action: 'updated' });
    expect(value()).not.toBe(old);
  });
});
