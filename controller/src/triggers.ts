import { rendererRevision, syncedCondition } from '@waxwing/shared';
import type { KeyRing } from './keys/registry.ts';
import type { Change, SealedSecretSummary, SecretMetadata } from './kube/api.ts';
import { isChanged } from './kube/caches.ts';
import type { EventRecorder } from './kube/events.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectMemory } from './object-memory.ts';
import type { Priority, WorkQueue } from './queue.ts';
import { dependsOnKeys, foreignControllerReason } from './reasons.ts';
import type { ObjectCache } from './reconcile.ts';
import type { WorkerPool } from './worker.ts';

export interface TriggersOptions {
  readonly cache: ObjectCache & { sealedSecrets(): Iterable<SealedSecretSummary> };
  readonly queue: Pick<WorkQueue, 'add' | 'addAfter' | 'remove'>;
  readonly workers: Pick<WorkerPool, 'forget'>;
  readonly memory: ObjectMemory;
  readonly metrics: Pick<Metrics, 'objectConditions' | 'objectDeleted' | 'foreignController'>;
  readonly events: EventRecorder;
  readonly logger: Logger;
  /** What we write to `status.controller`. */
  readonly controller: string;
  /** Whether this process writes; one that only follows holds no specs. */
  readonly isWriting: () => boolean;
  /** `--update-status`: where it is off, what is stored is not what the last run found. */
  readonly storesStatuses: boolean;
  /** How long it has been the one that writes, in milliseconds; 0 if it is not. */
  readonly writingForMs: () => number;
  /** See {@link Triggers.secretChanged}. */
  readonly settleMs: number;
  /** How often a Secret that is left alone is looked at, whoever writes it how often. */
  readonly leftAloneMs: number;
  readonly foreignDeletionGraceMs: number;
}

/** What leads to a reconciliation, and how urgent it is. They only decide that somebody has to look, never what is to be done. */
export interface Triggers {
  sealedSecretChanged(change: Change<SealedSecretSummary>): void;
  secretChanged(change: Change<SecretMetadata>): void;
  keyRingChanged(ring: KeyRing, previous: KeyRing): void;
  /** Exports what the stored statuses say, once this process is the one that writes them. */
  exportConditions(): void;
}

export function createTriggers(options: TriggersOptions): Triggers {
  const { cache, queue, memory, metrics } = options;

  const added = (key: string, summary: SealedSecretSummary, isInitial: boolean) => {
    if (isInitial && isRecordedAsDone(summary, cache.secret(key))) {
      cache.releaseSealedSecret(key);
      return;
    }
    queue.add(key, isInitial ? initialPriority(summary) : 'change');
    if (!options.isWriting()) cache.releaseSealedSecret(key);
  };

  const exportCondition = ({ namespace, name, instanceLabel, synced, otherConditions }: SealedSecretSummary) => {
    if (synced === undefined || !options.isWriting() || !options.storesStatuses) return;
    const conditions = [{ type: syncedCondition, ...synced }, ...otherConditions];
    metrics.objectConditions({ namespace, name, instanceLabel, conditions });
  };

  return {
    exportConditions() {
      for (const summary of cache.sealedSecrets()) exportCondition(summary);
    },
    sealedSecretChanged(change) {
      const { key, object } = change;
      if (change.type === 'added') {
        exportCondition(object);
        return added(key, object, change.initial);
      }
      if (change.type === 'deleted') {
        metrics.objectDeleted(object.namespace, object.name);
        memory.forget(key);
        options.workers.forget(key);
        // Where nobody takes from the queue it would hold the names of all that ever was; whoever leads by then looks for leftovers itself.
        return options.isWriting() ? queue.add(key, 'change') : queue.remove(key);
      }
      const { previous } = change;
      memory.forgetSuccess(key, object.record);
      if (isChanged(previous, object)) {
        queue.add(key, 'change');
        if (!options.isWriting()) cache.releaseSealedSecret(key);
      } else {
        noticeForeignController(previous, object, options);
      }
      if (previous.instanceLabel !== object.instanceLabel) metrics.objectDeleted(object.namespace, object.name);
      exportCondition(object);
    },

    secretChanged(change) {
      const { key, object: secret } = change;
      const sealedSecret = cache.sealedSecret(key);
      if (sealedSecret === undefined) return;
      if (change.type === 'deleted') {
        const urgency = urgencyOfDeletion(sealedSecret, secret, memory);
        if (urgency === 'at once') queue.add(key, 'change');
        // It may be somebody's way of replacing it; then theirs comes back first.
        if (urgency === 'after a while') queue.addAfter(key, options.foreignDeletionGraceMs, 'change');
        return;
      }
      if (change.type === 'added' && change.initial) return;
      const record = memory.recentSuccess(key)?.record ?? sealedSecret.record;
      if (record?.uid === secret.uid && record.resourceVersion === secret.resourceVersion) return;
      // Most often our own write, whose answer or whose status has not come back yet: let it settle.
      queue.addAfter(key, isLeftAlone(sealedSecret, change) ? options.leftAloneMs : options.settleMs, 'change');
    },

    keyRingChanged(ring, previous) {
      if (ring.version === previous.version) return;
      for (const key of memory.failed()) queue.add(key, 'key');
      for (const { namespace, name, synced } of cache.sealedSecrets()) {
        if (synced?.status === 'False' && dependsOnKeys(synced.reason)) queue.add(`${namespace}/${name}`, 'key');
      }
    },
  };
}

/** At a cold start all objects are new; one that somebody applies meanwhile must not wait behind them. */
function initialPriority({ observedGeneration, generation }: SealedSecretSummary): Priority {
  return observedGeneration === generation ? 'resync' : 'pending';
}

/** Whether status and caches agree that there is nothing to do, so that a restart does not even queue the object. */
function isRecordedAsDone(summary: SealedSecretSummary, secret: ReturnType<ObjectCache['secret']>): boolean {
  const { record, synced } = summary;
  return (
    secret !== undefined &&
    secret !== 'absent' &&
    !secret.deleting &&
    secret.uid === record?.uid &&
    secret.resourceVersion === record.resourceVersion &&
    record.specHash === summary.specHash &&
    record.rendererRevision === rendererRevision &&
    synced?.status === 'True' &&
    synced.reason === 'Unsealed' &&
    summary.observedGeneration === summary.generation
  );
}

/**
 * When to look whether a deleted Secret is to be made again. Ours and managed ones at once, also those of an earlier SealedSecret that was waited
 * for; one that was in the way after a while; one that we were only asked to patch never (specification 9.1). Whether one was in the way is not
 * asked of the status: it may go before the condition that complains of it has come back.
 */
function urgencyOfDeletion(
  sealedSecret: SealedSecretSummary,
  secret: SecretMetadata,
  memory: ObjectMemory,
): 'at once' | 'after a while' | 'never' {
  const { controller } = secret;
  const isOurs = controller?.kind === 'SealedSecret' && controller.name === sealedSecret.name;
  if (isOurs || secret.managed) return 'at once';
  if (secret.patch) return 'never';
  const record = memory.recentSuccess(`${secret.namespace}/${secret.name}`)?.record ?? sealedSecret.record;
  if (record?.uid === secret.uid) return 'at once';
  return 'after a while';
}

const leftAlone: ReadonlySet<string> = new Set(['NotManaged', 'ImmutableSecret', 'DriftContested']);

/**
 * Whether the condition says that the Secret is not ours to write, and nothing changed of whose it is. Somebody may write it every second, and each
 * look unseals the object anew.
 */
function isLeftAlone({ synced }: SealedSecretSummary, change: Change<SecretMetadata>): boolean {
  if (change.type !== 'updated' || !leftAlone.has(synced?.reason ?? '')) return false;
  const { object, previous } = change;
  return (
    object.managed === previous.managed &&
    object.patch === previous.patch &&
    object.controller?.uid === previous.controller?.uid &&
    object.deleting === previous.deleting
  );
}

/** Another replica's last words about what it did while it led have come by then, and a Pod that is replaced has ended. */
const succeededAfterMs = 60_000;

/** Every condition of ours has a reason; upstream never writes one, and that alone tells its statuses apart where its CRD drops names. */
function isUpstreams({ controller, synced }: SealedSecretSummary): boolean {
  return controller === '' && synced?.reason === '';
}

/**
 * Whether somebody who should not be there wrote this status: over ours of the same generation, or, long after we began to write, of a generation
 * that we were about to look at. A status without a name may be our own, unless it is upstream's: upstream's CRD drops the name.
 */
function isForeignStatus(
  previous: SealedSecretSummary,
  current: SealedSecretSummary,
  { controller, writingForMs }: TriggersOptions,
): boolean {
  if (current.controller === controller || previous.generation !== current.generation) return false;
  if (previous.controller === controller) return true;
  const isFirstOfItsGeneration =
    current.observedGeneration === current.generation && previous.observedGeneration !== current.generation;
  if (isUpstreams(current) && !isUpstreams(previous) && !isFirstOfItsGeneration) return previous.synced !== undefined;
  const isAnothers = current.controller !== '' || isUpstreams(current);
  return isFirstOfItsGeneration && isAnothers && writingForMs() >= succeededAfterMs;
}

/** Says that another controller writes statuses. Nothing is written back: that would be a war. */
function noticeForeignController(
  previous: SealedSecretSummary,
  current: SealedSecretSummary,
  options: TriggersOptions,
): void {
  if (!isForeignStatus(previous, current, options)) return;
  const { events, logger, metrics } = options;
  const { namespace, name, uid, resourceVersion, generation } = current;
  const other = isUpstreams(current) ? 'upstream, by its status' : current.controller || 'without a name';
  const message = `Another controller (${other}) wrote the status of this generation: two of them run on this cluster. Stop one of them.`;
  metrics.foreignController(namespace);
  logger.warn('another controller writes statuses here', { 'sealed-secret': `${namespace}/${name}`, other });
  void events.post({
    subject: { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', namespace, name, uid, resourceVersion },
    type: 'Warning',
    reason: foreignControllerReason,
    message,
    identity: [String(generation), foreignControllerReason, other],
  });
}
