import type { UnsealingKey, UnwrapKey } from '@waxwing/shared';
import { describe, expect, test } from 'vitest';
import { createDecryptionQueue } from './decryption-queue.ts';

/** A key whose operations end when they are told to, in the order in which they were begun. */
function createSlowKey() {
  const begun: string[] = [];
  const ends: ((plaintext: Uint8Array | Error) => void)[] = [];
  const unwrapKey: UnwrapKey = async (_, label) => {
    begun.push(Buffer.from(label).toString());
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    ends.push((result) => (result instanceof Error ? reject(result) : resolve(result)));
    return promise;
  };
  const end = async (result: Uint8Array | Error = new Uint8Array()) => {
    ends.shift()?.(result);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { keys: [{ id: 'a', unwrapKey } as UnsealingKey], begun, end };
}

/** Begins one operation of these keys, which is called so. */
function begin([key]: readonly UnsealingKey[], label: string): Promise<Uint8Array | undefined> {
  return (key as UnsealingKey).unwrapKey(new Uint8Array(), Buffer.from(label));
}

/** As many operations as are handed to the pool at once, so that everything after them has to wait. */
function fill(queue: ReturnType<typeof createDecryptionQueue>, keys: readonly UnsealingKey[]): void {
  const earlier = queue.keysFor(keys, 'whenever');
  for (let i = 0; i < 3; i++) void begin(earlier, 'earlier');
}

describe('the queue of decryptions', () => {
  test('hands a few to each thread of the pool, the next one when one has ended', async () => {
    const { keys, begun, end } = createSlowKey();
    const mine = createDecryptionQueue(2).keysFor(keys, 'whenever');
    for (let i = 0; i < 10; i++) void begin(mine, String(i));
    expect(begun).toEqual(['0', '1', '2', '3', '4', '5']);
    await end();
    expect(begun).toEqual(['0', '1', '2', '3', '4', '5', '6']);
  });

  test('callers take turns: one operation does not wait for the thousand of another', async () => {
    const { keys, begun, end } = createSlowKey();
    const queue = createDecryptionQueue(1);
    fill(queue, keys);
    const [large, small] = [queue.keysFor(keys, 'whenever'), queue.keysFor(keys, 'whenever')];
    for (let i = 0; i < 1000; i++) void begin(large, `large ${i}`);
    void begin(small, 'small');
    for (let i = 0; i < 4; i++) await end();
    expect(begun.slice(3)).toEqual(['large 0', 'small', 'large 1', 'large 2']);
  });

  test('what somebody waits for goes first, and lets the rest through now and then', async () => {
    const { keys, begun, end } = createSlowKey();
    const queue = createDecryptionQueue(1);
    fill(queue, keys);
    void begin(queue.keysFor(keys, 'whenever'), 'old');
    for (let i = 0; i < 100; i++) void begin(queue.keysFor(keys, 'soon'), 'new');
    for (let i = 0; i < 20; i++) await end();
    expect(begun[3]).toBe('new');
    expect(begun).toContain('old');
    expect(begun.filter((label) => label === 'new').length).toBe(19);
  });

  test('a result and a failure are the key’s own, and both make room', async () => {
    const { keys, begun, end } = createSlowKey();
    const mine = createDecryptionQueue(1).keysFor(keys, 'soon');
    const results = ['0', '1', '2', '3', '4'].map((label) => begin(mine, label).catch((error) => error));
    const defect = new Error('a defect');
    await end(Buffer.from('plain'));
    await end(defect);
    expect(await results[0]).toEqual(Buffer.from('plain'));
    expect(await results[1]).toBe(defect);
    expect(begun).toEqual(['0', '1', '2', '3', '4']);
  });

  test('each operation that has ended is told, whatever came of it', async () => {
    const { keys, end } = createSlowKey();
    let done = 0;
    const mine = createDecryptionQueue(1).keysFor(keys, 'soon', () => done++);
    for (let i = 0; i < 5; i++) void begin(mine, String(i)).catch(() => {});
    expect(done).toBe(0);
    await end();
    await end(new Error('a defect'));
    expect(done).toBe(2);
  });

  test('a place that nobody waits for is free for the next', async () => {
    const { keys, begun, end } = createSlowKey();
    const mine = createDecryptionQueue(1).keysFor(keys, 'whenever');
    for (let round = 0; round < 5; round++) {
      void begin(mine, String(round));
      await end();
    }
    expect(begun).toHaveLength(5);
    for (let i = 0; i < 5; i++) void begin(mine, 'more');
    expect(begun).toHaveLength(8);
  });
});
