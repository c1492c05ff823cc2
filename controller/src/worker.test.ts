import { SealedSecretsError } from '@waxwing/shared';
import { describe, expect, test } from 'vitest';
import { retryBackoff } from './backoff.ts';
import type { Outcome, ReconcileRequest } from './outcome.ts';
import { createProgress } from './progress.ts';
import { createQueue } from './queue.ts';
import { createTestLogger, createTestTimers } from './testing.ts';
import { createWorkerPool } from './worker.ts';

/** A pool on a clock of its own; `outcomes` are given one after the other, the last one for ever. A promise is waited for. */
function aPool(outcomes: readonly (Outcome | Error | Promise<Outcome>)[], concurrency = 1) {
  const timers = createTestTimers();
  const queue = createQueue(timers);
  const logger = createTestLogger();
  const requests: ReconcileRequest[] = [];
  const settled: string[] = [];
  const pool = createWorkerPool({
    queue,
    concurrency,
    backoff: retryBackoff,
    recheckIntervalMs: 3_600_000,
    deadlineMs: 60_000,
    progress,
    metrics: { reconciled: (type) => settled.push(type) },
    logger,
    now: timers.now,
    random: () => 0.5,
    async reconcile(request) {
      requests.push(request);
      const outcome = outcomes[Math.min(requests.length, outcomes.length) - 1];
      if (outcome === undefined || outcome instanceof Error) throw outcome;
      return outcome;
    },
  });
  pool.start();
  return { timers, queue, logger, requests, settled, pool };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const progress = createProgress(() => 0);
const unavailable = new SealedSecretsError('ApiUnavailable', 'connection refused');
const unknownKey = new SealedSecretsError('UnknownKey', 'no key opens item "a"', { hint: 'kubectl get ...' });

describe('the workers', () => {
  test('a success is logged once and asks for nothing more', async () => {
    const { queue, logger, settled, requests } = aPool([{ type: 'done', action: 'created' }]);
    queue.add('a/x', 'change');
    await turn();
    expect(requests[0]).toMatchObject({ namespace: 'a', name: 'x', key: 'a/x', priority: 'change', failures: 0 });
    expect(settled).toEqual(['done']);
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
    expect(logger.records).toMatchObject([{ level: 'info', attributes: { key: 'a/x', action: 'created' } }]);
  });

  test('runs that do not end leave an eighth of the workers to changes', async () => {
    const { queue, requests } = aPool([new Promise(() => {})], 16);
    for (let i = 0; i < 30; i++) queue.add(`a/${i}`, 'pending');
    await turn();
    expect(requests).toHaveLength(14);
    queue.add('a/new', 'change');
    await turn();
    expect(requests.slice(14).map(({ key }) => key)).toEqual(['a/new']);
  });

  test('an unchanged object makes no line above debug', async () => {
    const { queue, logger } = aPool([{ type: 'done', action: 'unchanged' }]);
    queue.add('a/x', 'resync');
    await turn();
    expect(logger.records.map(({ level }) => level)).toEqual(['debug']);
  });

  test('a failing API is asked again with growing pauses, for ever, and said once', async () => {
    const { queue, timers, logger, requests } = aPool([{ type: 'retry', error: unavailable }]);
    queue.add('a/x', 'change');
    await turn();
    for (let i = 0; i < 30; i++) {
      expect(queue.delayed).toBe(1);
      timers.advance(5 * 60_000);
      await turn();
    }
    expect(requests.map(({ failures }) => failures)).toEqual(Array.from({ length: 31 }, (_, i) => i));
    expect(requests[30]?.priority).toBe('retry');
    // Once as a warning, and once more when it lasts.
    expect(logger.records.map(({ level }) => level).filter((level) => level !== 'debug')).toEqual(['warn', 'error']);
  });

  test('templates that lacked time are tried again after half a minute at the soonest', async () => {
    const error = new SealedSecretsError('TemplateTimeout', 'the template takes longer than 20000 ms');
    const { queue, timers, requests } = aPool([{ type: 'retry', error }]);
    queue.add('a/x', 'change');
    await turn();
    timers.advance(29_000);
    await turn();
    expect(requests).toHaveLength(1);
    timers.advance(31_000);
    await turn();
    expect(requests).toHaveLength(2);
  });

  test('the first pause is a few milliseconds', async () => {
    const { queue, timers, requests } = aPool([{ type: 'retry', error: unavailable }]);
    queue.add('a/x', 'change');
    await turn();
    timers.advance(5);
    await turn();
    expect(requests).toHaveLength(2);
  });

  test('a pause is not longer than what has to be looked at then', async () => {
    const error = new SealedSecretsError('WaitingForGarbageCollection', 'the old Secret is still there');
    const failures = Array.from({ length: 16 }, () => ({ type: 'retry', error }) as const);
    const { queue, timers, requests } = aPool([...failures, { type: 'retry', error, lookAfterMs: 7000 }]);
    queue.add('a/x', 'change');
    for (const _ of failures) {
      await turn();
      timers.advance(5 * 60_000);
    }
    await turn();
    expect(requests).toHaveLength(17);
    timers.advance(6999);
    await turn();
    expect(requests).toHaveLength(17);
    timers.advance(1);
    await turn();
    expect(requests).toHaveLength(18);
  });

  test('a deterministic failure waits for its change, but for one look an hour', async () => {
    const { queue, timers, logger, requests } = aPool([{ type: 'wait', error: unknownKey }]);
    queue.add('a/x', 'change');
    await turn();
    timers.advance(50 * 60_000);
    await turn();
    expect(requests).toHaveLength(1);
    timers.advance(15 * 60_000);
    await turn();
    expect(requests).toHaveLength(2);
    expect(logger.records[0]).toMatchObject({
      level: 'error',
      attributes: { key: 'a/x', reason: 'UnknownKey', hint: 'kubectl get ...' },
    });
  });

  test('success forgets the failures', async () => {
    const { queue, timers, requests } = aPool([
      { type: 'retry', error: unavailable },
      { type: 'done', action: 'created' },
      { type: 'retry', error: unavailable },
    ]);
    queue.add('a/x', 'change');
    await turn();
    timers.advance(10);
    await turn();
    queue.add('a/x', 'change');
    await turn();
    expect(requests.map(({ failures }) => failures)).toEqual([0, 1, 0]);
  });

  test('"again" comes back after its delay without being a failure', async () => {
    const { queue, timers, requests } = aPool([{ type: 'again', delayMs: 1000, action: 'waits' }]);
    queue.add('a/x', 'change');
    await turn();
    timers.advance(1000);
    await turn();
    expect(requests.map(({ failures }) => failures)).toEqual([0, 0]);
  });

  test('a defect is retried like an API failure, and its text, which may hold values, is not repeated', async () => {
    const { queue, logger } = aPool([new TypeError('cannot read hunter2hunter2')]);
    queue.add('a/x', 'change');
    await turn();
    expect(queue.delayed).toBe(1);
    expect(JSON.stringify(logger.records)).not.toContain('hunter2');
    expect(JSON.stringify(logger.records)).toContain('TypeError');
  });

  test('what failed because the API server was away is tried at once when it is back', async () => {
    const { queue, timers, pool, requests, logger } = aPool([{ type: 'retry', error: unavailable }]);
    queue.add('a/x', 'change');
    await turn();
    for (let i = 0; i < 20; i++) {
      timers.advance(5 * 60_000);
      await turn();
    }
    const before = requests.length;
    pool.retryUnavailable();
    await turn();
    expect(requests.length).toBe(before + 1);
    // It failed once more: the pauses begin anew, the failures stay one story in the log.
    timers.advance(10);
    await turn();
    expect(requests.length).toBe(before + 2);
    expect(logger.records.filter(({ level }) => level !== 'debug')).toHaveLength(2);
  });

  test('runs as many at a time as it may, and never one key twice', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    const release: (() => void)[] = [];
    const active = new Set<string>();
    const pool = createWorkerPool({
      queue,
      concurrency: 3,
      backoff: retryBackoff,
      recheckIntervalMs: 1,
      deadlineMs: 60_000,
      progress,
      metrics: { reconciled: () => {} },
      logger: createTestLogger(),
      now: timers.now,
      random: Math.random,
      async reconcile({ key }) {
        expect(active.has(key)).toBe(false);
        active.add(key);
        await new Promise<void>((resolve) => release.push(resolve));
        active.delete(key);
        return { type: 'done', action: 'created' };
      },
    });
    pool.start();
    for (let i = 0; i < 5; i++) queue.add(`a/${i}`, 'change');
    queue.add('a/0', 'change');
    await turn();
    queue.add('a/0', 'change');
    expect([pool.running, queue.depth]).toEqual([3, 2]);
    timers.advance(60_001);
    expect(pool.stuck()).toEqual(['a/0', 'a/1', 'a/2']);
    while (release.length > 0) {
      release.shift()?.();
      await turn();
    }
    expect([pool.running, queue.depth]).toEqual([0, 0]);
  });

  test('a run is not stuck as long as the API server is asked or answers on its behalf', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    const made = createProgress(timers.now);
    const signals: AbortSignal[] = [];
    const pool = createWorkerPool({
      queue,
      concurrency: 2,
      backoff: retryBackoff,
      recheckIntervalMs: 1,
      deadlineMs: 60_000,
      progress: made,
      metrics: { reconciled: () => {} },
      logger: createTestLogger(),
      now: timers.now,
      random: Math.random,
      reconcile({ signal }) {
        signals.push(signal);
        return new Promise(() => {});
      },
    });
    pool.start();
    for (const key of ['a/stuck', 'a/waits']) queue.add(key, 'change');
    await turn();
    for (let i = 0; i < 10; i++) {
      timers.advance(37_000);
      made.made(signals[1] as AbortSignal);
    }
    expect(pool.stuck()).toEqual(['a/stuck']);
    timers.advance(60_001);
    expect(pool.stuck()).toEqual(['a/stuck', 'a/waits']);
  });

  test('stopping waits for the running ones and starts no others', async () => {
    const { queue, pool, requests } = aPool([{ type: 'done', action: 'created' }]);
    queue.add('a/x', 'change');
    queue.add('a/y', 'change');
    const stopped = pool.stop(1000);
    await stopped;
    expect(requests.length).toBeLessThanOrEqual(1);
    queue.add('a/z', 'change');
    await turn();
    expect(requests.length).toBeLessThanOrEqual(1);
  });

  test('a run that does not end is aborted at the last deadline', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    let signal: AbortSignal | undefined;
    const pool = createWorkerPool({
      queue,
      concurrency: 1,
      backoff: retryBackoff,
      recheckIntervalMs: 1,
      deadlineMs: 1,
      progress,
      metrics: { reconciled: () => {} },
      logger: createTestLogger(),
      now: timers.now,
      random: Math.random,
      reconcile(request) {
        signal = request.signal;
        return new Promise(() => {});
      },
    });
    pool.start();
    queue.add('a/x', 'change');
    await turn();
    expect(signal?.aborted).toBe(false);
    await pool.stop(5);
    expect(signal?.aborted).toBe(true);
  });
});
