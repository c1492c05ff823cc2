import type { TestProject } from 'vitest/node';
import { startServerPool } from './real/pool.ts';

/**
 * vitest's globalSetup: real API servers for the whole run, if the run is for them. Their programs are built when the first is asked for, if
 * needed; without Go that fails with the one line of `goToolsBlocker` (whoever starts runs asks that first).
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (project.config.env?.['WAXWING_API_SERVER'] !== 'real') return async () => {};
  const pool = await startServerPool();
  project.provide('realApiServerPool', pool.url);
  return pool.stop;
}
