import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helm, type ProgramResult, parseObjects, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';

const hasTools = canUse('helm');

const root = join(import.meta.dirname, '../..');
let folder: string;
let out: string;
let result: ProgramResult;

function release(...args: readonly string[]): Promise<ProgramResult> {
  const environment = { HOME: process.env['HOME'] ?? '/' };
  return runProgram(process.execPath, [join(root, 'scripts/release.ts'), ...args], environment);
}

describe.skipIf(!hasTools)('the release script', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waxwing-release-test-'));
    out = join(folder, 'out');
    result = await release('--version', 'v0.1.0', '--out', out, '--allow-dirty', '--executables', 'none');
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('writes chart, manifests, CRD, bundle, bills of materials, checksums and provenance', async () => {
    expect(result.status, result.stderr).toBe(0);
    expect((await readdir(out)).sort()).toEqual([
      'SHA256SUMS',
      'bitnami.com_sealedsecrets.yaml',
      'controller-norbac.yaml',
      'controller-podmonitor.yaml',
      'controller.yaml',
      'grafana-dashboard.json',
      'prometheus-rule.yaml',
      'provenance.intoto.json',
      'waxwing-0.1.0.tgz',
      'waxwing-cli-0.1.0.tgz',
      'waxwing-cli.cdx.json',
      'waxwing-controller-v0.1.0.tar.gz',
      'waxwing-controller.cdx.json',
    ]);
  });

  it('writes a checksum and a provenance of each file', async () => {
    const lines = (await readFile(join(out, 'SHA256SUMS'), 'utf8')).trim().split('\n');
    const digests = new Map(lines.map((line) => line.split('  ').reverse() as [string, string]));
    const files = (await readdir(out)).filter((name) => name !== 'SHA256SUMS' && name !== 'provenance.intoto.json');
    expect([...digests.keys()].sort()).toEqual(files.sort());
    for (const [name, digest] of digests) {
      expect(
        createHash('sha256')
          .update(await readFile(join(out, name)))
          .digest('hex'),
        name,
      ).toBe(digest);
    }
    const statement = JSON.parse(await readFile(join(out, 'provenance.intoto.json'), 'utf8'));
    expect(statement).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      predicateType: 'https://slsa.dev/provenance/v1',
    });
    for (const { name, digest } of statement.subject) expect(digest.sha256, name).toBe(digests.get(name));
    const [source] = statement.predicate.buildDefinition.resolvedDependencies;
    expect(source.digest.gitCommit).toMatch(/^[0-9a-f]{40}$/);
  });

  it('writes a chart that Helm renders', async () => {
    const { status, stdout } = await helm(['template', 'sealed-secrets', join(out, 'waxwing-0.1.0.tgz')]);
    expect(status).toBe(0);
    const { image } = theObject(parseObjects(stdout), 'Deployment').spec.template.spec.containers[0];
    expect(image).toMatch(/:0\.1\.0$/);
    const { stdout: crds } = await helm(['show', 'crds', join(out, 'waxwing-0.1.0.tgz')]);
    expect(theObject(parseObjects(crds), 'CustomResourceDefinition').metadata.name).toBe('sealedsecrets.bitnami.com');
  });

  it('refuses a version that the packages and the chart do not say, and a folder with something in it', async () => {
    const { status, stderr } = await release('--version', 'v9.9.9', '--out', out, '--allow-dirty');
    expect(status).toBe(1);
    expect(stderr).toContain('charts/waxwing/Chart.yaml (appVersion) says 0.1.0, not 9.9.9');
    expect(stderr).toContain('package.json says 0.1.0, not 9.9.9');
    expect(stderr).toContain('is not empty');
  });

  it('refuses changes that are not committed', async () => {
    const file = join(root, 'docs/operations/.uncommitted-release-test');
    await writeFile(file, '');
    try {
      const { status, stderr } = await release('--version', 'v0.1.0', '--out', join(folder, 'dirty'));
      expect(status).toBe(1);
      expect(stderr).toContain('changes that are not committed');
    } finally {
      await rm(file, { force: true });
    }
  });

  it('refuses a version that is none', async () => {
    const { status, stderr } = await release('--version', 'next', '--out', join(folder, 'next'));
    expect(status).toBe(1);
    expect(stderr).toContain('it must look like v1.2.3');
  });
});
