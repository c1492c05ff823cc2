import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeySecret } from '@waxwing/shared';
import { isInvalid, keySecretOf, parseKeySecret, parseSealingCertificate } from '@waxwing/shared';
import { describe, expect, it } from 'vitest';
import type { KeyListing, KeyOrder } from './registry.ts';
import { createKeyRegistry, type KeyClues, keysInOrder, newestKey, sealingKey } from './registry.ts';

const folder = new URL('../../../test/vectors/test-keys/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');

interface NewestVector {
  readonly priority: KeyOrder;
  readonly creationTimestamps: Record<string, string>;
  readonly registered: string[];
  readonly newest: string;
}

function rawKeySecret(id: string, metadata: Record<string, unknown> = {}, data: Record<string, string> = {}) {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return {
    metadata: { name: `key-${id}`, namespace: 'kube-system', uid: `uid-${id}`, resourceVersion: '1', ...metadata },
    data: { 'tls.crt': encode(read(`${id}.crt.pem`)), 'tls.key': encode(read(`${id}.key.pem`)), ...data },
  };
}

function keySecret(id: string, metadata: Record<string, unknown> = {}): KeySecret {
  const parsed = parseKeySecret(rawKeySecret(id, metadata));
  if (isInvalid(parsed)) throw new Error(parsed.violations.join());
  return parsed;
}

const listing = (...parsed: KeyListing['parsed']): KeyListing => ({ parsed, relabelledUids: new Set() });
const primary = { annotations: { 'waxwing.dev/primary': 'true' } };
const duringAlpha = Date.UTC(2026, 0, 1);
const registry = (order: KeyOrder = 'CertNotBefore') => createKeyRegistry({ order, copies: 1 });

describe('which key is the newest', () => {
  const vectors = JSON.parse(read('newest-key.json')) as NewestVector[];
  it.each(vectors.map((vector, index) => ({ ...vector, index })))(
    'vector $index: $newest by $priority',
    async (vector) => {
      const keys = registry(vector.priority);
      const secrets = vector.registered.map((id) =>
        keySecret(id, { creationTimestamp: vector.creationTimestamps[id] }),
      );
      await keys.apply(listing(...secrets));
      expect(newestKey(keys.ring)?.secret.name).toBe(`key-${vector.newest}`);
    },
  );
});

describe('key ring', () => {
  it('seals with the primary, whatever its age', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha', primary), keySecret('charlie')));
    expect(newestKey(keys.ring)?.secret.name).toBe('key-charlie');
    expect(sealingKey(keys.ring, duringAlpha).secret.name).toBe('key-alpha');
  });

  it('seals with the newest of several primaries', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha', primary), keySecret('charlie', primary), keySecret('delta')));
    expect(sealingKey(keys.ring, duringAlpha).secret.name).toBe('key-charlie');
  });

  it('refuses to seal under another key when the primary has expired', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('bravo', primary), keySecret('alpha')));
    expect(() => sealingKey(keys.ring, duringAlpha)).toThrow(expect.objectContaining({ code: 'CertificateExpired' }));
  });

  it('refuses to seal under another key when the primary is broken', async () => {
    const keys = registry();
    const broken = parseKeySecret(rawKeySecret('bravo', primary, { 'tls.key': '' }));
    await keys.apply(listing(broken, keySecret('alpha')));
    expect(() => sealingKey(keys.ring, duringAlpha)).toThrow(expect.objectContaining({ code: 'InvalidCertificate' }));
    expect(keys.ring.keys).toHaveLength(1);
  });

  it('says that there is no key', () => {
    expect(() => sealingKey(registry().ring, 0)).toThrow(expect.objectContaining({ code: 'NoKeys' }));
  });

  it('keeps opening with a key whose Secret was deleted, and stops sealing with it', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha'), keySecret('charlie')));
    const { version } = keys.ring;
    const change = await keys.apply(listing(keySecret('alpha')));
    expect(change.retired.map((key) => key.secret.name)).toEqual(['key-charlie']);
    expect(keys.ring.keys).toHaveLength(2);
    expect(keys.ring.version).toBe(version);
    expect(newestKey(keys.ring)?.secret.name).toBe('key-alpha');
  });

  it('tells a key whose Secret holds something else from one whose Secret is gone', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha'), keySecret('charlie'), keySecret('delta')));
    const junk = parseKeySecret(rawKeySecret('charlie', {}, { 'tls.key': 'anVuaw==' }));
    const another = { ...keySecret('bravo'), uid: 'uid-delta', name: 'key-delta' };
    const change = await keys.apply(listing(junk, another));
    const names = (list: typeof change.retired) => list.map(({ secret }) => secret.name).sort();
    expect(names(change.overwritten)).toEqual(['key-charlie', 'key-delta']);
    expect(names(change.retired)).toEqual(['key-alpha']);
    expect(keys.ring.keys).toHaveLength(4);
    const again = await keys.apply(listing(junk, another));
    expect([again.overwritten, again.retired]).toEqual([[], []]);
  });

  it('withdraws a relabelled key at once', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha'), keySecret('charlie')));
    const change = await keys.apply({ parsed: [keySecret('alpha')], relabelledUids: new Set(['uid-charlie']) });
    expect(change.withdrawn.map((key) => key.secret.name)).toEqual(['key-charlie']);
    expect(keys.ring.keys).toHaveLength(1);
    expect(keys.ring.version).toBe(2);
  });

  it('takes one key in two Secrets for one', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha'), { ...keySecret('alpha'), name: 'copy', primary: true }));
    expect(keys.ring.keys).toHaveLength(1);
    expect(sealingKey(keys.ring, duringAlpha).secret.primary).toBe(true);
  });

  it('remembers that it once held keys', async () => {
    const keys = registry();
    expect(keys.everHeldKeys).toBe(false);
    await keys.apply(listing(keySecret('alpha')));
    await keys.apply({ parsed: [], relabelledUids: new Set(['uid-alpha']) });
    expect(keys.ring.keys).toHaveLength(0);
    expect(keys.everHeldKeys).toBe(true);
  });

  it('tells an invalid Secret once', async () => {
    const keys = registry();
    const broken = parseKeySecret(rawKeySecret('alpha', {}, { 'tls.crt': '' }));
    expect((await keys.apply(listing(broken))).invalid).toHaveLength(1);
    expect((await keys.apply(listing(broken))).invalid).toHaveLength(0);
  });

  it('tries hinted keys first, then the one that last opened something here, then that of the time of its creation', async () => {
    const keys = registry();
    await keys.apply(listing(keySecret('alpha'), keySecret('charlie'), keySecret('delta')));
    const [newest, second, third] = keys.ring.keys.map((key) => key.unsealing.id);
    const [, secondMs = 0, thirdMs = 0] = keys.ring.keys.map(({ orderMs }) => orderMs);
    const order = (clues: KeyClues) => keysInOrder(keys.ring, clues).map(({ id }) => id);
    expect(order({})).toEqual([newest, second, third]);
    expect(order({ hint: third, lastOpenedId: second })).toEqual([third, second, newest]);
    expect(order({ hint: `a=${third},b=${second}` })).toEqual([second, third, newest]);
    expect(order({ createdMs: secondMs })).toEqual([second, newest, third]);
    expect(order({ createdMs: secondMs - 1 })).toEqual([third, newest, second]);
    expect(order({ createdMs: thirdMs - 1 })).toEqual([newest, second, third]);
    expect(order({ createdMs: secondMs, lastOpenedId: third })).toEqual([third, second, newest]);
  });
});

describe('parseKeySecret', () => {
  it('reads what keySecretOf writes', () => {
    const draft = keySecretOf({
      namespace: 'kube-system',
      prefix: 'sealed-secrets-key',
      labels: new Map([
        ['sealedsecrets.bitnami.com/sealed-secrets-key', 'no'],
        ['team', 'a'],
      ]),
      annotations: new Map([['note', 'b']]),
      privateKey: createPrivateKey(read('delta.key.pem')),
      certificatePem: parseSealingCertificate(read('delta.crt.pem')).pem,
    });
    expect(draft.metadata.generateName).toBe('sealed-secrets-key');
    expect(draft.metadata.labels.get('sealedsecrets.bitnami.com/sealed-secrets-key')).toBe('active');
    expect(draft.metadata.labels.get('team')).toBe('a');
    expect(draft.type).toBe('kubernetes.io/tls');
    expect(Buffer.from(draft.data.get('tls.key') ?? []).toString()).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
  });

  it.each([
    ['no data', { data: {} }, ['data["tls.key"] is missing', 'data["tls.crt"] is missing']],
    ['an elliptic curve key', rawKeySecret('ec'), [expect.stringContaining('not RSA'), expect.stringContaining('RSA')]],
    [
      'a certificate of another key',
      { data: { ...rawKeySecret('alpha').data, 'tls.crt': rawKeySecret('delta').data['tls.crt'] } },
      ['the certificate belongs to another private key'],
    ],
    ['data that is no base64', { data: { 'tls.key': '%%%' } }, [expect.stringContaining('illegal base64')]],
    ['something that is no Secret', 'text', [expect.stringContaining('expected an object')]],
  ])('reports everything wrong with %s', (_what, raw, violations) => {
    expect(parseKeySecret(raw)).toMatchObject({ violations });
  });
});
