import type { SealedSecretsError, SecretRecord } from '@waxwing/shared';
import type { UnsealErrorReason } from './metrics.ts';

/** The outcome of the last successful run of an object, until the cache shows it too. */
export interface RecentSuccess {
  /** Uid and generation of the SealedSecret. */
  readonly uid: string;
  readonly generation: number;
  readonly record: SecretRecord;
  /** Whether the status that says so is stored, or is not to be. */
  readonly statusStored: boolean;
}

/** What is said of an object once and not each time: its last warning, and each reason for which a failure is counted. */
export type Topic = 'event' | UnsealErrorReason;

/** What the process remembers of single objects. All of it may be forgotten at any time: it saves work and repetitions, nothing else. */
export interface ObjectMemory {
  recentSuccess(key: string): RecentSuccess | undefined;
  rememberSuccess(key: string, success: RecentSuccess): void;
  /** The cache shows this record by now, so that it need not be held here. */
  forgetSuccess(key: string, record: SecretRecord | undefined): void;
  /** The object fails by now: what was remembered of its status does not hold any more, what was of its Secret does. */
  doubtSuccess(key: string): void;
  /** The version of the Secret for which an update with this spec was sent, if its answer never came. */
  unansweredUpdate(key: string, specHash: string): string | undefined;
  /** An update is about to be sent; the next success forgets it. */
  rememberUpdate(key: string, specHash: string, resourceVersion: string): void;
  /** How unsealing this very ciphertext with these very keys failed before. */
  failure(key: string, specHash: string, ringVersion: number): SealedSecretsError | undefined;
  rememberFailure(key: string, specHash: string, ringVersion: number, error: SealedSecretsError): void;
  /** Keys of objects whose last unsealing failed. */
  failed(): Iterable<string>;
  /** True the first time this is said of the object on a topic, and again after something else was said, or all was well. */
  isNews(key: string, topic: Topic, text: string): boolean;
  /** The status is stored: a later failure to store one is news. */
  statusIsStored(key: string): void;
  /** The key that last opened something in a namespace. */
  lastOpened(namespace: string): string | undefined;
  rememberOpened(namespace: string, keyId: string): void;
  /** Repairs of an object's Secret within the window; `add` counts one more. */
  repairs(key: string): number;
  addRepair(key: string): void;
  /** The spec changed: a fight over the earlier one is over. */
  forgetRepairs(key: string): void;
  /** A Secret of an earlier SealedSecret is in the way. */
  rememberLeftover(key: string, secretUid: string): void;
  /** How long this very Secret has been in the way, in milliseconds; 0 where it was not seen before. */
  leftoverAgeMs(key: string, secretUid: string): number;
  forget(key: string): void;
}

interface Failure {
  readonly specHash: string;
  readonly ringVersion: number;
  readonly error: SealedSecretsError;
}

export function createObjectMemory(options: {
  readonly nowMs: () => number;
  readonly repairWindowMs: number;
}): ObjectMemory {
  const successes = new Map<string, RecentSuccess>();
  const failures = new Map<string, Failure>();
  const news = new Map<string, Map<Topic, string>>();
  const opened = new Map<string, string>();
  const repairs = new Map<string, number[]>();
  const updates = new Map<string, { readonly specHash: string; readonly resourceVersion: string }>();
  const leftovers = new Map<string, { readonly uid: string; readonly sinceMs: number }>();

  const recentRepairs = (key: string) => {
    const since = options.nowMs() - options.repairWindowMs;
    const recent = (repairs.get(key) ?? []).filter((atMs) => atMs > since);
    if (recent.length === 0) repairs.delete(key);
    else repairs.set(key, recent);
    return recent;
  };

  const forgetNews = (key: string, isOver: (topic: Topic) => boolean) => {
    const said = news.get(key);
    for (const topic of said?.keys() ?? []) if (isOver(topic)) said?.delete(topic);
    if (said?.size === 0) news.delete(key);
  };

  return {
    recentSuccess: (key) => successes.get(key),
    rememberSuccess(key, success) {
      successes.set(key, success);
      updates.delete(key);
      leftovers.delete(key);
      failures.delete(key);
      forgetNews(key, (topic) => topic !== 'status');
    },
    statusIsStored: (key) => forgetNews(key, (topic) => topic === 'status'),
    forgetSuccess(key, record) {
      const held = successes.get(key);
      if (held === undefined || record === undefined || !held.statusStored) return;
      const { uid, resourceVersion, specHash } = held.record;
      if (record.uid === uid && record.resourceVersion === resourceVersion && record.specHash === specHash) {
        successes.delete(key);
      }
    },
    doubtSuccess(key) {
      const held = successes.get(key);
      if (held !== undefined) successes.set(key, { ...held, statusStored: false });
    },
    unansweredUpdate(key, specHash) {
      const sent = updates.get(key);
      return sent?.specHash === specHash ? sent.resourceVersion : undefined;
    },
    rememberUpdate(key, specHash, resourceVersion) {
      updates.set(key, { specHash, resourceVersion });
    },
    failure(key, specHash, ringVersion) {
      const known = failures.get(key);
      return known?.specHash === specHash && known.ringVersion === ringVersion ? known.error : undefined;
    },
    rememberFailure(key, specHash, ringVersion, error) {
      failures.set(key, { specHash, ringVersion, error });
    },
    failed: () => failures.keys(),
    isNews(key, topic, text) {
      const said = news.get(key) ?? new Map<Topic, string>();
      if (said.get(topic) === text) return false;
      news.set(key, said.set(topic, text));
      return true;
    },
    lastOpened: (namespace) => opened.get(namespace),
    rememberOpened(namespace, keyId) {
      opened.set(namespace, keyId);
    },
    repairs: (key) => recentRepairs(key).length,
    addRepair(key) {
      repairs.set(key, [...recentRepairs(key), options.nowMs()]);
    },
    forgetRepairs(key) {
      repairs.delete(key);
    },
    rememberLeftover(key, secretUid) {
      if (leftovers.get(key)?.uid !== secretUid) leftovers.set(key, { uid: secretUid, sinceMs: options.nowMs() });
    },
    leftoverAgeMs(key, secretUid) {
      const seen = leftovers.get(key);
      return seen?.uid === secretUid ? options.nowMs() - seen.sinceMs : 0;
    },
    forget(key) {
      successes.delete(key);
      updates.delete(key);
      leftovers.delete(key);
      failures.delete(key);
      news.delete(key);
      repairs.delete(key);
    },
  };
}
