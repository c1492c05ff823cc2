import { readFileSync } from 'node:fs';
import { activeKeySelector, isInvalid, keyLabel, parseKeySecret, SealedSecretsError } from '@waxwing/shared';
import { describe, expect, it } from 'vitest';
import { emptyKeyRing, type KeyRing, type RingKey } from './registry.ts';
import { createKeyStore } from './store.ts';

const read = (name: string) =>
  readFileSync(new URL(`../../../test/vectors/test-keys/${name}`, import.meta.url)).toString('base64');

function rawKey(id: string, label: string | undefined, creationTimestamp = '2026-01-01T00:00:00Z'): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `key-${id}`,
      namespace: 'kube-system',
      uid: id,
      creationTimestamp,
      labels: label === undefined ? {} : { [keyLabel]: label },
    },
    data: { 'tls.crt': read(`${id}.crt.pem`), 'tls.key': read(`${id}.key.pem`) },
  };
}

function ringOf(...ids: string[]): KeyRing {
  const keys = ids.map((id) => {
    const secret = parseKeySecret(rawKey(id, 'active'));
    if (isInvalid(secret)) throw new Error(secret.violations.join());
    return { secret, orderMs: 0, retired: false } as unknown as RingKey;
  });
  return { ...emptyKeyRing, keys };
}

/** A store for a role that may list, but not get. */
function listingStore(bySelector: Readonly<Record<string, unknown[]>>) {
  return createKeyStore({
    secrets: {
      list: async (_namespace, selector) => bySelector[selector] ?? expect.unreachable(),
      get: async ({ name }) => {
        if (name === 'sealed-secrets-key') return undefined;
        throw new SealedSecretsError('ApiForbidden', `get of ${name} is forbidden`);
      },
      create: async () => expect.unreachable(),
    },
    namespace: 'kube-system',
    prefix: 'sealed-secrets-key',
    labels: new Map(),
    annotations: new Map(),
    nowMs: () => 0,
  });
}

describe('where key Secrets may be listed, but not got', () => {
  it('one with another value of the label is withdrawn, and one that is not there stays for opening', async () => {
    const store = listingStore({
      [activeKeySelector]: [rawKey('alpha', 'active')],
      [keyLabel]: [rawKey('alpha', 'active'), rawKey('bravo', 'compromised')],
    });
    const { parsed, relabelledUids } = await store.list(ringOf('alpha', 'bravo', 'charlie'));
    expect(parsed.map(({ name }) => name)).toEqual(['key-alpha']);
    expect([...relabelledUids]).toEqual(['bravo']);
  });
});

describe('the listing', () => {
  it('is by creation, the oldest first', async () => {
    const store = listingStore({
      [activeKeySelector]: [
        rawKey('alpha', 'active', '2026-03-01T00:00:00Z'),
        rawKey('bravo', 'active', '2026-02-01T00:00:00Z'),
      ],
    });
    const { parsed } = await store.list(emptyKeyRing);
    expect(parsed.map(({ name }) => name)).toEqual(['key-bravo', 'key-alpha']);
  });
});
