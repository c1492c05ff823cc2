/**
 * When the API server last was asked or answered on behalf of a piece of work, or a private key used, so that one that waits for a busy server,
 * or is long, can be told from one that is stuck. Work is known by the signal that can end it.
 */
export interface Progress {
  made(work: AbortSignal): void;
  /** Milliseconds on the monotonic clock; -Infinity: never. */
  lastMs(work: AbortSignal): number;
}

export function createProgress(now: () => number): Progress {
  const last = new WeakMap<AbortSignal, number>();
  return {
    made(work) {
      last.set(work, now());
    },
    lastMs: (work) => last.get(work) ?? Number.NEGATIVE_INFINITY,
  };
}
