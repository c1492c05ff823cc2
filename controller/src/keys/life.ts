import { setTimeout as delay } from 'node:timers/promises';
import { isSealedSecretsError } from '@waxwing/shared';
import type { Config } from '@waxwing/shared/settings';
import type { LeaderElection } from '../kube/leases.ts';
import type { Logger } from '../logger.ts';
import type { KeyManager } from './manager.ts';
import { type KeyRegistry, newestKey } from './registry.ts';
import { firstRenewalDelay, keyDueAtStart, type RenewalCause, startRenewalTimer } from './renewal.ts';

/** Counts SIGUSR1 from the first statement of the program on. */
export interface RenewalSignals {
  readonly count: number;
  onSignal(listener: () => void): void;
}

export interface KeyLifeOptions {
  readonly config: Config;
  readonly registry: KeyRegistry;
  readonly manager: KeyManager;
  readonly election: Pick<LeaderElection, 'leadership' | 'holder' | 'onLeadingAgain'>;
  readonly renewalSignals: RenewalSignals;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** The life of the sealing keys in this process: loaded, made where there is none, renewed by time and by signal. */
export interface KeyLife {
  /**
   * Lists the keys and, if this process may write, makes the one that is due.
   *
   * @throws SealedSecretsError of the API or of the backup.
   */
  load(): Promise<void>;
  /** {@link load} until it works; each new kind of failure is logged. */
  loadUntilDone(): Promise<void>;
  /** Begins to renew. To be called once this process may write and the keys are loaded. */
  startRenewal(): void;
  stop(): void;
}

const firstPauseMs = 500;
const longestPauseMs = 30_000;
const firstRenewalPauseMs = 5_000;
const longestRenewalPauseMs = 30 * 60_000;

export function createKeyLife(options: KeyLifeOptions): KeyLife {
  const { config, registry, manager, logger, renewalSignals, election } = options;
  let answeredSignals = 0;
  let stopTimer = () => {};
  let endPause = () => {};

  const load = async () => {
    const { everHeldKeys } = registry;
    // Asked before the list: one that began while another replica led may lack the key that this one made.
    const mayWrite = election.leadership !== 'following';
    const ring = await manager.refresh();
    if (!mayWrite) return;
    const due = keyDueAtStart(ring, { cutoffTimeMs: config.keys.cutoffTimeMs, everHeldKeys });
    const signals = renewalSignals.count;
    const cause = due ?? (signals > answeredSignals ? 'signal' : undefined);
    if (cause !== undefined) await manager.generate(cause);
    answeredSignals = signals;
  };

  const renewOnce = async (cause: RenewalCause): Promise<boolean> => {
    try {
      await manager.generate(cause);
      return true;
    } catch (error) {
      // The end of the process breaks off whatever is under way.
      if (options.signal.aborted) return false;
      const hint = isSealedSecretsError(error) ? error.hint : undefined;
      logger.error('key generation failed; the current key stays in use', { cause, error: messageOf(error), hint });
      return false;
    }
  };

  /** A renewal that is due is tried until it works: the next one would come a whole period later. */
  const renew = async (cause: RenewalCause) => {
    const beforeMs = newestMs(registry);
    let pauseMs = firstRenewalPauseMs;
    while (!(await renewOnce(cause))) {
      // What was broken off or not answered may have arrived all the same: without having looked, no other is made.
      do {
        await pause(pauseMs);
        pauseMs = Math.min(longestRenewalPauseMs, pauseMs * 2);
      } while (!(await isListed()));
      if (newestMs(registry) > beforeMs) return;
    }
  };

  const isListed = () =>
    manager.refresh().then(
      () => true,
      () => false,
    );

  /** Ends early when this process may write again: that may be all that was missing. */
  const pause = async (ms: number) => {
    const ending = new AbortController();
    endPause = () => ending.abort();
    await delay(ms, undefined, { signal: AbortSignal.any([options.signal, ending.signal]) }).catch((error) => {
      if (options.signal.aborted) throw error;
    });
  };

  election.onLeadingAgain(() => endPause());

  // Until `startRenewal` signals are only counted, and answered then; but where another replica leads, it is the one to ask.
  renewalSignals.onSignal(() => {
    if (election.leadership !== 'following' || election.holder === '') return;
    answeredSignals = renewalSignals.count;
    logger.warn('SIGUSR1 ignored: another replica leads', { holder: election.holder });
  });

  const isSuspended = () => election.leadership === 'suspended';

  const answerSignals = async () => {
    while (renewalSignals.count > answeredSignals && !isSuspended()) {
      answeredSignals++;
      if ((await renewOnce('signal')) || !isSuspended()) continue;
      // Not this signal's fault: it is answered when this process leads again.
      answeredSignals--;
      return;
    }
  };

  return {
    load,
    async loadUntilDone() {
      let lastText = '';
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
        try {
          return await load();
        } catch (error) {
          if (!isSealedSecretsError(error)) throw error;
          if (error.message !== lastText)
            logger.error('sealing keys cannot be loaded', { error: error.message, hint: error.hint });
          lastText = error.message;
          await pause(pauseMs);
        }
      }
    },
    startRenewal() {
      renewalSignals.onSignal(() => void answerSignals());
      void answerSignals();
      election.onLeadingAgain(() => void answerSignals());
      const { renewPeriodMs } = config.keys;
      const firstDelayMs = firstRenewalDelay(registry.ring, renewPeriodMs, Date.now());
      if (firstDelayMs === undefined) return;
      stopTimer = startRenewalTimer({
        firstDelayMs,
        periodMs: renewPeriodMs,
        clock: {
          monotonicMs: () => performance.now(),
          setTimer(callback, delayMs) {
            const timer = setTimeout(callback, delayMs);
            return { clear: () => clearTimeout(timer) };
          },
        },
        // Only the end of the process breaks the wait off.
        renew: () => renew('period').catch(() => {}),
      });
    },
    stop() {
      stopTimer();
      renewalSignals.onSignal(() => logger.warn('SIGUSR1 ignored: the process is ending'));
    },
  };
}

function newestMs({ ring }: KeyRegistry): number {
  return newestKey(ring)?.orderMs ?? Number.NEGATIVE_INFINITY;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
