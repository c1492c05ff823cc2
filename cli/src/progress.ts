import type { CommandContext } from './command-context.ts';

/** Tells on a terminal how far a long run is. */
export interface Progress {
  advance(): Promise<void>;
  finish(): Promise<void>;
}

const firstAfterMs = 500;
const everyMs = 100;

/** Shows a count that is overwritten in place, once a run takes longer than half a second; nothing where nobody looks. */
export function createProgress(context: CommandContext, verb: string): Progress {
  const { io } = context;
  const visible = io.stderr.isTerminal && !context.global().quiet && !context.global().json;
  const startedMs = io.now().getTime();
  let count = 0;
  let shownMs = 0;
  return {
    async advance() {
      count++;
      if (!visible) return;
      const nowMs = io.now().getTime();
      if (nowMs - startedMs < firstAfterMs || nowMs - shownMs < everyMs) return;
      shownMs = nowMs;
      await io.stderr.write(Buffer.from(`\r${verb} ${count}`));
    },
    async finish() {
      // Return to the beginning of the line and clear it.
      if (shownMs > 0) await io.stderr.write(Buffer.from('\r\u001b[K'));
    },
  };
}
