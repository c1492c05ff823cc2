/**
 * Why an object is in the queue, from the most to the least urgent: somebody changed it now, its key came, it was changed before this process
 * looked, it failed, it is looked at again.
 */
export type Priority = 'change' | 'key' | 'pending' | 'retry' | 'resync';

export interface QueueItem {
  /** `namespace/name`. */
  readonly key: string;
  readonly priority: Priority;
  /** Milliseconds on the queue's clock at which it became due with this priority. */
  readonly addedMs: number;
}

/** One entry per object, by priority, fair between namespaces, at most one run per key at a time. */
export interface WorkQueue {
  /** Due now. A delayed entry is brought forward, a more urgent priority wins; a key that runs is run once more afterwards. */
  add(key: string, priority: Priority): void;
  /**
   * Due later, unless something comes first. Of two delays the one that ends earlier counts: a run that asks for a look in an hour must not undo
   * the look that a change during that run asked for, and a stream of changes must not put off the look at the first.
   */
  addAfter(key: string, delayMs: number, priority: Priority): void;
  /** Forgets a key that waits, due or delayed; a run in progress is not touched. */
  remove(key: string): void;
  /**
   * The next item of these priorities (of any, if left out), as soon as there is one; undefined once the queue is closed. Call `done` with it
   * afterwards.
   */
  take(only?: readonly Priority[]): Promise<QueueItem | undefined>;
  done(item: QueueItem): void;
  /** No more items; waiting `take` calls resolve with undefined. */
  close(): void;
  /** Due and not taken. */
  readonly depth: number;
  /** Waiting for their delay. */
  readonly delayed: number;
  /** Age of the oldest item that is due and not taken, in milliseconds; 0 if there is none. */
  oldestAgeMs(): number;
}

/** The process's timers and monotonic clock, so that tests can have their own. */
export interface Timers {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back once after `ms`; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
}

export const processTimers: Timers = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

const priorities: readonly Priority[] = ['change', 'key', 'pending', 'retry', 'resync'];

/** One in so many items is taken from the least urgent end, so that a stream of changes cannot keep the others waiting for ever. */
const fairShare = 16;

interface Entry extends QueueItem {
  /** False once it was taken, removed, or overtaken by a more urgent entry of the same key. */
  live: boolean;
}

/** Somebody who waits for an item. */
interface Taker {
  readonly only: readonly Priority[];
  resolve(item: QueueItem | undefined): void;
}

export function createQueue(timers: Timers): WorkQueue {
  const levels = new Map(priorities.map((priority) => [priority, createLevel()]));
  const due = new Map<string, Entry>();
  const delays = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  const running = new Set<string>();
  /** Keys that became due while they ran. */
  const again = new Map<string, Priority>();
  const takers: Taker[] = [];
  let closed = false;
  let taken = 0;

  function push(key: string, priority: Priority): void {
    const previous = due.get(key);
    if (previous !== undefined) {
      if (!isMoreUrgent(priority, previous.priority)) return;
      previous.live = false;
    }
    const entry: Entry = { key, priority, addedMs: timers.now(), live: true };
    due.set(key, entry);
    levels.get(priority)?.push(entry);
    serve();
  }

  /** Hands due items to those who wait for them. */
  function serve(): void {
    for (let index = 0; index < takers.length && due.size > 0; ) {
      const { only, resolve } = takers[index] as Taker;
      const item = next(only);
      if (item === undefined) {
        index++;
        continue;
      }
      takers.splice(index, 1);
      resolve(item);
    }
  }

  function next(only: readonly Priority[]): QueueItem | undefined {
    const order = (taken + 1) % fairShare === 0 ? only.toReversed() : only;
    for (const priority of order) {
      const entry = levels.get(priority)?.shift();
      if (entry === undefined) continue;
      taken++;
      entry.live = false;
      due.delete(entry.key);
      running.add(entry.key);
      return { key: entry.key, priority: entry.priority, addedMs: entry.addedMs };
    }
    return undefined;
  }

  function cancelDelay(key: string): void {
    delays.get(key)?.cancel();
    delays.delete(key);
  }

  function add(key: string, priority: Priority): void {
    if (closed) return;
    cancelDelay(key);
    if (!running.has(key)) {
      push(key, priority);
      return;
    }
    const waiting = again.get(key);
    if (waiting === undefined || isMoreUrgent(priority, waiting)) again.set(key, priority);
  }

  return {
    add,
    addAfter(key, delayMs, priority) {
      if (closed || due.has(key) || again.has(key)) return;
      const dueMs = timers.now() + delayMs;
      if ((delays.get(key)?.dueMs ?? Number.POSITIVE_INFINITY) <= dueMs) return;
      cancelDelay(key);
      const cancel = timers.after(delayMs, () => {
        delays.delete(key);
        add(key, priority);
      });
      delays.set(key, { dueMs, cancel });
    },
    remove(key) {
      cancelDelay(key);
      again.delete(key);
      const entry = due.get(key);
      if (entry !== undefined) entry.live = false;
      due.delete(key);
    },
    async take(only = priorities) {
      if (closed) return undefined;
      const item = next(only);
      if (item !== undefined) return item;
      return new Promise((resolve) => takers.push({ only, resolve }));
    },
    done(item) {
      running.delete(item.key);
      const priority = again.get(item.key);
      again.delete(item.key);
      if (priority !== undefined && !closed) push(item.key, priority);
    },
    close() {
      closed = true;
      for (const { cancel } of delays.values()) cancel();
      delays.clear();
      for (const { resolve } of takers.splice(0)) resolve(undefined);
    },
    get depth() {
      return due.size;
    },
    get delayed() {
      return delays.size;
    },
    oldestAgeMs() {
      const oldest = Math.min(...priorities.map((priority) => levels.get(priority)?.oldestMs() ?? Infinity));
      return oldest === Infinity ? 0 : timers.now() - oldest;
    },
  };
}

function isMoreUrgent(priority: Priority, than: Priority): boolean {
  return priorities.indexOf(priority) < priorities.indexOf(than);
}

interface Level {
  push(entry: Entry): void;
  shift(): Entry | undefined;
  oldestMs(): number;
}

/** The entries of one priority: namespaces take turns, each in the order in which its entries came. */
function createLevel(): Level {
  const namespaces = new Map<string, Fifo>();

  function dropDead(name: string, fifo: Fifo): Entry | undefined {
    for (let entry = fifo.peek(); entry !== undefined; entry = fifo.peek()) {
      if (entry.live) return entry;
      fifo.shift();
    }
    namespaces.delete(name);
    return undefined;
  }

  return {
    push(entry) {
      const name = entry.key.slice(0, entry.key.indexOf('/'));
      const fifo = namespaces.get(name) ?? createFifo();
      if (fifo.peek() === undefined) namespaces.set(name, fifo);
      fifo.push(entry);
    },
    shift() {
      for (const [name, fifo] of namespaces) {
        const entry = dropDead(name, fifo);
        if (entry === undefined) continue;
        fifo.shift();
        // To the end of the round.
        namespaces.delete(name);
        if (fifo.peek() !== undefined) namespaces.set(name, fifo);
        return entry;
      }
      return undefined;
    },
    oldestMs() {
      const heads = Array.from(namespaces, ([name, fifo]) => dropDead(name, fifo)?.addedMs ?? Infinity);
      return heads.reduce((oldest, ms) => Math.min(oldest, ms), Infinity);
    },
  };
}

interface Fifo {
  push(entry: Entry): void;
  peek(): Entry | undefined;
  shift(): void;
}

/** An array whose front moves: removing the first of 10,000 elements of a plain array would move the others. */
function createFifo(): Fifo {
  let entries: Entry[] = [];
  let front = 0;
  return {
    push: (entry) => entries.push(entry),
    peek: () => entries[front],
    shift() {
      front++;
      if (front < 1024 || front * 2 < entries.length) return;
      entries = entries.slice(front);
      front = 0;
    },
  };
}
