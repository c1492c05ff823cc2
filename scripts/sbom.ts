import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');

/** CycloneDX 1.6, as far as it is touched here. */
interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: Record<string, unknown>; [name: string]: unknown };
  components: Record<string, unknown>[];
  dependencies: { ref: string; dependsOn?: string[] }[];
  [name: string]: unknown;
}

interface SbomOptions {
  /** The workspace package that is shipped. */
  readonly package: '@waxwing/controller' | '@waxwing/cli';
  /** Version of what is shipped, without a leading `v`. */
  readonly version: string;
  /** Seconds since the epoch: the commit's time, so that two builds of it have the same list. */
  readonly sourceDateEpoch: number;
  /** Version of the Node binary that is shipped with it; undefined: none is. */
  readonly nodeVersion: string | undefined;
  /** Debian's packages that are shipped with it: `NAME/VERSION/ARCHITECTURE`. */
  readonly systemPackages?: readonly string[];
}

/**
 * The list of everything that is in a package of ours, from the lockfile, in CycloneDX 1.6 (JSON). The package manager writes it;
 * here it becomes reproducible, and gets the Node binary that an image or an executable contains.
 *
 * @throws Error with the package manager's words if it fails.
 */
export function createSbom(options: SbomOptions): string {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string };
  const args = [
    '--yes',
    '--prefer-offline',
    packageManager,
    '--filter',
    options.package,
    'sbom',
    '--prod',
    '--sbom-format',
    'cyclonedx',
  ];
  args.push('--sbom-spec-version', '1.6', '--sbom-type', 'application', '--lockfile-only');
  const { status, stdout, stderr } = spawnSync('npx', args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${packageManager} sbom ended with ${status}:\n${stderr}`);
  return finishSbom(stdout, options);
}

function finishSbom(text: string, options: SbomOptions): string {
  const { version, sourceDateEpoch, nodeVersion, systemPackages = [] } = options;
  const bom: Bom = JSON.parse(text);
  const { component } = bom.metadata;
  component['version'] = version;
  bom.metadata.timestamp = new Date(sourceDateEpoch * 1000).toISOString();
  if (nodeVersion !== undefined) addNode(bom, nodeVersion);
  for (const text of systemPackages) addSystemPackage(bom, text);
  bom.components.sort((a, b) => (String(a['bom-ref']) < String(b['bom-ref']) ? -1 : 1));
  bom.dependencies.sort((a, b) => (a.ref < b.ref ? -1 : 1));
  delete bom.serialNumber;
  const { $schema, bomFormat, specVersion, ...rest } = bom;
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(rest))}`;
  return `${JSON.stringify({ $schema, bomFormat, specVersion, serialNumber, ...rest }, null, 2)}\n`;
}

function addNode(bom: Bom, version: string): void {
  const ref = `pkg:generic/node@${version}`;
  bom.components.push({
    type: 'application',
    name: 'node',
    version,
    purl: ref,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    'bom-ref': ref,
    licenses: [{ license: { id: 'MIT' } }],
  });
  addDependency(bom, ref);
}

/** @throws Error if a part is missing. */
function addSystemPackage(bom: Bom, text: string): void {
  const [name, version, architecture] = text.split('/');
  if (name === undefined || version === undefined || architecture === undefined) {
    throw new Error(`--system-package is ${text}; it must be NAME/VERSION/ARCHITECTURE, such as libc6/2.41-12/amd64.`);
  }
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`;
  bom.components.push({ type: 'library', name, version, purl, 'bom-ref': purl });
  addDependency(bom, purl);
}

function addDependency(bom: Bom, ref: string): void {
  bom.dependencies.push({ ref });
  const own = bom.dependencies.find((dependency) => dependency.ref === bom.metadata.component['bom-ref']);
  if (own !== undefined) own.dependsOn = [...(own.dependsOn ?? []), ref].sort();
}

/** A UUID (version 8, RFC 9562) that is the same for the same content. */
function uuidOf(content: string): string {
  const bytes = createHash('sha256').update(content).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      package: { type: 'string', default: '@waxwing/controller' },
      out: { type: 'string' },
      'app-version': { type: 'string', default: '0.0.0' },
      'node-version': { type: 'string' },
      'system-package': { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.package !== '@waxwing/controller' && values.package !== '@waxwing/cli') {
    throw new Error(`--package is ${values.package}; it must be @waxwing/controller or @waxwing/cli.`);
  }
  const text = createSbom({
    package: values.package,
    version: values['app-version'].replace(/^v/, ''),
    sourceDateEpoch: Number(process.env['SOURCE_DATE_EPOCH'] ?? 0),
    nodeVersion: values['node-version'],
    systemPackages: values['system-package'],
  });
  if (values.out === undefined) process.stdout.write(text);
  else writeFileSync(values.out, text);
}
