import type { Timers } from './queue.ts';

/** What the process's memory manager tells and does. */
export interface Heap {
  /** Bytes that are used, garbage included. */
  usedBytes(): number;
  /** Collects all garbage and gives back what became free; takes some ten milliseconds. */
  collect(): void;
}

export interface IdleMemoryOptions {
  readonly heap: Heap;
  /** True while there is work that a pause would hold up. */
  readonly isBusy: () => boolean;
  readonly timers: Timers;
}

const lookEveryMs = 5000;
/** So many looks in a row must find nothing to do. */
const quietLooks = 2;
/** Collecting costs CPU, so it has to be worth it: the heap grew by a quarter, and by 4 MiB, since garbage was collected here. */
const worthwhileGrowth = 1.25;
const worthwhileBytes = 4 << 20;

/**
 * Collects garbage once work has come to an end. V8 collects when something is allocated, so a process that has nothing more to do would keep
 * what its busiest moment left. Returns what ends it.
 */
export function keepIdleMemorySmall({ heap, isBusy, timers }: IdleMemoryOptions): () => void {
  let afterCollection = 0;
  let quiet = 0;
  let cancel = timers.after(lookEveryMs, look);

  function look(): void {
    cancel = timers.after(lookEveryMs, look);
    quiet = isBusy() ? 0 : quiet + 1;
    if (quiet < quietLooks) return;
    const used = heap.usedBytes();
    if (used < afterCollection * worthwhileGrowth || used < afterCollection + worthwhileBytes) return;
    heap.collect();
    afterCollection = heap.usedBytes();
  }

  return () => cancel();
}
