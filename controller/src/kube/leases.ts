import { SealedSecretsError } from '@waxwing/shared';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../queue.ts';
import type { Lease, LeaseRecord, LeasesApi, ObjectKey } from './api.ts';
import { ApiError } from './errors.ts';

/**
 * - `leading`: this process may write.
 * - `following`: another one holds the Lease, or nobody knows yet.
 * - `unelected`: elections are off or Leases are forbidden: this process writes, as upstream does.
 */
type Leadership = 'leading' | 'following' | 'unelected';

export interface LeaderElection {
  readonly leadership: Leadership;
  /** Who holds the Lease, as far as known; for logs. */
  readonly holder: string;
  /**
   * Call it right before each write. Throws SealedSecretsError ApiConflict when the lease's deadline on the monotonic clock has
   * passed, whatever the timers say (SIGSTOP): somebody else may lead by now.
   */
  assertLeading(): void;
  /** Resolves once this process may write. */
  whenLeading(): Promise<void>;
  start(): void;
  /** Gives the Lease back if it is held, so that the next one need not wait. */
  stop(): Promise<void>;
}

export interface LeaderElectionOptions {
  readonly leases: LeasesApi;
  readonly key: ObjectKey;
  /** Different for each process, also for two in one Pod. */
  readonly identity: string;
  readonly durationMs: number;
  /** Without a renewal for so long this process stops writing; shorter than the duration, so that nobody else has begun. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly timers: Timers;
  /** Milliseconds since the epoch, for the times in the Lease; nothing is decided by them. */
  wallClock(): number;
  /** In [0, 1). */
  random(): number;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'leader' | 'leaderElectionForbidden'>;
  /** The Lease is lost: the process has to end, since work of it may be under way. Called once. */
  onLost(): void;
}

/** Without election: this process may always write. */
export function noElection(metrics: Pick<Metrics, 'leader'>): LeaderElection {
  metrics.leader(true);
  return {
    leadership: 'unelected',
    holder: '',
    assertLeading() {},
    async whenLeading() {},
    start() {},
    async stop() {},
  };
}

/** Leader election by a Lease, with the record of client-go, so that `kubectl` and other tools can read it. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { leases, key, identity, timers, logger, metrics } = options;
  const leading = Promise.withResolvers<void>();
  const stopping = new AbortController();
  let leadership: Leadership = 'following';
  let lease: Lease | undefined;
  /** When this process first saw the record as it is: other clocks are not to be trusted. */
  let seenMs = 0;
  let deadlineMs = 0;
  let isLost = false;
  let cancelNext = () => {};
  let cancelDeadline = () => {};
  let attempting: Promise<void> = Promise.resolve();
  let lastFailure = '';

  function see(current: Lease): void {
    if (lease?.resourceVersion !== current.resourceVersion) seenMs = timers.now();
    lease = current;
  }

  function lose(why: string): void {
    if (isLost || leadership !== 'leading') return;
    isLost = true;
    leadership = 'following';
    cancelNext();
    cancelDeadline();
    metrics.leader(false);
    logger.error('leadership is lost, the process ends', { why, holder: lease?.holderIdentity ?? '' });
    options.onLost();
  }

  /** `startMs` is when the request began: the others count from later, when they see its effect. */
  function renewed(current: Lease, startMs: number): void {
    see(current);
    lastFailure = '';
    deadlineMs = startMs + options.renewDeadlineMs;
    cancelDeadline();
    cancelDeadline = timers.after(deadlineMs - timers.now(), () => lose('it could not be renewed in time'));
    if (leadership === 'leading') return;
    leadership = 'leading';
    metrics.leader(true);
    logger.info('this replica leads', { lease: `${key.namespace}/${key.name}`, identity });
    leading.resolve();
  }

  function recordFor(previous: Lease | undefined): LeaseRecord {
    const now = microTime(options.wallClock());
    const isMine = previous?.holderIdentity === identity;
    const transitions = previous?.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(options.durationMs / 1000),
      acquireTime: isMine ? previous.acquireTime : now,
      renewTime: now,
      leaseTransitions: isMine || previous === undefined ? transitions : transitions + 1,
    };
  }

  function mayTake(current: Lease): boolean {
    if (current.holderIdentity === '' || current.holderIdentity === identity) return true;
    const heldMs = current.leaseDurationSeconds > 0 ? current.leaseDurationSeconds * 1000 : options.durationMs;
    return timers.now() - seenMs > heldMs;
  }

  async function attempt(signal: AbortSignal): Promise<void> {
    const startMs = timers.now();
    // While leading, the last answer is what is stored, unless somebody else wrote: then this is refused.
    const known = leadership === 'leading' ? lease : await leases.get(key, { signal });
    if (known === undefined) {
      renewed(await leases.create(key, recordFor(undefined), { signal }), startMs);
      return;
    }
    see(known);
    if (!mayTake(known)) {
      if (leadership === 'leading') lose('another replica holds it');
      return;
    }
    const request = { ...recordFor(known), resourceVersion: known.resourceVersion };
    renewed(await leases.update(key, request, { signal }), startMs);
  }

  async function onFailure(error: unknown): Promise<void> {
    const failure = error instanceof ApiError ? error : undefined;
    if (failure?.status === 403 && leadership === 'following') {
      runUnelected(failure);
      return;
    }
    // Somebody wrote between: the next attempt looks first.
    if (failure?.code === 'ApiConflict' && leadership === 'leading') await lookWhoLeads();
    const text = failure?.message ?? 'the request did not end in time';
    logger[text === lastFailure ? 'debug' : 'warn']('the Lease cannot be renewed', { error: text });
    lastFailure = text;
  }

  async function lookWhoLeads(): Promise<void> {
    const current = await leases.get(key).catch(() => undefined);
    if (current === undefined) return;
    see(current);
    if (current.holderIdentity !== identity) lose('another replica holds it');
  }

  function runUnelected(failure: ApiError): void {
    leadership = 'unelected';
    cancelNext();
    metrics.leaderElectionForbidden(true);
    metrics.leader(true);
    const hint = failure.hint ?? '';
    logger.error('Leases are forbidden: this replica works without election', { error: failure.message, hint });
    leading.resolve();
  }

  async function step(): Promise<void> {
    const trying = new AbortController();
    const cancelTimeout = timers.after(options.renewDeadlineMs / 2, () => trying.abort(new Error('timed out')));
    try {
      await attempt(AbortSignal.any([trying.signal, stopping.signal]));
    } catch (error) {
      if (!stopping.signal.aborted) await onFailure(error);
    } finally {
      cancelTimeout();
    }
    if (stopping.signal.aborted || isLost || leadership === 'unelected') return;
    // Spread, so that two followers do not always come together.
    const pauseMs = options.retryPeriodMs * (leadership === 'leading' ? 1 : 1 + options.random() * 0.2);
    cancelNext = timers.after(pauseMs, next);
  }

  function next(): void {
    attempting = step();
  }

  return {
    get leadership() {
      return leadership;
    },
    get holder() {
      return lease?.holderIdentity ?? '';
    },
    assertLeading() {
      if (leadership === 'unelected') return;
      if (leadership === 'leading' && timers.now() < deadlineMs) return;
      lose('its deadline has passed');
      throw new SealedSecretsError('ApiConflict', 'this replica does not lead any more, so it writes nothing');
    },
    whenLeading: () => leading.promise,
    start() {
      metrics.leader(false);
      next();
    },
    async stop() {
      stopping.abort(new Error('the election was stopped'));
      cancelNext();
      cancelDeadline();
      await attempting;
      if (leadership !== 'leading' || lease === undefined || timers.now() >= deadlineMs) return;
      leadership = 'following';
      metrics.leader(false);
      // As client-go releases: nobody holds it, and nobody has to wait for it.
      const released = {
        ...lease,
        holderIdentity: '',
        leaseDurationSeconds: 1,
        renewTime: microTime(options.wallClock()),
      };
      await leases.update(key, released).catch(() => {});
    },
  };
}

/** RFC 3339 with microseconds, as metav1.MicroTime is written. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
