import type { Logger } from '../logger.ts';

export interface FollowOptions {
  /** Lists the key Secrets and makes the ring what they say. */
  readonly refresh: () => Promise<unknown>;
  /** Whether a watch on the key Secrets is up, so that changes announce themselves. */
  readonly isWatching: () => boolean;
  /** How often to list while there is no watch: it may be forbidden, as under upstream's roles. */
  readonly pollIntervalMs: number;
  /** Aborted when the process is to end: what fails from then on is not worth a word. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
}

export interface KeyFollower {
  /** Something about the key Secrets changed: list them soon. Several calls become one list. */
  changed(): void;
  /** Resolves when no list is under way any more. */
  stop(): Promise<void>;
}

/** Lists the key Secrets after every change, and regularly while nobody announces changes. Failures are logged and tried again. */
export function followKeySecrets(options: FollowOptions): KeyFollower {
  let isDue = false;
  let running: Promise<void> | undefined;
  let lastError = '';
  let isStopped = false;

  const run = async () => {
    while (isDue) {
      isDue = false;
      try {
        await options.refresh();
        lastError = '';
      } catch (error) {
        if (isStopped || options.signal.aborted) break;
        const text = error instanceof Error ? error.message : String(error);
        // Once per failure, not once per poll.
        if (text !== lastError)
          options.logger.error('key Secrets cannot be listed; the keys held stay in use', { error: text });
        lastError = text;
      }
    }
    running = undefined;
  };
  const changed = () => {
    isDue = true;
    running ??= run();
  };
  const timer = setInterval(() => {
    if (!options.isWatching() || lastError !== '') changed();
  }, options.pollIntervalMs);
  return {
    changed,
    async stop() {
      clearInterval(timer);
      isStopped = true;
      isDue = false;
      await running;
    },
  };
}
