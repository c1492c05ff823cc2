import type { SecretMetadata } from './kube/api.ts';
import type { Timers, WorkQueue } from './queue.ts';

export interface OrphansOptions {
  /** Secrets whose controlling SealedSecret the caches do not have, as it is now. */
  readonly find: () => Iterable<SecretMetadata>;
  readonly queue: Pick<WorkQueue, 'add'>;
  readonly timers: Timers;
  readonly intervalMs: number;
  /** So long the garbage collector is waited for. */
  readonly patienceMs: number;
}

/** Secrets that no garbage collector took. */
export interface Orphans {
  /** Begins to look, every interval, until it is stopped. What is overdue is queued once. */
  start(): void;
  stop(): void;
  /** The uid of the Secret that has been without its SealedSecret for longer than a garbage collector takes, if there is one of that name. */
  overdueUid(key: string): string | undefined;
  /** How many are overdue. */
  readonly overdue: number;
}

interface Sighting {
  readonly uid: string;
  readonly sinceMs: number;
  isQueued: boolean;
}

/**
 * Looks for Secrets whose SealedSecret is gone. Deletions are not followed for it: one may have been missed, or seen by a process that has ended;
 * a look at both caches finds everything, at whatever time it happened.
 */
export function createOrphans({ find, queue, timers, intervalMs, patienceMs }: OrphansOptions): Orphans {
  let sightings = new Map<string, Sighting>();
  let cancel = () => {};
  const isDue = ({ sinceMs }: Sighting) => timers.now() - sinceMs >= patienceMs;

  const look = () => {
    const seenNow = new Map<string, Sighting>();
    for (const { namespace, name, uid } of find()) {
      const key = `${namespace}/${name}`;
      const before = sightings.get(key);
      const sighting = before?.uid === uid ? before : { uid, sinceMs: timers.now(), isQueued: false };
      seenNow.set(key, sighting);
    }
    sightings = seenNow;
    for (const [key, sighting] of sightings) {
      if (sighting.isQueued || !isDue(sighting)) continue;
      sighting.isQueued = true;
      queue.add(key, 'resync');
    }
    cancel = timers.after(intervalMs, look);
  };

  return {
    start: look,
    stop: () => cancel(),
    overdueUid(key) {
      const sighting = sightings.get(key);
      return sighting !== undefined && isDue(sighting) ? sighting.uid : undefined;
    },
    get overdue() {
      return Array.from(sightings.values()).filter(isDue).length;
    },
  };
}
