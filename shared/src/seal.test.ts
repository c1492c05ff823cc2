import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  clusterWideAnnotation,
  decodeBase64,
  decryptItems,
  emptyMetadata,
  encodeBase64,
  generateSealingKey,
  importUnsealingKey,
  isSealedSecretsError,
  namespaceWideAnnotation,
  reencryptSealedSecret,
  type SealedSecret,
  type Secret,
  scopeOf,
  sealedSecretDocument,
  sealSecret,
  type UnsealingKey,
  unsealSecret,
} from './index.ts';
import { aSealedSecret, aSecret, testKey } from './testing/index.ts';

const sealer = { publicKey: testKey().publicKey, randomBytes: (length: number) => randomBytes(length) };
const render = () => {
  throw new Error('nothing is rendered in these tests');
};
let key: UnsealingKey;
let foreignKey: UnsealingKey;
beforeAll(async () => {
  key = await importUnsealingKey(testKey().privateKey, 2);
  foreignKey = await importUnsealingKey((await generateSealingKey(2048)).privateKey);
});

const open = (sealed: SealedSecret, keys = [key]) => unsealSecret(sealed, { keys, render, acceptV1: true });

/** Names of items that JavaScript objects reorder or lose, beside ordinary ones. */
const itemName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', '1', '10', '9', '-a', '.x'),
  fc.stringMatching(/^[-._a-zA-Z0-9]{1,20}$/),
);
const scopeAnnotationsOf = fc.constantFrom(
  new Map<string, string>(),
  new Map([[namespaceWideAnnotation, 'true']]),
  new Map([[clusterWideAnnotation, 'true']]),
);
const label = fc.stringMatching(/^[a-z]{1,8}$/);

function secretOf(
  data: Map<string, Uint8Array>,
  annotations: Map<string, string>,
  namespace: string,
  name: string,
): Secret {
  return { ...aSecret(), metadata: { ...emptyMetadata, name, namespace, annotations }, data };
}

describe('sealing and unsealing', () => {
  test('unsealing inverts sealing in every scope', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(itemName, fc.uint8Array({ maxLength: 300 })), { maxLength: 4 }),
        scopeAnnotationsOf,
        label,
        label,
        async (entries, annotations, namespace, name) => {
          const secret = secretOf(new Map(entries), annotations, namespace, name);
          const { secret: opened } = await open(sealSecret(secret, sealer));
          const bytes = (data: ReadonlyMap<string, Uint8Array>) =>
            new Map(Array.from(data, ([k, v]) => [k, encodeBase64(v)]));
          expect(bytes(opened.data)).toEqual(bytes(secret.data));
          expect(opened.type).toBe(secret.type);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('no flipped bit anywhere in an item ever opens', async () => {
    const sealed = sealSecret(aSecret({ data: { item: 'twenty-two bytes here!' } }), sealer);
    const bytes = decodeBase64(sealed.spec.encryptedData.get('item') as string);
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(7), async (at, bit) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const damaged = withItem(sealed, encodeBase64(changed));
        await expect(open(damaged)).rejects.toSatisfy((error) => isSealedSecretsError(error));
      }),
      { numRuns: 150 },
    );
  });

  test('another key never opens it', async () => {
    await expect(open(sealSecret(aSecret(), sealer), [foreignKey])).rejects.toMatchObject({ code: 'UnknownKey' });
  });

  test('a wrong key and a wrong label are one failure, without a cause', async () => {
    const sealed = sealSecret(aSecret(), sealer);
    const moved = { ...sealed, metadata: { ...sealed.metadata, name: 'other' }, spec: withoutTemplateName(sealed) };
    const errors = await Promise.all(
      [open(sealed, [foreignKey]), open(moved)].map((p) => p.catch((error: Error) => error)),
    );
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'UnknownKey' });
      expect(error).not.toHaveProperty('cause');
    }
  });

  test('items of one object may be sealed with different keys', async () => {
    const { privateKey, publicKey } = await generateSealingKey(2048);
    const second = await importUnsealingKey(privateKey);
    const one = sealSecret(aSecret({ data: { a: 'A' } }), sealer);
    const two = sealSecret(aSecret({ data: { b: 'B' } }), { ...sealer, publicKey });
    const both = {
      ...one,
      spec: { ...one.spec, encryptedData: new Map([...one.spec.encryptedData, ...two.spec.encryptedData]) },
    };
    const unsealed = await open(both, [key, second]);
    expect([...unsealed.keyIds]).toEqual([
      ['a', key.id],
      ['b', second.id],
    ]);
  });

  test('all failures of an object are told at once, sorted, equal ones together', async () => {
    const sealed = aSealedSecret({ encryptedData: { z: 'AAAA', bad: '***', a: 'AAAA' } });
    await expect(open(sealed)).rejects.toThrow(
      'no key could decrypt secret (a, z); illegal base64 data at input byte 0 (bad): item "a" is too short',
    );
  });
});

describe('why an object does not open', () => {
  const explain = async (sealed: SealedSecret) => {
    const error = await open(sealed).catch((caught: unknown) => caught);
    return isSealedSecretsError(error) ? `${error.code}: ${error.message}` : String(error);
  };

  test('a renamed object names the place it was sealed for', async () => {
    const sealed = sealSecret(aSecret(), sealer);
    const renamed = { ...sealed, metadata: { ...sealed.metadata, name: 'renamed' } };
    expect(await explain(renamed)).toContain(
      'SealedForOtherName: no key could decrypt secret (username): it was sealed for payments/db-credentials',
    );
  });

  test('an object whose scope annotation was lost says which one to add', async () => {
    const sealed = sealSecret(aSecret({ metadata: { annotations: { [clusterWideAnnotation]: 'true' } } }), sealer);
    const stripped = { ...sealed, metadata: { ...sealed.metadata, annotations: new Map() } };
    expect(await explain(stripped)).toContain('ScopeAnnotationMissing');
  });

  test('an object that declares a wider scope than it was sealed with says so', async () => {
    const sealed = sealSecret(aSecret(), sealer);
    const widened = {
      ...sealed,
      metadata: { ...sealed.metadata, annotations: new Map([[clusterWideAnnotation, 'true']]) },
    };
    expect(await explain(widened)).toContain('ScopeMismatch');
  });

  test('a truncated item is malformed', async () => {
    expect(await explain(aSealedSecret({ encryptedData: { a: 'AgA=' } }))).toContain('MalformedItem');
  });
});

describe('re-encrypting', () => {
  test('replaces ciphertexts and nothing else', async () => {
    const sealed = sealSecret(aSecret({ metadata: { labels: { app: 'x' }, annotations: { owner: 'y' } } }), sealer);
    const withTemplate = {
      ...sealed,
      spec: {
        ...sealed.spec,
        template: {
          ...sealed.spec.template,
          data: new Map([
            ['cfg', '{{ .username }}'],
            ['x', null],
          ]),
        },
      },
    } as SealedSecret;
    const again = await reencryptSealedSecret(withTemplate, { keys: [key], acceptV1: true, sealer });
    const shape = (object: SealedSecret) =>
      sealedSecretDocument({ ...object, spec: { ...object.spec, encryptedData: new Map([['username', 'X']]) } });
    expect(shape(again)).toEqual(shape(withTemplate));
    expect(again.spec.encryptedData.get('username')).not.toBe(sealed.spec.encryptedData.get('username'));
  });

  test('a scope annotation smuggled into the template does not widen the scope', async () => {
    const sealed = sealSecret(aSecret(), sealer);
    const template = {
      ...sealed.spec.template,
      metadata: { ...sealed.spec.template.metadata, annotations: new Map([[clusterWideAnnotation, 'true']]) },
    };
    const again = await reencryptSealedSecret(
      { ...sealed, spec: { ...sealed.spec, template } },
      { keys: [key], acceptV1: true, sealer },
    );
    expect(scopeOf(again.metadata.annotations)).toBe('strict');
    expect(scopeOf(again.spec.template.metadata.annotations)).toBe('strict');
  });
});

function withItem(sealed: SealedSecret, item: string): SealedSecret {
  return { ...sealed, spec: { ...sealed.spec, encryptedData: new Map([['item', item]]) } };
}

function withoutTemplateName(sealed: SealedSecret): SealedSecret['spec'] {
  const metadata = { ...sealed.spec.template.metadata, name: '', namespace: '' };
  return { ...sealed.spec, template: { ...sealed.spec.template, metadata } };
}

describe('an object with thousands of items that no key opens', () => {
  test('is given up after as many failures as asked for', async () => {
    const good = sealSecret(aSecret({ data: { good: 'x' } }), sealer);
    const foreign = sealSecret(aSecret({ data: { bad: 'x' } }), { ...sealer, publicKey: foreignKey.publicKey });
    const bad = foreign.spec.encryptedData.get('bad') as string;
    const encryptedData = new Map([
      ...good.spec.encryptedData,
      ...Array.from({ length: 3000 }, (_, index) => [`item-${index}`, bad] as const),
    ]);
    const object = { ...good, spec: { ...good.spec, encryptedData } };
    const { failures, attempts } = await decryptItems(object, [key, key, key], { maxFailures: 5 });
    expect(failures.length).toBeGreaterThanOrEqual(5);
    expect(failures.length).toBeLessThan(50);
    expect(attempts).toBeLessThan(200);
  });

  test('is tried in full where nothing else was asked for', async () => {
    const sealed = aSealedSecret({ encryptedData: { a: '***', b: '***', c: '***' } });
    expect((await decryptItems(sealed, [key])).failures).toHaveLength(3);
  });
});
