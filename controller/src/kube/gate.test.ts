import { describe, expect, test } from 'vitest';
import { createGate, createTokenBucket, sleep } from './gate.ts';

describe('the gate', () => {
  test('lets so many in at a time, in order', async () => {
    const gate = createGate(2);
    const order: number[] = [];
    let inside = 0;
    let most = 0;
    await Promise.all(
      [1, 2, 3, 4, 5].map(async (id) => {
        const leave = await gate.enter();
        order.push(id);
        inside++;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
        leave();
      }),
    );
    expect(most).toBe(2);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  test('who gives up waiting takes no place', async () => {
    const gate = createGate(1);
    const leave = await gate.enter();
    const abort = new AbortController();
    const waiting = gate.enter(abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    leave();
    (await gate.enter())();
  });
});

describe('the token bucket', () => {
  test('gives its burst at once and then makes callers wait for the rate', async () => {
    const bucket = createTokenBucket(50, 2, () => performance.now());
    const startMs = performance.now();
    for (let i = 0; i < 4; i++) await bucket.take();
    expect(performance.now() - startMs).toBeGreaterThan(30);
  });

  test('an aborted caller gives its token back', async () => {
    const clock = { ms: 0 };
    const bucket = createTokenBucket(1, 1, () => clock.ms);
    await bucket.take();
    await expect(bucket.take(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    clock.ms = 1000;
    await bucket.take();
  });
});

describe('sleep', () => {
  test('ends early with the reason of its signal', async () => {
    const abort = new AbortController();
    const sleeping = sleep(60_000, abort.signal);
    abort.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });
});
