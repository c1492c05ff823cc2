import type { Condition, SealedSecretStatus, SecretRecord, SyncedReason } from '@waxwing/shared';
import { syncedCondition } from '@waxwing/shared';

/** How a reconciliation ended, as far as the status says it. */
export type StatusOutcome =
  | { readonly synced: true; readonly record: SecretRecord }
  | { readonly synced: false; readonly reason: SyncedReason; readonly message: string };

export interface StatusContext {
  /** `metadata.generation` of the object that was worked on. */
  readonly generation: number;
  readonly nowMs: number;
  /** Written to `status.controller`. */
  readonly controller: string;
  /** Whether the installed CRD drops the fields that upstream does not have; then they never count as a difference. */
  readonly prunesOwnFields: boolean;
}

export interface NextStatus {
  readonly status: SealedSecretStatus;
  /** Whether it has to be written. */
  readonly changed: boolean;
  /** Whether people would see a difference: another outcome, or the same for another generation. The record alone is none. */
  readonly outcomeChanged: boolean;
}

/**
 * The status after a reconciliation (specification 1.6; architecture 4). Conditions of others stay as they are, in their places; reason and
 * message always tell the latest truth; the transition time moves only when the status does.
 */
export function nextStatus(
  previous: SealedSecretStatus | undefined,
  outcome: StatusOutcome,
  context: StatusContext,
): NextStatus {
  const before = previous?.conditions ?? [];
  const index = before.findIndex((condition) => condition.type === syncedCondition);
  const old = before[index];
  const condition = nextCondition(old, outcome, context.nowMs);
  const conditions = index < 0 ? [...before, condition] : before.with(index, condition);
  const record = outcome.synced ? outcome.record : previous?.secret;
  const status: SealedSecretStatus = {
    observedGeneration: context.generation,
    conditions,
    ...(record === undefined ? {} : { secret: record }),
    controller: context.controller,
  };
  const generationChanged = previous?.observedGeneration !== context.generation;
  const outcomeChanged =
    generationChanged ||
    old?.status !== condition.status ||
    (!outcome.synced && (old.reason !== condition.reason || (old.message ?? '') !== (condition.message ?? '')));
  const textChanged = old?.reason !== condition.reason || (old?.message ?? '') !== (condition.message ?? '');
  const recordChanged = !context.prunesOwnFields && !equalRecords(record, previous?.secret);
  return { status, changed: outcomeChanged || textChanged || recordChanged, outcomeChanged };
}

function nextCondition(old: Condition | undefined, outcome: StatusOutcome, nowMs: number): Condition {
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const status = outcome.synced ? 'True' : 'False';
  return {
    type: syncedCondition,
    status,
    lastUpdateTime: now,
    lastTransitionTime: old?.status === status ? (old.lastTransitionTime ?? now) : now,
    reason: outcome.synced ? 'Unsealed' : outcome.reason,
    // Empty on success: upstream's `Status` column shows the message.
    ...(outcome.synced ? {} : { message: outcome.message }),
  };
}

function equalRecords(a: SecretRecord | undefined, b: SecretRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.uid === b.uid &&
    a.resourceVersion === b.resourceVersion &&
    a.specHash === b.specHash &&
    a.rendererRevision === b.rendererRevision &&
    equalNames(a.labels, b.labels) &&
    equalNames(a.annotations, b.annotations)
  );
}

/** An API server may drop an empty list. */
function equalNames(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
