import type { Registry } from 'prom-client';
import type { Outcome } from './worker.ts';

/** Reasons of `unseal_errors_total`, as upstream has them. */
export type UnsealErrorReason = 'fetch' | 'unseal' | 'update' | 'unmanaged' | 'status';

/** Every series of the controller, behind functions that name what happened. */
export interface Metrics {
  readonly registry: Registry;
  /** One run of reconcile began (`unseal_requests_total`). */
  unsealRequested(): void;
  /** Once per object, generation, key ring and reason (`unseal_errors_total`). */
  unsealFailed(reason: UnsealErrorReason, namespace: string): void;
  /** One item was decrypted or not; `attempts` private keys were tried. */
  itemTried(attempts: number): void;
  /** `seconds` from the change of an object to the answer of its Secret's write. */
  secretWritten(seconds: number): void;
  /** A run ended. */
  reconciled(outcome: Outcome['type'], seconds: number): void;
  /** The conditions of an object after its status was settled (`condition_info`, `objects`). */
  objectConditions(object: ObjectConditions): void;
  /** The SealedSecret is gone: every series that names it goes too. */
  objectDeleted(namespace: string, name: string): void;
  /** Another controller wrote the status of our generation. */
  foreignController(namespace: string): void;
  httpRequest(path: string, method: string, code: number, seconds: number): void;
  eventPosted(result: 'created' | 'exists' | 'failed' | 'limited'): void;
  apiRequest(verb: string, resource: string, code: string, seconds: number): void;
  /** Secret keys in the ring: how many, the newest one's time (seconds since the epoch), and backups by state. */
  keyRing(keys: KeyRingFigures): void;
  invalidKeySecrets(count: number): void;
  leader(isLeader: boolean): void;
  leaderElectionForbidden(isForbidden: boolean): void;
  /** Values read when somebody scrapes. */
  observe(sources: MetricSources): void;
}

export interface ObjectConditions {
  readonly namespace: string;
  readonly name: string;
  readonly instanceLabel: string;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

export interface KeyRingFigures {
  readonly count: number;
  readonly newestSeconds: number | undefined;
  readonly backups: { readonly absent: number; readonly written: number; readonly verified: number };
}

export interface MetricSources {
  readonly queue?: { readonly depth: number; readonly delayed: number; oldestAgeMs(): number };
  readonly reflectors?: ReadonlyMap<
    string,
    {
      readonly state: {
        readonly lastHeardMs: number;
        readonly watches: number;
        readonly lists: number;
        readonly objects: number;
      };
    }
  >;
}
