import type { ErrorCode } from '@waxwing/shared';

export interface Backoff {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** The default for failures of the API: 5 ms, doubling, up to 5 minutes, for ever. */
export const retryBackoff: Backoff = { baseMs: 5, maxMs: 5 * 60_000 };

/** With the default backoff this many failures in a row take about two seconds: what lasts longer is worth more than a warning. */
export const lastingFailures = 8;

/**
 * The pauses after a failure of this code. What failed for lack of time costs much to try and helps nobody to be tried at once.
 *
 * @param backoff the pauses after failures of the API
 * @param recheckIntervalMs the longest pause after a failure that only a change can mend
 */
export function backoffFor(code: ErrorCode, backoff: Backoff, recheckIntervalMs: number): Backoff {
  if (code === 'TemplateTimeout') return { baseMs: 60_000, maxMs: recheckIntervalMs };
  if (code === 'RendererBusy') return { ...backoff, baseMs: Math.max(backoff.baseMs, 1_000) };
  return backoff;
}

/**
 * The pause after the n-th failure in a row, counted from 1: doubling from the base up to the maximum, then spread over the upper half
 * (`random` in [0, 1)) so that what failed together does not come back together. 0 failures: no pause.
 */
export function delayAfterFailures(failures: number, backoff: Backoff, random: () => number): number {
  if (failures <= 0) return 0;
  // Beyond 2^52 the product loses nothing that matters, but Infinity would make NaN with a base of 0.
  const ceilingMs = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(failures - 1, 52));
  return ceilingMs * (0.5 + random() / 2);
}

/** The look at an object whose failure only a change can mend: once per interval, spread by a tenth. */
export function recheckDelay(intervalMs: number, random: () => number): number {
  return intervalMs * (0.95 + random() / 10);
}
