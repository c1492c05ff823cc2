import { describe, expect, it } from 'vitest';
import type { KeyRing } from './registry.ts';
import { emptyKeyRing } from './registry.ts';
import { firstRenewalDelay, keyDueAtStart, startRenewalTimer } from './renewal.ts';

const hour = 3_600_000;
const ringOf = (orderMs: number, parts: Partial<KeyRing> = {}): KeyRing => ({
  ...emptyKeyRing,
  keys: [{ orderMs, retired: false } as KeyRing['keys'][number]],
  ...parts,
});
const atStart = { cutoffTimeMs: undefined, everHeldKeys: false };

describe('keyDueAtStart', () => {
  it('makes a key where there is none', () => expect(keyDueAtStart(emptyKeyRing, atStart)).toBe('no-keys'));
  it('makes none when the process held keys before', () =>
    expect(keyDueAtStart(emptyKeyRing, { ...atStart, everHeldKeys: true })).toBeUndefined());
  it('makes none beside a primary, even a broken one', () =>
    expect(keyDueAtStart({ ...emptyKeyRing, primaries: [{} as never] }, atStart)).toBeUndefined());
  it('makes one when the newest is older than the cut-off', () =>
    expect(keyDueAtStart(ringOf(5), { ...atStart, cutoffTimeMs: 6 })).toBe('cut-off'));
  it('makes none when the newest is as old as the cut-off', () =>
    expect(keyDueAtStart(ringOf(6), { ...atStart, cutoffTimeMs: 6 })).toBeUndefined());
});

describe('firstRenewalDelay', () => {
  it('is what is left of the period', () =>
    expect(firstRenewalDelay(ringOf(hour), 10 * hour, 4 * hour)).toBe(7 * hour));
  it('is nothing when the key is older than the period', () =>
    expect(firstRenewalDelay(ringOf(0), hour, 2 * hour)).toBe(0));
  it('is undefined when renewal is off', () => expect(firstRenewalDelay(ringOf(0), 0, hour)).toBeUndefined());
});

describe('startRenewalTimer', () => {
  const createClock = () => {
    let now = 0;
    let pending: { callback: () => void; atMs: number } | undefined;
    return {
      monotonicMs: () => now,
      setTimer(callback: () => void, delayMs: number) {
        pending = { callback, atMs: now + delayMs };
        return {
          clear() {
            pending = undefined;
          },
        };
      },
      /** Runs the pending timer, and whatever it started. */
      async step() {
        const timer = pending;
        pending = undefined;
        if (timer === undefined) return false;
        now = timer.atMs;
        timer.callback();
        await new Promise((resolve) => setImmediate(resolve));
        return true;
      },
    };
  };

  it('renews after the first delay and then every period, even if renewing fails', async () => {
    const clock = createClock();
    const at: number[] = [];
    startRenewalTimer({
      firstDelayMs: 2 * hour,
      periodMs: 40 * 24 * hour,
      clock,
      renew: async () => {
        at.push(clock.monotonicMs());
      },
    });
    for (let i = 0; i < 2 + 2 * 40 * 24; i++) await clock.step();
    expect(at).toEqual([2 * hour, 2 * hour + 40 * 24 * hour, 2 * hour + 80 * 24 * hour]);
  });

  it('does nothing once stopped', async () => {
    const clock = createClock();
    const stop = startRenewalTimer({ firstDelayMs: 1, periodMs: 1, clock, renew: async () => expect.unreachable() });
    stop();
    expect(await clock.step()).toBe(false);
  });
});
