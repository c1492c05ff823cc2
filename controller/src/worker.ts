import { isSealedSecretsError, SealedSecretsError } from '@waxwing/shared';
import { type Backoff, backoffFor, delayAfterFailures, lastingFailures, recheckDelay } from './backoff.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Outcome, Reconcile } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Priority, QueueItem, WorkQueue } from './queue.ts';

export interface WorkerPool {
  start(): void;
  /** Takes no more requests; resolves when the running ones have ended, or after `timeoutMs`, when they are aborted. */
  stop(timeoutMs: number): Promise<void>;
  /** Keys whose run made no progress for as long as the deadline, for /healthz. */
  stuck(): readonly string[];
  /** The API server is back: what failed because it was away is tried now, not when its delay is over. */
  retryUnavailable(): void;
  /** The object is gone, and what was remembered of its failures with it. */
  forget(key: string): void;
  readonly running: number;
}

export interface WorkerPoolOptions {
  readonly queue: WorkQueue;
  readonly reconcile: Reconcile;
  /** So many runs at a time, an eighth of them of changes only. */
  readonly concurrency: number;
  readonly backoff: Backoff;
  /** Pause before a deterministic failure is looked at again. */
  readonly recheckIntervalMs: number;
  /** A run that neither asked the API server anything, nor heard from it, nor used a private key for so long is stuck. */
  readonly deadlineMs: number;
  /** By the signals of the requests. */
  readonly progress: Pick<Progress, 'lastMs'>;
  readonly metrics: Pick<Metrics, 'reconciled'>;
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

interface Run {
  readonly startMs: number;
  readonly ending: AbortController;
}

interface Failing {
  readonly count: number;
  readonly code: string;
  readonly message: string;
}

/**
 * This part of the workers waits for changes that somebody made just now: objects of thousands of items, or under many keys, can keep all the
 * others busy for a minute.
 */
const reservedForChanges = 1 / 8;

/** Takes requests from the queue and reconciles them, so many at a time. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { queue, logger, now } = options;
  const running = new Map<string, Run>();
  const failing = new Map<string, Failing>();
  const aborting = new AbortController();
  const loops: Promise<void>[] = [];

  async function run(item: QueueItem, signal: AbortSignal): Promise<Outcome> {
    const slash = item.key.indexOf('/');
    try {
      return await options.reconcile({
        namespace: item.key.slice(0, slash),
        name: item.key.slice(slash + 1),
        key: item.key,
        priority: item.priority,
        failures: failing.get(item.key)?.count ?? 0,
        dueMs: item.addedMs,
        signal,
      });
    } catch (error) {
      return { type: 'retry', error: isSealedSecretsError(error) ? error : unexpected(error) };
    }
  }

  /** The one place where an outcome becomes requeue, metric and log. */
  function settle(key: string, outcome: Outcome, seconds: number): void {
    options.metrics.reconciled(outcome.type, seconds);
    switch (outcome.type) {
      case 'done':
        failing.delete(key);
        logDone(key, outcome.action, seconds);
        return;
      case 'again':
        failing.delete(key);
        queue.addAfter(key, outcome.delayMs, 'retry');
        logDone(key, outcome.action, seconds);
        return;
      case 'retry': {
        const { count } = fail(key, outcome.error, 'retry');
        const backoff = backoffFor(outcome.error.code, options.backoff, options.recheckIntervalMs);
        const pauseMs = delayAfterFailures(count, backoff, options.random);
        queue.addAfter(key, Math.min(pauseMs, outcome.lookAfterMs ?? pauseMs), 'retry');
        return;
      }
      case 'wait':
        fail(key, outcome.error, 'wait');
        queue.addAfter(key, recheckDelay(outcome.lookAfterMs ?? options.recheckIntervalMs, options.random), 'resync');
        return;
    }
  }

  function logDone(key: string, action: string, seconds: number): void {
    const attributes = { key, action, durationMs: Math.round(seconds * 1000) };
    // A restart over 10,000 unchanged objects shall not write 10,000 lines.
    if (action === 'unchanged') logger.debug('reconciled', attributes);
    else logger.info('reconciled', attributes);
  }

  /** One line when something begins to fail or fails otherwise, one more when it lasts; the repetitions in between are for debugging. */
  function fail(key: string, error: SealedSecretsError, type: 'retry' | 'wait'): Failing {
    const previous = failing.get(key);
    const entry = { count: (previous?.count ?? 0) + 1, code: error.code, message: error.message };
    failing.set(key, entry);
    const isNew = previous?.message !== error.message || previous.code !== error.code;
    const message = type === 'retry' ? 'reconciling failed, will retry' : 'reconciling failed, waiting for a change';
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    logger[levelOf(type, isNew, entry.count)](message, { key, reason: error.code, error: error.message, ...hint });
    return entry;
  }

  async function loop(only?: readonly Priority[]): Promise<void> {
    for (;;) {
      const item = await queue.take(only);
      if (item === undefined) return;
      const startMs = now();
      const ending = new AbortController();
      running.set(item.key, { startMs, ending });
      const outcome = await run(item, ending.signal);
      running.delete(item.key);
      settle(item.key, outcome, (now() - startMs) / 1000);
      queue.done(item);
    }
  }

  function abort(): void {
    const reason = new Error('the controller stops');
    aborting.abort(reason);
    for (const { ending } of running.values()) ending.abort(reason);
  }

  return {
    start() {
      const reserved = Math.floor(options.concurrency * reservedForChanges);
      while (loops.length < reserved) loops.push(loop(['change']));
      while (loops.length < options.concurrency) loops.push(loop());
    },
    async stop(timeoutMs) {
      queue.close();
      const timer = setTimeout(abort, timeoutMs);
      await Promise.race([Promise.all(loops), aborted(aborting.signal)]);
      clearTimeout(timer);
    },
    stuck() {
      const sinceMs = now() - options.deadlineMs;
      const isStuck = ({ startMs, ending }: Run) => Math.max(startMs, options.progress.lastMs(ending.signal)) < sinceMs;
      return Array.from(running).flatMap(([key, each]) => (isStuck(each) ? [key] : []));
    },
    retryUnavailable() {
      for (const [key, entry] of failing) {
        if (entry.code !== 'ApiUnavailable') continue;
        // An API server that is just back may refuse once more; that is no reason for the pause of a long outage.
        failing.set(key, { ...entry, count: 0 });
        queue.add(key, 'retry');
      }
    },
    forget(key) {
      failing.delete(key);
    },
    get running() {
      return running.size;
    },
  };
}

/** What passes by itself is a warning until it has lasted: who logs errors only must hear of it too. */
function levelOf(type: 'retry' | 'wait', isNew: boolean, count: number): 'debug' | 'warn' | 'error' {
  if (type === 'retry' && count === lastingFailures) return 'error';
  if (!isNew) return 'debug';
  return type === 'retry' ? 'warn' : 'error';
}

/** A defect of ours: its message may hold anything, so only its kind and place are kept. */
function unexpected(error: unknown): SealedSecretsError {
  const kind = error instanceof Error ? error.name : typeof error;
  const place =
    error instanceof Error
      ? (error.stack
          ?.split('\n')
          .find((line) => /^\s+at /.test(line))
          ?.trim() ?? '')
      : '';
  return new SealedSecretsError('InternalError', `unexpected ${kind} ${place}`.trim());
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise;
}
