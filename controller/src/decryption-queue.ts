import type { UnsealingKey, UnwrapKey } from '@waxwing/shared';

/** `soon`: somebody changed the object just now and may be watching. */
export type Urgency = 'soon' | 'whenever';

/** The order in which private keys are used: the urgent work first, within the same urgency one operation of each caller in turn. */
export interface DecryptionQueue {
  /**
   * The same keys for the work of one caller: their operations wait for their turn. Callers take turns, so that an object of thousands of items
   * does not hold up the others; the operations of one caller keep their order. `onDone` is called after each.
   */
  keysFor(keys: readonly UnsealingKey[], urgency: Urgency, onDone?: () => void): readonly UnsealingKey[];
}

/**
 * So many operations are handed to each thread of the pool at once. More than one, because the thread that hands them over is busy with other
 * things now and then, and few, because the pool takes them in the order in which they came, and files and host names wait behind them.
 */
const perThread = 3;

/** One in so many operations is of the less urgent work, so that a stream of changes cannot keep it waiting for ever. */
const fairShare = 8;

/** The operations of one caller that wait. */
type Caller = (() => void)[];

/** @param threads threads of the pool that does the operations */
export function createDecryptionQueue(threads: number): DecryptionQueue {
  let free = threads * perThread;
  let given = 0;
  const waiting: Readonly<Record<Urgency, Set<Caller>>> = { soon: new Set(), whenever: new Set() };

  /** Undefined if there is a place at once. */
  function enter(caller: Caller, urgency: Urgency): Promise<void> | undefined {
    if (free > 0) {
      free--;
      return undefined;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    caller.push(resolve);
    waiting[urgency].add(caller);
    return promise;
  }

  /** Hands the place on to whoever is next. */
  function leave(): void {
    const next = shift();
    if (next === undefined) free++;
    else next();
  }

  function shift(): (() => void) | undefined {
    given++;
    const order: readonly Urgency[] = given % fairShare === 0 ? ['whenever', 'soon'] : ['soon', 'whenever'];
    for (const urgency of order) {
      const callers = waiting[urgency];
      const [caller] = callers;
      if (caller === undefined) continue;
      const next = caller.shift();
      // To the end of the round.
      callers.delete(caller);
      if (caller.length > 0) callers.add(caller);
      return next;
    }
    return undefined;
  }

  return {
    keysFor(keys, urgency, onDone) {
      const caller: Caller = [];
      const inTurn =
        (unwrapKey: UnwrapKey): UnwrapKey =>
        async (wrappedKey, label) => {
          const turn = enter(caller, urgency);
          if (turn !== undefined) await turn;
          try {
            return await unwrapKey(wrappedKey, label);
          } finally {
            leave();
            onDone?.();
          }
        };
      return keys.map((key) => ({ ...key, unwrapKey: inTurn(key.unwrapKey) }));
    },
  };
}
