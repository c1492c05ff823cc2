import { inject } from 'vitest';
import { type ApiServer, apiServerKind, startApiServer } from './harness.ts';
import type { RealServerCoordinates } from './real/server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Given by `global-setup.ts` when the run uses the real API server. */
    realApiServer?: RealServerCoordinates;
  }
}

/**
 * The API server of a test file: call it once in `beforeAll`, and `stop` what it returned in `afterAll`.
 *
 * The real one is shared by all files of a run (`global-setup.ts` starts it), so files keep apart by namespaces of
 * their own, and `stop` leaves it running. The embedded one starts in milliseconds, so each file has its own, in its
 * own process, with its faults.
 */
export async function sharedApiServer(): Promise<ApiServer> {
  if (apiServerKind() === 'embedded') return startApiServer({ kind: 'embedded' });
  const coordinates = inject('realApiServer');
  if (coordinates === undefined) throw new Error('global-setup.ts did not start a real API server.');
  const { connectRealApiServer } = await import('./real/server.ts');
  return { ...(await connectRealApiServer(coordinates)), stop: async () => {} };
}
