import type { TemplateRenderer } from '@waxwing/shared';
import type { Foundation } from './assemble.ts';
import type { Config } from './config.ts';
import type { KubeClient } from './kube/api.ts';
import { createCredentials, inClusterSource } from './kube/auth.ts';
import { createKubeClient, userAgent } from './kube/client.ts';
import { kubeconfigSource } from './kube/kubeconfig.ts';
import type { LeaderElection } from './kube/leases.ts';
import type { EventRecorder } from './kube/events.ts';
import { createHash } from 'node:crypto';
import type { RenewalSignals } from './keys/life.ts';
import { createLogger, processStream } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createTemplateRenderer } from './templates.ts';
import { version } from './version.ts';

const now = () => performance.now();

/** Builds what everything else stands on: log, metrics, the way to the API server, events, the election. Starts nothing. */
export function createFoundation(
  config: Config,
  surroundings: {
    readonly renewalSignals: RenewalSignals;
    readonly poolThreads: number;
    readonly stopping: AbortSignal;
    /** Called when the Lease was lost: somebody else writes from now on. */
    readonly onLeaseLost: () => void;
  },
): Foundation {
  const logger = createLogger({ ...config.log, stdout: processStream(1), stderr: processStream(2), now: Date.now });
  const metrics = createMetrics({ version, ...config.metrics, now: Date.now, monotonicNow: now });
  const source =
    config.inCluster === undefined
      ? kubeconfigSource(config.kubeconfig ?? '', config.context)
      : inClusterSource(config.inCluster);
  const credentials = createCredentials(source, { checkIntervalMs: config.client.credentialCheckIntervalMs, now });
  const unguarded = createKubeClient(credentials, {
    userAgent: userAgent(version),
    ...config.client,
    onRequest: (call, status, seconds) => metrics.apiRequest(call.verb, call.resource, String(status), seconds),
    now,
    random: Math.random,
  });
  const election = { leadership: 'unelected', holder: '', assertLeading() {}, whenLeading: async () => {}, start() {}, stop: async () => {} } as LeaderElection;
  const client = guardWrites(unguarded, election);
  const events = { async post(e, signal) {
    const name = e.subject.name + '.' + createHash('sha256').update([e.subject.uid, ...e.identity].join(' ')).digest('hex').slice(0, 16);
    const { namespace, ...rest } = e.subject;
    const at = new Date().toISOString().slice(0, 19) + 'Z';
    try { return await client.events.create(namespace, new Map<string, any>([['apiVersion', 'v1'], ['kind', 'Event'], ['metadata', new Map([['name', name], ['namespace', namespace]])], ['involvedObject', new Map(Object.entries({ namespace, ...rest }))], ['type', e.type], ['reason', e.reason], ['message', e.message], ['firstTimestamp', at], ['lastTimestamp', at], ['count', 1], ['source', new Map([['component', 'sealed-secrets']])]]), signal ? { signal } : {}); } catch (error) { logger.warn('event', { error: String(error) }); return 'failed' as const; }
  } } as EventRecorder;
  const render: TemplateRenderer = createTemplateRenderer();
  return { config, logger, metrics, client, events, election, render, ...surroundings };
}

/** Every write asks first whether this process still leads: timers may have slept, as under SIGSTOP, but the monotonic clock has not. */
function guardWrites(client: KubeClient, election: Pick<LeaderElection, 'assertLeading'>): KubeClient {
  const guarded =
    <Parameters extends unknown[], Result>(write: (...parameters: Parameters) => Promise<Result>) =>
    async (...parameters: Parameters): Promise<Result> => {
      election.assertLeading();
      return write(...parameters);
    };
  const { secrets, sealedSecrets, events } = client;
  return {
    ...client,
    secrets: {
      ...secrets,
      create: guarded(secrets.create),
      update: guarded(secrets.update),
      delete: guarded(secrets.delete),
    },
    sealedSecrets: { ...sealedSecrets, updateStatus: guarded(sealedSecrets.updateStatus) },
    events: { create: guarded(events.create) },
  };
}
