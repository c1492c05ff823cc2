import { randomUUID } from 'node:crypto';
import type { Config } from '@waxwing/shared/settings';
import type { Foundation } from './assemble.ts';
import type { RenewalSignals } from './keys/life.ts';
import type { KubeClient } from './kube/api.ts';
import { createCredentials, inClusterSource } from './kube/auth.ts';
import { createKubeClient, userAgent } from './kube/client.ts';
import { createEventRecorder } from './kube/events.ts';
import { kubeconfigSource } from './kube/kubeconfig.ts';
import { createLeaderElection, type LeaderElection, type LeaderElectionOptions, noElection } from './kube/leases.ts';
import { createLogger, processStream } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createProgress } from './progress.ts';
import { processTimers } from './queue.ts';
import { createTemplates } from './templates.ts';
import { version } from './version.ts';

const now = () => performance.now();

/** For the templates of one object: four RSA keys of 4096 bits on a slow core. Waiting for the thread and this are well below the deadline of a run. */
const costlyTemplateMs = 20_000;
const longestTemplateWaitMs = 60_000;
/** With as many behind it as are done within that time; the others leave their workers to objects that need no thread. */
const mostWaitingTemplates = 8;

/** Builds what everything else stands on: log, metrics, the way to the API server, events, the election. Starts nothing. */
export function createFoundation(
  config: Config,
  surroundings: {
    readonly renewalSignals: RenewalSignals;
    readonly poolThreads: number;
    readonly stopping: AbortSignal;
    readonly programFile: string;
    /** Called when the Lease was lost: somebody else writes from now on. */
    readonly onLeaseLost: () => void;
  },
): Foundation {
  const logger = createLogger({ ...config.log, stdout: processStream(1), stderr: processStream(2), now: Date.now });
  const metrics = createMetrics({
    version,
    ...config.metrics,
    renewPeriodMs: config.keys.renewPeriodMs,
    now: Date.now,
    monotonicNow: now,
  });
  const source =
    config.inCluster === undefined
      ? kubeconfigSource(config.kubeconfig ?? '', config.context)
      : inClusterSource(config.inCluster);
  const credentials = createCredentials(source, { checkIntervalMs: config.client.credentialCheckIntervalMs, now });
  const progress = createProgress(now);
  const unguarded = createKubeClient(credentials, {
    userAgent: userAgent(version),
    ...config.client,
    onRequest: (call, status, seconds) => metrics.apiRequest(call.verb, call.resource, String(status), seconds),
    onProgress: progress.made,
    now,
    random: Math.random,
  });
  const election = createElection(config, {
    leases: unguarded.leases,
    logger,
    metrics,
    onLost: surroundings.onLeaseLost,
  });
  const client = guardWrites(unguarded, election);
  const events = createEventRecorder({
    events: client.events,
    logger,
    metrics,
    instance: config.podName,
    now: Date.now,
    timers: processTimers,
    random: Math.random,
  });
  const templates = createTemplates({
    programFile: surroundings.programFile,
    deadlineMs: costlyTemplateMs,
    // Half the workers stay free for objects that need no thread.
    maxWaiting: Math.max(1, Math.min(mostWaitingTemplates, Math.floor(config.reconcile.workers / 2))),
    maxWaitMs: longestTemplateWaitMs,
    monotonicMs: now,
  });
  return { config, logger, metrics, client, progress, events, election, templates, ...surroundings };
}

function createElection(
  config: Config,
  parts: Pick<LeaderElectionOptions, 'leases' | 'logger' | 'metrics' | 'onLost'>,
): LeaderElection {
  const { enabled, name, namespace, ...periods } = config.leaderElection;
  if (!enabled) return noElection(parts.metrics);
  return createLeaderElection({
    ...parts,
    ...periods,
    key: { namespace, name },
    identity: `${config.podName}_${randomUUID()}`,
    timers: processTimers,
    wallClock: Date.now,
    random: Math.random,
  });
}

/**
 * Every attempt to write an object asks, when it is about to be sent, whether this process still leads: timers may have slept, as under
 * SIGSTOP, but the monotonic clock has not. Events need not: their names say what they report, so a second one is refused.
 */
function guardWrites(client: KubeClient, election: Pick<LeaderElection, 'assertLeading'>): KubeClient {
  const permit = () => election.assertLeading();
  const { secrets, sealedSecrets, configMaps } = client;
  return {
    ...client,
    secrets: {
      ...secrets,
      create: (secret, options) => secrets.create(secret, { ...options, permit }),
      update: (secret, options, replaced) => secrets.update(secret, { ...options, permit }, replaced),
      delete: (key, options) => secrets.delete(key, { ...options, permit }),
    },
    sealedSecrets: {
      ...sealedSecrets,
      updateStatus: (target, status, options) => sealedSecrets.updateStatus(target, status, { ...options, permit }),
    },
    configMaps: {
      ...configMaps,
      create: (key, metadata, data, options) => configMaps.create(key, metadata, data, { ...options, permit }),
    },
  };
}
