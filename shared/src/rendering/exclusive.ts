import { SealedSecretsError } from '../errors.ts';

export interface ExclusiveOptions {
  /** So many wait at most. Default: all. */
  readonly maxWaiting?: number | undefined;
  /** So many milliseconds they wait at most. Default: as long as it takes. */
  readonly maxWaitMs?: number | undefined;
}

/**
 * Does one piece of work after the other, in the order of the calls. Throws what the work throws, and SealedSecretsError `RendererBusy` where too many
 * wait, or this one has waited for too long: then nothing was done, and it may be tried again.
 */
export type Exclusive = <T>(work: () => Promise<T>) => Promise<T>;

export function createExclusive({ maxWaiting = Number.POSITIVE_INFINITY, maxWaitMs }: ExclusiveOptions): Exclusive {
  const waiting = new Set<() => void>();
  let isTaken = false;

  async function take(): Promise<void> {
    if (!isTaken) {
      isTaken = true;
      return;
    }
    if (waiting.size >= maxWaiting) throw busy();
    const turn = Promise.withResolvers<void>();
    waiting.add(turn.resolve);
    const giveUp = () => {
      waiting.delete(turn.resolve);
      turn.reject(busy());
    };
    const timer = maxWaitMs === undefined ? undefined : setTimeout(giveUp, maxWaitMs);
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next one has it from now on, or nobody. */
  function handOver(): void {
    const [next] = waiting;
    if (next === undefined) {
      isTaken = false;
      return;
    }
    waiting.delete(next);
    next();
  }

  return async (work) => {
    await take();
    try {
      return await work();
    } finally {
      handOver();
    }
  };
}

function busy(): SealedSecretsError {
  return new SealedSecretsError(
    'RendererBusy',
    'templates that generate keys or take long are rendered one after the other, and others are before this one',
  );
}
