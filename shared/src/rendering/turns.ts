/** Shares the calling thread between pieces of work and everything else that waits for it. */
export interface Turns {
  /** Does one piece of work when those before it are done and the event loop has had its turn. Throws what the work throws. */
  take<T>(work: () => T): Promise<T>;
}

export interface TurnsOptions {
  /** Milliseconds on a clock that never jumps. */
  monotonicMs(): number;
  /** Resolves when timers and input have been looked at, as `setImmediate` does; a promise that is merely resolved is not enough. */
  yieldTurn(): Promise<unknown>;
  /** After so many milliseconds of work the event loop has its turn. Default 5. */
  readonly sliceMs?: number;
}

/** One piece of work at a time: many that become ready together would all run before the first timer. */
export function createTurns({ monotonicMs, yieldTurn, sliceMs = 5 }: TurnsOptions): Turns {
  let usedMs = 0;
  let last: Promise<void> = Promise.resolve();

  async function run<T>(work: () => T): Promise<T> {
    if (usedMs >= sliceMs) {
      await yieldTurn();
      usedMs = 0;
    }
    const startedMs = monotonicMs();
    try {
      return work();
    } finally {
      usedMs += monotonicMs() - startedMs;
    }
  }

  return {
    take(work) {
      const taken = last.then(() => run(work));
      // Only that it has ended: what it gave may be a secret.
      const ended = () => {};
      last = taken.then(ended, ended);
      return taken;
    },
  };
}
