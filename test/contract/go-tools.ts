import { beforeAll } from 'vitest';
import { type GoTool, goTool, goToolsBlocker } from '../apiserver/real/build.ts';

/** The first build of a tool takes minutes, more while others build too. */
const buildTimeoutMs = 20 * 60_000;

/**
 * Says whether a test file can use these tools, and has them built before its first test, which could not wait so long. Call it
 * at the top of the file. Where they cannot be had it prints why; with `CI` set it throws instead.
 */
export function canUse(...tools: readonly GoTool[]): boolean {
  const blocker = goToolsBlocker(tools);
  if (blocker === undefined) {
    beforeAll(async () => {
      for (const tool of tools) await goTool(tool);
    }, buildTimeoutMs);
    return true;
  }
  if (process.env['CI'] === 'true') throw new Error(blocker);
  console.warn(`Skipped: ${blocker}`);
  return false;
}
