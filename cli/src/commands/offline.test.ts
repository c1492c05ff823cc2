import { mkdirSync } from 'node:fs';
import { parseSealingCertificate } from '@waxwing/shared';
import { testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createWorkplace, testCertificate, type Workplace } from '../testing/workplace.ts';

// The commands besides seal, as far as they need no cluster.

const value = 'canary-7Hq2-value';
const secretYaml = `kind: Secret\napiVersion: v1\nmetadata: {name: db, namespace: payments}\nstringData:\n  password: ${value}\n`;

let certificatePem: string;
beforeAll(async () => {
  certificatePem = await testCertificate();
});

let place: Workplace;
beforeEach(async () => {
  place = createWorkplace();
  place.write('cert.pem', certificatePem);
  place.write('key.pem', testKey().pem);
  place.write('secret.yaml', secretYaml);
  await place.run(['seal', 'secret.yaml', '--cert', 'cert.pem', '--output', 'sealed.yaml']);
});
afterEach(() => place.dispose());

const opened = async (file: string) =>
  parse((await place.run(['unseal', file, '--private-key', 'key.pem'])).stdout).data as Record<string, string>;
const decoded = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString();

describe('raw', () => {
  const raw = (args: readonly string[], options = {}) => place.run(['raw', '--cert', 'cert.pem', ...args], options);
  const bound = ['-n', 'payments', '--name', 'db'];
  const openedRaw = async (ciphertext: string) => {
    place.write('raw.yaml', place.read('sealed.yaml').replace(/password: .*/, `password: ${ciphertext}`));
    return decoded((await opened('raw.yaml'))['password']);
  };

  test('asks for the value without echo where a person sits there', async () => {
    const { exit, stdout, stderr } = await raw(bound, { terminals: ['stdin', 'stderr'], hiddenLine: value });
    expect(exit).toBe(0);
    expect(stderr).toMatch(/^Value \(not shown\): \nsealed for payments\/db \(strict\), cert\.pem: key /);
    expect(await openedRaw(stdout)).toBe(value);
  });

  test('takes it from standard input or a file, byte for byte', async () => {
    expect(await openedRaw((await raw(bound, { stdin: 'from a pipe' })).stdout)).toBe('from a pipe');
    place.write('value', 'from a file\n\n');
    const result = await raw([...bound, '--from-file', 'value']);
    expect(await openedRaw(result.stdout)).toBe('from a file\n\n');
  });

  test('a person gets a line, a program the ciphertext alone', async () => {
    expect((await raw(bound, { stdin: 'x', terminals: ['stdout'] })).stdout).toMatch(/^[A-Za-z0-9+/=]+\n$/);
    expect((await raw(bound, { stdin: 'x' })).stdout).toMatch(/^[A-Za-z0-9+/=]+$/);
  });

  test('tells of a newline at the end', async () => {
    expect((await raw(bound, { stdin: `${value}\n` })).stderr).toMatch(/^warning: the value ends with a newline/);
  });

  test('as JSON it says what it is bound to', async () => {
    const { stdout } = await raw(['--json', ...bound], { stdin: 'x' });
    const { keyId } = parseSealingCertificate(certificatePem);
    expect(JSON.parse(stdout)).toMatchObject({ scope: 'strict', namespace: 'payments', name: 'db', keyId });
  });

  test.for([
    [[], /^error: scope strict binds the value to the name of its Secret: give --name\n/],
    [['--name', 'db'], /^error: scope strict binds the value to a namespace: give --namespace\n/],
    [['--scope', 'namespace-wide'], /^error: scope namespace-wide binds the value to a namespace: give --namespace\n/],
  ] as const)('%j says what is missing before it asks', async ([args, message]) => {
    const env = { KUBECONFIG: place.at('none') };
    const { exit, stdout, stderr } = await raw(args, { terminals: ['stdin'], hiddenLine: value, env });
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

describe('merge', () => {
  const merge = (args: readonly string[], options = {}) => place.run(['merge', '--cert', 'cert.pem', ...args], options);

  test('adds and replaces items and touches nothing else', async () => {
    place.write('sealed.yaml', `# by hand\n${place.read('sealed.yaml')}# the end\n`);
    const before = place.read('sealed.yaml');
    const stdin = 'metadata: {name: x}\nstringData: {token: new-one}\n';
    const { exit, stdout, stderr } = await merge(['--into', 'sealed.yaml'], { stdin });
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
    expect(stderr).toMatch(/^merged into sealed\.yaml, cert\.pem: key /);
    const after = place.read('sealed.yaml');
    expect(after.replace(/ {4}token: .*\n/, '')).toBe(before);
    expect(decoded((await opened('sealed.yaml'))['token'])).toBe('new-one');
  });

  test('several inputs are merged together or not at all', async () => {
    place.write('good.yaml', 'metadata: {name: x}\nstringData: {one: "1"}\n');
    place.write('bad.yaml', 'metadata: {name: x}\ndata: {two: "%"}\n');
    const before = place.read('sealed.yaml');
    expect(await merge(['good.yaml', 'bad.yaml', '--into', 'sealed.yaml'])).toMatchObject({ exit: 1, stdout: '' });
    expect(place.read('sealed.yaml')).toBe(before);
    place.write('bad.yaml', 'metadata: {name: x}\nstringData: {two: "2"}\n');
    expect((await merge(['good.yaml', 'bad.yaml', '--into', 'sealed.yaml'])).exit).toBe(0);
    expect(Object.keys(await opened('sealed.yaml'))).toEqual(['one', 'password', 'two']);
  });

  test('refuses another scope than that of the file, and a file that holds none', async () => {
    const other = await merge(['secret.yaml', '--into', 'sealed.yaml', '--scope', 'cluster-wide']);
    expect(other).toMatchObject({ exit: 2, stdout: '' });
    const plain = await merge(['secret.yaml', '--into', 'secret.yaml']);
    expect(plain).toMatchObject({ exit: 1, stdout: '' });
    expect(place.read('secret.yaml')).toBe(secretYaml);
    expect((await merge(['secret.yaml'])).stderr).toContain("required option '--into <file>' not specified");
  });
});

describe('cert', () => {
  const run = (args: readonly string[]) => place.run(['cert', '--cert', 'cert.pem', ...args]);

  test('writes the certificate and tells its key, dates and fingerprint', async () => {
    const { exit, stdout, stderr } = await run([]);
    const { keyId, sha256 } = parseSealingCertificate(certificatePem);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: certificatePem });
    expect(stderr).toContain(`key ${keyId}, RSA 2048, valid from `);
    expect(stderr).toContain(`SHA-256 ${sha256}`);
  });

  test('as JSON, with the file where one is named', async () => {
    const { stdout } = await run(['--json', '--output', 'copy.pem']);
    const { keyId, sha256 } = parseSealingCertificate(certificatePem);
    expect(JSON.parse(stdout)).toMatchObject({ keyId, sha256, bits: 2048, expired: false });
    expect(place.read('copy.pem')).toBe(certificatePem);
  });

  test('shows one that has expired, and says so', async () => {
    place.write('cert.pem', await testCertificate('expired'));
    const { exit, stderr } = await run([]);
    expect(exit).toBe(0);
    expect(stderr).toContain('warning: this certificate has expired');
  });

  test('holds a pin against it', async () => {
    expect(await run(['--cert-sha256', '0'.repeat(64)])).toMatchObject({ exit: 1, stdout: '' });
    const { sha256 } = parseSealingCertificate(certificatePem);
    const withColons = sha256.toUpperCase().replace(/(..)(?=.)/g, '$1:');
    expect((await run(['--cert-sha256', withColons])).exit).toBe(0);
  });
});

describe('verify', () => {
  const verify = (args: readonly string[], options = {}) =>
    place.run(['verify', '--private-key', 'key.pem', ...args], options);

  test('says of every object whether it opens, and ends with 4 if one does not', async () => {
    place.write('moved.yaml', place.read('sealed.yaml').replaceAll('name: db', 'name: moved'));
    const { exit, stdout } = await verify(['sealed.yaml', 'moved.yaml']);
    expect(exit).toBe(4);
    expect(stdout).toMatch(
      /^sealed\.yaml: payments\/db opens\nmoved\.yaml: payments\/moved does not open: UnknownKey: /,
    );
    const result = JSON.parse((await verify(['--json', 'moved.yaml', 'sealed.yaml'])).stdout);
    expect(result.objects.map(({ name, opens }: { name: string; opens: boolean }) => [name, opens])).toEqual([
      ['moved', false],
      ['db', true],
    ]);
  });

  test('looks through folders, and passes over objects of other kinds', async () => {
    mkdirSync(place.at('repo/deep'), { recursive: true });
    place.write('repo/deep/a.yml', `kind: Namespace\nmetadata: {name: x}\n${place.read('sealed.yaml')}`);
    place.write('repo/notes.txt', 'nothing');
    expect(await verify(['repo'])).toMatchObject({ exit: 0, stdout: 'repo/deep/a.yml: payments/db opens\n' });
  });

  test('finding nothing is a failure', async () => {
    expect((await verify(['secret.yaml'])).stderr).toMatch(/^error: no SealedSecret found in secret\.yaml/);
    expect(await verify([])).toMatchObject({ exit: 1, stdout: '' });
  });
});

describe('unseal', () => {
  test('gives the Secret back, into a file that only its owner reads', async () => {
    const args = ['unseal', 'sealed.yaml', '--private-key', 'key.pem', '--output', 'open.json'];
    expect(await place.run(args)).toMatchObject({ exit: 0, stdout: '' });
    const secret = JSON.parse(place.read('open.json'));
    expect(decoded(secret.data.password)).toBe(value);
    expect(secret.kind).toBe('Secret');
  });

  test('with another key it says what is missing', async () => {
    const result = await place.run(['unseal', 'sealed.yaml', '--private-key', 'cert.pem']);
    expect(result).toMatchObject({ exit: 1, stdout: '' });
  });
});

describe('lint', () => {
  const lint = (args: readonly string[], options = {}) => place.run(['lint', ...args], options);

  test('finds nothing wrong in what was sealed', async () => {
    expect(await lint(['sealed.yaml'])).toEqual({ exit: 0, stdout: '', stderr: '1 document, 0 errors, 0 warnings\n' });
  });

  test('looks through folders and reports file, line, rule and field', async () => {
    mkdirSync(place.at('repo'));
    place.write('repo/plain.yaml', `# a comment\n${secretYaml}`);
    place.write('repo/cut.yaml', place.read('sealed.yaml').replace(/password: .*/, 'password: AgAx'));
    place.write('repo/broken.yaml', 'a: [');
    const { exit, stdout, stderr } = await lint(['repo']);
    expect(exit).toBe(4);
    expect(stdout).toContain('repo/plain.yaml:2:1: error plain-secret: kind: a plain Secret');
    expect(stdout).toMatch(/repo\/cut\.yaml:\d+:5: error not-an-envelope: spec\.encryptedData\.password: /);
    expect(stdout).toMatch(/repo\/broken\.yaml:1:\d: error InvalidDocument: /);
    expect(stderr).toBe('2 documents, 3 errors, 0 warnings\n');
    expect(stdout).not.toContain(value);
  });

  test('warnings fail with --strict alone', async () => {
    place.write('sealed.yaml', place.read('sealed.yaml').replace('  namespace: payments\n', ''));
    expect((await lint(['sealed.yaml'])).exit).toBe(0);
    expect((await lint(['--strict', 'sealed.yaml'])).exit).toBe(4);
  });

  test('the same object twice in one file is a warning, with the first place; in two files, one per cluster, it is none', async () => {
    place.write('twice.yaml', `${place.read('sealed.yaml')}${place.read('sealed.yaml')}`);
    expect((await lint(['twice.yaml'])).stdout).toMatch(
      /twice\.yaml:\d+:1: warning duplicate-object: metadata\.name: payments\/db stands at twice\.yaml:2 already/,
    );
    place.write('again.yaml', place.read('sealed.yaml'));
    expect((await lint(['--strict', 'sealed.yaml', 'again.yaml'])).exit).toBe(0);
  });

  test('as JSON', async () => {
    const { exit, stdout } = await lint(['--json', '-'], { stdin: secretYaml });
    expect(exit).toBe(4);
    expect(JSON.parse(stdout)).toEqual({
      documents: 1,
      findings: [
        expect.objectContaining({ file: 'stdin', rule: 'plain-secret', severity: 'error', line: 1, column: 1 }),
      ],
    });
  });

  test('a folder without manifests is fine, a missing path is not', async () => {
    mkdirSync(place.at('empty'));
    expect((await lint(['empty'])).stderr).toBe('0 documents, 0 errors, 0 warnings\n');
    expect(await lint(['nowhere'])).toMatchObject({ exit: 1, stdout: '' });
  });
});

describe('template', () => {
  const withTemplate = (entries: string) =>
    place.write(
      'sealed.yaml',
      place.read('sealed.yaml').replace('  template:\n', `  template:\n    data:\n${entries}`),
    );
  const template = (args: readonly string[]) => place.run(['template', 'sealed.yaml', ...args]);

  test('renders with placeholders, values of a Secret, and values given', async () => {
    withTemplate('      url: "db://{{ .password }}@host"\n');
    const rendered = async (args: readonly string[]) => parse((await template(args)).stdout).stringData.url;
    expect(await rendered([])).toBe('db://<password>@host');
    expect(await rendered(['--values', 'secret.yaml'])).toBe(`db://${value}@host`);
    expect(await rendered(['--values', 'secret.yaml', '--set', 'password=a=b'])).toBe('db://a=b@host');
    const json = JSON.parse((await place.run(['template', '--json', 'sealed.yaml'])).stdout);
    expect(decoded(json.data.url)).toBe('db://<password>@host');
  });

  test('says what is wrong with an entry', async () => {
    withTemplate('      url: "{{ nope }}"\n');
    const failed = await template([]);
    expect(failed).toMatchObject({ exit: 1, stdout: '' });
    // The first of two documents is fine; its rendering does not appear alone.
    place.write('two.yaml', `${place.read('sealed.yaml').replace('{{ nope }}', 'x')}${place.read('sealed.yaml')}`);
    expect(await place.run(['template', 'two.yaml'])).toMatchObject({ exit: 1, stdout: '' });
    expect(failed.stderr).toContain('warning: entry "url": line 1, column 4: function "nope" not defined');
    await place.run(['seal', 'secret.yaml', '--cert', 'cert.pem', '--output', 'sealed.yaml']);
    withTemplate('      password: x\n      gone: null\n');
    expect((await template([])).stderr).toContain('entry "password" has no effect');
    expect((await template(['--set', 'x'])).exit).toBe(2);
  });
});
