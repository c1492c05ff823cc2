import { expect, test } from 'vitest';
import { keepIdleMemorySmall } from './idle-memory.ts';
import { createTestTimers } from './testing.ts';

const mebibyte = 1 << 20;

function start(usedMebibytes: number) {
  const timers = createTestTimers();
  const process = { used: usedMebibytes, live: 20, busy: true, collections: 0 };
  const stop = keepIdleMemorySmall({
    heap: {
      usedBytes: () => process.used * mebibyte,
      collect() {
        process.used = process.live;
        process.collections++;
      },
    },
    isBusy: () => process.busy,
    timers,
  });
  return { timers, process, stop };
}

test('garbage is collected once work has ended, and not again until there is new garbage', () => {
  const { timers, process } = start(60);
  timers.advance(60_000);
  expect(process.collections).toBe(0);
  process.busy = false;
  timers.advance(10_000);
  expect(process.collections).toBe(1);
  timers.advance(3_600_000);
  expect(process.collections).toBe(1);
  process.used = 26;
  timers.advance(5000);
  expect(process.collections).toBe(2);
});

test('a moment without work is no end of it', () => {
  const { timers, process } = start(60);
  for (let look = 0; look < 20; look++) {
    process.busy = !process.busy;
    timers.advance(5000);
  }
  expect(process.collections).toBe(0);
});

test('little garbage is left to V8, in small heaps and in large ones', () => {
  const { timers, process } = start(60);
  process.busy = false;
  timers.advance(10_000);
  process.used = 23.9;
  timers.advance(60_000);
  expect(process.collections).toBe(1);
  process.live = 100;
  process.used = 110;
  timers.advance(5000);
  process.used = 124;
  timers.advance(60_000);
  expect(process.collections).toBe(2);
});

test('nothing is left running when it ends', () => {
  const { timers, process, stop } = start(60);
  process.busy = false;
  stop();
  timers.advance(60_000);
  expect([process.collections, timers.pending]).toEqual([0, 0]);
});
