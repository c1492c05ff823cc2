import type { ErrorCode, OwnerReference, SealedSecret, Secret, SecretRecord, SecretStanding } from '@waxwing/shared';
import {
  compareBytewise,
  controllerOf,
  forbiddenTypeReason,
  isSealedSecretReference,
  isTruthy,
  managedAnnotation,
  patchAnnotation,
  rendererRevision,
  skipSetOwnerReferencesAnnotation,
  standingOf,
} from '@waxwing/shared';

/** What the decision about a Secret rests on besides the objects themselves. */
export interface PlanContext {
  /** What we remember of the Secret as we wrote it last; undefined where nothing was recorded. */
  readonly record: SecretRecord | undefined;
  /** See `specHashOf`: of the SealedSecret as it is now. */
  readonly specHash: string;
  /** Whether types that hand out cluster credentials may be created. */
  readonly allowCredentialTypes: boolean;
  /** Whether changes that others made to the Secret are undone between two spec changes. */
  readonly repairDrift: boolean;
  /** How often this Secret has been repaired in the last {@link contestWindowMs}; of one that is not there, how often it was made again. */
  readonly recentRepairs: number;
  /**
   * Entries whose template gives another result each time (random, time, new keys). Between two spec changes what is there counts: nobody
   * changed it, and making it anew would change credentials that are in use.
   */
  readonly volatileEntries: ReadonlySet<string>;
  /** Whether the status speaks of another generation, or of no success. Where there is no record, this alone tells that the spec has changed since. */
  readonly specChanged: boolean;
  /** Whether the entries that come out differently each time are those that we sent for this very spec without getting an answer. */
  readonly isWhatWeSent: boolean;
  /** Whether a Secret of an earlier SealedSecret has been waited for so long that no garbage collector is going to take it. */
  readonly collectionOverdue: boolean;
  /** Whoever else last wrote the Secret, for the message of `DriftContested`. */
  readonly otherManager?: string;
}

/**
 * The decision about one Secret.
 *
 * - `create`: there is none; `isAgain` says that there was one for this very spec.
 * - `update`: write `secret` over the one that is there; `cause` says whether the SealedSecret changed or somebody changed the Secret.
 * - `replace`: delete the one that is there, which nobody owns any more, and create `secret`.
 * - `none`: it is as it should be.
 * - `refuse`: we may not, or cannot, make it so. `code` is the reason of the condition.
 */
export type SecretPlan =
  | { readonly action: 'create'; readonly secret: Secret; readonly isAgain: boolean }
  | { readonly action: 'replace'; readonly secret: Secret }
  | { readonly action: 'update'; readonly secret: Secret; readonly cause: 'spec' | 'drift' }
  | { readonly action: 'none' }
  | { readonly action: 'refuse'; readonly code: ErrorCode; readonly message: string; readonly hint: string };

/** More repairs than this within {@link contestWindowMs} are a fight with another writer, which we leave. */
export const contestedAfterRepairs = 5;
export const contestWindowMs = 10 * 60_000;

/**
 * Decides what becomes of the Secret of a SealedSecret (specification 4.5, steps 7 to 10; architecture 4). Pure: nothing is read or written.
 *
 * @param desired what unsealing gave
 * @param existing the Secret of that name in the cluster, if there is one
 */
export function planSecret(
  sealedSecret: SealedSecret,
  desired: Secret,
  existing: Secret | undefined,
  context: PlanContext,
): SecretPlan {
  if (existing === undefined) return refuseRecreation(desired, context) ?? planCreation(desired, context);
  const standing = standingOf(sealedSecret.metadata, existing.metadata);
  if (standing === 'leftover' && context.collectionOverdue && isAbandoned(existing, sealedSecret.metadata.name)) {
    const creation = planCreation(desired, context);
    return creation.action === 'create' ? { action: 'replace', secret: creation.secret } : creation;
  }
  const refusal = refuseForeign(standing, sealedSecret, desired, existing, context);
  if (refusal !== undefined) return refusal;
  if (isWrittenAlready(standing, desired, existing, context)) return { action: 'none' };
  const cause = isUnchangedSince(context, existing) ? 'drift' : 'spec';
  const next =
    cause === 'drift'
      ? restoredSecret(sealedSecret, desired, existing, context)
      : replacedSecret(desired, existing, context);
  if (next === undefined || equalSecrets(next, existing)) return { action: 'none' };
  return refuseUpdate(existing, next, cause, context) ?? { action: 'update', secret: next, cause };
}

/** Whether an old garbage collection run (`--old-gc-behavior`) may delete the Secret that a deleted SealedSecret of this name left behind. */
export function mayDeleteLeftover(existing: Secret, name: string): boolean {
  const controller = controllerOf(existing.metadata);
  if (controller !== undefined) return isSealedSecretReference(controller) && controller.name === name;
  return isTruthy(existing.metadata.annotations, managedAnnotation);
}

/** Whether a Secret belonged to the SealedSecret of that name and to nobody else, so that a garbage collector would take it once that is gone. */
export function isAbandoned({ metadata }: Secret, name: string): boolean {
  const controller = controllerOf(metadata);
  // With further owners it would not be deleted by the garbage collector either.
  if (controller === undefined || metadata.ownerReferences.length !== 1) return false;
  return isSealedSecretReference(controller) && controller.name === name;
}

function planCreation(desired: Secret, context: PlanContext): SecretPlan {
  const forbidden = context.allowCredentialTypes ? undefined : forbiddenTypeReason(desired.type);
  if (forbidden !== undefined) {
    return {
      action: 'refuse',
      code: 'ForbiddenType',
      message: forbidden,
      hint: 'Create it by other means, or start the controller with --allow-service-account-tokens.',
    };
  }
  return { action: 'create', secret: desired, isAgain: isRecordedSpec(context) };
}

/** Somebody deletes it each time it is made. The truce lasts while repairs are remembered: a Secret that stays away for ever would be worse than the fight. */
function refuseRecreation({ metadata: { namespace, name } }: Secret, context: PlanContext): SecretPlan | undefined {
  if (!isRecordedSpec(context) || context.recentRepairs < contestedAfterRepairs) return undefined;
  return {
    action: 'refuse',
    code: 'DriftContested',
    message: `Secret ${namespace}/${name} is deleted each time it is made; it is left alone for a while`,
    hint: 'Stop whoever deletes it. Any change of the SealedSecret makes the Secret again, and so does the next look, ten minutes later at most.',
  };
}

/** The ownership gate: undefined lets the Secret pass. */
function refuseForeign(
  standing: SecretStanding,
  sealedSecret: SealedSecret,
  desired: Secret,
  existing: Secret,
  context: PlanContext,
): SecretPlan | undefined {
  const { name, namespace } = sealedSecret.metadata;
  if (standing === 'owned' || standing === 'handed-over') return undefined;
  if (standing === 'terminating') return waitForCollection(`Secret ${namespace}/${name} is being deleted`);
  if (standing === 'leftover') {
    return waitForCollection(`Secret ${namespace}/${name} belongs to an earlier SealedSecret of the same name`);
  }
  // Made by us without an owner, as the template asked. It stays as it is until the spec changes: updates need `managed`.
  const keepsOwners = isTruthy(sealedSecret.spec.template.metadata.annotations, skipSetOwnerReferencesAnnotation);
  if (keepsOwners && isUnchangedSince(context, existing)) return { action: 'none' };
  if (keepsOwners && context.record === undefined && isWritten(desired, existing, context)) return { action: 'none' };
  return {
    action: 'refuse',
    code: 'NotManaged',
    message: `failed update: Resource "${name}" already exists and is not managed by SealedSecret`,
    hint: keepsOwners
      ? `Without an owner reference updates need the annotation ${managedAnnotation}: "true" in spec.template.metadata as well.`
      : `Delete the Secret, or hand it over: kubectl -n ${namespace} annotate secret ${name} ${managedAnnotation}=true`,
  };
}

function waitForCollection(message: string): SecretPlan {
  return {
    action: 'refuse',
    code: 'WaitingForGarbageCollection',
    message: `${message}; it is made again as soon as that one is gone`,
    hint: 'Nothing to do, unless a finalizer keeps the old Secret.',
  };
}

/** Whether the record speaks of the spec and the rules as they are now. */
function isRecordedSpec({ record, specHash }: PlanContext): boolean {
  return record?.rendererRevision === rendererRevision && record.specHash === specHash;
}

/** Whether the record speaks of this Secret and of the spec and rules as they are now: then any difference was made by somebody else. */
function isUnchangedSince(context: PlanContext, existing: Secret): boolean {
  return isRecordedSpec(context) && context.record?.uid === existing.metadata.uid;
}

/**
 * Whether the Secret is what we would write, and only the record of it got lost: the API server carried out what it answered with an error, the process
 * was killed after it made the Secret and before it wrote the status, or the CRD drops the record. Entries that come out differently each time
 * must not change then: somebody may use them already.
 */
function isWrittenAlready(standing: SecretStanding, desired: Secret, existing: Secret, context: PlanContext): boolean {
  // Also where the record speaks of one that was deleted since: this one was made in its place.
  const isUnrecorded =
    context.record === undefined
      ? !context.specChanged
      : isRecordedSpec(context) && context.record.uid !== existing.metadata.uid;
  const isOurs = (isUnrecorded && standing === 'owned') || context.isWhatWeSent;
  return isOurs && isWritten(desired, existing, context);
}

/** Whether step 9 would change nothing but entries that come out differently each time. */
function isWritten(desired: Secret, existing: Secret, context: PlanContext): boolean {
  const kept = withKeptEntries(desired, existing, context.volatileEntries);
  return equalSecrets(replacedSecret(kept, existing, context), existing);
}

/** Step 9: what the spec says, in place of what is there. */
function replacedSecret(desired: Secret, existing: Secret, context: PlanContext): Secret {
  const { annotations } = existing.metadata;
  const isManaged = isTruthy(annotations, managedAnnotation);
  if (isTruthy(annotations, patchAnnotation)) return patchedSecret(desired, existing, isManaged);
  const record = context.record?.uid === existing.metadata.uid ? context.record : undefined;
  return {
    ...existing,
    type: typeAfterUpdate(desired, existing),
    data: desired.data,
    metadata: {
      ...existing.metadata,
      labels: replaceOurs(existing.metadata.labels, desired.metadata.labels, record?.labels),
      annotations: replaceOurs(existing.metadata.annotations, desired.metadata.annotations, record?.annotations),
      ownerReferences: desired.metadata.ownerReferences,
    },
  };
}

function patchedSecret(desired: Secret, existing: Secret, takeOwnership: boolean): Secret {
  return {
    ...existing,
    type: typeAfterUpdate(desired, existing),
    data: merged(existing.data, desired.data),
    metadata: {
      ...existing.metadata,
      labels: merged(existing.metadata.labels, desired.metadata.labels),
      annotations: merged(existing.metadata.annotations, desired.metadata.annotations),
      ownerReferences: takeOwnership ? desired.metadata.ownerReferences : existing.metadata.ownerReferences,
    },
  };
}

/** What somebody changed, put back; what somebody added, left. Undefined where drift is not ours to repair. */
function restoredSecret(
  sealedSecret: SealedSecret,
  desired: Secret,
  existing: Secret,
  context: PlanContext,
): Secret | undefined {
  const isOwned = controllerOf(existing.metadata)?.uid === sealedSecret.metadata.uid;
  const isManaged = isTruthy(existing.metadata.annotations, managedAnnotation);
  if (!context.repairDrift || (!isOwned && !isManaged)) return undefined;
  return patchedSecret(withKeptEntries(desired, existing, context.volatileEntries), existing, !isOwned);
}

function withKeptEntries(desired: Secret, existing: Secret, names: ReadonlySet<string>): Secret {
  const data = new Map(desired.data);
  for (const name of names) {
    const value = existing.data.get(name);
    if (value !== undefined && data.has(name)) data.set(name, value);
  }
  return { ...desired, data };
}

/** The API server keeps the old type where an update leaves it out. */
function typeAfterUpdate(desired: Secret, existing: Secret): string {
  return desired.type === '' ? existing.type : desired.type;
}

function merged<T>(existing: ReadonlyMap<string, T>, desired: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...existing, ...desired]);
}

/** @param ours names recorded as written by us; undefined without a record, and then everything is taken to be ours */
function replaceOurs(
  existing: ReadonlyMap<string, string>,
  desired: ReadonlyMap<string, string>,
  ours: readonly string[] | undefined,
): ReadonlyMap<string, string> {
  if (ours === undefined) return desired;
  const recorded = new Set(ours);
  return merged(new Map([...existing].filter(([name]) => !recorded.has(name))), desired);
}

/** Such a Secret is somebody else's: its deletion leads to nothing (specification 9.1). */
function isOnlyPatched({ metadata: { annotations } }: Secret): boolean {
  return isTruthy(annotations, patchAnnotation) && !isTruthy(annotations, managedAnnotation);
}

const patchedHint =
  'Whoever makes the Secret has to make it anew. It is patched again when the SealedSecret changes, or at the look once an hour.';

/** What the API server, or a truce, forbids. */
function refuseUpdate(
  existing: Secret,
  next: Secret,
  cause: 'spec' | 'drift',
  context: PlanContext,
): SecretPlan | undefined {
  const { name, namespace } = existing.metadata;
  if (next.type !== existing.type) {
    return {
      action: 'refuse',
      code: 'ImmutableSecret',
      message: `Secret ${namespace}/${name} has type ${existing.type} and the SealedSecret wants ${next.type}: the type of a Secret cannot be changed`,
      hint: isOnlyPatched(existing)
        ? patchedHint
        : `Delete the Secret, it is made again with the new type: kubectl -n ${namespace} delete secret ${name}`,
    };
  }
  if (existing.immutable === true && !equalMaps(next.data, existing.data, equalBytes)) {
    return {
      action: 'refuse',
      code: 'ImmutableSecret',
      message: `Secret ${namespace}/${name} cannot be updated: the target Secret is immutable`,
      hint: isOnlyPatched(existing)
        ? patchedHint
        : `It can only be deleted and made again: kubectl -n ${namespace} delete secret ${name}`,
    };
  }
  if (cause === 'drift' && context.recentRepairs >= contestedAfterRepairs) {
    const other = context.otherManager === undefined ? 'another writer' : `field manager "${context.otherManager}"`;
    return {
      action: 'refuse',
      code: 'DriftContested',
      message: `${other} keeps changing Secret ${namespace}/${name}; it is left alone until the SealedSecret changes`,
      hint: 'Let only one of the two write the entries that the SealedSecret defines.',
    };
  }
  return undefined;
}

/** Whether two Secrets agree in everything we write. Absent and empty are the same. */
function equalSecrets(a: Secret, b: Secret): boolean {
  return (
    a.type === b.type &&
    equalMaps(a.data, b.data, equalBytes) &&
    equalMaps(a.metadata.labels, b.metadata.labels, Object.is) &&
    equalMaps(a.metadata.annotations, b.metadata.annotations, Object.is) &&
    equalReferences(a.metadata.ownerReferences, b.metadata.ownerReferences)
  );
}

function equalMaps<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>, equal: (x: T, y: T) => boolean): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined || !equal(value, other)) return false;
  }
  return true;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function equalReferences(a: readonly OwnerReference[], b: readonly OwnerReference[]): boolean {
  const text = (reference: OwnerReference) =>
    JSON.stringify([
      reference.apiVersion,
      reference.kind,
      reference.name,
      reference.uid,
      reference.controller ?? false,
      reference.blockOwnerDeletion ?? false,
    ]);
  return a.length === b.length && a.every((reference, i) => text(reference) === text(b[i] as OwnerReference));
}

/** The names of labels and annotations that the spec defines, as they are recorded. */
export function recordedNames(map: ReadonlyMap<string, string>): string[] {
  return [...map.keys()].sort(compareBytewise);
}
