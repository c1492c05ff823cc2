import { setTimeout as delay } from 'node:timers/promises';

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

export interface WaitOptions {
  /** Default 10 s. */
  readonly timeoutMs?: number;
  /** What is awaited, for the error message. */
  readonly what?: string;
}

/**
 * Asks `condition` again and again (first every 5 ms, later every 100 ms) until its result is truthy, and returns that.
 * Throws after `timeoutMs`; what `condition` throws goes straight to the caller.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions = {}): Promise<Truthy<T>> {
  const { timeoutMs = 10_000, what = 'the condition' } = options;
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const result = await condition();
    if (result) return result as Truthy<T>;
    if (performance.now() >= deadline) throw new Error(`Waited ${timeoutMs} ms for ${what}.`);
    await delay(pauseMs);
  }
}
