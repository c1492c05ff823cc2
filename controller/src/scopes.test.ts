import { expect, test } from 'vitest';
import type { SealedSecretReflector, SecretMetadata } from './kube/api.ts';
import { createScopes } from './scopes.ts';
import { createTestLogger } from './testing.ts';

function aSecret(name: string, parts: Partial<SecretMetadata> = {}): SecretMetadata {
  const controller = { kind: 'SealedSecret', name, uid: 'a' };
  const rest = { resourceVersion: '1', controller, managed: false, patch: false, deleting: false };
  return { namespace: 'payments', name, uid: `s-${name}`, ...rest, ...parts };
}

const secrets = [
  aSecret('orphan'),
  aSecret('owned'),
  aSecret('foreign', { controller: undefined }),
  aSecret('renamed', { controller: { kind: 'SealedSecret', name: 'another', uid: 'a' } }),
  aSecret('of-something-else', { controller: { kind: 'ExternalSecret', name: 'of-something-else', uid: 'a' } }),
  aSecret('on-its-way', { deleting: true }),
];

/** Caches with the Secrets above and the SealedSecret `owned`. */
function orphansWhere(
  synced: { readonly secrets: boolean; readonly sealedSecrets: boolean },
  isSelective = false,
): string[] {
  const scopes = createScopes({
    namespaces: ['payments'],
    ownNamespace: 'payments',
    namespacePollIntervalMs: 1,
    isSelective,
    api: { get: async () => undefined },
    logger: createTestLogger(),
    createSealedSecrets: () =>
      ({
        state: { synced: synced.sealedSecrets },
        get: (key: string) => (key === 'payments/owned' ? {} : undefined),
      }) as unknown as SealedSecretReflector,
    createSecrets: () => ({ state: { synced: synced.secrets }, values: () => secrets.values() }) as never,
    onSealedSecret: () => {},
    onSecret: () => {},
  });
  return Array.from(scopes.orphans(), ({ name }) => name);
}

test('orphans are Secrets that a SealedSecret of their name controls which is not there', () => {
  expect(orphansWhere({ secrets: true, sealedSecrets: true })).toEqual(['orphan']);
});

test('where a selector may hide SealedSecrets nothing is an orphan', () => {
  expect(orphansWhere({ secrets: true, sealedSecrets: true }, true)).toEqual([]);
});

test('as long as a cache is incomplete nothing is an orphan', () => {
  expect(orphansWhere({ secrets: true, sealedSecrets: false })).toEqual([]);
  expect(orphansWhere({ secrets: false, sealedSecrets: true })).toEqual([]);
});
