import type { Attributes, Logger } from './logger.ts';
import type { Timers } from './queue.ts';

// For tests of this package only.

export interface TestTimers extends Timers {
  /** Moves the clock; what is due is called in order of time. */
  advance(ms: number): void;
  readonly pending: number;
}

/** Timers that fire only when told to. */
export function createTestTimers(): TestTimers {
  let nowMs = 0;
  const waiting = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const earliest = (untilMs: number) => {
    const due = [...waiting].filter((timer) => timer.atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  };
  return {
    now: () => nowMs,
    after(ms, callback) {
      const timer = { atMs: nowMs + ms, callback };
      waiting.add(timer);
      return () => waiting.delete(timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = earliest(untilMs); timer !== undefined; timer = earliest(untilMs)) {
        waiting.delete(timer);
        nowMs = timer.atMs;
        timer.callback();
      }
      nowMs = untilMs;
    },
    get pending() {
      return waiting.size;
    },
  };
}

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly attributes: Attributes;
}

/** A logger that keeps its records. */
export function createTestLogger(): Logger & { readonly records: LogRecord[] } {
  const records: LogRecord[] = [];
  const at =
    (level: LogRecord['level']) =>
    (message: string, attributes: Attributes = {}) => {
      records.push({ level, message, attributes });
    };
  return { records, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
