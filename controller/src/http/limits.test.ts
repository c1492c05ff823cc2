import { describe, expect, it } from 'vitest';
import { createBudget, createMemoryBudget, createRateLimiter, createTurns } from './limits.ts';

describe('createRateLimiter', () => {
  const limiterAt = (parts: { perSecond?: number; burst?: number; maxKeys?: number } = {}) => {
    const clock = { now: 0 };
    const options = { perSecond: 2, burst: 2, maxKeys: 10, ...parts };
    return { clock, limiter: createRateLimiter({ ...options, nowMs: () => clock.now }) };
  };

  it('lets burst + 1 requests pass at once, then one every 1/rate seconds', () => {
    const { clock, limiter } = limiterAt();
    const taken = [1, 2, 3, 4].map(() => limiter.take('a'));
    expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
    expect(taken.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
    expect(taken[0]).toMatchObject({ limit: 3, resetAfterMs: 500, retryAfterMs: 0 });
    expect(taken[3]).toMatchObject({ limit: 3, resetAfterMs: 1500, retryAfterMs: 500 });
    clock.now = 500;
    expect(limiter.take('a').allowed).toBe(true);
    expect(limiter.take('a').allowed).toBe(false);
  });

  it('counts keys apart', () => {
    const { limiter } = limiterAt({ burst: 0 });
    expect(['a', 'a', 'b'].map((key) => limiter.take(key).allowed)).toEqual([true, false, true]);
  });

  it('tells what it would answer without taking or remembering anything', () => {
    const { limiter } = limiterAt({ burst: 0, maxKeys: 1 });
    for (let i = 0; i < 3; i++) expect(limiter.peek('a').allowed).toBe(true);
    limiter.take('a');
    expect(limiter.peek('b')).toMatchObject({ allowed: true, remaining: 0 });
    expect(limiter.peek('a')).toMatchObject({ allowed: false, retryAfterMs: 500 });
  });

  it('forgets the key that was away for longest', () => {
    const { limiter } = limiterAt({ burst: 0, maxKeys: 2 });
    for (const key of ['a', 'b', 'a', 'c']) limiter.take(key);
    expect(limiter.take('a').allowed).toBe(false);
    expect(limiter.take('b').allowed).toBe(true);
  });
});

describe('createBudget', () => {
  it('runs so many at a time, lets some wait and refuses the rest', async () => {
    const budget = createBudget({ concurrent: 1, waiting: 1 });
    const first = Promise.withResolvers<string>();
    const running = budget.spend(() => first.promise);
    const waiting = budget.spend(async () => 'second');
    expect(await budget.spend(async () => 'third')).toBeUndefined();
    first.resolve('first');
    expect(await Promise.all([running, waiting])).toEqual(['first', 'second']);
    expect(await budget.spend(async () => 'fourth')).toBe('fourth');
  });

  it('goes on after a failure', async () => {
    const budget = createBudget({ concurrent: 1, waiting: 0 });
    await expect(budget.spend(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await budget.spend(async () => 1)).toBe(1);
  });
});

describe('createMemoryBudget', () => {
  it('gives no more than it has, to all together, and takes everything back', () => {
    const budget = createMemoryBudget(10);
    const [one, two] = [budget.open(), budget.open()];
    expect([one.grow(6), two.grow(5), two.grow(4), one.grow(1)]).toEqual([true, false, true, false]);
    one.release();
    one.release();
    expect([two.grow(7), two.grow(6), one.grow(1)]).toEqual([false, true, false]);
  });
});

describe('createTurns', () => {
  it('runs one piece after the other, lets the event loop turn in between, and goes on after a failure', async () => {
    const turns = createTurns(() => 0);
    const order: string[] = [];
    const immediately = () => setImmediate(() => order.push('turn'));
    const failing = turns(() => {
      order.push('a');
      immediately();
      throw new Error('no');
    });
    const second = turns(() => {
      order.push('b');
      return 'result';
    });
    await expect(failing).rejects.toThrow('no');
    expect(await second).toBe('result');
    expect(order).toEqual(['a', 'turn', 'b']);
  });

  it('leaves the thread free for as long as the piece before took, and no longer', async () => {
    const clock = { now: 1000 };
    const turns = createTurns(() => clock.now);
    const costs = (ms: number) => () => {
      clock.now += ms;
    };
    await turns(costs(50));
    const startMs = performance.now();
    await turns(costs(3_600_000));
    // Timers may be a millisecond early.
    expect(performance.now() - startMs).toBeGreaterThan(48);
    // An hour more would not end before the test is given up.
    clock.now += 3_600_000;
    await turns(costs(0));
  });
});
