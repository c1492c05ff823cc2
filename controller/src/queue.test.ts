import { describe, expect, test } from 'vitest';
import { createQueue, type Priority, type WorkQueue } from './queue.ts';
import { createTestTimers } from './testing.ts';

async function takeKeys(queue: WorkQueue, count: number): Promise<string[]> {
  const keys: string[] = [];
  for (let i = 0; i < count; i++) {
    const item = await queue.take();
    if (item === undefined) break;
    keys.push(item.key);
    queue.done(item);
  }
  return keys;
}

describe('the work queue', () => {
  test('keeps one entry per key', async () => {
    const queue = createQueue(createTestTimers());
    for (let i = 0; i < 3; i++) queue.add('a/x', 'change');
    queue.add('a/y', 'change');
    expect(queue.depth).toBe(2);
    expect(await takeKeys(queue, 2)).toEqual(['a/x', 'a/y']);
    expect(queue.depth).toBe(0);
  });

  test('serves changes before waiters for a key, those before what changed earlier, then retries, then a resync', async () => {
    const queue = createQueue(createTestTimers());
    const order: Priority[] = ['resync', 'retry', 'pending', 'key', 'change'];
    for (const priority of order) queue.add(`a/${priority}`, priority);
    expect(await takeKeys(queue, 5)).toEqual(order.toReversed().map((priority) => `a/${priority}`));
  });

  test('a more urgent reason moves a waiting entry forward, a less urgent one does nothing', async () => {
    const queue = createQueue(createTestTimers());
    queue.add('a/first', 'retry');
    queue.add('a/second', 'resync');
    queue.add('a/second', 'change');
    queue.add('a/second', 'resync');
    const item = await queue.take();
    expect(item).toMatchObject({ key: 'a/second', priority: 'change' });
    expect(queue.depth).toBe(1);
  });

  test('takes turns between namespaces, so that one with many objects does not hold up the others', async () => {
    const queue = createQueue(createTestTimers());
    for (let i = 0; i < 5; i++) queue.add(`big/${i}`, 'change');
    queue.add('small/0', 'change');
    queue.add('other/0', 'change');
    expect(await takeKeys(queue, 7)).toEqual(['big/0', 'small/0', 'other/0', 'big/1', 'big/2', 'big/3', 'big/4']);
  });

  test('a stream of changes lets the least urgent through now and then', async () => {
    const queue = createQueue(createTestTimers());
    queue.add('a/old', 'resync');
    for (let i = 0; i < 100; i++) queue.add(`b/${i}`, 'change');
    const keys = await takeKeys(queue, 30);
    expect(keys).toContain('a/old');
    expect(keys.indexOf('a/old')).toBeGreaterThan(5);
  });

  test('never hands out a key that is being worked on, and hands it out once more afterwards', async () => {
    const queue = createQueue(createTestTimers());
    queue.add('a/x', 'change');
    const first = await queue.take();
    queue.add('a/x', 'retry');
    queue.add('a/x', 'change');
    expect(queue.depth).toBe(0);
    const waiting = queue.take();
    if (first !== undefined) queue.done(first);
    expect(await waiting).toMatchObject({ key: 'a/x', priority: 'change' });
    expect(queue.depth).toBe(0);
  });

  test('a delayed key becomes due when its time has come', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.addAfter('a/x', 1000, 'retry');
    timers.advance(999);
    expect([queue.depth, queue.delayed]).toEqual([0, 1]);
    timers.advance(1);
    expect([queue.depth, queue.delayed]).toEqual([1, 0]);
  });

  test('something newer cancels the delay', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.addAfter('a/x', 1000, 'retry');
    queue.add('a/x', 'change');
    expect(await takeKeys(queue, 1)).toEqual(['a/x']);
    timers.advance(5000);
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
  });

  test('of two delays the one that ends earlier counts, and a key that is due stays due', () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.addAfter('a/x', 5000, 'resync');
    queue.addAfter('a/x', 1000, 'change');
    queue.addAfter('a/x', 3000, 'retry');
    expect(queue.delayed).toBe(1);
    timers.advance(1000);
    expect([queue.depth, queue.delayed]).toEqual([1, 0]);
    timers.advance(4000);
    expect(queue.depth).toBe(1);
    queue.addAfter('a/x', 5000, 'retry');
    expect([queue.depth, queue.delayed]).toEqual([1, 0]);
  });

  test('a delay asked for during a run counts, unless the key became due meanwhile', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.add('a/x', 'change');
    const item = await queue.take();
    queue.addAfter('a/x', 1000, 'retry');
    if (item !== undefined) queue.done(item);
    expect([queue.depth, queue.delayed]).toEqual([0, 1]);
    timers.advance(1000);
    const second = await queue.take();
    queue.add('a/x', 'change');
    queue.addAfter('a/x', 1000, 'retry');
    if (second !== undefined) queue.done(second);
    expect([queue.depth, queue.delayed]).toEqual([1, 0]);
  });

  test('a look that a run asks for does not undo the earlier one that a change during the run asked for', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.add('a/x', 'change');
    const item = await queue.take();
    queue.addAfter('a/x', 500, 'change');
    queue.addAfter('a/x', 3_600_000, 'resync');
    if (item !== undefined) queue.done(item);
    timers.advance(500);
    expect(await queue.take()).toMatchObject({ key: 'a/x', priority: 'change' });
  });

  test('changes that come faster than the delay cannot put it off', () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    for (let i = 0; i < 5; i++) {
      queue.addAfter('a/x', 500, 'change');
      timers.advance(100);
    }
    expect(queue.depth).toBe(1);
  });

  test('a removed key is neither due nor delayed', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    queue.add('a/x', 'change');
    queue.addAfter('a/y', 10, 'retry');
    queue.remove('a/x');
    queue.remove('a/y');
    timers.advance(100);
    queue.add('a/z', 'change');
    expect(await takeKeys(queue, 1)).toEqual(['a/z']);
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
  });

  test('keeps the others from one who takes changes only, and him from waiting for them', async () => {
    const queue = createQueue(createTestTimers());
    const changes = queue.take(['change']);
    queue.add('a/pending', 'pending');
    queue.add('a/retry', 'retry');
    expect(queue.depth).toBe(2);
    const any = queue.take();
    expect(await any).toMatchObject({ key: 'a/pending' });
    queue.add('a/new', 'change');
    expect(await changes).toMatchObject({ key: 'a/new' });
    expect(await queue.take()).toMatchObject({ key: 'a/retry' });
    queue.add('a/newer', 'change');
    expect(await queue.take(['change'])).toMatchObject({ key: 'a/newer' });
  });

  test('tells the age of the oldest due entry', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    expect(queue.oldestAgeMs()).toBe(0);
    queue.add('a/x', 'resync');
    timers.advance(300);
    queue.add('b/y', 'change');
    timers.advance(200);
    expect(queue.oldestAgeMs()).toBe(500);
    queue.remove('a/x');
    expect(queue.oldestAgeMs()).toBe(200);
  });

  test('gives waiting takers nothing when it is closed, and takes nothing in', async () => {
    const timers = createTestTimers();
    const queue = createQueue(timers);
    const waiting = queue.take();
    queue.addAfter('a/x', 10, 'retry');
    queue.close();
    expect(await waiting).toBeUndefined();
    timers.advance(10);
    queue.add('a/y', 'change');
    expect(await queue.take()).toBeUndefined();
    expect([queue.depth, queue.delayed]).toEqual([0, 0]);
  });

  test('drains 100,000 entries of one namespace in a time that does not grow with their square', async () => {
    const queue = createQueue(createTestTimers());
    for (let i = 0; i < 100_000; i++) queue.add(`a/${i}`, 'resync');
    const startMs = performance.now();
    const keys = await takeKeys(queue, 100_000);
    expect(new Set(keys).size).toBe(100_000);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});
