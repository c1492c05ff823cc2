import { randomBytes } from 'node:crypto';
import { activeKeySelector } from '@waxwing/shared';
import { type Config, namespacesOf } from '@waxwing/shared/settings';
import { createCryptoService } from './crypto-service.ts';
import { createDecryptionQueue, type DecryptionQueue } from './decryption-queue.ts';
import { createAuthenticate } from './http/auth.ts';
import { formatBody, parseBody } from './http/body.ts';
import { createBudget, createMemoryBudget, createRateLimiter } from './http/limits.ts';
import type { ServerOptions } from './http/server.ts';
import type { BackUpKey } from './keys/backup.ts';
import { followKeySecrets, type KeyFollower } from './keys/follow.ts';
import { createKeyLife, type KeyLife, type RenewalSignals } from './keys/life.ts';
import { createKeyManager, type KeyManager } from './keys/manager.ts';
import { createKeyRegistry, type KeyRegistry } from './keys/registry.ts';
import { createKeyStore } from './keys/store.ts';
import type { Change, KubeClient, Reflector, SecretMetadata } from './kube/api.ts';
import { createSealedSecretReflector, secretMetadataOf } from './kube/caches.ts';
import type { EventRecorder } from './kube/events.ts';
import type { LeaderElection } from './kube/leases.ts';
import { createReflector, type ReflectorTiming } from './kube/reflector.ts';
import { secretsPath } from './kube/requests.ts';
import { collectionPatienceMs } from './leftovers.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import { createObjectMemory, type ObjectMemory } from './object-memory.ts';
import { createOrphans, type Orphans } from './orphans.ts';
import type { Reconcile } from './outcome.ts';
import { contestWindowMs } from './plan.ts';
import type { Progress } from './progress.ts';
import { createQueue, processTimers, type WorkQueue } from './queue.ts';
import { createReconcile } from './reconcile.ts';
import { createScopes, type Scopes } from './scopes.ts';
import { specHashOf } from './spec-hash.ts';
import { createStatusWriter } from './status-writer.ts';
import type { Templates } from './templates.ts';
import { createTriggers, type Triggers } from './triggers.ts';
import { createWorkerPool, type WorkerPool } from './worker.ts';

/** What everything else is built on. */
export interface Foundation {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly client: KubeClient;
  readonly progress: Progress;
  readonly events: EventRecorder;
  readonly election: LeaderElection;
  readonly templates: Templates;
  readonly renewalSignals: RenewalSignals;
  /** Threads of libuv's pool, which does the RSA work: as many copies of each private key are held. */
  readonly poolThreads: number;
  /** Aborted when the process is to end. */
  readonly stopping: AbortSignal;
}

/** The keys of this process and what keeps them current. */
export interface Keys {
  readonly registry: KeyRegistry;
  readonly decryptions: DecryptionQueue;
  readonly manager: KeyManager;
  readonly life: KeyLife;
  /** Follows the key Secrets, from now until it is stopped. */
  follow(): { readonly watch: Reflector<SecretMetadata>; readonly follower: KeyFollower };
}

const now = () => performance.now();

/** With `--backup-recipient`, no key seals before its backup was written. */
function backupBeforeActivation({ config, client, metrics }: Foundation): { readonly beforeActivate?: BackUpKey } {
  const { backupRecipients, backupFileDir, ...secret } = config.keys;
  if (backupRecipients.length === 0) return {};
  const beforeActivate: BackUpKey = async (draft) => {
    // Loaded by the first key that is made: the libraries of age are needed by nothing else.
    const { createKeyBackup } = await import('./keys/backup.ts');
    const backUp = createKeyBackup({
      recipients: backupRecipients,
      configMaps: client.configMaps,
      folder: backupFileDir,
      secret: { namespace: config.namespace, ...secret },
      randomBytes,
      nowMs: Date.now,
      onResult: (worked) => metrics.keyBackupFailing(!worked),
    });
    return await backUp(draft);
  };
  return { beforeActivate };
}

export function assembleKeys(foundation: Foundation): Keys {
  const { config, client, progress, logger, metrics, events, election, stopping, renewalSignals } = foundation;
  const { namespace } = config;
  const registry = createKeyRegistry({ order: config.keys.orderPriority, copies: foundation.poolThreads });
  const store = createKeyStore({ secrets: client.secrets, namespace, nowMs: Date.now, ...config.keys });
  const manager = createKeyManager({
    registry,
    store,
    namespace,
    ...config.keys,
    clock: { nowMs: Date.now, wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
    randomBytes,
    logger,
    metrics,
    events,
    assertLeading: () => election.assertLeading(),
    signal: stopping,
    ...backupBeforeActivation(foundation),
  });
  const life = createKeyLife({ config, registry, manager, election, renewalSignals, logger, signal: stopping });
  return {
    registry,
    decryptions: createDecryptionQueue(foundation.poolThreads),
    manager,
    life,
    follow() {
      const watch = createReflector<SecretMetadata>({
        name: 'key Secrets',
        resources: client.resources,
        selection: { path: secretsPath(namespace), labelSelector: activeKeySelector, metadataOnly: true },
        timing: { ...reflectorTiming(config), pollIntervalMs: config.keys.pollIntervalMs },
        decode: secretMetadataOf,
        onChange: () => follower.changed(),
        logger,
        progress,
        now,
        random: Math.random,
      });
      const follower = followKeySecrets({
        refresh: manager.refresh,
        isWatching: () => watch.state.synced && watch.state.failure === undefined,
        pollIntervalMs: config.keys.pollIntervalMs,
        signal: stopping,
        logger,
      });
      watch.start();
      return { watch, follower };
    },
  };
}

/** What brings Secrets about. */
export interface Reconciling {
  readonly scopes: Scopes;
  readonly queue: WorkQueue;
  readonly workers: WorkerPool;
  readonly triggers: Triggers;
  readonly orphans: Orphans;
}

/** Our own Secret writes come back as watch events before their answers do: so long such an event waits. */
const settleMs = 500;
/** A Secret that is left alone may be written every second by those who fight for it. */
const leftAloneMs = 60_000;
/** A Secret that was in the way and is deleted may be on its way back: replacing is often deleting and creating. */
const foreignDeletionGraceMs = 2_000;
/** How often Secrets without their SealedSecret are looked for: a look at the caches only. */
const orphanIntervalMs = 15_000;

export function assembleReconciling(foundation: Foundation, { registry, decryptions }: Keys): Reconciling {
  const { config, client, progress, logger, metrics, events, election } = foundation;
  const controller = `${config.namespace}/${config.podName}`;
  const memory = createObjectMemory({ nowMs: now, repairWindowMs: contestWindowMs });
  const queue = createQueue(processTimers);
  const timing = reflectorTiming(config);
  // What failed because the API server was away need not wait for its delay, which may be minutes by then.
  const onRecovered = () => workers.retryUnavailable();
  // And what failed because it did not lead.
  election.onLeadingAgain(onRecovered);
  const shared = { resources: client.resources, timing, logger, progress, now, random: Math.random, onRecovered };
  const { labelSelector } = config.reconcile;
  const scopes: Scopes = createScopes({
    namespaces: namespacesOf(config),
    ownNamespace: config.namespace,
    namespacePollIntervalMs: config.reconcile.namespacePollIntervalMs,
    isSelective: labelSelector !== '',
    api: client.namespaces,
    logger,
    createSealedSecrets: (namespace, onChange) =>
      createSealedSecretReflector({ ...shared, name: 'SealedSecrets', namespace, labelSelector, onChange }),
    createSecrets: (namespace, onChange) =>
      config.reconcile.skipRecreate ? undefined : createSecretReflector(shared, namespace, labelSelector, onChange),
    onSealedSecret: (change) => triggers.sealedSecretChanged(change),
    onSecret: (change) => triggers.secretChanged(change),
  });
  const orphans = createOrphans({
    find: scopes.orphans,
    queue,
    timers: processTimers,
    intervalMs: orphanIntervalMs,
    patienceMs: collectionPatienceMs,
  });
  const reconcile = assembleReconcile(foundation, {
    cache: scopes,
    memory,
    orphans,
    registry,
    decryptions,
    controller,
  });
  const workers = assembleWorkers(foundation, queue, reconcile);
  const triggers: Triggers = createTriggers({
    cache: scopes,
    queue,
    workers,
    memory,
    metrics,
    events,
    logger,
    controller,
    isWriting: () => election.leadership !== 'following',
    storesStatuses: config.reconcile.updateStatus,
    writingForMs: timeSince(election.whenLeading()),
    settleMs,
    leftAloneMs,
    foreignDeletionGraceMs,
  });
  registry.onChange(triggers.keyRingChanged);
  metrics.observe({ queue, orphans, reflectors: scopes.reflectors });
  return { scopes, queue, workers, triggers, orphans };
}

/** Milliseconds since something has happened; 0 until then. */
function timeSince(happening: Promise<void>): () => number {
  let sinceMs: number | undefined;
  void happening.then(() => {
    sinceMs = performance.now();
  });
  return () => (sinceMs === undefined ? 0 : performance.now() - sinceMs);
}

/** A CRD of an earlier version, or upstream's: everything works, but what its schema lacks does not reach the API server. */
function reportCrd(isPruning: boolean, { logger, metrics }: Foundation): void {
  metrics.crdOutdated(isPruning);
  if (!isPruning) return;
  logger.warn(
    "the CRD is older than the controller, or upstream's: the API server drops status.secret and status.controller, so that each start unseals every object once, and null entries of spec.template.data; apply the CRD of the controller's version",
    { crd: 'sealedsecrets.bitnami.com' },
  );
}

function assembleReconcile(
  foundation: Foundation,
  parts: {
    readonly cache: Scopes;
    readonly memory: ObjectMemory;
    readonly orphans: Orphans;
    readonly registry: KeyRegistry;
    readonly decryptions: DecryptionQueue;
    readonly controller: string;
  },
): Reconcile {
  const { config, client, progress, logger, metrics, events } = foundation;
  const { cache, memory, orphans, registry, decryptions, controller } = parts;
  const { acceptDeprecatedData, allowServiceAccountTokens, oldGcBehavior, skipRecreate, updateStatus } =
    config.reconcile;
  const reconcile = createReconcile({
    cache,
    client,
    keyRing: () => registry.ring,
    decryptions,
    progress,
    ...foundation.templates,
    specHashOf,
    status: createStatusWriter({
      sealedSecrets: client.sealedSecrets,
      specHashOf,
      nowMs: Date.now,
      controller,
      enabled: updateStatus,
      onPruning: (isPruning) => reportCrd(isPruning, foundation),
    }),
    events,
    memory,
    orphans,
    metrics,
    logger,
    monotonicMs: now,
    settings: {
      acceptDeprecatedData,
      allowCredentialTypes: allowServiceAccountTokens,
      repairDrift: !skipRecreate,
      oldGcBehavior,
      fieldManager: 'controller',
    },
  });
  // A run that could not write is not begun: it would only tell people, in an event, of a failure that is none of the object's.
  return async (request) => {
    foundation.election.assertLeading();
    return reconcile(request);
  };
}

function assembleWorkers(
  { config, progress, logger, metrics }: Foundation,
  queue: WorkQueue,
  reconcile: Reconcile,
): WorkerPool {
  const { workers, retryBaseDelayMs, retryMaxDelayMs, failedRecheckIntervalMs, deadlineMs } = config.reconcile;
  return createWorkerPool({
    queue,
    reconcile,
    concurrency: workers,
    backoff: { baseMs: retryBaseDelayMs, maxMs: retryMaxDelayMs },
    recheckIntervalMs: failedRecheckIntervalMs,
    deadlineMs,
    progress,
    metrics,
    logger,
    now,
    random: Math.random,
  });
}

type ReflectorParts = Omit<
  Parameters<typeof createReflector<SecretMetadata>>[0],
  'name' | 'selection' | 'decode' | 'onChange'
>;

function createSecretReflector(
  parts: ReflectorParts,
  namespace: string,
  labelSelector: string,
  onChange: (change: Change<SecretMetadata>) => void,
): Reflector<SecretMetadata> {
  const selection = { path: secretsPath(namespace), labelSelector, metadataOnly: true };
  return createReflector({ ...parts, name: 'Secrets', selection, decode: secretMetadataOf, onChange });
}

/** Where Secrets may be listed but not watched they are listed as often as key Secrets. */
function reflectorTiming({ client, keys }: Config): ReflectorTiming {
  return {
    pageSize: client.listPageSize,
    idleTimeoutMs: client.watchIdleTimeoutMs,
    reconnectMaxDelayMs: client.watchReconnectMaxDelayMs,
    requestTimeoutMs: client.requestTimeoutMs,
    pollIntervalMs: keys.pollIntervalMs,
  };
}

const rememberedClients = 65_536;
/** Requests that wait for their turn to decrypt; more are asked to come back. */
const waitingCryptoRequests = 64;
/** So many bodies of the greatest length are held at once, or many more of the usual few kilobytes. */
const longestBodiesAtOnce = 8;

export function assembleServer(
  foundation: Foundation,
  { registry, decryptions }: Keys,
  health: Pick<ServerOptions, 'ready' | 'stuck'>,
): ServerOptions {
  const { config, client, logger, metrics } = foundation;
  const { http } = config;
  const service = createCryptoService({
    keyRing: () => registry.ring,
    decryptions,
    acceptDeprecatedData: config.reconcile.acceptDeprecatedData,
    randomBytes,
    nowMs: Date.now,
  });
  const limit = { maxKeys: rememberedClients, nowMs: now };
  return {
    ...service,
    ...health,
    parseBody,
    formatBody,
    maxBodyBytes: http.maxBodyBytes,
    clientLimiter: createRateLimiter({ ...limit, perSecond: http.rateLimit, burst: http.rateLimitBurst }),
    peerLimiter: createRateLimiter({
      ...limit,
      perSecond: http.rateLimit * http.peerBudgetFactor,
      burst: (http.rateLimitBurst + 1) * http.peerBudgetFactor - 1,
    }),
    cryptoBudget: createBudget({ concurrent: http.maxCryptoRequests, waiting: waitingCryptoRequests }),
    bodyMemory: createMemoryBudget(longestBodiesAtOnce * http.maxBodyBytes),
    authenticate: http.auth === 'token' ? createAuthenticate(client.access, http.authAudience) : undefined,
    metrics,
    logger,
    nowMs: now,
  };
}
