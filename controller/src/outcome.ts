import type { SealedSecretsError } from '@waxwing/shared';
import type { Priority } from './queue.ts';

/** What to reconcile, and nothing about why but how urgent it was. */
export interface ReconcileRequest {
  readonly namespace: string;
  readonly name: string;
  /** `namespace/name`. */
  readonly key: string;
  readonly priority: Priority;
  /** Consecutive failed runs of this key so far. */
  readonly failures: number;
  /** When it became due, milliseconds on the monotonic clock. */
  readonly dueMs: number;
  /** This run's own. Aborted on shutdown's last deadline, not before: a run finishes what it began. */
  readonly signal: AbortSignal;
}

/**
 * - `done`: nothing more to do until something changes; `action` names what was done, for the log.
 * - `retry`: an API, network or quota failure, or a lack of time: again by timer, for ever, with pauses that depend on the failure and are not
 *   longer than `lookAfterMs`.
 * - `wait`: a deterministic failure: again on its trigger, plus one look an hour, or after `lookAfterMs`.
 * - `again`: not a failure, but look again after `delayMs`.
 */
export type Outcome =
  | { readonly type: 'done'; readonly action: string }
  | {
      readonly type: 'retry' | 'wait';
      readonly error: SealedSecretsError;
      readonly lookAfterMs?: number | undefined;
    }
  | { readonly type: 'again'; readonly delayMs: number; readonly action: string };

/** One reconciliation. A rejection counts as `retry`. */
export type Reconcile = (request: ReconcileRequest) => Promise<Outcome>;
