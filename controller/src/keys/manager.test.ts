import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { KeySecret } from '@waxwing/shared';
import { isInvalid, parseKeySecret, SealedSecretsError } from '@waxwing/shared';
import { describe, expect, it, vi } from 'vitest';
import { createKeyManager } from './manager.ts';
import { createKeyRegistry, type KeyListing, newestKey } from './registry.ts';

const read = (name: string) =>
  readFileSync(new URL(`../../../test/vectors/test-keys/${name}`, import.meta.url)).toString('base64');

function keySecret(id: string): KeySecret {
  const parsed = parseKeySecret({
    metadata: { name: `key-${id}`, namespace: 'kube-system', uid: id, resourceVersion: '1' },
    data: { 'tls.crt': read(`${id}.crt.pem`), 'tls.key': read(`${id}.key.pem`) },
  });
  if (isInvalid(parsed)) throw new Error(parsed.violations.join());
  return parsed;
}

/** A manager over a cluster whose lists say what was there when they began, and are answered when the test says so. */
function managerOf(cluster: { keys: KeySecret[] }) {
  const lists: { answer(): void; fail(error: Error): void }[] = [];
  const told: string[] = [];
  const registry = createKeyRegistry({ order: 'CertNotBefore', copies: 1 });
  const manager = createKeyManager({
    registry,
    store: {
      list() {
        const { promise, resolve, reject } = Promise.withResolvers<KeyListing>();
        const listing = { parsed: [...cluster.keys], relabelledUids: new Set<string>() };
        lists.push({ answer: () => resolve(listing), fail: reject });
        return promise;
      },
      create: async () => {
        told.push('key written');
        return keySecret('charlie');
      },
    },
    sizeBits: 2048,
    ttlMs: 1000,
    commonName: '',
    namespace: 'kube-system',
    clock: { nowMs: () => 0, wait: async () => {} },
    randomBytes: (length) => randomBytes(length),
    assertLeading() {},
    signal: new AbortController().signal,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    metrics: { keyRing() {}, invalidKeySecrets() {} },
    events: {
      async post({ reason }) {
        told.push(reason);
        return 'created';
      },
    },
  });
  const newest = () => newestKey(registry.ring)?.secret.name;
  return { manager, lists, told, newest };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('refreshes of the key ring', () => {
  it('that overlap never apply an older list after a newer one', async () => {
    const cluster = { keys: [keySecret('alpha')] };
    const { manager, lists, told, newest } = managerOf(cluster);
    const first = manager.refresh();
    await settled();
    cluster.keys.push(keySecret('charlie'));
    const second = manager.refresh();
    await settled();
    // The second answers first, if it was asked already.
    lists[1]?.answer();
    await settled();
    lists[0]?.answer();
    await first;
    await settled();
    lists[1]?.answer();
    await second;
    expect(newest()).toBe('key-charlie');
    expect(told).toEqual([]);
  });

  it('that wait become one, which begins after the last call', async () => {
    const cluster = { keys: [keySecret('alpha')] };
    const { manager, lists, newest } = managerOf(cluster);
    const first = manager.refresh();
    await settled();
    const waiting = [manager.refresh(), manager.refresh()];
    cluster.keys.push(keySecret('charlie'));
    waiting.push(manager.refresh());
    lists[0]?.answer();
    expect((await first).keys).toHaveLength(1);
    await settled();
    lists[1]?.answer();
    for (const ring of await Promise.all(waiting)) expect(ring.keys).toHaveLength(2);
    expect(lists).toHaveLength(2);
    expect(newest()).toBe('key-charlie');
  });

  it('that fail are told to their callers alone', async () => {
    const { manager, lists } = managerOf({ keys: [keySecret('alpha')] });
    const first = manager.refresh();
    await settled();
    const second = manager.refresh();
    lists[0]?.fail(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await settled();
    lists[1]?.answer();
    expect((await second).keys).toHaveLength(1);
  });
});

describe('a new key', () => {
  it('is used also where no list can be had after it was written, so that no other is made in its place', async () => {
    const cluster = { keys: [keySecret('alpha')] };
    const { manager, lists, told, newest } = managerOf(cluster);
    const loading = manager.refresh();
    await settled();
    lists.shift()?.answer();
    await loading;
    const generating = manager.generate('period');
    await vi.waitFor(() => expect(lists).toHaveLength(1));
    lists.shift()?.fail(new SealedSecretsError('ApiUnavailable', 'the API server is away'));
    expect(await generating).toBe(true);
    expect(newest()).toBe('key-charlie');
    expect(told).toEqual(['key written']);
    // The next list has it too, and says nothing new.
    cluster.keys.push(keySecret('charlie'));
    const refreshing = manager.refresh();
    await settled();
    lists.shift()?.answer();
    expect((await refreshing).keys.map(({ secret }) => secret.name).sort()).toEqual(['key-alpha', 'key-charlie']);
    expect(told).toEqual(['key written']);
  });
});
