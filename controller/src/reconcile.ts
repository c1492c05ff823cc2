import type {
  ErrorCode,
  SealedSecret,
  SealedSecretStatus,
  Secret,
  SecretRecord,
  SecretTemplate,
  SyncedReason,
  TemplateRenderer,
  Unsealed,
} from '@waxwing/shared';
import {
  isSealedSecretsError,
  keyIdAnnotation,
  rendererRevision,
  SealedSecretsError,
  syncedCondition,
  unsealSecret,
} from '@waxwing/shared';
import { lastingFailures } from './backoff.ts';
import type { DecryptionQueue } from './decryption-queue.ts';
import type { KeyRing } from './keys/registry.ts';
import { keysInOrder } from './keys/registry.ts';
import type { KubeClient, SealedSecretSummary, SecretMetadata } from './kube/api.ts';
import type { EventRecorder } from './kube/events.ts';
import { cleanUp, collectionPatienceMs, deleteLeftover } from './leftovers.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectMemory } from './object-memory.ts';
import type { Orphans } from './orphans.ts';
import type { Outcome, Reconcile, ReconcileRequest } from './outcome.ts';
import type { PlanContext, SecretPlan } from './plan.ts';
import { contestedAfterRepairs, contestWindowMs, planSecret, recordedNames } from './plan.ts';
import type { Progress } from './progress.ts';
import { conditionMessage, errorMetricReason, eventMessage, eventReasons, waitsForTrigger } from './reasons.ts';
import type { StatusOutcome } from './status.ts';
import type { StatusWriter, WrittenStatus } from './status-writer.ts';
import { StepFailure } from './step-failure.ts';
import type { Target } from './target.ts';
import { targetOf } from './target.ts';
import { volatileDigest } from './volatile-digest.ts';

/** The caches, as far as reconciling reads them. */
export interface ObjectCache {
  /** Undefined: there is no such SealedSecret, or it is not ours to look at. */
  sealedSecret(key: string): SealedSecretSummary | undefined;
  /** The whole object, which is forgotten by this; undefined: GET it. */
  takeSealedSecret(key: string): unknown;
  /** Drops the whole object because nothing is going to be done with it. */
  releaseSealedSecret(key: string): void;
  /** `absent` is certain; undefined means that nobody knows. */
  secret(key: string): SecretMetadata | 'absent' | undefined;
}

export interface ReconcileSettings {
  readonly acceptDeprecatedData: boolean;
  readonly allowCredentialTypes: boolean;
  readonly repairDrift: boolean;
  readonly oldGcBehavior: boolean;
  /** Name under which the API server records our writes. */
  readonly fieldManager: string;
}

export interface ReconcileDeps {
  readonly cache: ObjectCache;
  readonly client: Pick<KubeClient, 'secrets' | 'sealedSecrets'>;
  readonly keyRing: () => KeyRing;
  readonly decryptions: DecryptionQueue;
  readonly progress: Pick<Progress, 'made'>;
  readonly render: TemplateRenderer;
  /** Names of the template entries that give another result each time. */
  readonly volatileEntries: (template: SecretTemplate) => Promise<ReadonlySet<string>>;
  readonly specHashOf: (raw: unknown) => string;
  readonly status: StatusWriter;
  readonly events: EventRecorder;
  readonly memory: ObjectMemory;
  readonly orphans: Pick<Orphans, 'overdueUid'>;
  readonly metrics: Pick<
    Metrics,
    'unsealRequested' | 'unsealFailed' | 'itemTried' | 'secretWritten' | 'objectConditions' | 'objectDeleted'
  >;
  readonly logger: Logger;
  readonly monotonicMs: () => number;
  readonly settings: ReconcileSettings;
}

/** The Secret as it is after a run. */
interface Applied {
  readonly record: SecretRecord;
  readonly written: boolean;
  readonly action: string;
}

/**
 * Brings the Secret of one SealedSecret to what the SealedSecret says. The request is a name and nothing else: what is to be done follows from
 * the state of the cluster, never from the event that led here, so that a run may come too often, too late, or after a crash.
 * Effects are ordered Secret, event, status; each is skipped where it is in place already.
 */
export function createReconcile(deps: ReconcileDeps): Reconcile {
  return async (request) => {
    deps.metrics.unsealRequested();
    const summary = deps.cache.sealedSecret(request.key);
    if (summary === undefined) return cleanUp(request, deps);
    if (summary.deleting) return leaveAlone(request, deps, 'left alone: the SealedSecret is being deleted');
    const left = await whatIsLeft(request, summary, deps);
    if (left === 'nothing') return leaveAlone(request, deps, 'unchanged');
    const target = await read(request, summary, deps);
    if (target === undefined) return { type: 'done', action: 'gone' };
    try {
      const applied = left === 'status' ? recordedFor(target, deps) : undefined;
      return await recordSuccess(
        target,
        applied ?? (await apply(target, await unseal(target, request, deps), request, deps)),
        request,
        deps,
      );
    } catch (failure) {
      if (!(failure instanceof StepFailure)) throw failure;
      return await recordFailure(target, failure, request, deps);
    }
  };
}

function leaveAlone({ key }: ReconcileRequest, { cache }: ReconcileDeps, action: string): Outcome {
  cache.releaseSealedSecret(key);
  return { type: 'done', action };
}

/**
 * What an earlier run, which may have been another process, left to do. Where its record still holds (same spec, same Secret, same rules) nothing is
 * decrypted, let alone written, but for the status if that does not say so.
 */
async function whatIsLeft(
  request: ReconcileRequest,
  summary: SealedSecretSummary,
  deps: ReconcileDeps,
): Promise<'nothing' | 'status' | 'everything'> {
  const recent = deps.memory.recentSuccess(request.key);
  if (recent?.uid === summary.uid && recent.generation === summary.generation) {
    if (!(await isAsRecorded(recent.record, request, summary, deps))) return 'everything';
    return recent.statusStored ? 'nothing' : 'status';
  }
  const isStored =
    summary.observedGeneration === summary.generation &&
    summary.synced?.status === 'True' &&
    summary.synced.reason === 'Unsealed';
  return isStored && (await isAsRecorded(summary.record, request, summary, deps)) ? 'nothing' : 'everything';
}

async function isAsRecorded(
  record: SecretRecord | undefined,
  { key, namespace, name, signal }: ReconcileRequest,
  summary: SealedSecretSummary,
  { cache, client }: ReconcileDeps,
): Promise<boolean> {
  if (record?.specHash !== summary.specHash || record.rendererRevision !== rendererRevision) return false;
  const cached = cache.secret(key);
  if (cached === 'absent') return false;
  if (cached !== undefined) {
    return !cached.deleting && cached.uid === record.uid && cached.resourceVersion === record.resourceVersion;
  }
  try {
    const metadata = (await client.secrets.get({ namespace, name }, { signal }))?.metadata;
    return metadata?.uid === record.uid && metadata.resourceVersion === record.resourceVersion;
  } catch (error) {
    // Not knowing is no settlement; the run that follows meets the same failure and reports it.
    if (isSealedSecretsError(error)) return false;
    throw error;
  }
}

async function read(
  { key, namespace, name, signal }: ReconcileRequest,
  summary: SealedSecretSummary,
  { cache, client, specHashOf, memory, metrics }: ReconcileDeps,
): Promise<Target | undefined> {
  // Both are of the same moment: the object may have changed since the run began.
  const { specHash } = cache.sealedSecret(key) ?? summary;
  const held = cache.takeSealedSecret(key);
  if (held !== undefined) return targetOf(key, held, specHash);
  try {
    const raw = await client.sealedSecrets.get({ namespace, name }, { signal });
    return raw === undefined ? undefined : targetOf(key, raw, specHashOf(raw));
  } catch (error) {
    if (isSealedSecretsError(error) && memory.isNews(key, 'fetch', `${summary.uid} ${summary.generation}`)) {
      metrics.unsealFailed('fetch', '');
    }
    throw error;
  }
}

/** The Secret as an earlier run of this process left it, unless the object has changed since that was looked at. */
function recordedFor({ key, uid, specHash }: Target, { memory }: ReconcileDeps): Applied | undefined {
  const recent = memory.recentSuccess(key);
  if (recent?.uid !== uid || recent.record.specHash !== specHash) return undefined;
  return { record: recent.record, written: false, action: 'told' };
}

/** So many items are named in a condition; further ones are not even tried. */
const maxFailures = 20;

async function unseal(target: Target, request: ReconcileRequest, deps: ReconcileDeps): Promise<Unsealed> {
  const { key, namespace, specHash, sealedSecret } = target;
  const { memory, metrics } = deps;
  if (sealedSecret instanceof SealedSecretsError) throw new StepFailure('unseal', sealedSecret);
  for (;;) {
    const ring = deps.keyRing();
    const known = memory.failure(key, specHash, ring.version);
    if (known !== undefined) throw new StepFailure('unseal', known);
    try {
      const unsealed = await unsealWith(ring, sealedSecret, target, request, deps);
      const items = unsealed.keyIds.size;
      for (let i = 0; i < items; i++) metrics.itemTried(unsealed.attempts / items);
      for (const keyId of unsealed.keyIds.values()) memory.rememberOpened(namespace, keyId);
      return unsealed;
    } catch (error) {
      if (!isSealedSecretsError(error)) throw error;
      // A key that came meanwhile found no failure that waited for it: look again, or nobody will.
      if (deps.keyRing().version !== ring.version) continue;
      // What failed for lack of time need not fail again.
      if (waitsForTrigger(error.code)) memory.rememberFailure(key, specHash, ring.version, error);
      throw new StepFailure('unseal', error);
    }
  }
}

function unsealWith(
  ring: KeyRing,
  sealedSecret: SealedSecret,
  { namespace, createdMs }: Target,
  { priority, signal }: ReconcileRequest,
  { decryptions, progress, memory, render, settings }: ReconcileDeps,
): Promise<Unsealed> {
  const hint = sealedSecret.metadata.annotations.get(keyIdAnnotation);
  const ordered = keysInOrder(ring, { hint, lastOpenedId: memory.lastOpened(namespace), createdMs });
  const urgency = priority === 'change' ? 'soon' : 'whenever';
  const keys = decryptions.keysFor(ordered, urgency, () => progress.made(signal));
  return unsealSecret(sealedSecret, { keys, render, acceptV1: settings.acceptDeprecatedData, maxFailures });
}

/** Somebody else may write between our look and our write: then look again, so many times. */
const maxAttempts = 5;

async function apply(
  target: Target,
  unsealed: Unsealed,
  request: ReconcileRequest,
  deps: ReconcileDeps,
): Promise<Applied> {
  for (let attempt = 1; ; attempt++) {
    try {
      const existing = await currentSecret(target, attempt === 1, request, deps);
      const context = await planContext(target, existing, request, deps);
      const plan = planSecret(target.sealedSecret as SealedSecret, unsealed.secret, existing, context);
      if (plan.action === 'update' && existing?.metadata.resourceVersion !== context.record?.resourceVersion) {
        await assertCurrent(target, request, deps);
      }
      return await carryOut(plan, target, unsealed, { existing, ...context }, request, deps);
    } catch (error) {
      if (!isSealedSecretsError(error)) throw error;
      if (error.code !== 'ApiConflict' || attempt === maxAttempts) throw new StepFailure('update', error);
    }
  }
}

/**
 * Somebody else wrote the Secret since we did. It may be another controller that has seen a newer SealedSecret than our cache: to put back what
 * ours says would undo its work. Not asked in the ordinary course of things, where the Secret is as we left it.
 */
async function assertCurrent(
  { namespace, name, uid, generation }: Target,
  { signal }: ReconcileRequest,
  { client }: ReconcileDeps,
): Promise<void> {
  const current = await client.sealedSecrets.get({ namespace, name }, { signal });
  const seen = current === undefined ? undefined : targetOf('', current, '');
  if (seen?.uid === uid && seen.generation === generation) return;
  throw new StepFailure(
    'update',
    new SealedSecretsError('ApiConflict', `SealedSecret ${namespace}/${name} was changed meanwhile`),
  );
}

/** The cache is believed when it knows that there is none: a create tells if it was wrong. */
async function currentSecret(
  { key, namespace, name }: Target,
  mayUseCache: boolean,
  { signal }: ReconcileRequest,
  { cache, client }: ReconcileDeps,
): Promise<Secret | undefined> {
  if (mayUseCache && cache.secret(key) === 'absent') return undefined;
  return client.secrets.get({ namespace, name }, { signal });
}

async function planContext(
  target: Target,
  existing: Secret | undefined,
  { signal }: ReconcileRequest,
  { client, memory, settings, volatileEntries }: ReconcileDeps,
): Promise<PlanContext> {
  const { key, status, specHash } = target;
  const { spec } = target.sealedSecret as SealedSecret;
  const recent = memory.recentSuccess(key);
  const record = recent?.uid === target.uid ? recent.record : status?.secret;
  const isContested =
    record?.specHash === specHash && status?.conditions.some(({ reason }) => reason === 'DriftContested') === true;
  const repairs = memory.repairs(key, existing === undefined ? 'deletion' : 'change');
  const recentRepairs = isContested && existing !== undefined ? Number.POSITIVE_INFINITY : repairs;
  // The deprecated format has a template that means nothing, and need not even be one.
  const names = spec.data === undefined ? await volatileEntries(spec.template) : new Set<string>();
  const managers =
    existing === undefined || recentRepairs < contestedAfterRepairs
      ? []
      : ((await client.secrets.fieldManagers({ namespace: target.namespace, name: target.name }, { signal })) ?? []);
  const other = managers.findLast(({ manager }) => manager !== settings.fieldManager)?.manager;
  return {
    record,
    specHash,
    allowCredentialTypes: settings.allowCredentialTypes,
    repairDrift: settings.repairDrift,
    recentRepairs,
    specChanged: status !== undefined && !saysSuccessOf(status, target.generation),
    isWhatWeSent: existing !== undefined && memory.wasSent(key, specHash, volatileDigest(existing, names)),
    collectionOverdue: memory.leftoverAgeMs(key, existing?.metadata.uid ?? '') >= collectionPatienceMs,
    volatileEntries: names,
    ...(other === undefined ? {} : { otherManager: other }),
  };
}

function saysSuccessOf({ observedGeneration, conditions }: SealedSecretStatus, generation: number): boolean {
  const synced = conditions.find(({ type }) => type === syncedCondition);
  return observedGeneration === generation && synced?.status === 'True';
}

async function carryOut(
  plan: SecretPlan,
  target: Target,
  unsealed: Unsealed,
  { existing, volatileEntries }: { readonly existing: Secret | undefined } & Pick<PlanContext, 'volatileEntries'>,
  { signal }: ReconcileRequest,
  { client, memory, logger }: ReconcileDeps,
): Promise<Applied> {
  const { key } = target;
  const aboutToSend = (secret: Secret) =>
    memory.rememberSent(key, target.specHash, volatileDigest(secret, volatileEntries));
  const applied = (version: { uid?: string; resourceVersion?: string }, written: boolean, action: string): Applied => ({
    record: {
      uid: version.uid ?? '',
      resourceVersion: version.resourceVersion ?? '',
      specHash: target.specHash,
      rendererRevision,
      labels: recordedNames(unsealed.secret.metadata.labels),
      annotations: recordedNames(unsealed.secret.metadata.annotations),
    },
    written,
    action,
  });
  switch (plan.action) {
    case 'none':
      return applied(existing?.metadata ?? {}, false, 'nothing to change');
    case 'create': {
      aboutToSend(plan.secret);
      const version = await client.secrets.create(plan.secret, { signal });
      if (plan.isAgain) memory.addRepair(key, 'deletion');
      else memory.forgetRepairs(key);
      return applied(version, true, 'created');
    }
    case 'replace':
      if (existing !== undefined) await deleteLeftover(target, existing, signal, { client, logger });
      return applied(await client.secrets.create(plan.secret, { signal }), true, 'replaced what an earlier one left');
    case 'update': {
      aboutToSend(plan.secret);
      const version = await client.secrets.update(plan.secret, { signal }, existing);
      if (plan.cause === 'drift') memory.addRepair(key, 'change');
      else memory.forgetRepairs(key);
      return applied(version, true, plan.cause === 'drift' ? 'repaired' : 'updated');
    }
    case 'refuse':
      if (plan.code === 'WaitingForGarbageCollection') memory.rememberLeftover(key, existing?.metadata.uid ?? '');
      throw new StepFailure(
        plan.code === 'NotManaged' ? 'gate' : 'update',
        new SealedSecretsError(plan.code, plan.message, { hint: plan.hint }),
        lookAfterMs(plan.code, key, existing, memory),
      );
  }
}

/** When to look again without a change, at the latest, where that is known. */
function lookAfterMs(
  code: ErrorCode,
  key: string,
  existing: Secret | undefined,
  memory: ObjectMemory,
): number | undefined {
  // A Secret that is missing is not left alone for longer than the fight is remembered.
  if (code === 'DriftContested' && existing === undefined) return contestWindowMs;
  if (code !== 'WaitingForGarbageCollection' || existing === undefined) return undefined;
  const patienceMs = collectionPatienceMs - memory.leftoverAgeMs(key, existing.metadata.uid ?? '');
  return patienceMs > 0 ? patienceMs : undefined;
}

async function recordSuccess(
  target: Target,
  { record, written, action }: Applied,
  request: ReconcileRequest,
  deps: ReconcileDeps,
): Promise<Outcome> {
  const { key, uid, generation, specHash } = target;
  const success = { uid, generation, record };
  deps.memory.rememberSuccess(key, { ...success, statusStored: false });
  if (written) deps.metrics.secretWritten((deps.monotonicMs() - request.dueMs) / 1000);
  const outcome: StatusOutcome = { synced: true, record };
  if (written || deps.status.isNews(target, outcome)) {
    await deps.events.post(
      {
        subject: subjectOf(target),
        type: 'Normal',
        reason: eventReasons.unsealed,
        message: 'SealedSecret unsealed successfully',
        identity: [String(generation), specHash, 'Unsealed', record.uid],
      },
      request.signal,
    );
  }
  const stored = await deps.status.write(target, outcome, request.signal);
  if (stored.type === 'failed') return statusFailure(target, stored.error, deps);
  if (stored.type === 'stored') {
    deps.memory.rememberSuccess(key, { ...success, statusStored: true });
    deps.memory.statusIsStored(key);
  }
  return afterStatus(stored, target, deps) ?? { type: 'done', action };
}

/** Failed calls, and waiting for the thread of costly templates, are not worth a red condition at first. */
const isPassing = (code: ErrorCode) => code === 'ApiUnavailable' || code === 'ApiConflict' || code === 'RendererBusy';

async function recordFailure(
  target: Target,
  { step, cause, lookAfterMs }: StepFailure,
  request: ReconcileRequest,
  deps: ReconcileDeps,
): Promise<Outcome> {
  const { key, namespace, generation, specHash } = target;
  deps.memory.doubtSuccess(key);
  const reason = errorMetricReason(step);
  const tally = `${target.uid} ${generation} ${specHash} ${deps.keyRing().version}`;
  const isQuiet = isPassing(cause.code) && request.failures < lastingFailures;
  // That others are rendered first is no failure of this one.
  if (!(isQuiet && cause.code === 'RendererBusy') && deps.memory.isNews(key, reason, tally))
    deps.metrics.unsealFailed(reason, namespace);
  if (isQuiet) return { type: 'retry', error: cause };
  const outcome: StatusOutcome = {
    synced: false,
    reason: cause.code as SyncedReason,
    message: conditionMessage(cause),
  };
  const identity = [String(generation), specHash, cause.code, outcome.message];
  if (deps.status.isNews(target, outcome) && deps.memory.isNews(key, 'event', identity.join(' '))) {
    const message = eventMessage(step, cause);
    const eventReason = step === 'unseal' ? eventReasons.unsealFailed : eventReasons.updateFailed;
    await deps.events.post(
      { subject: subjectOf(target), type: 'Warning', reason: eventReason, message, identity },
      request.signal,
    );
  }
  const stored = await deps.status.write(target, outcome, request.signal);
  if (stored.type === 'failed') return statusFailure(target, stored.error, deps);
  deps.memory.statusIsStored(key);
  const changed = afterStatus(stored, target, deps);
  if (changed !== undefined) return changed;
  return { type: waitsForTrigger(cause.code) ? 'wait' : 'retry', error: cause, lookAfterMs };
}

/** The condition gauge follows what is stored; an object that changed meanwhile is looked at again at once. */
function afterStatus(
  stored: Exclude<WrittenStatus, { type: 'failed' }>,
  target: Target,
  deps: ReconcileDeps,
): Outcome | undefined {
  if (stored.type === 'outdated') return { type: 'again', delayMs: 0, action: 'changed meanwhile' };
  const { namespace, name, instanceLabel } = target;
  // Deleted meanwhile, it has no series any more, and nothing would ever remove one that is set now.
  if (deps.cache.sealedSecret(target.key)?.uid !== target.uid) return undefined;
  deps.metrics.objectConditions({ namespace, name, instanceLabel, conditions: stored.status.conditions });
  return undefined;
}

function statusFailure(target: Target, error: SealedSecretsError, { memory, metrics, logger }: ReconcileDeps): Outcome {
  const isNews = memory.isNews(target.key, 'status', `${target.uid} ${target.generation}`);
  if (isNews) metrics.unsealFailed('status', target.namespace);
  logger[isNews ? 'error' : 'debug']('status update failed', { 'sealed-secret': target.key, error: error.message });
  return { type: 'retry', error };
}

function subjectOf({ namespace, name, uid, resourceVersion }: Target) {
  return { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', namespace, name, uid, resourceVersion } as const;
}
