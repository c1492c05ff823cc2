import { inject } from 'vitest';
import { type ApiServer, type ApiServerKind, apiServerKind, startApiServer } from './harness.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Given by `global-setup.ts` when the run uses the real API server. */
    realApiServerPool?: string;
  }
}

export interface LeaseOptions {
  /** Default: what the run is for. */
  readonly kind?: ApiServerKind;
  /** The server is changed in ways that the next test file must not meet: other CRDs, manifests with fixed names. Default false. */
  readonly lasting?: boolean;
}

/**
 * An API server for this test file alone: call it once in `beforeAll`, and `stop` what it returned in `afterAll`.
 *
 * The embedded one starts in milliseconds, so each file has its own, in its own process, with its faults. The real ones are handed on
 * from file to file.
 */
export async function leaseApiServer(options: LeaseOptions = {}): Promise<ApiServer> {
  const kind = options.kind ?? apiServerKind();
  const pool = kind === 'real' ? inject('realApiServerPool') : undefined;
  if (pool === undefined) return startApiServer({ kind });
  const { leaseRealApiServer } = await import('./real/lease.ts');
  return leaseRealApiServer(pool, options.lasting === true);
}
