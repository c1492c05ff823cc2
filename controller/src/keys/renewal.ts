import type { KeyRing } from './registry.ts';
import { newestKey } from './registry.ts';

/** Why a key is generated. */
export type RenewalCause = 'no-keys' | 'cut-off' | 'period' | 'signal';

/**
 * Whether a key is to be made right after the key Secrets were listed completely at start (specification 3.5). A key that is marked as primary
 * is somebody's decision: nothing is generated beside it, not even when it is unusable, because nothing would be sealed with it.
 */
export function keyDueAtStart(
  ring: KeyRing,
  options: { readonly cutoffTimeMs: number | undefined; readonly everHeldKeys: boolean },
): RenewalCause | undefined {
  if (ring.primaries.length > 0) return undefined;
  const newest = newestKey(ring);
  if (newest === undefined) return options.everHeldKeys ? undefined : 'no-keys';
  return options.cutoffTimeMs !== undefined && newest.orderMs < options.cutoffTimeMs ? 'cut-off' : undefined;
}

/**
 * How long to wait for the first renewal: what is left of the period, counted from the newest key. After it the period alone counts.
 * Undefined where renewal is off.
 */
export function firstRenewalDelay(ring: KeyRing, periodMs: number, nowMs: number): number | undefined {
  if (periodMs <= 0) return undefined;
  const newest = newestKey(ring);
  return newest === undefined ? periodMs : Math.max(0, periodMs - (nowMs - newest.orderMs));
}

/** Time as the timer sees it. `monotonicMs` never jumps. */
export interface TimerClock {
  monotonicMs(): number;
  setTimer(callback: () => void, delayMs: number): { clear(): void };
}

/** Timers of the platform end at 24.8 days, and the default period has 30: look again at least this often. */
const longestWaitMs = 60 * 60_000;

/**
 * Calls `renew` after `firstDelayMs` and then every `periodMs`, however long it takes and whether it works or not; a failure is `renew`'s to
 * report. Returns how to stop.
 */
export function startRenewalTimer(options: {
  readonly firstDelayMs: number;
  readonly periodMs: number;
  readonly clock: TimerClock;
  readonly renew: () => Promise<void>;
}): () => void {
  const { clock, periodMs, renew } = options;
  let dueMs = clock.monotonicMs() + options.firstDelayMs;
  let timer: { clear(): void } | undefined;
  let stopped = false;
  const wait = () => {
    if (stopped) return;
    timer = clock.setTimer(look, Math.min(longestWaitMs, Math.max(0, dueMs - clock.monotonicMs())));
  };
  const look = () => {
    if (clock.monotonicMs() < dueMs) return wait();
    void renew().finally(() => {
      dueMs = clock.monotonicMs() + periodMs;
      wait();
    });
  };
  wait();
  return () => {
    stopped = true;
    timer?.clear();
  };
}
