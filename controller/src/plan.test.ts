import type { ObjectMeta, SealedSecret, Secret } from '@waxwing/shared';
import { decodeUtf8, managedAnnotation, ownerReferenceOf, patchAnnotation, rendererRevision } from '@waxwing/shared';
import { aSealedSecret, aSecret } from '@waxwing/shared/testing';
import { describe, expect, it } from 'vitest';
import type { PlanContext, SecretPlan } from './plan.ts';
import { isAbandoned, mayDeleteLeftover, planSecret } from './plan.ts';

const skipOwners = 'sealedsecrets.bitnami.com/skip-set-owner-references';

interface Situation {
  readonly sentence: string;
  readonly sealed?: SealedSecret;
  readonly desired?: Secret;
  readonly existing?: Secret;
  readonly context?: Partial<PlanContext>;
  readonly expected: string;
  readonly check?: (secret: Secret) => void;
}

const sealedSecret = aSealedSecret();
const owner = ownerReferenceOf(sealedSecret);
const template = (parts: Parameters<typeof aSecret>[0] = {}) =>
  aSecret({ ...parts, type: parts.type ?? '', metadata: { ownerReferences: [owner], ...parts.metadata } });
const inCluster = (parts: Parameters<typeof aSecret>[0] = {}) =>
  aSecret({ ...parts, metadata: { uid: 's-uid', resourceVersion: '7', ownerReferences: [owner], ...parts.metadata } });
const foreign = (annotations: Record<string, string> = {}, parts: Parameters<typeof aSecret>[0] = {}) =>
  inCluster({ ...parts, metadata: { ...parts.metadata, ownerReferences: [], annotations } });
const recorded = (parts: Partial<NonNullable<PlanContext['record']>> = {}): Partial<PlanContext> => ({
  record: {
    uid: 's-uid',
    resourceVersion: '6',
    specHash: 'hash',
    rendererRevision,
    labels: [],
    annotations: [],
    ...parts,
  },
});
const dataOf = (secret: Secret) => Object.fromEntries([...secret.data].map(([key, value]) => [key, decodeUtf8(value)]));
const labelsOf = (secret: Secret) => Object.fromEntries(secret.metadata.labels);
const annotationsOf = (secret: Secret) => Object.fromEntries(secret.metadata.annotations);
const ownersOf = ({ metadata }: { metadata: ObjectMeta }) => metadata.ownerReferences.map(({ uid }) => uid);

const situations: Situation[] = [
  {
    sentence: 'creates the Secret when there is none',
    expected: 'create',
    check: (secret) => expect(ownersOf(secret)).toEqual(['a-uid']),
  },
  {
    sentence: 'does not create a Secret that hands out a service account token',
    desired: template({ type: 'kubernetes.io/service-account-token' }),
    expected: 'refuse ForbiddenType',
  },
  {
    sentence: 'does not create a bootstrap token',
    desired: template({ type: 'bootstrap.kubernetes.io/token' }),
    expected: 'refuse ForbiddenType',
  },
  {
    sentence: 'creates a service account token where the operator allows it',
    desired: template({ type: 'kubernetes.io/service-account-token' }),
    context: { allowCredentialTypes: true },
    expected: 'create',
  },
  {
    sentence: 'keeps updating a service account token that is under our control already',
    desired: template({ type: 'kubernetes.io/service-account-token', data: { username: 'new' } }),
    existing: inCluster({ type: 'kubernetes.io/service-account-token' }),
    expected: 'update spec',
  },
  { sentence: 'does nothing when the Secret is as it should be', existing: inCluster(), expected: 'none' },
  {
    sentence: 'takes an absent type for Opaque',
    desired: template({ type: '' }),
    existing: inCluster({ type: 'Opaque' }),
    expected: 'none',
  },
  {
    sentence: 'leaves a foreign Secret alone',
    existing: foreign(),
    expected: 'refuse NotManaged',
  },
  {
    sentence: 'is not impressed by managed: TRUE',
    existing: foreign({ [managedAnnotation]: 'TRUE' }),
    expected: 'refuse NotManaged',
  },
  {
    sentence: 'leaves a Secret alone that another SealedSecret controls',
    existing: inCluster({ metadata: { ownerReferences: [{ ...owner, name: 'other', uid: 'other' }] } }),
    expected: 'refuse NotManaged',
  },
  {
    sentence: 'takes a managed Secret over as a whole',
    existing: foreign(
      { [managedAnnotation]: 'true', note: 'x' },
      { data: { old: '1' }, metadata: { labels: { a: 'b' } } },
    ),
    desired: template({ metadata: { labels: { mylabel: 'myvalue' } } }),
    expected: 'update spec',
    check: (secret) => {
      expect(dataOf(secret)).toEqual({ username: 'app_user' });
      expect(labelsOf(secret)).toEqual({ mylabel: 'myvalue' });
      expect(annotationsOf(secret)).toEqual({});
      expect(ownersOf(secret)).toEqual(['a-uid']);
    },
  },
  {
    sentence: 'merges into a Secret with patch and does not own it',
    existing: foreign({ [patchAnnotation]: 'true' }, { data: { old: '1', username: 'before' } }),
    desired: template({ metadata: { labels: { mylabel: 'myvalue' } } }),
    expected: 'update spec',
    check: (secret) => {
      expect(dataOf(secret)).toEqual({ old: '1', username: 'app_user' });
      expect(labelsOf(secret)).toEqual({ mylabel: 'myvalue' });
      expect(annotationsOf(secret)).toEqual({ [patchAnnotation]: 'true' });
      expect(ownersOf(secret)).toEqual([]);
    },
  },
  {
    sentence: 'merges into and owns a Secret with patch and managed',
    existing: foreign({ [patchAnnotation]: 'true', [managedAnnotation]: 'true' }, { data: { old: '1' } }),
    expected: 'update spec',
    check: (secret) => {
      expect(dataOf(secret)).toEqual({ old: '1', username: 'app_user' });
      expect(ownersOf(secret)).toEqual(['a-uid']);
    },
  },
  {
    sentence: 'with a record, a spec change removes our labels and annotations and keeps those of others',
    existing: inCluster({ metadata: { labels: { ours: '1', theirs: '2' }, annotations: { mine: '1', theirs: '2' } } }),
    desired: template({ metadata: { labels: { fresh: '3' } } }),
    context: recorded({ specHash: 'before', labels: ['ours'], annotations: ['mine'] }),
    expected: 'update spec',
    check: (secret) => {
      expect(labelsOf(secret)).toEqual({ theirs: '2', fresh: '3' });
      expect(annotationsOf(secret)).toEqual({ theirs: '2' });
    },
  },
  {
    sentence: 'with a record, a spec change removes data keys that the spec no longer has, foreign ones too',
    existing: inCluster({ data: { username: 'app_user', extra: 'x' } }),
    context: recorded({ specHash: 'before' }),
    expected: 'update spec',
    check: (secret) => expect(dataOf(secret)).toEqual({ username: 'app_user' }),
  },
  {
    sentence: 'without a record, everything that the spec does not have goes',
    existing: inCluster({ metadata: { labels: { theirs: '2' } } }),
    expected: 'update spec',
    check: (secret) => expect(labelsOf(secret)).toEqual({}),
  },
  {
    sentence: 'a record of an earlier Secret of the same name counts as none',
    existing: inCluster({ metadata: { labels: { theirs: '2' } } }),
    context: recorded({ uid: 'an earlier one' }),
    expected: 'update spec',
    check: (secret) => expect(labelsOf(secret)).toEqual({}),
  },
  {
    sentence: 'puts back a value that somebody changed',
    existing: inCluster({ data: { username: 'intruder' } }),
    context: recorded(),
    expected: 'update drift',
    check: (secret) => expect(dataOf(secret)).toEqual({ username: 'app_user' }),
  },
  {
    sentence: 'leaves data, labels and annotations that somebody added',
    existing: inCluster({
      data: { username: 'app_user', token: 'x' },
      metadata: { labels: { argo: 'y' }, annotations: { z: '1' } },
    }),
    context: recorded(),
    expected: 'none',
  },
  {
    sentence: 'repairs one entry without touching what others added',
    existing: inCluster({ data: { username: 'x', token: 't' }, metadata: { labels: { argo: 'y' } } }),
    context: recorded(),
    expected: 'update drift',
    check: (secret) => {
      expect(dataOf(secret)).toEqual({ username: 'app_user', token: 't' });
      expect(labelsOf(secret)).toEqual({ argo: 'y' });
    },
  },
  {
    sentence: 'leaves an entry alone whose template gives another result each time',
    existing: inCluster({ data: { username: 'app_user', token: 'generated before' } }),
    desired: template({ data: { username: 'app_user', token: 'generated now' } }),
    context: { ...recorded(), volatileEntries: new Set(['token']) },
    expected: 'none',
  },
  {
    sentence: 'makes such an entry again when somebody removed it',
    existing: inCluster({ data: { username: 'app_user' } }),
    desired: template({ data: { username: 'app_user', token: 'generated now' } }),
    context: { ...recorded(), volatileEntries: new Set(['token']) },
    expected: 'update drift',
  },
  {
    sentence: 'makes such an entry anew when the spec changes',
    existing: inCluster({ data: { username: 'app_user', token: 'generated before' } }),
    desired: template({ data: { username: 'app_user', token: 'generated now' } }),
    context: { ...recorded({ specHash: 'before' }), volatileEntries: new Set(['token']) },
    expected: 'update spec',
  },
  {
    sentence: 'takes a new revision of our own rules for a spec change',
    existing: inCluster({ data: { username: 'app_user', extra: 'x' } }),
    context: recorded({ rendererRevision: rendererRevision - 1 }),
    expected: 'update spec',
  },
  {
    sentence: 'repairs nothing where repairing is switched off',
    existing: inCluster({ data: { username: 'intruder' } }),
    context: { ...recorded(), repairDrift: false },
    expected: 'none',
  },
  {
    sentence: 'repairs nothing in a Secret that it only patches',
    existing: foreign({ [patchAnnotation]: 'true' }, { data: { username: 'changed' } }),
    context: recorded(),
    expected: 'none',
  },
  {
    sentence: 'stops repairing after five times in ten minutes and names the other writer',
    existing: inCluster({ data: { username: 'intruder' } }),
    context: { ...recorded(), recentRepairs: 5, otherManager: 'argocd' },
    expected: 'refuse DriftContested',
  },
  {
    sentence: 'writes again after a spec change even if the Secret was fought over',
    existing: inCluster({ data: { username: 'intruder' } }),
    context: { ...recorded({ specHash: 'before' }), recentRepairs: 5 },
    expected: 'update spec',
  },
  {
    sentence: 'does not touch the data of an immutable Secret',
    existing: inCluster({ immutable: true, data: { username: 'old' } }),
    expected: 'refuse ImmutableSecret',
  },
  {
    sentence: 'changes the labels of an immutable Secret',
    existing: inCluster({ immutable: true }),
    desired: template({ metadata: { labels: { a: 'b' } } }),
    expected: 'update spec',
  },
  {
    sentence: 'keeps what comes out differently each time when only the record of its Secret was lost',
    existing: inCluster({ data: { username: 'rendered before' } }),
    context: { volatileEntries: new Set(['username', 'password']) },
    expected: 'none',
  },
  {
    sentence: 'makes it anew where the spec has changed since the status was written',
    existing: inCluster({ data: { username: 'rendered before' } }),
    context: { volatileEntries: new Set(['username', 'password']), specChanged: true },
    expected: 'update spec',
  },
  {
    sentence: 'makes it anew when a foreign Secret is taken over',
    existing: foreign({ [managedAnnotation]: 'true' }, { data: { username: 'theirs' } }),
    context: { volatileEntries: new Set(['username', 'password']) },
    expected: 'update spec',
  },
  {
    sentence: 'keeps what comes out differently each time after an update that was carried out but not answered',
    existing: inCluster({ data: { username: 'rendered before' } }),
    context: {
      ...recorded({ specHash: 'before' }),
      volatileEntries: new Set(['username', 'password']),
      isWhatWeSent: true,
    },
    expected: 'none',
  },
  {
    sentence: 'makes it anew for another spec where the update did not get through, and somebody else wrote meanwhile',
    existing: inCluster({ data: { username: 'rendered before' } }),
    context: { ...recorded({ specHash: 'before' }), volatileEntries: new Set(['username', 'password']) },
    expected: 'update spec',
  },
  {
    sentence:
      'keeps what comes out differently each time of a Secret that was made again, and only the record of it lost',
    existing: inCluster({ data: { username: 'rendered before' } }),
    context: { ...recorded({ uid: 'the one before' }), volatileEntries: new Set(['username', 'password']) },
    expected: 'none',
  },
  {
    sentence: 'recognises the Secret it made without an owner although an entry would come out differently',
    sealed: aSealedSecret({ template: { metadata: { annotations: { [skipOwners]: 'true' } } } }),
    desired: template({ metadata: { ownerReferences: [], annotations: { [skipOwners]: 'true' } } }),
    existing: foreign({ [skipOwners]: 'true' }, { data: { username: 'rendered before' } }),
    context: { volatileEntries: new Set(['username', 'password']) },
    expected: 'none',
  },
  {
    sentence: 'makes a deleted Secret again',
    context: { ...recorded(), recentRepairs: 4 },
    expected: 'create',
  },
  {
    sentence: 'gives way to somebody who deletes the Secret each time',
    context: { ...recorded(), recentRepairs: 5 },
    expected: 'refuse DriftContested',
  },
  {
    sentence: 'makes a Secret for another spec however often the one before was deleted',
    context: { ...recorded({ specHash: 'before' }), recentRepairs: 5 },
    expected: 'create',
  },
  {
    sentence: 'says that a type cannot be changed',
    existing: inCluster({ type: 'Opaque' }),
    desired: template({ type: 'kubernetes.io/tls' }),
    expected: 'refuse ImmutableSecret',
  },
  {
    sentence: 'keeps the type of a managed Secret where the template has none',
    existing: foreign({ [managedAnnotation]: 'true' }, { type: 'kubernetes.io/tls' }),
    expected: 'update spec',
    check: (secret) => expect(secret.type).toBe('kubernetes.io/tls'),
  },
  {
    sentence: 'does not make an existing Secret immutable',
    existing: inCluster({ data: { username: 'old' } }),
    desired: template({ immutable: true }),
    expected: 'update spec',
    check: (secret) => expect(secret.immutable).toBeUndefined(),
  },
  {
    sentence: 'waits for the garbage collector when an earlier SealedSecret of this name controls the Secret',
    existing: inCluster({ metadata: { ownerReferences: [{ ...owner, uid: 'dead' }] } }),
    expected: 'refuse WaitingForGarbageCollection',
  },
  {
    sentence: 'waits for the garbage collector even if such a Secret is managed',
    existing: inCluster({
      metadata: { ownerReferences: [{ ...owner, uid: 'dead' }], annotations: { [managedAnnotation]: 'true' } },
    }),
    expected: 'refuse WaitingForGarbageCollection',
  },
  {
    sentence: 'deletes and makes again what an earlier SealedSecret left if no garbage collector comes',
    existing: inCluster({ metadata: { ownerReferences: [{ ...owner, uid: 'dead' }] } }),
    context: { collectionOverdue: true },
    expected: 'replace',
    check: (secret) => expect(secret).toEqual(template()),
  },
  {
    sentence: 'deletes nothing that has another owner too',
    existing: inCluster({
      metadata: {
        ownerReferences: [
          { ...owner, uid: 'dead' },
          { ...owner, uid: 'alive', name: 'x', controller: false },
        ],
      },
    }),
    context: { collectionOverdue: true },
    expected: 'refuse WaitingForGarbageCollection',
  },
  {
    sentence: 'deletes nothing else however long it waits',
    existing: foreign(),
    context: { collectionOverdue: true },
    expected: 'refuse NotManaged',
  },
  {
    sentence: 'does not delete twice what a finalizer keeps',
    existing: inCluster({
      metadata: { ownerReferences: [{ ...owner, uid: 'dead' }], deletionTimestamp: '2026-01-01T00:00:00Z' },
    }),
    context: { collectionOverdue: true },
    expected: 'refuse WaitingForGarbageCollection',
  },
  {
    sentence: 'waits for a Secret that is being deleted',
    existing: inCluster({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    expected: 'refuse WaitingForGarbageCollection',
  },
  {
    sentence: 'does not report the Secret it has just made without an owner',
    sealed: aSealedSecret({ template: { metadata: { annotations: { [skipOwners]: 'true' } } } }),
    desired: template({ metadata: { ownerReferences: [], annotations: { [skipOwners]: 'true' } } }),
    existing: foreign({ [skipOwners]: 'true' }),
    context: recorded(),
    expected: 'none',
  },
  {
    sentence: 'recognises the Secret it made without an owner when the record was lost',
    sealed: aSealedSecret({ template: { metadata: { annotations: { [skipOwners]: 'true' } } } }),
    desired: template({ metadata: { ownerReferences: [], annotations: { [skipOwners]: 'true' } } }),
    existing: foreign({ [skipOwners]: 'true' }),
    expected: 'none',
  },
  {
    sentence: 'does not update a Secret without an owner unless it is managed',
    sealed: aSealedSecret({ template: { metadata: { annotations: { [skipOwners]: 'true' } } } }),
    desired: template({ data: { username: 'new' }, metadata: { ownerReferences: [] } }),
    existing: foreign({ [skipOwners]: 'true' }),
    context: recorded({ specHash: 'before' }),
    expected: 'refuse NotManaged',
  },
  {
    sentence: 'treats data keys as names and nothing else',
    existing: inCluster({ data: { constructor: 'a', 10: 'b' } }),
    desired: template({ data: { constructor: 'a', 10: 'b' } }),
    expected: 'none',
  },
  {
    sentence: 'keeps finalizers and whatever else the Secret has',
    existing: inCluster({ data: { username: 'old' }, metadata: { finalizers: ['example.com/keep'] } }),
    expected: 'update spec',
    check: (secret) => {
      expect(secret.metadata.finalizers).toEqual(['example.com/keep']);
      expect(secret.metadata.resourceVersion).toBe('7');
    },
  },
];

const textOf = (plan: SecretPlan) => {
  if (plan.action === 'update') return `update ${plan.cause}`;
  return plan.action === 'refuse' ? `refuse ${plan.code}` : plan.action;
};

describe('planSecret', () => {
  it.each(situations)('$sentence', ({ sealed, desired, existing, context, expected, check }) => {
    const plan = planSecret(sealed ?? sealedSecret, desired ?? template(), existing, {
      record: undefined,
      specHash: 'hash',
      allowCredentialTypes: false,
      repairDrift: true,
      recentRepairs: 0,
      collectionOverdue: false,
      volatileEntries: new Set(),
      specChanged: false,
      isWhatWeSent: false,
      ...context,
    });
    expect(textOf(plan)).toBe(expected);
    if (plan.action === 'refuse') expect(`${plan.message} ${plan.hint}`).not.toMatch(/app_user|intruder/);
    if (check !== undefined) check((plan as { secret: Secret }).secret);
  });

  it("does not ask people to delete what is somebody else's", () => {
    const hintFor = (annotations: Record<string, string>) => {
      const existing = foreign(annotations, { immutable: true, data: { username: 'x' } });
      const plan = planSecret(sealedSecret, template(), existing, {
        record: undefined,
        specHash: 'hash',
        allowCredentialTypes: false,
        repairDrift: true,
        recentRepairs: 0,
        collectionOverdue: false,
        volatileEntries: new Set(),
        specChanged: false,
        isWhatWeSent: false,
      });
      return plan.action === 'refuse' ? plan.hint : plan.action;
    };
    expect(hintFor({ [patchAnnotation]: 'true', [managedAnnotation]: 'true' })).toContain('delete secret');
    expect(hintFor({ [patchAnnotation]: 'true' })).not.toContain('delete secret');
  });

  it('names the field manager it gave way to', () => {
    const plan = planSecret(sealedSecret, template(), inCluster({ data: { username: 'x' } }), {
      ...(recorded() as { record: NonNullable<PlanContext['record']> }),
      specHash: 'hash',
      allowCredentialTypes: false,
      repairDrift: true,
      recentRepairs: 6,
      collectionOverdue: false,
      volatileEntries: new Set(),
      specChanged: false,
      isWhatWeSent: false,
      otherManager: 'argocd',
    });
    expect(plan).toMatchObject({ message: expect.stringContaining('"argocd"') });
  });
});

describe('mayDeleteLeftover', () => {
  it.each([
    ['what a SealedSecret of that name controls', inCluster(), true],
    ['what is managed', foreign({ [managedAnnotation]: 'true' }), true],
    ['nothing that is only patched', foreign({ [patchAnnotation]: 'true' }), false],
    ['nothing that was never ours', foreign(), false],
    [
      'nothing that something else controls',
      inCluster({ metadata: { ownerReferences: [{ ...owner, kind: 'X' }] } }),
      false,
    ],
  ])('deletes %s', (_sentence, existing, expected) => {
    expect(mayDeleteLeftover(existing, 'db-credentials')).toBe(expected);
  });
});

describe('isAbandoned', () => {
  it.each([
    ['what only a SealedSecret of that name owned', inCluster(), true],
    [
      'nothing with a further owner',
      inCluster({ metadata: { ownerReferences: [owner, { ...owner, uid: 'x' }] } }),
      false,
    ],
    ['nothing that is managed without an owner', foreign({ [managedAnnotation]: 'true' }), false],
    [
      'nothing that something else controls',
      inCluster({ metadata: { ownerReferences: [{ ...owner, kind: 'X' }] } }),
      false,
    ],
  ])('is %s', (_sentence, existing, expected) => {
    expect(isAbandoned(existing, 'db-credentials')).toBe(expected);
  });
});
