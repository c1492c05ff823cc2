/** Resolves after `ms`; rejects with the signal's reason. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', onAbort);
    resolve();
  }, ms);
  signal?.addEventListener('abort', onAbort, { once: true });
  return promise;
}

export interface Gate {
  /**
   * Waits for a place; the answer gives it back and has to be called once. `onMove` is called each time somebody who came earlier was let in.
   *
   * @throws the signal's reason.
   */
  enter(signal?: AbortSignal, onMove?: () => void): Promise<() => void>;
}

/** Lets `places` callers in at a time, in the order in which they came. */
export function createGate(places: number): Gate {
  let free = places;
  const waiting = new Map<() => void, (() => void) | undefined>();

  function leave(): void {
    const [next] = waiting.keys();
    if (next === undefined) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
    for (const onMove of waiting.values()) onMove?.();
  }

  return {
    async enter(signal, onMove) {
      signal?.throwIfAborted();
      if (free > 0) {
        free--;
        return leave;
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => {
        if (waiting.delete(resolve)) reject(signal?.reason);
      };
      waiting.set(resolve, onMove);
      signal?.addEventListener('abort', onAbort, { once: true });
      await promise;
      signal?.removeEventListener('abort', onAbort);
      return leave;
    },
  };
}

export interface TokenBucket {
  take(signal?: AbortSignal): Promise<void>;
}

/** `rate` tokens a second, `burst` of them at once; callers are served in the order in which they came. 0 never gives any but the burst. */
export function createTokenBucket(rate: number, burst: number, now: () => number): TokenBucket {
  let tokens = Math.max(1, burst);
  let filledMs = now();
  return {
    async take(signal) {
      const nowMs = now();
      tokens = Math.min(Math.max(1, burst), tokens + ((nowMs - filledMs) / 1000) * rate);
      filledMs = nowMs;
      // Going below zero reserves a place in the future, as golang.org/x/time/rate does.
      tokens -= 1;
      if (tokens >= 0) return;
      try {
        await sleep(Math.min((-tokens / rate) * 1000, 2 ** 31 - 1), signal);
      } catch (error) {
        tokens += 1;
        throw error;
      }
    },
  };
}
