import { SealedSecretsError } from '@waxwing/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestLogger } from '../testing.ts';
import { createKeyLife, type KeyLifeOptions } from './life.ts';
import { emptyKeyRing, type KeyRing } from './registry.ts';

const periodMs = 100_000;
const away = new SealedSecretsError('ApiUnavailable', 'this replica does not lead any more');
const ringOf = (orderMs: number): KeyRing => ({
  ...emptyKeyRing,
  keys: [{ orderMs, retired: false } as KeyRing['keys'][number]],
});

/** Keys of a process that leads; `fail` is what making one fails with. */
function aKeyLife() {
  const causes: string[] = [];
  const listeners: (() => void)[] = [];
  const stopping = new AbortController();
  const state = { leadership: 'leading' as KeyLifeOptions['election']['leadership'], ring: ringOf(Date.now()) };
  const made = { fail: undefined as Error | undefined };
  const listed = { fail: undefined as Error | undefined };
  const signals = { count: 0, listener: () => {} };
  const life = createKeyLife({
    config: { keys: { renewPeriodMs: periodMs, cutoffTimeMs: undefined } } as KeyLifeOptions['config'],
    registry: {
      get ring() {
        return state.ring;
      },
    } as KeyLifeOptions['registry'],
    manager: {
      async refresh() {
        if (listed.fail !== undefined) throw listed.fail;
        return state.ring;
      },
      async generate(cause) {
        causes.push(cause);
        if (made.fail !== undefined) throw made.fail;
        return true;
      },
    },
    election: {
      get leadership() {
        return state.leadership;
      },
      holder: 'one',
      onLeadingAgain: (listener) => listeners.push(listener),
    },
    renewalSignals: {
      get count() {
        return signals.count;
      },
      onSignal(listener) {
        signals.listener = listener;
      },
    },
    logger: createTestLogger(),
    signal: stopping.signal,
  });
  return {
    life,
    causes,
    state,
    made,
    listed,
    suspend() {
      state.leadership = 'suspended';
      made.fail = away;
    },
    async leadAgain() {
      state.leadership = 'leading';
      made.fail = undefined;
      for (const listener of listeners) listener();
      await vi.advanceTimersByTimeAsync(0);
    },
    async signal() {
      signals.count++;
      signals.listener();
      await vi.advanceTimersByTimeAsync(0);
    },
    stop() {
      life.stop();
      stopping.abort();
    },
  };
}

describe('a replica that cannot write for a while', () => {
  let keys: ReturnType<typeof aKeyLife>;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    keys = aKeyLife();
    keys.life.startRenewal();
  });
  afterEach(() => {
    keys.stop();
    vi.useRealTimers();
  });

  it('renews the key that became due as soon as it may', async () => {
    keys.suspend();
    await vi.advanceTimersByTimeAsync(periodMs + 10);
    expect(keys.causes).toEqual(['period']);
    await keys.leadAgain();
    expect(keys.causes).toEqual(['period', 'period']);
    await vi.advanceTimersByTimeAsync(periodMs / 2);
    expect(keys.causes).toHaveLength(2);
  });

  it('makes no second key if the first arrived and only its answer was lost', async () => {
    keys.suspend();
    await vi.advanceTimersByTimeAsync(periodMs + 10);
    keys.state.ring = ringOf(Date.now());
    await keys.leadAgain();
    expect(keys.causes).toEqual(['period']);
  });

  it('answers a signal as soon as it may', async () => {
    keys.suspend();
    await keys.signal();
    expect(keys.causes).toEqual([]);
    await keys.leadAgain();
    expect(keys.causes).toEqual(['signal']);
  });

  it('makes no second key as long as nobody knows whether the first arrived', async () => {
    keys.suspend();
    await vi.advanceTimersByTimeAsync(periodMs + 10);
    keys.listed.fail = away;
    await keys.leadAgain();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(keys.causes).toEqual(['period']);
    keys.listed.fail = undefined;
    keys.state.ring = ringOf(Date.now());
    await vi.advanceTimersByTimeAsync(30_000);
    expect(keys.causes).toEqual(['period']);
  });

  it('answers a signal that came just before it knew that it may not write', async () => {
    keys.made.fail = away;
    const answering = keys.signal();
    keys.suspend();
    await answering;
    expect(keys.causes).toEqual(['signal']);
    await keys.leadAgain();
    expect(keys.causes).toEqual(['signal', 'signal']);
  });

  it('decides nothing by a list that began while another one led', async () => {
    keys.state.ring = emptyKeyRing;
    keys.state.leadership = 'following';
    const loading = keys.life.load();
    keys.state.leadership = 'leading';
    await loading;
    expect(keys.causes).toEqual([]);
    await keys.life.load();
    expect(keys.causes).toEqual(['no-keys']);
  });
});
