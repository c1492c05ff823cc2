import type { ApiServerKind } from '../apiserver/harness.ts';
import { goToolsBlocker } from '../apiserver/real/build.ts';

/** Long tests run against the real API server where it can be had; WAXWING_API_SERVER decides otherwise. */
export function longTestServer(): ApiServerKind {
  const asked = process.env['WAXWING_API_SERVER'];
  if (asked === 'embedded' || asked === 'real') return asked;
  return goToolsBlocker() === undefined ? 'real' : 'embedded';
}

/** The controller's own defaults in place of the short intervals of the quick tests. */
export const productionIntervals: readonly string[] = [
  '--key-poll-interval=5s',
  '--namespace-poll-interval=30s',
  '--retry-max-delay=5m',
  '--watch-reconnect-max-delay=10s',
];

/** Milliseconds from an environment variable in minutes, so that a long test can be tried in a short time. */
export function minutesFrom(variable: string, defaultMinutes: number): number {
  const text = process.env[variable];
  const minutes = text === undefined ? defaultMinutes : Number(text);
  if (!(minutes > 0))
    throw new Error(`${variable} is ${JSON.stringify(text)}; it must be a number of minutes above 0.`);
  return minutes * 60_000;
}

/** Reproducible, in [0, 1). */
export { seededRandom } from '../apiserver/embedded/faults.ts';
