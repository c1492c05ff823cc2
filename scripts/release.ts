import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { writeArchive } from './archive.ts';
import { type Platform, parsePlatforms, writeExecutableArchives, writeNpmPackage } from './package-cli.ts';
import { createSbom } from './sbom.ts';

const root = join(import.meta.dirname, '..');

/** What a producer works with. */
interface Release {
  /** `v1.2.3`. */
  readonly version: string;
  /** `1.2.3`: what chart and packages call themselves. */
  readonly number: string;
  /** The commit that is released, 40 hex digits. */
  readonly commit: string;
  /** Its time in seconds since the epoch; the time of every file in an archive. */
  readonly sourceDateEpoch: number;
  /** The platforms for which the CLI becomes a single executable. */
  readonly executables: readonly Platform[];
  /** Folder for what is released. */
  readonly out: string;
  /** Folder for what is not. */
  readonly scratch: string;
}

/** Writes its files into `release.out`. The same commit gives the same bytes. */
type Producer = (release: Release) => unknown;

/** Everything that belongs to a release. */
const producers: readonly Producer[] = [
  writeManifests,
  writeChart,
  writeControllerBundle,
  writeSboms,
  writeNpmPackage,
  (release) => writeExecutableArchives(release, release.executables),
];

function writeManifests({ out }: Release): void {
  run(process.execPath, [join(root, 'scripts/manifests.ts'), '--check']);
  const generated = readdirSync(join(root, 'deploy')).filter((name) => name !== 'kustomization.yaml');
  for (const name of generated) copyFileSync(join(root, 'deploy', name), join(out, name));
  copyFileSync(join(root, 'crds/bitnami.com_sealedsecrets.yaml'), join(out, 'bitnami.com_sealedsecrets.yaml'));
}

/** A chart archive is a tar with one folder; `helm package` would put the times of the working tree into it. */
function writeChart({ out, number, sourceDateEpoch }: Release): void {
  writeArchive(join(out, `waxwing-${number}.tgz`), join(root, 'charts'), ['waxwing'], sourceDateEpoch);
}

/** What the image contains beside Node, for those who build one of their own. */
function writeControllerBundle({ out, scratch, version, sourceDateEpoch }: Release): void {
  const folder = join(scratch, 'waxwing-controller');
  run(process.execPath, [join(root, 'scripts/build.ts'), '--controller', folder], { WAXWING_VERSION: version });
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeArchive(join(out, `waxwing-controller-${version}.tar.gz`), scratch, ['waxwing-controller'], sourceDateEpoch);
}

function writeSboms({ out, number, sourceDateEpoch }: Release): void {
  const nodeVersion = process.versions.node;
  for (const [file, name, node] of [
    ['controller', '@waxwing/controller', nodeVersion],
    ['cli', '@waxwing/cli', undefined],
  ] as const) {
    const text = createSbom({ package: name, version: number, sourceDateEpoch, nodeVersion: node });
    writeFileSync(join(out, `waxwing-${file}.cdx.json`), text);
  }
}

function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  return execFileSync(program, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...environment } });
}

const digestOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** `sha256sum --check` reads it. */
function writeChecksums(out: string): ReadonlyMap<string, string> {
  const digests = new Map(
    readdirSync(out)
      .sort()
      .map((name) => [name, digestOf(join(out, name))] as const),
  );
  writeFileSync(join(out, 'SHA256SUMS'), [...digests].map(([name, digest]) => `${digest}  ${name}\n`).join(''));
  return digests;
}

/**
 * An in-toto statement (v1) with SLSA provenance (v1) about all files: from which commit, lockfile and Node they were made. Not signed;
 * who publishes signs it.
 */
function writeProvenance(release: Release, digests: ReadonlyMap<string, string>): void {
  const repository = 'git+https://github.com/waxwing/waxwing';
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [...digests].map(([name, sha256]) => ({ name, digest: { sha256 } })),
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: 'https://github.com/waxwing/waxwing/blob/main/scripts/release.ts',
        externalParameters: { version: release.version },
        internalParameters: { sourceDateEpoch: release.sourceDateEpoch },
        resolvedDependencies: [
          { uri: repository, digest: { gitCommit: release.commit } },
          { uri: `${repository}#pnpm-lock.yaml`, digest: { sha256: digestOf(join(root, 'pnpm-lock.yaml')) } },
          { uri: `pkg:generic/node@${process.versions.node}`, digest: { sha256: digestOf(process.execPath) } },
        ],
      },
      runDetails: { builder: { id: 'https://github.com/waxwing/waxwing/blob/main/CONTRIBUTING.md#releases' } },
    },
  };
  writeFileSync(join(release.out, 'provenance.intoto.json'), `${JSON.stringify(statement)}\n`);
}

/** Everything that has to say the version, and does not. */
function versionProblems(number: string): string[] {
  const said = new Map<string, string>();
  for (const file of ['package.json', 'shared/package.json', 'controller/package.json', 'cli/package.json']) {
    said.set(file, JSON.parse(readFileSync(join(root, file), 'utf8')).version);
  }
  const chart = parse(readFileSync(join(root, 'charts/waxwing/Chart.yaml'), 'utf8'));
  said
    .set('charts/waxwing/Chart.yaml (version)', chart.version)
    .set('charts/waxwing/Chart.yaml (appVersion)', chart.appVersion);
  return [...said]
    .filter(([, version]) => version !== number)
    .map(([where, version]) => `${where} says ${version}, not ${number}`);
}

function problemsOf(options: { number: string; out: string; allowDirty: boolean }): string[] {
  const problems = versionProblems(options.number);
  const isEmpty = !existsSync(options.out) || readdirSync(options.out).length === 0;
  if (!isEmpty) problems.push(`${options.out} is not empty`);
  const changes = run('git', ['status', '--porcelain']).trim();
  if (changes !== '' && !options.allowDirty) problems.push('the working tree has changes that are not committed');
  return problems;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      version: { type: 'string' },
      out: { type: 'string', default: 'dist/release' },
      executables: { type: 'string', default: 'all' },
      'allow-dirty': { type: 'boolean', default: false },
    },
  });
  const match = /^v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(values.version ?? '');
  if (match?.[1] === undefined)
    throw new Error(`--version is ${values.version ?? 'missing'}; it must look like v1.2.3 or v1.2.3-rc.1.`);
  const number = match[1];
  const out = resolve(values.out);
  const problems = problemsOf({ number, out, allowDirty: values['allow-dirty'] });
  if (problems.length > 0)
    throw new Error(`There is no release:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  const [commit = '', time = ''] = run('git', ['log', '-1', '--format=%H %ct']).trim().split(' ');
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'waxwing-release-'));
  try {
    const executables = parsePlatforms(values.executables);
    const release = { version: `v${number}`, number, commit, sourceDateEpoch: Number(time), executables, out, scratch };
    for (const produce of producers) produce(release);
    const digests = writeChecksums(out);
    writeProvenance(release, digests);
    for (const name of [...digests.keys(), 'SHA256SUMS', 'provenance.intoto.json']) console.log(basename(name));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
