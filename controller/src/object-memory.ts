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

/** What somebody else did to a Secret of ours. */
export type Damage = 'change' | 'deletion';

/** What the process remembers of single objects. All of it may be forgotten at any time: it saves work and repetitions, nothing else. */
export interface ObjectMemory {
  recentSuccess(key: string): RecentSuccess | undefined;
  rememberSuccess(key: string, success: RecentSuccess): void;
  /** The cache shows this record by now, so that it need not be held here. */
  forgetSuccess(key: string, record: SecretRecord | undefined): void;
  /** The object fails by now: what was remembered of its status does not hold any more, what was of its Secret does. */
  doubtSuccess(key: string): void;
  /** Whether a Secret of this digest was sent for this spec, and nobody knows yet what became of it. */
  wasSent(key: string, specHash: string, digest: string): boolean;
  /** A Secret is about to be written; the next success forgets it. */
  rememberSent(key: string, specHash: string, digest: string): void;
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
  /** How often an object's Secret was put right after somebody changed or deleted it, within the window; `add` counts one more. */
  repairs(key: string, after: Damage): number;
  addRepair(key: string, after: Damage): void;
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
  const repairs = { change: new Map<string, number[]>(), deletion: new Map<string, number[]>() };
  const sent = new Map<string, { readonly specHash: string; readonly digest: string }>();
  const leftovers = new Map<string, { readonly uid: string; readonly sinceMs: number }>();

  const recentRepairs = (key: string, after: Damage) => {
    const since = options.nowMs() - options.repairWindowMs;
    const recent = (repairs[after].get(key) ?? []).filter((atMs) => atMs > since);
    if (recent.length === 0) repairs[after].delete(key);
    else repairs[after].set(key, recent);
    return recent;
  };
  const forgetRepairs = (key: string) => {
    repairs.change.delete(key);
    repairs.deletion.delete(key);
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
      sent.delete(key);
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
    wasSent(key, specHash, digest) {
      const last = sent.get(key);
      return last?.specHash === specHash && last.digest === digest;
    },
    rememberSent(key, specHash, digest) {
      sent.set(key, { specHash, digest });
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
    repairs: (key, after) => recentRepairs(key, after).length,
    addRepair(key, after) {
      repairs[after].set(key, [...recentRepairs(key, after), options.nowMs()]);
    },
    forgetRepairs,
    rememberLeftover(key, secretUid) {
      if (leftovers.get(key)?.uid !== secretUid) leftovers.set(key, { uid: secretUid, sinceMs: options.nowMs() });
    },
    leftoverAgeMs(key, secretUid) {
      const seen = leftovers.get(key);
      return seen?.uid === secretUid ? options.nowMs() - seen.sinceMs : 0;
    },
    forget(key) {
      successes.delete(key);
      sent.delete(key);
      leftovers.delete(key);
      failures.delete(key);
      news.delete(key);
      forgetRepairs(key);
    },
  };
}
