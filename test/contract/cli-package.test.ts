import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const certificate = join(root, 'test/vectors/test-keys/alpha.crt.pem');
const key = join(root, 'test/vectors/test-keys/alpha.key.pem');
const secret = 'kind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {c: canary-7Hq2}\n';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-packages-'));
  execFileSync(
    process.execPath,
    [join(root, 'scripts/package-cli.ts'), '--folders', '--version', 'v1.2.3', '--out', folder],
    {
      env: { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` },
    },
  );
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an installed program with a nearly empty environment: no HOME, no kubeconfig. */
function run(program: string, args: readonly string[], input = '') {
  const path = `${dirname(process.execPath)}${delimiter}/usr/bin${delimiter}/bin`;
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    input,
    encoding: 'utf8',
    env: { PATH: path },
  });
  return { status, stdout, stderr };
}

/** What every kind of installation has to do. */
function itWorks(programAt: (name: string) => string): void {
  it('has both programs and the plug-in of kubectl, which say their version', () => {
    expect(run(programAt('waxwing'), ['--version'])).toEqual({ status: 0, stdout: 'v1.2.3\n', stderr: '' });
    expect(run(programAt('kubectl-waxwing'), ['--version']).stdout).toBe('v1.2.3\n');
    expect(run(programAt('kubeseal'), ['--version']).stdout).toBe('kubeseal version: v1.2.3\n');
  });

  it.each(['waxwing', 'kubeseal'])('seals with %s and opens again', (name) => {
    const args = name === 'waxwing' ? ['seal', '--cert', certificate] : ['--cert', certificate, '-o', 'yaml'];
    const sealed = run(programAt(name), args, secret);
    expect(sealed).toMatchObject({ status: 0 });
    const opened = run(programAt('waxwing'), ['unseal', '--private-key', key], sealed.stdout);
    expect(opened.stdout).toContain(Buffer.from('canary-7Hq2').toString('base64'));
  });

  it('finds the libraries that are loaded when they are needed', () => {
    // The client of the cluster, the template engine with its functions, and age.
    const missing = run(programAt('waxwing'), ['cert', '--kubeconfig', 'missing']);
    expect(missing.stderr).toMatch(/^error: .*missing/);
    const { stdout: sealed } = run(programAt('waxwing'), ['seal', '--cert', certificate, '-o', 'json'], secret);
    const object = JSON.parse(sealed);
    object.spec.template.data = { d: '{{ regexReplaceAll "a+" "baab" "-" }}' };
    const rendered = run(programAt('waxwing'), ['template'], JSON.stringify(object));
    expect(rendered.stderr).toBe('');
    expect(rendered.stdout).toContain('b-b');
    writeFileSync(join(folder, 'x.age'), 'age-encryption.org/v1\n-> X25519 x\n');
    const age = run(programAt('waxwing'), ['keys', 'drill', 'x.age', '--repo', '.', '--identity', key]);
    expect(age.stderr).toMatch(/^error: x\.age: /);
  });
}

describe('the npm package', () => {
  const prefix = () => join(folder, 'prefix');
  beforeAll(() => {
    mkdirSync(prefix());
    const archive = join(folder, 'waxwing-cli-1.2.3.tgz');
    const options = [
      '--global',
      '--offline',
      '--no-audit',
      '--no-fund',
      '--cache',
      join(folder, 'cache'),
      '--prefix',
      prefix(),
    ];
    execFileSync('npm', ['install', ...options, archive], { stdio: 'pipe' });
  }, 60_000);

  itWorks((name) => join(prefix(), 'bin', name));

  it('has no dependencies, a man page that man finds, and completions', () => {
    const installed = join(prefix(), 'lib/node_modules/@waxwing/cli');
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ version: '1.2.3', license: 'Apache-2.0' });
    expect(manifest).not.toHaveProperty('dependencies');
    expect(existsSync(join(installed, 'LICENSE'))).toBe(true);
    const notices = readFileSync(join(installed, 'THIRD-PARTY-NOTICES'), 'utf8');
    for (const library of [
      'commander',
      'picocolors',
      '@kubernetes/client-node',
      'node-forge',
      're2js',
      'age-encryption',
    ]) {
      expect(notices).toMatch(new RegExp(`^${library} \\d`, 'm'));
    }
    const page = readFileSync(join(prefix(), 'share/man/man1/waxwing.1'), 'utf8');
    expect(page).toMatch(/^\.TH WAXWING 1 /);
    for (const command of ['seal', 'keys export']) expect(page).toContain(`.SS waxwing ${command}`);
    expect(readFileSync(join(installed, 'completions/waxwing.bash'), 'utf8')).toContain(
      'complete -o filenames -F _waxwing waxwing',
    );
  });

  it('says so when Node is too old', () => {
    const launcher = join(prefix(), 'lib/node_modules/@waxwing/cli/bin/waxwing.cjs');
    const old = `Object.defineProperty(process.versions, 'node', { value: '20.11.0' })`;
    writeFileSync(join(folder, 'old.cjs'), old);
    const { status, stdout, stderr } = run(process.execPath, [
      '--require',
      join(folder, 'old.cjs'),
      launcher,
      '--version',
    ]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('waxwing needs Node 24 or newer');
  });
});

describe('the single executable', () => {
  const installed = () => join(folder, `waxwing-v1.2.3-${process.platform}-${process.arch}`);

  itWorks((name) => join(installed(), name));

  it('needs no Node beside it', () => {
    const { status, stdout } = spawnSync(join(installed(), 'waxwing'), ['--version'], { env: {}, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'v1.2.3\n' });
    expect(statSync(join(installed(), 'waxwing')).size).toBeLessThan(200 * 1024 * 1024);
  });
});

it('a checksum of every archive is beside them', () => {
  execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: folder, stdio: 'pipe' });
});
