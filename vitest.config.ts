import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/slowest-first.ts';

/** The suite that runs unchanged on both API servers; WAXWING_API_SERVER tells the tests which. */
const integration = (kind: 'embedded' | 'real') =>
  ({
    test: {
      name: kind,
      isolate: false,
      include: ['test/{conformance,integration}/**/*.test.ts'],
      globalSetup: ['test/apiserver/global-setup.ts'],
      env: { WAXWING_API_SERVER: kind },
      testTimeout: 120_000,
      hookTimeout: 240_000,
    },
  }) as const;

/**
 * Starting a process for each file, and loading everything anew there, takes a fifth of the CPU: so `isolate` is off, and files must not change what is
 * global.
 *
 * unit: beside the source, plus vectors and contracts; no server of Kubernetes but for what the documentation's pages install.
 * embedded, real: one integration suite on the API server in memory and on kube-apiserver.
 * long: what takes minutes to hours, with the intervals of production.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: SlowestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          isolate: false,
          include: [
            '{shared,controller,cli}/src/**/*.test.ts',
            'test/{vectors,contract,apiserver,scripts}/**/*.test.ts',
          ],
          testTimeout: 60_000,
          // Pages of the documentation, each with a cluster and a controller of its own.
          maxConcurrency: 3,
        },
      },
      integration('embedded'),
      integration('real'),
      {
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          globalSetup: ['test/apiserver/global-setup.ts'],
          testTimeout: 1_800_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
