import { expect, test } from 'vitest';
import type { SecretMetadata } from './kube/api.ts';
import { createOrphans } from './orphans.ts';
import { createTestTimers } from './testing.ts';

const key = 'payments/app';
const orphan = { namespace: 'payments', name: 'app', uid: 's1' } as SecretMetadata;

function setUp() {
  const timers = createTestTimers();
  const queued: string[] = [];
  let found: SecretMetadata[] = [orphan];
  const orphans = createOrphans({
    find: () => found,
    queue: { add: (name, priority) => queued.push(`${name} ${priority}`) },
    timers,
    intervalMs: 15_000,
    patienceMs: 60_000,
  });
  const nowThereAre = (...secrets: SecretMetadata[]) => {
    found = secrets;
  };
  return { orphans, timers, queued, nowThereAre };
}

test('a Secret without its SealedSecret is queued once, after the time that a garbage collector may take', () => {
  const { orphans, timers, queued } = setUp();
  orphans.start();
  timers.advance(59_000);
  expect(queued).toEqual([]);
  expect(orphans.overdueUid(key)).toBeUndefined();
  timers.advance(1_000);
  expect(queued).toEqual([`${key} resync`]);
  expect(orphans.overdueUid(key)).toBe('s1');
  expect(orphans.overdue).toBe(1);
  timers.advance(600_000);
  expect(queued).toHaveLength(1);
});

test('one that is gone, or whose SealedSecret came back, is forgotten', () => {
  const { orphans, timers, queued, nowThereAre } = setUp();
  orphans.start();
  timers.advance(45_000);
  nowThereAre();
  timers.advance(15_000);
  nowThereAre(orphan);
  timers.advance(45_000);
  expect(queued).toEqual([]);
  timers.advance(30_000);
  expect(queued).toHaveLength(1);
  nowThereAre();
  timers.advance(15_000);
  expect(orphans.overdueUid(key)).toBeUndefined();
  expect(orphans.overdue).toBe(0);
});

test('another Secret of the same name has its own time', () => {
  const { orphans, timers, queued, nowThereAre } = setUp();
  orphans.start();
  timers.advance(45_000);
  nowThereAre({ ...orphan, uid: 's2' });
  timers.advance(30_000);
  expect(queued).toEqual([]);
  expect(orphans.overdueUid(key)).toBeUndefined();
  timers.advance(45_000);
  expect(orphans.overdueUid(key)).toBe('s2');
});

test('nothing is looked for before the start and after the end', () => {
  const { orphans, timers, queued } = setUp();
  timers.advance(600_000);
  expect(queued).toEqual([]);
  orphans.start();
  orphans.stop();
  expect(timers.pending).toBe(0);
});
