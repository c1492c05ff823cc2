import { describe, expect, test } from 'vitest';
import { createTestLogger, createTestTimers, type TestTimers } from '../testing.ts';
import type { CallOptions, Lease, LeaseRecord, LeasesApi } from './api.ts';
import { ApiError } from './errors.ts';
import { createLeaderElection, type LeaderElection, noElection } from './leases.ts';

/** One Lease with optimistic locking, as the API server has it. */
function aLeaseStore() {
  let stored: Lease | undefined;
  let version = 0;
  let failure: Error | undefined;
  let isHanging = false;
  const write = (record: LeaseRecord): Lease => {
    stored = { ...record, resourceVersion: String(++version) };
    return stored;
  };
  const check = async (options: CallOptions = {}) => {
    if (failure !== undefined) throw failure;
    if (!isHanging) return;
    await new Promise((_resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
  };
  const api: LeasesApi = {
    async get(_key, options) {
      await check(options);
      return stored;
    },
    async create(_key, record, options) {
      await check(options);
      if (stored !== undefined) throw new ApiError('ApiConflict', 'exists', { status: 409, reason: 'AlreadyExists' });
      return write(record);
    },
    async update(_key, lease, options) {
      await check(options);
      if (stored?.resourceVersion !== lease.resourceVersion)
        throw new ApiError('ApiConflict', 'conflict', { status: 409 });
      const { resourceVersion: _old, ...record } = lease;
      return write(record);
    },
  };
  return {
    api,
    get lease() {
      return stored;
    },
    write(record: LeaseRecord | undefined) {
      if (record === undefined) stored = undefined;
      else write(record);
    },
    hang() {
      isHanging = true;
    },
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

function aCandidate(identity: string, store: ReturnType<typeof aLeaseStore>, timers: TestTimers) {
  const logger = createTestLogger();
  const gauges: { leader?: boolean; forbidden?: boolean } = {};
  let lost = 0;
  const election = createLeaderElection({
    leases: store.api,
    key: { namespace: 'kube-system', name: 'waxwing' },
    identity,
    durationMs: 15_000,
    renewDeadlineMs: 10_000,
    retryPeriodMs: 2000,
    timers,
    wallClock: () => Date.UTC(2026, 0, 1) + timers.now(),
    random: () => 0,
    logger,
    metrics: {
      leader: (is) => {
        gauges.leader = is;
      },
      leaderElectionForbidden: (is) => {
        gauges.forbidden = is;
      },
    },
    onLost: () => {
      lost++;
    },
  });
  return { election, logger, gauges, lostCount: () => lost };
}

const away = new ApiError('ApiUnavailable', 'connection refused', { status: 0 });
const forbidden = new ApiError('ApiForbidden', 'may not get leases', {
  status: 403,
  hint: 'grant it with this RBAC rule: {...}',
});

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function pass(timers: TestTimers, ms: number, stepMs = 500): Promise<void> {
  for (let at = 0; at < ms; at += stepMs) {
    timers.advance(stepMs);
    await turn();
  }
}

/** The first of the candidates, which has the Lease. */
async function aLeader() {
  const [store, timers] = [aLeaseStore(), createTestTimers()];
  const a = aCandidate('a', store, timers);
  a.election.start();
  await turn();
  return { store, timers, a };
}

async function aLeaderAndAFollower() {
  const { store, timers, a } = await aLeader();
  const b = aCandidate('b', store, timers);
  b.election.start();
  return { store, timers, a, b };
}

function mayWrite(election: LeaderElection): boolean {
  try {
    election.assertLeading();
    return true;
  } catch {
    return false;
  }
}

describe('leader election', () => {
  test('the first one leads and writes a record as client-go does', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    const { election, gauges } = aCandidate('a', store, timers);
    expect(mayWrite(election)).toBe(false);
    election.start();
    await election.whenLeading();
    expect(mayWrite(election)).toBe(true);
    expect(gauges.leader).toBe(true);
    expect(store.lease).toMatchObject({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
  });

  test('the second one follows as long as the first renews', async () => {
    const { store, timers, a, b } = await aLeaderAndAFollower();
    await pass(timers, 120_000);
    expect([a.election.leadership, b.election.leadership]).toEqual(['leading', 'following']);
    expect([mayWrite(a.election), mayWrite(b.election)]).toEqual([true, false]);
    expect(b.election.holder).toBe('a');
    expect(store.lease?.acquireTime).toBe('2026-01-01T00:00:00.000000Z');
  });

  test('when the leader dies the other one takes over after the lease time, and not before', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    const b = aCandidate('b', store, timers);
    const dead = { holderIdentity: 'a', leaseDurationSeconds: 15, acquireTime: '', renewTime: '', leaseTransitions: 4 };
    store.write(dead);
    b.election.start();
    await pass(timers, 14_500);
    expect(b.election.leadership).toBe('following');
    await pass(timers, 4000);
    expect(b.election.leadership).toBe('leading');
    expect(store.lease).toMatchObject({ holderIdentity: 'b', leaseTransitions: 5 });
  });

  test('a leader that was stopped for a minute writes nothing when it goes on, and ends if it was followed', async () => {
    const { store, timers, a } = await aLeader();
    const term = a.election.assertLeading();
    // SIGSTOP: the clock goes on, no timer fires.
    const now = timers.now;
    timers.now = () => now() + 60_000;
    if (store.lease !== undefined) store.write({ ...store.lease, holderIdentity: 'b', leaseTransitions: 1 });
    expect(() => a.election.assertLeading()).toThrow('does not lead any more');
    expect([term.aborted, a.gauges.leader]).toEqual([true, false]);
    await pass(timers, 2500);
    expect([mayWrite(a.election), a.lostCount()]).toEqual([false, 1]);
    expect(store.lease?.holderIdentity).toBe('b');
  });

  test('an answer over which it slept does not make it lead again', async () => {
    const { store, timers, a } = await aLeader();
    store.fail(away);
    await pass(timers, 12_000);
    store.fail(undefined);
    const before = store.lease?.resourceVersion;
    timers.advance(2500);
    const now = timers.now;
    timers.now = () => now() + 60_000;
    await turn();
    expect(store.lease?.resourceVersion).not.toBe(before);
    expect(a.election.leadership).toBe('suspended');
    await pass(timers, 3000);
    expect(a.election.leadership).toBe('leading');
  });

  test('a leader that cannot renew stops writing before another one may begin, breaks off its writes, and stays', async () => {
    const { store, timers, a } = await aLeader();
    store.fail(away);
    await pass(timers, 9500);
    expect([mayWrite(a.election), a.lostCount()]).toEqual([true, 0]);
    const term = a.election.assertLeading();
    await pass(timers, 1000);
    expect([mayWrite(a.election), a.lostCount()]).toEqual([false, 0]);
    expect(a.election.leadership).toBe('suspended');
    expect(term.reason).toMatchObject({ code: 'ApiUnavailable' });
    await pass(timers, 900_000);
    expect([a.gauges.leader, a.lostCount()]).toEqual([false, 0]);
    const said = a.logger.records.filter(({ level }) => level === 'warn' || level === 'error');
    expect(said.map(({ level }) => level)).toEqual(['warn', 'error']);
  });

  test('it leads again if nobody else did meanwhile, and says so to those who wait for it', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    const a = aCandidate('a', store, timers);
    let again = 0;
    a.election.onLeadingAgain(() => {
      again++;
      expect(a.election.assertLeading().aborted).toBe(false);
    });
    a.election.start();
    await turn();
    store.fail(away);
    await pass(timers, 60_000);
    store.fail(undefined);
    await pass(timers, 3000);
    expect([a.election.leadership, a.gauges.leader, again, a.lostCount()]).toEqual(['leading', true, 1, 0]);
    expect(store.lease).toMatchObject({ holderIdentity: 'a', leaseTransitions: 0 });
    await pass(timers, 60_000);
    expect([mayWrite(a.election), again]).toEqual([true, 1]);
  });

  test('it leads again although its last renewal arrived and only the answer was lost', async () => {
    const { store, timers, a } = await aLeader();
    if (store.lease !== undefined) store.write({ ...store.lease, renewTime: 'later' });
    store.fail(away);
    await pass(timers, 60_000);
    store.fail(undefined);
    await pass(timers, 3000);
    expect([a.election.leadership, a.lostCount()]).toEqual(['leading', 0]);
  });

  test.each([
    ['is held by somebody else', (lease: Lease) => ({ ...lease, holderIdentity: 'b', leaseTransitions: 1 })],
    ['was held by somebody else, who gave it back', (lease: Lease) => ({ ...lease, holderIdentity: '' })],
    ['bears our name again', (lease: Lease) => ({ ...lease, leaseTransitions: 2 })],
    ['is gone', () => undefined],
  ])('it ends if the Lease %s', async (_, change) => {
    const { store, timers, a } = await aLeader();
    store.fail(away);
    await pass(timers, 60_000);
    store.write(change(store.lease as Lease));
    store.fail(undefined);
    await pass(timers, 3000);
    expect([mayWrite(a.election), a.lostCount()]).toEqual([false, 1]);
  });

  test('a follower leaves the leader time to come back when the API server was away for both', async () => {
    const { store, timers, a, b } = await aLeaderAndAFollower();
    await pass(timers, 1500);
    store.fail(away);
    await pass(timers, 60_000);
    store.fail(undefined);
    // The follower comes first.
    await pass(timers, 20_000);
    expect([a.election.leadership, b.election.leadership]).toEqual(['leading', 'following']);
    expect([a.lostCount(), b.lostCount()]).toEqual([0, 0]);
  });

  test('a short outage loses nothing', async () => {
    const { store, timers, a } = await aLeader();
    store.fail(away);
    await pass(timers, 6000);
    store.fail(undefined);
    await pass(timers, 60_000);
    expect([a.election.leadership, a.lostCount()]).toEqual(['leading', 0]);
  });

  test('a leader whose Lease somebody else took ends at once', async () => {
    const { store, timers, a } = await aLeader();
    const lease = store.lease;
    if (lease !== undefined) store.write({ ...lease, holderIdentity: 'thief' });
    await pass(timers, 2500);
    expect([mayWrite(a.election), a.lostCount()]).toEqual([false, 1]);
    expect(store.lease?.holderIdentity).toBe('thief');
  });

  test('where Leases are forbidden it works without election, soon, and names the missing rule', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    store.fail(forbidden);
    const a = aCandidate('a', store, timers);
    a.election.start();
    await pass(timers, 5000);
    await a.election.whenLeading();
    expect(a.election.leadership).toBe('unelected');
    expect(mayWrite(a.election)).toBe(true);
    expect(a.gauges).toEqual({ leader: true, forbidden: true });
    expect(a.logger.records.at(-1)).toMatchObject({
      level: 'error',
      attributes: { hint: expect.stringContaining('RBAC rule') },
    });
    await pass(timers, 60_000);
    expect(a.lostCount()).toBe(0);
  });

  test('a few refusals, as of an API server that has not read its roles yet, change nothing', async () => {
    const { store, timers, a, b } = await aLeaderAndAFollower();
    await pass(timers, 5000);
    store.fail(forbidden);
    await pass(timers, 25_000);
    expect([a.election.leadership, b.election.leadership]).toEqual(['suspended', 'following']);
    store.fail(undefined);
    await pass(timers, 20_000);
    expect([a.election.leadership, b.election.leadership]).toEqual(['leading', 'following']);
    expect([a.lostCount(), b.lostCount()]).toEqual([0, 0]);
  });

  test('refusals that go on let all of them work, and a grant lets one of them lead and the others begin anew', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    const all = ['a', 'b', 'c'].map((name) => aCandidate(name, store, timers));
    for (const { election } of all) election.start();
    await pass(timers, 5000);
    store.fail(forbidden);
    await pass(timers, 60_000);
    expect(all.map(({ election }) => election.leadership)).toEqual(['unelected', 'unelected', 'unelected']);
    store.fail(undefined);
    await pass(timers, 60_000);
    expect(all.filter(({ election }) => mayWrite(election))).toHaveLength(1);
    expect(all.map((each) => each.lostCount()).sort()).toEqual([0, 1, 1]);
    expect(all.map(({ gauges }) => gauges.forbidden).sort()).toEqual([false, true, true]);
  });

  test('a grant finds the Lease of one that is long dead, and it is taken without an end', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    store.write({ holderIdentity: 'x', leaseDurationSeconds: 15, acquireTime: '', renewTime: '', leaseTransitions: 4 });
    store.fail(forbidden);
    const a = aCandidate('a', store, timers);
    a.election.start();
    await pass(timers, 60_000);
    store.fail(undefined);
    await pass(timers, 60_000);
    expect([a.election.leadership, a.lostCount(), a.gauges.forbidden]).toEqual(['leading', 0, false]);
  });

  test('a Lease whose last renewal arrived without its answer is given back all the same', async () => {
    const { store, a } = await aLeader();
    if (store.lease !== undefined) store.write({ ...store.lease, renewTime: 'later' });
    await a.election.stop();
    expect(store.lease).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  });

  test('a Lease that somebody else has taken meanwhile is not given back', async () => {
    const { store, a } = await aLeader();
    if (store.lease !== undefined) store.write({ ...store.lease, holderIdentity: 'b' });
    await a.election.stop();
    expect(store.lease).toMatchObject({ holderIdentity: 'b' });
  });

  test('giving the Lease back to an API server that does not answer takes a few seconds', async () => {
    const { store, timers, a } = await aLeader();
    store.hang();
    let isOver = false;
    void a.election.stop().then(() => {
      isOver = true;
    });
    await pass(timers, 4000);
    expect(isOver).toBe(true);
  });

  test('a graceful end gives the Lease back, and the next one need not wait', async () => {
    const { store, timers, a, b } = await aLeaderAndAFollower();
    await turn();
    await a.election.stop();
    expect(store.lease?.holderIdentity).toBe('');
    expect(a.lostCount()).toBe(0);
    await pass(timers, 2500);
    expect(b.election.leadership).toBe('leading');
    expect(mayWrite(a.election)).toBe(false);
  });

  test('two that come together never both lead', async () => {
    const [store, timers] = [aLeaseStore(), createTestTimers()];
    const all = ['a', 'b', 'c'].map((name) => aCandidate(name, store, timers));
    for (const { election } of all) election.start();
    await pass(timers, 30_000);
    expect(all.filter(({ election }) => mayWrite(election))).toHaveLength(1);
  });

  test('without election one may always write', () => {
    expect(mayWrite(noElection({ leader: () => {} }))).toBe(true);
  });
});
