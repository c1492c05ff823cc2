/** Why an object is in the queue, from the most to the least urgent. */
export type Priority = 'change' | 'key' | 'retry' | 'resync';

export interface QueueItem {
  /** `namespace/name`. */
  readonly key: string;
  readonly priority: Priority;
  /** Milliseconds on the queue's clock at which it was first added since its last run. */
  readonly addedMs: number;
}

/** One entry per object, by priority, fair between namespaces, at most one run per key at a time. */
export interface WorkQueue {
  /** Due now. A delayed entry is brought forward, a more urgent priority wins; a key that runs is run once more afterwards. */
  add(key: string, priority: Priority): void;
  /** Due later, unless something newer comes first. Replaces an earlier delay; does nothing if the key is due already. */
  addAfter(key: string, delayMs: number, priority: Priority): void;
  /** Forgets a key that waits, due or delayed; a run in progress is not touched. */
  remove(key: string): void;
  /** The next item, as soon as there is one; undefined once the queue is closed. Call `done` with it afterwards. */
  take(): Promise<QueueItem | undefined>;
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
