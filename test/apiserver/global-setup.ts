import type { TestProject } from 'vitest/node';
import { apiServerKind } from './harness.ts';
import { startRealApiServer } from './real/server.ts';

/**
 * vitest's globalSetup: one real API server for the whole run, if the run is for the real one. Its programs are built
 * here if needed; without Go this throws the one line of `goToolsBlocker` (whoever starts runs asks that first).
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (apiServerKind() === 'embedded') return async () => {};
  const server = await startRealApiServer();
  project.provide('realApiServer', server.coordinates);
  return server.stop;
}
