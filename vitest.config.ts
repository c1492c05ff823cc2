import { defineConfig } from 'vitest/config';

/**
 * unit: beside the source, plus vectors and contracts; no server.
 * integration: the suite that runs unchanged on the embedded and on the real API server (WAXWING_API_SERVER says which).
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{shared,controller,cli}/src/**/*.test.ts',
            'test/{vectors,contract,apiserver,scripts}/**/*.test.ts',
          ],
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/{conformance,integration}/**/*.test.ts'],
          globalSetup: ['test/apiserver/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
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
