import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  encodeBase64,
  encodeUtf8,
  issueCertificate,
  keyLabel,
  parseSealingCertificate,
  primaryKeyAnnotation,
  readDocuments,
  SealedSecretsError,
  sealSecret,
  valueAt,
} from '@waxwing/shared';
import { aSecret, seededRandomBytes } from '@waxwing/shared/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { checksumOf, exportAnnotations, exportedList, exportedSecret, sealedForCluster } from './export.ts';
import { type ImportStep, planImport } from './import-plan.ts';
import { findKey, type KeyRing, readKeyRing, sealingKeyOf, unsealingKeysOf } from './key-ring.ts';
import { assertNotNeeded, type FoundObject, findNeeds, type UnreadableObject } from './need.ts';

const now = new Date('2026-06-01T00:00:00Z');
const yearMs = 365 * 86_400_000;

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly keyPem: string;
}

function pair(bits = 2048): Pair {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { privateKey, publicKey, keyPem: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString() };
}

async function certificateFor({ privateKey, publicKey }: Pair, from: string, forMs = yearMs): Promise<string> {
  const notBefore = new Date(from);
  return await issueCertificate({
    privateKey,
    publicKey,
    commonName: '',
    notBefore,
    validForMs: forMs,
    randomBytes: seededRandomBytes(notBefore.getTime() % 1000),
  });
}

let old: Pair;
let recent: Pair;
let oldPem: string;
let recentPem: string;
let expiredPem: string;
beforeAll(async () => {
  [old, recent] = [pair(), pair()];
  oldPem = await certificateFor(old, '2026-01-01T00:00:00Z');
  recentPem = await certificateFor(recent, '2026-05-01T00:00:00Z');
  expiredPem = await certificateFor(old, '2020-01-01T00:00:00Z');
});

interface Parts {
  readonly name?: string;
  readonly label?: string;
  readonly annotations?: Record<string, string>;
}

/** A key Secret as the API server gives it. */
function keySecret(
  { keyPem }: Pair,
  certificatePem: string,
  { name = 'key-a', label = 'active', annotations = {} }: Parts = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name,
      namespace: 'kube-system',
      uid: `uid-${name}`,
      resourceVersion: '7',
      ...(label === '' ? {} : { labels: { [keyLabel]: label, team: 'a' } }),
      annotations,
    },
    data: { 'tls.key': encodeBase64(encodeUtf8(keyPem)), 'tls.crt': encodeBase64(encodeUtf8(certificatePem)) },
  };
}

const ringOf = (...secrets: unknown[]) => readKeyRing(secrets);
const nothing: KeyRing = { entries: [], invalid: [] };

describe('a key ring', () => {
  test('is sorted newest first, and what is no key does not hide the others', async () => {
    const broken = { metadata: { name: 'broken' }, data: { 'tls.key': 'AAAA' } };
    const ring = await ringOf(
      keySecret(old, oldPem, { name: 'old' }),
      broken,
      keySecret(recent, recentPem, { name: 'new' }),
    );
    expect(ring.entries.map(({ secret }) => secret.metadata.name)).toEqual(['new', 'old']);
    expect(ring.invalid).toEqual([
      { name: 'broken', primary: false, isMismatch: false, violations: expect.any(Array) },
    ]);
    expect(JSON.stringify(ring.invalid)).not.toContain('AAAA');
  });

  test('seals with the newest active key, or with the primary', async () => {
    const primary = { annotations: { [primaryKeyAnnotation]: 'true' } };
    const sealing = async (...secrets: unknown[]) => sealingKeyOf(await ringOf(...secrets))?.secret.metadata.name;
    const [a, b] = [keySecret(old, oldPem, { name: 'old' }), keySecret(recent, recentPem, { name: 'new' })];
    expect(await sealing(a, b)).toBe('new');
    expect(await sealing(keySecret(old, oldPem, { name: 'old', ...primary }), b)).toBe('old');
    expect(await sealing(a, keySecret(recent, recentPem, { name: 'new', label: 'compromised', ...primary }))).toBe(
      'old',
    );
    expect(await sealing()).toBeUndefined();
  });

  test('the same key in two Secrets is one key to unseal with', async () => {
    const ring = await ringOf(keySecret(old, oldPem, { name: 'a' }), keySecret(old, oldPem, { name: 'b' }));
    expect(ring.entries).toHaveLength(2);
    expect(unsealingKeysOf(ring)).toHaveLength(1);
  });

  test('finds a key by its id or a beginning that fits one alone', async () => {
    const ring = await ringOf(keySecret(old, oldPem, { name: 'a' }), keySecret(recent, recentPem, { name: 'b' }));
    const [first, second] = ring.entries.map(({ id }) => id) as [string, string];
    expect(findKey(ring, first).id).toBe(first);
    const different = [...first].findIndex((digit, index) => digit !== second[index]);
    expect(findKey(ring, second.slice(0, different + 1).toUpperCase()).id).toBe(second);
    expect(() => findKey(ring, 'zzzz')).toThrow(expect.objectContaining({ code: 'NotFound' }));
    expect(() => findKey(ring, '')).toThrow(expect.objectContaining({ code: 'NotFound' }));
    const twins = { entries: ring.entries.map((entry, index) => ({ ...entry, id: `aa0${index}` })), invalid: [] };
    expect(() => findKey(twins, 'aa')).toThrow(expect.objectContaining({ code: 'InvalidUsage' }));
  });
});

describe('an import', () => {
  const options = { namespace: 'sealing', now, primary: false };
  const describeStep = (step: ImportStep) => {
    if (step.action === 'refuse') return `refuse ${step.name}: ${step.reason}`;
    const warnings = 'warnings' in step ? step.warnings : [];
    const target = step.action === 'create' ? step.secret.metadata : step.existing.secret.metadata;
    return [`${step.action} ${target.name}`, ...warnings].join('; ');
  };
  async function plan(incoming: readonly unknown[], existing: readonly unknown[] = [], extra = {}) {
    const result = planImport(await readKeyRing(incoming), await readKeyRing(existing), { ...options, ...extra });
    return {
      ...result,
      texts: result.steps.map(describeStep),
      seals: result.seals?.id,
      upstream: result.sealsUpstream?.id,
    };
  }
  const idOf = async (of: Pair, certificatePem: string) => (await ringOf(keySecret(of, certificatePem))).entries[0]?.id;

  test('creates what is not there: active, in the namespace of the controller, with nothing the API server sets', async () => {
    const { steps, texts } = await plan([keySecret(old, oldPem)]);
    expect(texts).toEqual(['create key-a']);
    const [step] = steps as [Extract<ImportStep, { action: 'create' }>];
    expect(step.secret.metadata).toMatchObject({ namespace: 'sealing', ownerReferences: [] });
    expect(step.secret.metadata.uid).toBeUndefined();
    expect([...step.secret.metadata.labels]).toEqual([
      [keyLabel, 'active'],
      ['team', 'a'],
    ]);
  });

  test('keeps what is there, whatever its Secret is called', async () => {
    expect((await plan([keySecret(old, oldPem)], [keySecret(old, oldPem, { name: 'other' })])).texts).toEqual([
      'keep other',
    ]);
  });

  test('takes a retired key into use again, but not a compromised one', async () => {
    const existing = (label: string) => [keySecret(old, oldPem, { name: 'there', label })];
    expect((await plan([keySecret(old, oldPem)], existing('retired'))).texts).toEqual(['activate there']);
    expect((await plan([keySecret(old, oldPem)], existing('compromised'))).texts[0]).toMatch(
      /^keep there; it is compromised here and stays out of use/,
    );
  });

  test('leaves a key out of use that was so in the file', async () => {
    const { steps, texts, seals } = await plan(
      [keySecret(recent, recentPem, { label: 'compromised' })],
      [keySecret(old, oldPem, { name: 'mine' })],
    );
    expect(texts).toEqual(['create key-a; it is compromised in the file, and stays out of use']);
    const [step] = steps as [Extract<ImportStep, { action: 'create' }>];
    expect(step.secret.metadata.labels.get(keyLabel)).toBe('compromised');
    expect(seals).toBe(await idOf(old, oldPem));
  });

  test('says which key seals afterwards, and which one upstream would take', async () => {
    const existing = [keySecret(recent, recentPem, { name: 'new' })];
    expect(await plan([keySecret(old, oldPem)], existing)).toMatchObject({
      seals: await idOf(recent, recentPem),
      upstream: await idOf(recent, recentPem),
    });
    expect(await plan([keySecret(old, oldPem)], existing, { primary: true })).toMatchObject({
      seals: await idOf(old, oldPem),
      upstream: await idOf(recent, recentPem),
    });
  });

  test('a mark in the file makes nothing primary; only who imports does', async () => {
    const marked = keySecret(old, oldPem, { annotations: { [primaryKeyAnnotation]: 'true' } });
    const { steps } = await plan([marked]);
    expect(
      (steps[0] as Extract<ImportStep, { action: 'create' }>).secret.metadata.annotations.has(primaryKeyAnnotation),
    ).toBe(false);
    const chosen = await plan([marked], [], { primary: true });
    expect(
      (chosen.steps[0] as Extract<ImportStep, { action: 'create' }>).secret.metadata.annotations.get(
        primaryKeyAnnotation,
      ),
    ).toBe('true');
  });

  test('as primary it takes the mark from a newer one, which would seal otherwise', async () => {
    const newer = keySecret(recent, recentPem, { name: 'new', annotations: { [primaryKeyAnnotation]: 'true' } });
    expect((await plan([keySecret(old, oldPem)], [newer], { primary: true })).texts).toEqual([
      'create key-a',
      'demote new',
    ]);
    expect((await plan([keySecret(recent, recentPem)], [newer], { primary: true })).texts).toEqual(['keep new']);
    expect((await plan([keySecret(old, oldPem)], [newer])).seals).toBe(await idOf(recent, recentPem));
  });

  test('marks a key that is there', async () => {
    const { steps, texts } = await plan([keySecret(old, oldPem)], [keySecret(old, oldPem, { name: 'there' })], {
      primary: true,
    });
    expect(texts).toEqual(['activate there']);
    expect(steps[0]).toMatchObject({ primary: true });
  });

  test('takes an expired key to open with, but not as primary', async () => {
    expect((await plan([keySecret(old, expiredPem)])).texts[0]).toMatch(/^create key-a; its certificate has expired/);
    expect((await plan([keySecret(old, expiredPem)], [], { primary: true })).texts[0]).toMatch(
      /^refuse key-a: its certificate has expired/,
    );
  });

  test.for<[string, () => Promise<unknown>, RegExp]>([
    [
      'a key of 1024 bits',
      async () => {
        const small = pair(1024);
        return keySecret(small, await certificateFor(small, '2026-01-01T00:00:00Z'));
      },
      /^refuse key-a: the key has 1024 bits/,
    ],
    [
      'a key that is not that of its certificate',
      async () => keySecret(recent, oldPem),
      /^refuse key-a: .*belongs to another private key/,
    ],
    [
      'a file that was changed after the export',
      async () => keySecret(old, oldPem, { annotations: { [exportAnnotations.checksum]: '0'.repeat(64) } }),
      /^refuse key-a: its checksum/,
    ],
    ['a Secret that holds no key', async () => ({ metadata: { name: 'key-a' }, data: {} }), /^refuse key-a: /],
  ])('refuses %s', async ([, incoming, reason]) => {
    const { texts } = await plan([await incoming(), keySecret(recent, recentPem, { name: 'good' })]);
    expect(texts.filter((text) => text.startsWith('refuse'))).toEqual([expect.stringMatching(reason)]);
  });

  test('refuses a name that another key has, there or in the same file', async () => {
    const other = keySecret(recent, recentPem);
    expect((await plan([keySecret(old, oldPem)], [other])).texts[0]).toMatch(
      /^refuse key-a: another key stands in a Secret of that name/,
    );
    const { texts } = await plan([keySecret(old, oldPem), other]);
    expect(texts.filter((text) => text.startsWith('refuse'))).toHaveLength(1);
  });

  test('a pair of PEM files gets a name from the API server', async () => {
    const { steps } = await plan([{ ...keySecret(old, oldPem), metadata: {} }]);
    expect((steps[0] as Extract<ImportStep, { action: 'create' }>).secret.metadata).toMatchObject({
      name: '',
      generateName: 'sealed-secrets-key',
    });
  });

  test('the same key twice is imported once', async () => {
    const ring = await ringOf(keySecret(old, oldPem, { name: 'a' }), keySecret(old, oldPem, { name: 'b' }));
    expect(planImport(ring, nothing, options).steps).toHaveLength(1);
  });
});

describe('what needs a key', () => {
  const random = seededRandomBytes(3);
  const sealed = (of: Pair, name: string) =>
    sealSecret(aSecret({ metadata: { name }, data: { a: '1', b: '2' } }), {
      publicKey: of.publicKey,
      randomBytes: random,
    });
  async function* found(...objects: (FoundObject | UnreadableObject)[]) {
    yield* objects;
  }

  test('is found by decrypting, per object and item', async () => {
    const ring = await ringOf(keySecret(old, oldPem), keySecret(recent, recentPem, { name: 'b' }));
    const [recentId, oldId] = ring.entries.map(({ id }) => id) as [string, string];
    const objects = found(
      { source: 'cluster', sealedSecret: sealed(old, 'one') },
      { source: 'cluster', sealedSecret: sealed(old, 'two') },
      { source: 'cluster', sealedSecret: sealed(recent, 'three') },
    );
    const needs = await findNeeds(objects, unsealingKeysOf(ring));
    expect([...needs.byKey].sort()).toEqual(
      [
        [oldId, { objects: 2, items: 4 }],
        [recentId, { objects: 1, items: 2 }],
      ].sort(),
    );
    expect(() => assertNotNeeded(oldId, needs)).toThrow(/is needed by 4 items of 2 objects/);
  });

  test('what does not open, or cannot be read, proves nothing', async () => {
    const ring = await ringOf(keySecret(old, oldPem));
    const problem = new SealedSecretsError('InvalidDocument', 'x.yaml: broken');
    const needs = await findNeeds(
      found({ source: 'cluster', sealedSecret: sealed(recent, 'one') }, { source: 'x.yaml', problem }),
      unsealingKeysOf(ring),
    );
    expect(needs.unproven).toEqual([
      { source: 'cluster', object: 'payments/one', items: ['a', 'b'] },
      { source: 'x.yaml', object: '', items: [], problem: 'x.yaml: broken' },
    ]);
    expect(() => assertNotNeeded('any', needs)).toThrow(expect.objectContaining({ code: 'KeyInUse' }));
    expect(() => assertNotNeeded('any', needs)).toThrow(/unproven.*payments\/one \(a, b\); x\.yaml: broken/);
  });

  test('nothing needs what nothing was sealed with', async () => {
    const ring = await ringOf(keySecret(old, oldPem), keySecret(recent, recentPem, { name: 'b' }));
    const needs = await findNeeds(
      found({ source: 'cluster', sealedSecret: sealed(recent, 'one') }),
      unsealingKeysOf(ring),
    );
    expect(() => assertNotNeeded(ring.entries[1]?.id ?? '', needs)).not.toThrow();
  });
});

describe('an export', () => {
  const origin = { cluster: 'prod', now };

  test('holds nothing the API server set and no copies of itself, and says where it comes from', async () => {
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': 'a copy', keep: 'me' };
    const [entry] = (await ringOf(keySecret(old, oldPem, { annotations }))).entries;
    if (entry === undefined) throw new Error('no entry');
    const { metadata, data } = exportedSecret(entry, origin);
    expect(metadata.uid).toBeUndefined();
    expect(metadata.resourceVersion).toBeUndefined();
    expect(Object.fromEntries(metadata.annotations)).toEqual({
      keep: 'me',
      [exportAnnotations.keyId]: entry.id,
      [exportAnnotations.checksum]: checksumOf(data),
      [exportAnnotations.cluster]: 'prod',
      [exportAnnotations.time]: '2026-06-01T00:00:00Z',
    });
  });

  test('is a List that is imported again without a difference', async () => {
    const ring = await ringOf(keySecret(old, oldPem), keySecret(recent, recentPem, { name: 'key-b' }));
    const list = exportedList(ring.entries.map((entry) => exportedSecret(entry, origin)));
    const documents = [...readDocuments(list)];
    const items = documents.flatMap(({ value }) => valueAt(value, ['items']) as unknown[]);
    const again = planImport(await readKeyRing(items), nothing, { namespace: 'kube-system', now, primary: false });
    expect(again.steps.map(({ action }) => action)).toEqual(['create', 'create']);
  });

  test('for another cluster is strict, and what it becomes has no owner', async () => {
    const [entry] = (await ringOf(keySecret(old, oldPem))).entries;
    if (entry === undefined) throw new Error('no entry');
    const target = { certificate: parseSealingCertificate(recentPem), namespace: 'there' };
    const { metadata, spec } = sealedForCluster(exportedSecret(entry, origin), target, seededRandomBytes(4));
    expect(metadata.namespace).toBe('there');
    expect([...metadata.annotations.keys()]).toEqual(['waxwing.dev/key-id']);
    expect(spec.template.type).toBe('kubernetes.io/tls');
    expect(spec.template.metadata.labels.get(keyLabel)).toBe('active');
    expect(Object.fromEntries(spec.template.metadata.annotations)).toMatchObject({
      'sealedsecrets.bitnami.com/managed': 'true',
      'sealedsecrets.bitnami.com/skip-set-owner-references': 'true',
    });
  });
});
