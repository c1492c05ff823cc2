import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** The version that `--version` prints. */
const version = process.env['WAXWING_VERSION'] ?? 'v0.1.0';

/**
 * Bundles what people run: the CLI's two entry points and the controller. CommonJS, because Node starts it several milliseconds
 * faster than modules; the heavy libraries that most commands never need are files of their own, loaded on first use.
 */
async function bundle(outdir: string, entryPoints: Record<string, string>): Promise<void> {
  await rm(join(root, outdir), { recursive: true, force: true });
  await mkdir(join(root, outdir), { recursive: true });
  const present = Object.entries(entryPoints).filter(([, file]) => existsSync(join(root, file)));
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(present),
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: { WAXWING_VERSION: JSON.stringify(version) },
    logLevel: 'warning',
  });
}

await bundle('cli/dist', { waxwing: 'cli/src/main.ts', kubeseal: 'cli/src/kubeseal-main.ts' });
await bundle('controller/dist', { controller: 'controller/src/main.ts' });
