import { setTimeout as delay } from 'node:timers/promises';

/** The answer of a rate limiter about one request. */
export interface RateDecision {
  readonly allowed: boolean;
  /** How many requests pass at once: burst + 1. */
  readonly limit: number;
  readonly remaining: number;
  /** Until the whole burst is there again. */
  readonly resetAfterMs: number;
  /** Until a request would pass; 0 where it was allowed. */
  readonly retryAfterMs: number;
}

export interface RateLimiter {
  /** Takes one request of this key, or refuses it. The key is remembered: it must be of bounded length. */
  take(key: string): RateDecision;
  /** What `take` would answer, without taking or remembering anything. */
  peek(key: string): RateDecision;
}

export interface RateLimit {
  readonly perSecond: number;
  /** Requests beyond the first that may come at once. */
  readonly burst: number;
  /** Keys remembered; the one not seen for longest is forgotten first. */
  readonly maxKeys: number;
  readonly nowMs: () => number;
}

/**
 * The generic cell rate algorithm (ITU-T I.371): per key one time, the theoretical arrival time of the next request. Answers as upstream's
 * limiter does (specification 5.3).
 */
export function createRateLimiter({ perSecond, burst, maxKeys, nowMs }: RateLimit): RateLimiter {
  const intervalMs = 1000 / perSecond;
  const limit = burst + 1;
  const toleranceMs = intervalMs * limit;
  const arrivals = new Map<string, number>();
  const decide = (key: string): { decision: RateDecision; reserved: number } => {
    const now = nowMs();
    const arrival = Math.max(now, arrivals.get(key) ?? now);
    const next = arrival + intervalMs;
    const earliest = next - toleranceMs;
    const allowed = earliest <= now;
    const reserved = allowed ? next : arrival;
    const decision = {
      allowed,
      limit,
      remaining: Math.max(0, Math.floor((toleranceMs - (reserved - now)) / intervalMs)),
      resetAfterMs: reserved - now,
      retryAfterMs: allowed ? 0 : earliest - now,
    };
    return { decision, reserved };
  };
  return {
    peek: (key) => decide(key).decision,
    take(key) {
      const { decision, reserved } = decide(key);
      // Deleted first, so that the order of the map is the order of the last visit.
      arrivals.delete(key);
      arrivals.set(key, reserved);
      if (arrivals.size > maxKeys) arrivals.delete(arrivals.keys().next().value as string);
      return decision;
    },
  };
}

/** Runs so many at a time; of the rest a bounded number waits, and more are refused. */
export interface Budget {
  /** The result of `work`, or undefined where too many are waiting already. */
  spend<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** The share of the machine that requests may take, so that they never starve reconciling. */
export function createBudget({ concurrent, waiting }: { concurrent: number; waiting: number }): Budget {
  let running = 0;
  const queue: (() => void)[] = [];
  return {
    async spend(work) {
      if (running >= concurrent) {
        if (queue.length >= waiting) return undefined;
        await new Promise<void>((resolve) => queue.push(resolve));
      } else {
        running++;
      }
      try {
        return await work();
      } finally {
        // The place is handed on without being given up, or a newcomer could take it in between.
        const next = queue.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
}

/** A bounded number of bytes that several holders share. */
export interface MemoryBudget {
  open(): MemoryShare;
}

export interface MemoryShare {
  /** Takes so many bytes more; false, and none are taken, where they are not there. */
  grow(bytes: number): boolean;
  /** Gives everything back. Further calls do nothing. */
  release(): void;
}

export function createMemoryBudget(maxBytes: number): MemoryBudget {
  let used = 0;
  return {
    open() {
      let held = 0;
      return {
        grow(bytes) {
          if (used + bytes > maxBytes) return false;
          used += bytes;
          held += bytes;
          return true;
        },
        release() {
          used -= held;
          held = 0;
        },
      };
    },
  };
}

/** Runs work one piece after the other. Resolves or rejects as the work returns or throws. */
export type Turns = <T>(work: () => T) => Promise<T>;

/**
 * For work that holds the thread: each piece has a turn of the event loop of its own, and after each the thread is free for as long as it took.
 * Otherwise many pieces would hold up what has to happen in time and takes several turns, such as a lease renewal.
 */
export function createTurns(nowMs: () => number): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let freeUntilMs = 0;
  return (work) => {
    const result = last
      .then(nextTurn)
      .then(() => wait(Math.max(0, freeUntilMs - nowMs())))
      .then(() => {
        const startMs = nowMs();
        try {
          return work();
        } finally {
          freeUntilMs = 2 * nowMs() - startMs;
        }
      });
    last = result.catch(() => {});
    return result;
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function wait(ms: number): Promise<void> {
  // Timers count whole milliseconds; less than one is not worth waiting for.
  if (ms >= 1) await delay(ms);
}
