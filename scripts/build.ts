import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { thirdPartyNotices } from './notices.ts';

const root = join(import.meta.dirname, '..');

/** The version that `--version` prints. */
const version = process.env['WAXWING_VERSION'] ?? 'v0.1.0';

/** Libraries that most runs never load. Inside the bundle they would be read and scanned at every start: 30 ms for the cluster client. */
const lazyLibraries = ['@kubernetes/client-node', 'age-encryption', 'bcryptjs', 'node-forge', 're2js'];

function fileOf(library: string): string {
  return library.replace('@', '').replace('/', '-');
}

/** Leaves the lazy libraries out of a bundle, has them loaded from files beside it, and notes from where they were imported. */
function besideTheBundle(found: Map<string, string>): Plugin {
  const names = new RegExp(`^(${lazyLibraries.join('|')})$`);
  return {
    name: 'beside-the-bundle',
    setup({ onResolve }) {
      onResolve({ filter: names }, ({ path, importer, resolveDir }) => {
        if (importer.includes('node_modules')) return undefined;
        found.set(path, resolveDir);
        return { path: `./${fileOf(path)}.cjs`, external: true };
      });
    },
  };
}

/** Has modules that are imported dynamically loaded from files beside the bundle, by absolute path of the module and name of the file. */
function inPieces(pieces: ReadonlyMap<string, string>): Plugin {
  return {
    name: 'in-pieces',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, kind, resolveDir }) => {
        const piece = kind === 'dynamic-import' ? pieces.get(resolve(resolveDir, path)) : undefined;
        return piece === undefined ? undefined : { path: `./${piece}.cjs`, external: true };
      });
    },
  };
}

/** commander loads what starts processes for subcommands that are programs of their own; ours are not, and loading it takes most of a millisecond. */
const childProcessOnDemand: Plugin = {
  name: 'child-process-on-demand',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/commander/') ? { path: 'child_process', namespace: 'on-demand' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'on-demand' }, () => ({
      contents: "exports.spawn = (...args) => process.getBuiltinModule('node:child_process').spawn(...args);",
    }));
  },
};

/** Fills a folder beside its place and then puts it there at once: programs of an earlier build may be running, tests among them. */
async function replaceFolder(outdir: string, fill: (fresh: string) => Promise<void>): Promise<void> {
  const folder = resolve(root, outdir);
  const fresh = `${folder}.${process.pid}.tmp`;
  await mkdir(fresh, { recursive: true });
  try {
    await fill(fresh);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const;

/**
 * Bundles what people run: the CLI's two entry points and the controller. CommonJS, because Node starts it several milliseconds
 * faster than modules; the heavy libraries that most commands never need are files of their own, loaded on first use.
 *
 * @returns paths of all files in it, relative to the repository
 */
async function bundle(
  outdir: string,
  entryPoints: Record<string, string>,
  pieces: Record<string, string> = {},
): Promise<string[]> {
  const present = Object.entries(entryPoints).filter(([, file]) => existsSync(join(root, file)));
  const libraries = new Map<string, string>();
  const program = await build({
    ...common,
    metafile: true,
    entryPoints: { ...Object.fromEntries(present), ...pieces },
    outdir,
    outExtension: { '.js': '.cjs' },
    define: { WAXWING_VERSION: JSON.stringify(version) },
    plugins: [
      childProcessOnDemand,
      besideTheBundle(libraries),
      inPieces(new Map(Object.entries(pieces).map(([name, file]) => [join(root, file), name]))),
    ],
  });
  const inputs = Object.keys(program.metafile.inputs);
  for (const [library, resolveDir] of libraries) {
    const stdin = { contents: `module.exports = require(${JSON.stringify(library)});`, resolveDir };
    const outfile = join(outdir, `${fileOf(library)}.cjs`);
    const { metafile } = await build({ ...common, metafile: true, stdin, outfile });
    inputs.push(...Object.keys(metafile.inputs));
  }
  return inputs;
}

const compileCache = 'compile-cache';

/**
 * Makes `NAME.cjs` start `NAME-program.cjs` from its compiled form, which is kept beside it: compiling the program takes longer than sealing
 * a Secret. A cache of another Node, or a folder that cannot be written, only costs the time.
 */
async function addStarter(outdir: string, name: string): Promise<void> {
  const lines = [
    "'use strict';",
    `require('node:module').enableCompileCache(require('node:path').join(__dirname, '${compileCache}'));`,
    `require('./${name}-program.cjs');`,
  ];
  await writeFile(join(outdir, `${name}.cjs`), `${lines.join('\n')}\n`);
}

/** Runs the program once as it is run most, so that what this compiles is in the cache. */
function fillCompileCache(outdir: string, name: string, args: readonly string[], input: string): void {
  const { status, stderr } = spawnSync(process.execPath, [join(root, outdir, `${name}.cjs`), ...args], {
    input,
    cwd: root,
  });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** Node writes its cache for the user who runs it; here it is part of what is installed, for everybody. */
async function shareCompileCache(outdir: string): Promise<void> {
  const folder = join(root, outdir, compileCache);
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    await chmod(path, (await stat(path)).isDirectory() ? 0o755 : 0o644);
  }
}

/** What sealing does not need is apart: reading the file of the program is a good part of the start. */
const kubesealPieces = {
  'kubeseal-cluster': 'cli/src/cluster.ts',
  'kubeseal-http': 'cli/src/http-client.ts',
  'kubeseal-merge': 'cli/src/modes/merge.ts',
  'kubeseal-recover': 'cli/src/modes/recover.ts',
  'kubeseal-reencrypt': 'cli/src/modes/reencrypt.ts',
  'kubeseal-templates': 'cli/src/template-renderer.ts',
  'kubeseal-validate': 'cli/src/modes/validate.ts',
};

const waxwingPieces = {
  'waxwing-age': 'cli/src/keys/age.ts',
  'waxwing-cluster': 'cli/src/cluster.ts',
  'waxwing-doctor': 'cli/src/doctor/index.ts',
  'waxwing-http': 'cli/src/http-client.ts',
  'waxwing-template-lint': 'cli/src/template-lint.ts',
  'waxwing-template-problems': 'cli/src/template-problems.ts',
  'waxwing-templates': 'cli/src/template-renderer.ts',
};

async function bundlePrograms(outdir: string): Promise<void> {
  await bundle(outdir, { 'waxwing-program': 'cli/src/main.ts' }, waxwingPieces);
  await bundle(outdir, { 'kubeseal-program': 'cli/src/kubeseal-main.ts' }, kubesealPieces);
  for (const name of ['kubeseal', 'waxwing']) await addStarter(outdir, name);
}

/**
 * Both programs and all libraries in one file, which asks for nothing but Node's own modules: for single executables. What it was made of
 * stands in `FILE.inputs.json`, for the licences.
 */
async function bundleExecutable(outfile: string): Promise<void> {
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: ['cli/src/executable-main.ts'],
    outfile: resolve(root, outfile),
    define: { WAXWING_VERSION: JSON.stringify(version) },
  });
  await writeFile(`${resolve(root, outfile)}.inputs.json`, JSON.stringify(Object.keys(metafile.inputs)));
}

async function bundleCli(): Promise<void> {
  await replaceFolder('cli/dist', bundlePrograms);
  const certificate = 'test/vectors/test-keys/alpha.crt.pem';
  const secret = 'kind: Secret\nmetadata: {name: a, namespace: b}\nstringData:\n  c: d\n';
  for (const [name, args] of [
    ['kubeseal', ['--cert', certificate, '-o', 'yaml']],
    ['waxwing', ['seal', '--cert', certificate]],
  ] as const) {
    fillCompileCache('cli/dist', name, args, secret);
  }
  await shareCompileCache('cli/dist');
}

async function bundleController(outdir: string): Promise<void> {
  await replaceFolder(outdir, async (fresh) => {
    const inputs = await bundle(fresh, { controller: 'controller/src/main.ts' });
    // Who passes the bundle on, in an image or an archive, passes these on with it.
    await writeFile(join(fresh, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(root, inputs));
  });
}

// Without options everything goes where it is started from. Otherwise one thing alone is bundled: `--controller FOLDER` for the image and to
// compare two builds, `--cli FOLDER` for the npm package, `--executable FILE` for single executables.
const { values } = parseArgs({
  options: { controller: { type: 'string' }, cli: { type: 'string' }, executable: { type: 'string' } },
});
if (values.controller !== undefined) await bundleController(values.controller);
else if (values.cli !== undefined) await replaceFolder(values.cli, bundlePrograms);
else if (values.executable !== undefined) await bundleExecutable(values.executable);
else {
  await bundleCli();
  await bundleController('controller/dist');
}
