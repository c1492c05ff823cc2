import { sealedSecretDocument } from '@waxwing/shared';
import { aSealedSecret } from '@waxwing/shared/testing';
import { describe, expect, it } from 'vitest';
import type { Finding } from './finding.ts';
import { findFailing } from './health.ts';
import { findForObject, type Surroundings } from './outlook.ts';
import { isWorthTrying, readObject } from './sealed-secrets.ts';
import { secretOf } from './secrets.ts';

const annotation = (name: string) => `sealedsecrets.bitnami.com/${name}`;
const tokenType = 'kubernetes.io/service-account-token';
/** Long enough to be an envelope. */
const sealed = Buffer.concat([Buffer.from([2, 0]), Buffer.alloc(600)]).toString('base64');
const canary = 'canary-7Hq2x-value';

type Parts = Parameters<typeof aSealedSecret>[0] & {
  /** Upstream's condition: true, a message, or none at all. */
  readonly synced?: true | string | undefined;
  readonly reason?: string;
  readonly applied?: unknown;
};

/** A SealedSecret with the item `a` that upstream has synced, but for what is given, as the API server gives it. */
function anObject(parts: Parts = {}): unknown {
  const { synced = true, reason, applied, ...rest } = parts;
  const condition = {
    type: 'Synced',
    status: synced === true ? ('True' as const) : ('False' as const),
    ...(typeof synced === 'string' ? { message: synced } : {}),
    ...(reason === undefined ? {} : { reason }),
  };
  const status = {
    observedGeneration: 1,
    conditions: 'synced' in parts && parts.synced === undefined ? [] : [condition],
  };
  const object = aSealedSecret({ encryptedData: rest.data === undefined ? { a: sealed } : {}, status, ...rest });
  const raw = plain(sealedSecretDocument(object)) as { metadata: { annotations?: Record<string, string> } };
  if (applied !== undefined) {
    raw.metadata.annotations = {
      ...raw.metadata.annotations,
      'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(applied),
    };
  }
  return { ...raw, status: object.status };
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, entry]) => [key, plain(entry)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

interface SecretParts {
  readonly owner?: { readonly kind?: string; readonly name?: string; readonly uid?: string } | 'none';
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly type?: string;
  readonly entries?: readonly string[];
  /** What the table counts, where it is not what the managed fields name. */
  readonly count?: number;
  readonly immutable?: boolean;
  readonly deletionTimestamp?: string;
}

/** The Secret of that object as a row of a table, but for what is given. */
function aSecret(parts: SecretParts = {}) {
  const { owner = {}, type = 'Opaque', entries = ['a'], count, immutable, ...metadata } = parts;
  const reference = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'db-credentials', uid: 'a-uid' };
  const data = Object.fromEntries(entries.map((name) => [`f:${name}`, {}]));
  const fieldsV1 = { 'f:data': { '.': {}, ...data }, ...(immutable === true ? { 'f:immutable': {} } : {}) };
  const row = {
    cells: ['db-credentials', type, count ?? entries.length, '1d'],
    object: {
      metadata: {
        name: 'db-credentials',
        namespace: 'payments',
        ...metadata,
        ...(owner === 'none' ? {} : { ownerReferences: [{ ...reference, ...owner, controller: true }] }),
        managedFields: [{ manager: 'controller', fieldsV1 }],
      },
    },
  };
  return secretOf(row, [{ name: 'Name' }, { name: 'Type' }, { name: 'Data' }, { name: 'Age' }]);
}

const told = (findings: readonly Finding[]) => findings.map(({ code, detail }) => `${code} ${detail}`.trim());

function outlook(object: unknown, surroundings: Partial<Surroundings> = {}): string[] {
  const { facts } = readObject(object);
  return told(
    findForObject(facts, { secret: aSecret(), trial: undefined, allowsCredentialTypes: false, ...surroundings }),
  );
}

const opens = { opens: true, text: '' };
const closed = { opens: false, text: 'UnknownKey: no key could decrypt secret (a)' };
const noKey = 'no key could decrypt secret (a)';
const notManaged = 'failed update: Resource "db-credentials" already exists and is not managed by SealedSecret';

describe('an object and its Secret', () => {
  it.each<[string, unknown, Partial<Surroundings>, readonly string[]]>([
    ['that are as they should be', anObject(), {}, []],
    ['whose Secret is gone', anObject(), { secret: 'absent' }, ['secret-missing']],
    ['whose Secret may not be listed', anObject(), { secret: 'unread' }, []],
    ['that nobody has looked at yet', anObject({ synced: undefined }), { secret: 'absent' }, []],
    [
      'that is being deleted',
      anObject({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }),
      {},
      ['object-terminating'],
    ],

    ['a foreign Secret', anObject(), { secret: aSecret({ owner: 'none' }) }, ['secret-foreign without an owner']],
    [
      'that of an operator',
      anObject(),
      { secret: aSecret({ owner: { kind: 'App', name: 'x', uid: '9' } }) },
      ['secret-foreign controlled by App x'],
    ],
    ['that of an earlier object', anObject(), { secret: aSecret({ owner: { uid: 'old' } }) }, ['secret-leftover']],
    [
      'one being deleted',
      anObject(),
      { secret: aSecret({ deletionTimestamp: '2026-01-01T00:00:00Z' }) },
      ['secret-terminating'],
    ],
    [
      'one handed over',
      anObject(),
      { secret: aSecret({ owner: 'none', annotations: { [annotation('managed')]: 'true' } }) },
      ['secret-taken-over'],
    ],
    [
      'one that may be added to',
      anObject(),
      { secret: aSecret({ owner: 'none', annotations: { [annotation('patch')]: 'true' }, entries: ['a', 'b'] }) },
      [],
    ],
    [
      'one of another type',
      anObject({ template: { type: 'x/y' } }),
      { secret: aSecret() },
      ['secret-type type Opaque in the cluster, x/y in the SealedSecret'],
    ],
    ['one of a type that the template leaves out', anObject(), { secret: aSecret({ type: 'x/y' }) }, []],

    ['an entry too few', anObject({ template: { data: { b: 'x' } } }), {}, ['secret-entries-missing without b']],
    ['an entry too many', anObject(), { secret: aSecret({ entries: ['a', 'b'] }) }, ['secret-entries-extra with b']],
    [
      'another entry',
      anObject(),
      { secret: aSecret({ entries: ['b'] }) },
      ['secret-entries-missing without a', 'secret-entries-extra with b'],
    ],
    [
      'an entry that null omits',
      anObject({ template: { data: { a: null } } }),
      { secret: aSecret({ entries: [] }) },
      [],
    ],
    ['entries whose names nobody knows', anObject(), { secret: aSecret({ entries: [], count: 1 }) }, []],
    [
      'more of them',
      anObject(),
      { secret: aSecret({ entries: [], count: 3 }) },
      ['secret-entries-extra has 3, the SealedSecret defines 1'],
    ],
    [
      'none of them',
      anObject(),
      { secret: aSecret({ entries: ['x', 'y'], count: 0 }) },
      ['secret-entries-missing has 0, the SealedSecret defines 1'],
    ],
    [
      'an immutable Secret with another entry',
      anObject(),
      { secret: aSecret({ entries: ['a', 'b'], immutable: true }) },
      ['secret-immutable with b'],
    ],
    ['an immutable Secret', anObject(), { secret: aSecret({ immutable: true }) }, []],

    [
      'a label that was changed',
      anObject({ template: { metadata: { labels: { t: 'a' } } } }),
      { secret: aSecret({ labels: { t: 'b' } }) },
      ['secret-metadata labels t: not as in the template'],
    ],
    [
      'labels and annotations that were added',
      anObject(),
      { secret: aSecret({ labels: { t: 'b' }, annotations: { n: '1', m: '2' } }) },
      ['secret-metadata labels t: not in the template; annotations m, n: not in the template'],
    ],
    [
      'what kubectl keeps',
      anObject(),
      { secret: aSecret({ annotations: { 'kubectl.kubernetes.io/last-applied-configuration': canary } }) },
      [],
    ],
    [
      'what others added to a Secret of ours',
      anObject({
        status: {
          observedGeneration: 1,
          conditions: [{ type: 'Synced', status: 'True' }],
          secret: { uid: '', resourceVersion: '', specHash: '', rendererRevision: 1 },
        },
      }),
      { secret: aSecret({ labels: { t: 'b' }, entries: ['a', 'b'] }) },
      [],
    ],

    [
      'a random value',
      anObject({ template: { data: { r: '{{ randAlpha 3 }}' } } }),
      { secret: aSecret({ entries: ['a', 'r'] }) },
      ['template-volatile r'],
    ],
    [
      'a random value in an immutable Secret',
      anObject({ template: { data: { r: '{{ now }}' } } }),
      { secret: aSecret({ entries: ['a', 'r'], immutable: true }) },
      ['secret-immutable new values for r'],
    ],

    [
      'a token that is not there',
      anObject({ template: { type: tokenType } }),
      { secret: 'absent' },
      [`type-refused type ${tokenType}`],
    ],
    [
      'a token that may be made',
      anObject({ template: { type: tokenType } }),
      { secret: 'absent', allowsCredentialTypes: true },
      ['secret-missing'],
    ],
    [
      'a token that is there',
      anObject({ template: { type: tokenType } }),
      { secret: aSecret({ type: tokenType }) },
      [`type-kept type ${tokenType}`],
    ],

    [
      'no owner, and no leave to update',
      anObject({ template: { metadata: { annotations: { [annotation('skip-set-owner-references')]: 'true' } } } }),
      { secret: aSecret({ owner: 'none' }) },
      ['owner-skipped'],
    ],
    [
      'no owner, and leave to update',
      anObject({
        template: {
          metadata: {
            annotations: { [annotation('skip-set-owner-references')]: 'true', [annotation('managed')]: 'true' },
          },
        },
      }),
      {
        secret: aSecret({
          owner: 'none',
          annotations: { [annotation('skip-set-owner-references')]: 'true', [annotation('managed')]: 'true' },
        }),
      },
      [],
    ],

    [
      'the deprecated format',
      anObject({ data: 'AAAA', template: { type: tokenType } }),
      { secret: aSecret({ type: 'x/y', entries: ['q'] }) },
      ['deprecated-data'],
    ],
    [
      'a null that the CRD dropped',
      anObject({ applied: { spec: { template: { data: { a: null, z: null } } } } }),
      {},
      ['null-dropped a'],
    ],
    [
      'a null that is there',
      anObject({ template: { data: { a: null } }, applied: { spec: { template: { data: { a: null } } } } }),
      { secret: aSecret({ entries: [] }) },
      [],
    ],
    [
      'an annotation that is no JSON',
      anObject({ metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{null' } } }),
      {},
      [],
    ],
  ])('%s', (_, object, surroundings, expected) => {
    expect(outlook(object, surroundings)).toEqual(expected);
  });
});

describe('an object that failed with upstream', () => {
  it.each<[string, unknown, Partial<Surroundings>, readonly string[]]>([
    [
      'and opens now',
      anObject({ synced: noKey }),
      { secret: 'absent', trial: opens },
      ['object-recovers failed because no key opened it'],
    ],
    [
      'and was handed its Secret',
      anObject({ synced: notManaged }),
      { trial: opens },
      ['object-recovers failed because a Secret of this name exists and is not managed'],
    ],
    [
      'and opens as little now',
      anObject({ synced: noKey }),
      { secret: 'absent', trial: closed },
      [`object-keeps-failing ${closed.text}`],
    ],
    ['and was not tried', anObject({ synced: noKey }), { secret: 'absent' }, ['object-retried no key opened it']],
    [
      'for its template',
      anObject({ synced: `template: x:1: ${canary}` }),
      { secret: 'absent', trial: opens },
      ['object-retried a template failed'],
    ],
    [
      'for something else',
      anObject({ synced: canary }),
      { secret: 'absent', trial: opens },
      ['object-retried another failure'],
    ],
    [
      'for a Secret that is still foreign',
      anObject({ synced: notManaged }),
      { secret: aSecret({ owner: 'none' }), trial: opens },
      ['object-keeps-failing NotManaged: a Secret of this name exists, without an owner'],
    ],
    [
      'for a type that is still another',
      anObject({ synced: 'immutable', template: { type: 'x/y' } }),
      { trial: opens },
      ['object-keeps-failing ImmutableSecret: type Opaque in the cluster, x/y in the SealedSecret'],
    ],
    [
      'for its owner, which it does not want',
      anObject({
        synced: notManaged,
        template: { metadata: { annotations: { [annotation('skip-set-owner-references')]: 'true' } } },
      }),
      { secret: aSecret({ owner: 'none' }), trial: opens },
      ['owner-skipped'],
    ],
    [
      'because it is malformed',
      anObject({ synced: 'illegal base64', encryptedData: { a: '!' } }),
      { secret: 'absent' },
      ['object-invalid a: illegal base64 data at input byte 0; was the line cut or edited?'],
    ],
  ])('%s', (_, object, surroundings, expected) => {
    expect(outlook(object, surroundings)).toEqual(expected);
  });
});

describe('an object whose template names another scope', () => {
  const object = anObject({ template: { metadata: { annotations: { [annotation('namespace-wide')]: 'true' } } } });
  const secret = aSecret({ annotations: { [annotation('namespace-wide')]: 'true' } });

  it.each<[string, Partial<Surroundings>, readonly string[]]>([
    ['and that opens all the same', { trial: opens }, []],
    ['and that does not open any more', { trial: closed }, [`object-breaks ${closed.text}`]],
    ['and that was not tried', {}, ['scope-contradiction namespace-wide in the template']],
  ])('%s', (_, surroundings, expected) => {
    expect(outlook(object, { secret, ...surroundings })).toEqual(expected);
  });

  it('is worth a trial, as one that fails is, and others are not', () => {
    const isWorth = (raw: unknown) => isWorthTrying(readObject(raw).facts);
    expect([object, anObject({ synced: noKey })].map(isWorth)).toEqual([true, true]);
    const wide = { metadata: { annotations: { [annotation('cluster-wide')]: 'true' } } };
    const others = [
      anObject(),
      anObject(wide),
      anObject({ ...wide, template: wide }),
      anObject({ synced: noKey, encryptedData: { a: '!' } }),
    ];
    expect(others.map(isWorth)).toEqual([false, false, false, false]);
  });
});

describe('an object that does not fit its schema', () => {
  it('is told with its fields, and its status is read all the same', () => {
    const raw = {
      metadata: { name: 'x', namespace: 'y' },
      spec: { template: { type: 7 } },
      status: { conditions: [{ type: 'Synced', status: 'True' }] },
    };
    const { facts, sealedSecret } = readObject(raw);
    expect(sealedSecret).toBeUndefined();
    expect(facts).toMatchObject({ namespace: 'y', name: 'x', invalid: expect.stringContaining('spec.template.type') });
    expect(outlook(raw)).toEqual([expect.stringMatching(/^object-invalid spec\.template\.type /)]);
  });
});

describe('the health of an object', () => {
  const health = (object: unknown) => told(findFailing(readObject(object).facts));

  it.each<[string, unknown, readonly string[]]>([
    ['synced', anObject(), []],
    [
      'failed, in our words',
      anObject({ synced: 'no key. Seal it again.', reason: 'UnknownKey' }),
      ['object-failing UnknownKey: no key. Seal it again.'],
    ],
    [
      "failed, in upstream's, which may quote a value",
      anObject({ synced: `template: ${canary}` }),
      ['object-failing a template failed'],
    ],
    ['not looked at', anObject({ synced: undefined }), ['object-unseen']],
    ['not looked at since it changed', anObject({ metadata: { generation: 2 } }), ['object-unseen']],
    ['being deleted', anObject({ synced: undefined, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }), []],
    [
      'malformed',
      anObject({ template: { data: { x: '{{ nofunction }}' } } }),
      [expect.stringMatching(/^object-invalid x: .*"nofunction" not defined/)],
    ],
  ])('%s', (_, object, expected) => {
    expect(health(object)).toEqual(expected);
  });
});
