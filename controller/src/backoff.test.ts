import type { ErrorCode } from '@waxwing/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffFor, delayAfterFailures, recheckDelay, retryBackoff } from './backoff.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoff', () => {
  test('doubles from 5 ms to 5 minutes and stays there', () => {
    const delays = [1, 2, 3, 16, 17, 1000, 1e9].map((count) =>
      delayAfterFailures(count, retryBackoff, () => 0.999_999),
    );
    expect(delays.map(Math.round)).toEqual([5, 10, 20, 163_840, 300_000, 300_000, 300_000]);
  });

  test('without a failure there is no pause', () => {
    expect(delayAfterFailures(0, retryBackoff, Math.random)).toBe(0);
  });

  test('is always between half of its ceiling and the ceiling', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), random, (failures, value) => {
        const ceiling = Math.min(300_000, 5 * 2 ** Math.min(failures - 1, 60));
        const delay = delayAfterFailures(failures, retryBackoff, () => value);
        expect(delay).toBeGreaterThanOrEqual(ceiling / 2);
        expect(delay).toBeLessThanOrEqual(ceiling);
      }),
    );
  });

  test('is longer where trying costs much', () => {
    const delays = (code: ErrorCode) => {
      const backoff = backoffFor(code, retryBackoff, 3_600_000);
      return [1, 2, 3, 20].map((count) => Math.round(delayAfterFailures(count, backoff, () => 0.999_999_999)));
    };
    expect(delays('TemplateTimeout')).toEqual([60_000, 120_000, 240_000, 3_600_000]);
    expect(delays('RendererBusy')).toEqual([1_000, 2_000, 4_000, 300_000]);
    expect(delays('ApiUnavailable')).toEqual([5, 10, 20, 300_000]);
  });

  test('the hourly look is spread by a tenth', () => {
    expect([0, 0.5, 1].map((value) => recheckDelay(1000, () => value))).toEqual([950, 1000, 1050]);
  });
});
