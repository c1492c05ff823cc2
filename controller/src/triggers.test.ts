import { rendererRevision } from '@waxwing/shared';
import { describe, expect, it } from 'vitest';
import { emptyKeyRing } from './keys/registry.ts';
import type { SealedSecretSummary, SecretMetadata } from './kube/api.ts';
import { createObjectMemory } from './object-memory.ts';
import { createTriggers } from './triggers.ts';

const key = 'payments/app';
const record = { uid: 's', resourceVersion: '7', specHash: 'h', rendererRevision };
const sealedSecret: SealedSecretSummary = {
  namespace: 'payments',
  name: 'app',
  uid: 'a',
  resourceVersion: '1',
  generation: 1,
  deleting: false,
  specHash: 'h',
  instanceLabel: '',
  observedGeneration: 1,
  synced: { status: 'True', reason: 'Unsealed' },
  otherConditions: [],
  record,
  controller: 'kube-system/me',
};
const secret: SecretMetadata = {
  namespace: 'payments',
  name: 'app',
  uid: 's',
  resourceVersion: '7',
  controller: { kind: 'SealedSecret', name: 'app', uid: 'a' },
  managed: false,
  patch: false,
  deleting: false,
};

interface Parts {
  sealed?: SealedSecretSummary;
  cached?: SecretMetadata | 'absent';
  isWriting?: boolean;
  storesStatuses?: boolean;
  writingForMs?: number;
}

function setUp(parts: Parts = {}) {
  const log: string[] = [];
  const series: string[] = [];
  const sealed = 'sealed' in parts ? parts.sealed : sealedSecret;
  const triggers = createTriggers({
    cache: {
      sealedSecret: () => sealed,
      takeSealedSecret: () => undefined,
      releaseSealedSecret: () => log.push('release'),
      secret: () => parts.cached,
      sealedSecrets: () => (sealed === undefined ? [] : [sealed]),
    },
    queue: {
      add: (name, priority) => log.push(`add ${name} ${priority}`),
      addAfter: (name, delayMs, priority) => log.push(`add ${name} ${priority} after ${delayMs}`),
      remove: (name) => log.push(`remove ${name}`),
    },
    workers: { forget: () => log.push('forget') },
    memory: createObjectMemory({ nowMs: () => 0, repairWindowMs: 1 }),
    metrics: {
      objectConditions: ({ conditions }) =>
        series.push(conditions.map(({ type, status }) => `${type} ${status}`).join(', ')),
      objectDeleted: () => log.push('series deleted'),
      foreignController: () => log.push('foreign'),
    },
    events: {
      async post({ reason }) {
        log.push(`event ${reason}`);
        return 'created';
      },
    },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    controller: 'kube-system/me',
    isWriting: () => parts.isWriting ?? true,
    storesStatuses: parts.storesStatuses ?? true,
    writingForMs: () => parts.writingForMs ?? 0,
    settleMs: 500,
    leftAloneMs: 60_000,
    foreignDeletionGraceMs: 2000,
  });
  return { triggers, log, series };
}

const raw = {};

describe('a SealedSecret', () => {
  it('that is recorded as done is not queued at start', () => {
    const { triggers, log } = setUp({ cached: secret });
    triggers.sealedSecretChanged({ type: 'added', key, object: sealedSecret, raw, initial: true });
    expect(log).toEqual(['release']);
  });

  it.each([
    ['whose Secret has another version', { ...secret, resourceVersion: '8' }, sealedSecret],
    ['whose Secret is not known', undefined, sealedSecret],
    ['whose Secret is gone', 'absent' as const, sealedSecret],
    ['whose spec is another', secret, { ...sealedSecret, specHash: 'other' }],
    ['whose status is not a success', secret, { ...sealedSecret, synced: { status: 'False', reason: 'UnknownKey' } }],
    ['whose record follows other rules', secret, { ...sealedSecret, record: { ...record, rendererRevision: 0 } }],
  ])('%s is looked at after those that people changed', (_what, cached, object) => {
    const { triggers, log } = setUp(cached === undefined ? {} : { cached });
    triggers.sealedSecretChanged({ type: 'added', key, object, raw, initial: true });
    expect(log).toEqual([`add ${key} resync`]);
  });

  it('of a generation that nobody saw yet comes before those that are looked at again, and after what is changed now', () => {
    const { triggers, log } = setUp();
    triggers.sealedSecretChanged({
      type: 'added',
      key,
      object: { ...sealedSecret, generation: 2 },
      raw,
      initial: true,
    });
    expect(log).toEqual([`add ${key} pending`]);
  });

  it('is not due because of its status', () => {
    const { triggers, log } = setUp();
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: { ...sealedSecret, resourceVersion: '2' },
      previous: sealedSecret,
      raw,
      initial: false,
    });
    expect(log).toEqual([]);
  });

  it('is due when spec or scope annotations change', () => {
    const { triggers, log } = setUp();
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: { ...sealedSecret, specHash: 'other' },
      previous: sealedSecret,
      raw,
      initial: false,
    });
    expect(log).toEqual([`add ${key} change`]);
  });

  it('whose status another controller wrote is told, not queued', () => {
    const { triggers, log } = setUp();
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: { ...sealedSecret, controller: 'x/y' },
      previous: sealedSecret,
      raw,
      initial: false,
    });
    expect(log).toEqual(['foreign', 'event ForeignController']);
  });

  const afterAnHour = 3_600_000;
  it.each([
    ['by another controller long after we began', 'x/y', afterAnHour, true],
    ['by a replica that led until a moment ago', 'x/y', 5000, false],
    ['by the leader, seen by a follower', 'x/y', 0, false],
    ['by us', 'kube-system/me', afterAnHour, false],
    ["by us, with upstream's CRD, which drops the name", '', afterAnHour, false],
  ])('whose new generation was reported %s', (_who, controller, writingForMs, isTold) => {
    const { triggers, log } = setUp({ writingForMs });
    const changed = { ...sealedSecret, generation: 4, specHash: 'other', controller: 'a/b' };
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: { ...changed, observedGeneration: 4, controller },
      previous: { ...changed, observedGeneration: 3 },
      raw,
      initial: false,
    });
    expect(log).toEqual(isTold ? ['foreign', 'event ForeignController'] : []);
  });

  const upstreams = { controller: '', synced: { status: 'True', reason: '' } };
  const oursWithoutName = { controller: '', synced: { status: 'True', reason: 'Unsealed' } };
  it.each([
    ["over ours, though upstream's CRD drops names", oursWithoutName, upstreams, 0, true],
    ['over its own of before', upstreams, upstreams, afterAnHour, false],
    ['and ours comes after', upstreams, oursWithoutName, afterAnHour, false],
    ['as the first of all', { controller: '', synced: undefined, observedGeneration: undefined }, upstreams, 0, false],
    [
      'as the first of its generation, long after we began',
      { ...oursWithoutName, observedGeneration: 2 },
      upstreams,
      afterAnHour,
      true,
    ],
  ])('whose status upstream wrote %s', (_how, before, after, writingForMs, isTold) => {
    const { triggers, log } = setUp({ writingForMs });
    const previous = { ...sealedSecret, ...before };
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: { ...sealedSecret, ...after },
      previous,
      raw,
      initial: false,
    });
    expect(log).toEqual(isTold ? ['foreign', 'event ForeignController'] : []);
  });

  it('that is gone takes its series and memories along', () => {
    const { triggers, log } = setUp();
    triggers.sealedSecretChanged({ type: 'deleted', key, object: sealedSecret });
    expect(log).toEqual(['series deleted', 'forget', `add ${key} change`]);
  });

  it("whose status comes back shows all its conditions, others' too", () => {
    const object = { ...sealedSecret, otherConditions: [{ type: 'Audited', status: 'False' }] };
    const { triggers, series } = setUp();
    triggers.sealedSecretChanged({ type: 'updated', key, object, previous: object, raw, initial: false });
    expect(series).toEqual(['Synced True, Audited False']);
  });

  it('shows nothing that is stored where no status is written: that would be the outcome of long ago', () => {
    const { triggers, series } = setUp({ storesStatuses: false });
    triggers.exportConditions();
    triggers.sealedSecretChanged({
      type: 'updated',
      key,
      object: sealedSecret,
      previous: sealedSecret,
      raw,
      initial: false,
    });
    expect(series).toEqual([]);
  });

  it('is not held by a replica that only follows', () => {
    const { triggers, log } = setUp({ isWriting: false });
    triggers.sealedSecretChanged({ type: 'added', key, object: sealedSecret, raw, initial: false });
    triggers.sealedSecretChanged({ type: 'deleted', key, object: sealedSecret });
    expect(log).toEqual([`add ${key} change`, 'release', 'series deleted', 'forget', `remove ${key}`]);
  });
});

describe('a Secret', () => {
  const foreign = { ...secret, uid: 'foreign', controller: undefined };
  const notManaged = { ...sealedSecret, record: undefined, synced: { status: 'False', reason: 'NotManaged' } };

  it.each([
    ['ours', secret, sealedSecret, [`add ${key} change`]],
    ['managed', { ...foreign, managed: true }, sealedSecret, [`add ${key} change`]],
    [
      'of an earlier SealedSecret',
      { ...secret, controller: { kind: 'SealedSecret', name: 'app', uid: 'dead' } },
      sealedSecret,
      [`add ${key} change`],
    ],
    ['made by us without an owner', { ...secret, controller: undefined }, sealedSecret, [`add ${key} change`]],
    ['in the way', foreign, notManaged, [`add ${key} change after 2000`]],
    ['only patched', { ...foreign, patch: true }, sealedSecret, []],
    ['in the way, which no status says yet', foreign, sealedSecret, [`add ${key} change after 2000`]],
  ])('that was %s and is deleted', (_what, object, sealed, expected) => {
    const { triggers, log } = setUp({ sealed });
    triggers.secretChanged({ type: 'deleted', key, object });
    expect(log).toEqual(expected);
  });

  it('that changed is looked at when our own writes have settled', () => {
    const { triggers, log } = setUp();
    triggers.secretChanged({
      type: 'updated',
      key,
      object: { ...secret, resourceVersion: '8' },
      previous: secret,
      raw,
      initial: false,
    });
    expect(log).toEqual([`add ${key} change after 500`]);
  });

  it.each([
    ['is written again', {}, 60_000],
    ['is handed over', { managed: true }, 500],
    ['gets another owner', { controller: { kind: 'SealedSecret', name: 'app', uid: 'x' } }, 500],
  ])('that is left alone and %s is looked at in time', (_what, parts, afterMs) => {
    for (const reason of ['NotManaged', 'ImmutableSecret', 'DriftContested']) {
      const { triggers, log } = setUp({ sealed: { ...notManaged, synced: { status: 'False', reason } } });
      const object = { ...foreign, resourceVersion: '8', ...parts };
      triggers.secretChanged({ type: 'updated', key, object, previous: foreign, raw, initial: false });
      expect(log).toEqual([`add ${key} change after ${afterMs}`]);
    }
  });

  it('that we wrote ourselves is not looked at', () => {
    const { triggers, log } = setUp();
    triggers.secretChanged({ type: 'updated', key, object: secret, previous: secret, raw, initial: false });
    expect(log).toEqual([]);
  });

  it('without a SealedSecret is nothing to us', () => {
    const { triggers, log } = setUp({ sealed: undefined as never });
    triggers.secretChanged({ type: 'deleted', key, object: secret });
    expect(log).toEqual([]);
  });
});

describe('a key ring', () => {
  const failed = { ...sealedSecret, synced: { status: 'False', reason: 'UnknownKey' } };

  it('with other keys queues what did not open', () => {
    const { triggers, log } = setUp({ sealed: failed });
    triggers.keyRingChanged({ ...emptyKeyRing, version: 2 }, { ...emptyKeyRing, version: 1 });
    expect(log).toEqual([`add ${key} key`]);
  });

  it('with the same keys queues nothing, and neither does one for what opened', () => {
    const { triggers, log } = setUp({ sealed: failed });
    triggers.keyRingChanged({ ...emptyKeyRing, version: 1 }, { ...emptyKeyRing, version: 1 });
    const other = setUp();
    other.triggers.keyRingChanged({ ...emptyKeyRing, version: 2 }, { ...emptyKeyRing, version: 1 });
    expect([...log, ...other.log]).toEqual([]);
  });
});
