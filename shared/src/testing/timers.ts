/** Runs something while timers of this thread are measured: how often they fired and the longest time between two of them. */
export async function measuringTimers<T>(
  run: () => Promise<T>,
): Promise<{ result: T; ticks: number; longestGapMs: number }> {
  let ticks = 0;
  let longestGapMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    ticks++;
  }, 5);
  try {
    return { result: await run(), ticks, longestGapMs };
  } finally {
    clearInterval(timer);
  }
}
