import { SealedSecretsError } from '@waxwing/shared';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../queue.ts';
import type { Lease, LeaseRecord, LeasesApi, ObjectKey } from './api.ts';
import { ApiError } from './errors.ts';

/**
 * - `leading`: this process may write.
 * - `suspended`: it led and could not renew the Lease in time, but knows of nobody else who holds it: it writes nothing and goes on trying.
 * - `following`: another one holds the Lease, or nobody knows yet.
 * - `unelected`: elections are off or Leases are forbidden: this process writes, as upstream does.
 */
type Leadership = 'leading' | 'suspended' | 'following' | 'unelected';

export interface LeaderElection {
  readonly leadership: Leadership;
  /** Who holds the Lease, as far as known; for logs. */
  readonly holder: string;
  /**
   * Call it right before each attempt of a write is sent. The signal is aborted when this term ends, and the write has to be broken off then.
   *
   * @throws SealedSecretsError ApiUnavailable if this process does not lead, or the Lease's deadline on the monotonic clock has passed,
   * whatever the timers say (SIGSTOP): somebody else may lead by now.
   */
  assertLeading(): AbortSignal;
  /** Resolves once this process may write. */
  whenLeading(): Promise<void>;
  /** Called each time this process may write again after it was suspended: what failed because of that is due. */
  onLeadingAgain(listener: () => void): void;
  start(): void;
  /** Gives the Lease back if it is held, so that the next one need not wait. Takes a few seconds at most. */
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
  /**
   * Another one holds the Lease, or may have held it: the process has to end, since what it remembers of the cluster may be wrong. Called once.
   */
  onLost(): void;
}

/** So many refusals in a row before Leases count as forbidden: an API server that starts refuses everything until it has read its roles. */
const fewestRefusals = 3;
/** So long they have to last where this process was allowed to use the Lease before. It is as long as an API server takes to start. */
const longestRefusalMs = 30_000;
/** How often Leases are tried while they are forbidden: somebody may grant them. */
const forbiddenPeriodMs = 30_000;
/** Two followers shall not always come together: their pauses are longer by up to this share. */
const spread = 0.2;
/** Giving the Lease back only spares others their waiting. */
const releaseTimeoutMs = 3_000;

/** Without election: this process may always write. */
export function noElection(metrics: Pick<Metrics, 'leader'>): LeaderElection {
  metrics.leader(true);
  const endless = new AbortController().signal;
  return {
    leadership: 'unelected',
    holder: '',
    assertLeading: () => endless,
    async whenLeading() {},
    onLeadingAgain() {},
    start() {},
    async stop() {},
  };
}

/** Leader election by a Lease, with the record of client-go, so that `kubectl` and other tools can read it. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { leases, key, identity, timers, logger, metrics } = options;
  const leading = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const requestTimeoutMs = options.renewDeadlineMs / 2;
  /** Further apart than this two looks are not by themselves, however slow the API server is. */
  const blindAfterMs = Math.max(options.renewDeadlineMs, options.retryPeriodMs * (1 + spread) + requestTimeoutMs);
  const listeners: (() => void)[] = [];
  let term = new AbortController();
  let leadership: Leadership = 'following';
  let lease: Lease | undefined;
  /** Since when this process knows the record as it is: other clocks are not to be trusted. */
  let seenMs = 0;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let deadlineMs = 0;
  let isLost = false;
  /** Attempts that were refused with 403 one after the other, and when the first of them was. */
  let refusals = { count: 0, sinceMs: 0 };
  let wasAllowed = false;
  let cancelNext = () => {};
  let cancelDeadline = () => {};
  let attempting: Promise<void> = Promise.resolve();
  let lastFailure = '';

  function see(current: Lease): void {
    if (lease?.resourceVersion !== current.resourceVersion) seenMs = timers.now();
    lease = current;
  }

  async function look(signal: AbortSignal): Promise<Lease | undefined> {
    const current = await leases.get(key, { signal });
    const nowMs = timers.now();
    // Who could not look does not know whether the holder could have renewed: the API server was away for both of them, most likely.
    if (nowMs - lookedMs > blindAfterMs) seenMs = nowMs;
    lookedMs = nowMs;
    return current;
  }

  function lose(why: string): void {
    if (isLost || leadership === 'following') return;
    isLost = true;
    leadership = 'following';
    cancelNext();
    cancelDeadline();
    metrics.leader(false);
    logger.error('leadership is lost, the process ends', { why, holder: lease?.holderIdentity ?? '' });
    term.abort(notLeading());
    options.onLost();
  }

  function suspend(): void {
    if (leadership !== 'leading') return;
    leadership = 'suspended';
    cancelDeadline();
    metrics.leader(false);
    logger.error('the Lease could not be renewed in time: this replica writes nothing until it has it again', {
      lease: `${key.namespace}/${key.name}`,
      error: lastFailure,
    });
    term.abort(notLeading());
  }

  /** This process may write from now on. */
  function take(next: 'leading' | 'unelected'): void {
    const isAgain = leadership === 'suspended';
    leadership = next;
    metrics.leader(true);
    metrics.leaderElectionForbidden(next === 'unelected');
    if (next === 'leading') {
      const what = isAgain ? 'this replica leads again: nobody else did meanwhile' : 'this replica leads';
      logger.info(what, { lease: `${key.namespace}/${key.name}`, identity });
    }
    leading.resolve();
    if (!isAgain) return;
    term = new AbortController();
    for (const listener of listeners) listener();
  }

  /** `startMs` is when the request began: the others count from later, when they see its effect. */
  function renewed(current: Lease, startMs: number): void {
    see(current);
    lastFailure = '';
    const untilMs = startMs + options.renewDeadlineMs;
    // The process slept over the answer: what it says may be history.
    if (timers.now() >= untilMs) return;
    deadlineMs = untilMs;
    cancelDeadline();
    cancelDeadline = timers.after(deadlineMs - timers.now(), suspend);
    if (leadership !== 'leading') take('leading');
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

  /** Whoever takes the Lease from another one counts that, so nobody else has had it if it is ours and the count is what it was. */
  function isAsWeLeftIt(current: Lease | undefined): boolean {
    return current?.holderIdentity === identity && current.leaseTransitions === lease?.leaseTransitions;
  }

  async function attempt(signal: AbortSignal): Promise<void> {
    const startMs = timers.now();
    // While leading, the last answer is what is stored, unless somebody else wrote: then this is refused.
    const known = leadership === 'leading' ? lease : await look(signal);
    const isNews = lease !== undefined && lease.resourceVersion !== known?.resourceVersion;
    const wasHeld = leadership === 'suspended' && !isAsWeLeftIt(known);
    if (known !== undefined) see(known);
    if (wasHeld) {
      lose('another replica may have held it meanwhile');
      return;
    }
    if (known === undefined) {
      renewed(await leases.create(key, recordFor(undefined), { signal }), startMs);
      return;
    }
    if (!mayTake(known)) {
      // Without election too: that another one renews means that elections are possible, and that it leads.
      if (leadership === 'leading' || (leadership === 'unelected' && isNews)) lose('another replica holds it');
      return;
    }
    const request = { ...recordFor(known), resourceVersion: known.resourceVersion };
    renewed(await leases.update(key, request, { signal }), startMs);
  }

  async function onFailure(error: unknown): Promise<void> {
    const failure = error instanceof ApiError ? error : undefined;
    if (failure?.status === 403) {
      refused(failure);
      if (leadership === 'unelected') return;
    } else {
      refusals = { count: 0, sinceMs: 0 };
    }
    // Somebody wrote between: the next attempt looks first.
    if (failure?.code === 'ApiConflict' && leadership === 'leading') await lookWhoLeads();
    const text = failure?.message ?? 'the request did not end in time';
    logger[text === lastFailure ? 'debug' : 'warn']('the Lease cannot be renewed', { error: text });
    lastFailure = text;
  }

  async function lookWhoLeads(): Promise<void> {
    const current = await withTimeout((signal) => leases.get(key, { signal })).catch(() => undefined);
    if (current === undefined) return;
    see(current);
    if (current.holderIdentity !== identity) lose('another replica holds it');
  }

  /** One that never was allowed to use Leases waits for two periods only: where that is meant to be so, nothing is to be late. */
  function refused(failure: ApiError): void {
    if (refusals.count === 0) refusals.sinceMs = timers.now();
    refusals.count++;
    const patienceMs = wasAllowed ? longestRefusalMs : 2 * options.retryPeriodMs;
    const isPatient = refusals.count < fewestRefusals || timers.now() - refusals.sinceMs < patienceMs;
    if (isPatient || leadership === 'leading' || leadership === 'unelected') return;
    const hint = failure.hint ?? '';
    logger.error('Leases are forbidden: this replica works without election', { error: failure.message, hint });
    take('unelected');
  }

  async function withTimeout<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const trying = new AbortController();
    const cancelTimeout = timers.after(requestTimeoutMs, () => trying.abort(new Error('timed out')));
    try {
      return await request(AbortSignal.any([trying.signal, stopping.signal]));
    } finally {
      cancelTimeout();
    }
  }

  async function step(): Promise<void> {
    try {
      await withTimeout(attempt);
      wasAllowed = true;
      refusals = { count: 0, sinceMs: 0 };
    } catch (error) {
      if (!stopping.signal.aborted) await onFailure(error);
    }
    if (stopping.signal.aborted || isLost) return;
    cancelNext = timers.after(pauseMs(), next);
  }

  function pauseMs(): number {
    if (leadership === 'leading') return options.retryPeriodMs;
    const periodMs = leadership === 'unelected' && refusals.count > 0 ? forbiddenPeriodMs : options.retryPeriodMs;
    return periodMs * (1 + options.random() * spread);
  }

  function next(): void {
    attempting = step();
  }

  /** As client-go releases: nobody holds it, and nobody has to wait for it. */
  async function release(held: Lease): Promise<void> {
    const ending = new AbortController();
    const cancelTimeout = timers.after(releaseTimeoutMs, () => ending.abort(new Error('timed out')));
    const renewTime = microTime(options.wallClock());
    const released = { ...held, holderIdentity: '', leaseDurationSeconds: 1, renewTime };
    const { signal } = ending;
    try {
      await leases.update(key, released, { signal }).catch(async (error) => {
        if (!(error instanceof ApiError) || error.code !== 'ApiConflict') throw error;
        // The renewal that was broken off has arrived all the same.
        const current = await leases.get(key, { signal });
        if (current?.holderIdentity !== identity) throw error;
        await leases.update(key, { ...released, resourceVersion: current.resourceVersion }, { signal });
      });
    } catch {
      // Others wait until it has expired.
    }
    cancelTimeout();
  }

  return {
    get leadership() {
      return leadership;
    },
    get holder() {
      return lease?.holderIdentity ?? '';
    },
    assertLeading() {
      if (leadership === 'leading' && timers.now() >= deadlineMs) suspend();
      if (leadership !== 'leading' && leadership !== 'unelected') throw notLeading();
      return term.signal;
    },
    whenLeading: () => leading.promise,
    onLeadingAgain(listener) {
      listeners.push(listener);
    },
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
      // Whatever still writes: the next leader begins as soon as the Lease is free.
      term.abort(notLeading());
      await release(lease);
    },
  };
}

/** What to retry when the API server is back is retried after this too. */
function notLeading(): SealedSecretsError {
  return new SealedSecretsError('ApiUnavailable', 'this replica does not lead any more, so it writes nothing');
}

/** RFC 3339 with microseconds, as metav1.MicroTime is written. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
