import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { issueCertificate, parseSealingCertificate } from '@waxwing/shared';
import { seededRandomBytes, testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createWorkplace, testCertificate, type Workplace } from '../testing/workplace.ts';

const value = 'canary-7Hq2-value';
const secretYaml = `apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: payments
stringData:
  password: ${value}
`;
const secretNamed = (name: string) => secretYaml.replace('name: db', `name: ${name}`);
const ecPem = readFileSync(new URL('../../../test/vectors/test-keys/ec.crt.pem', import.meta.url), 'utf8');
const clusterWide = 'sealedsecrets.bitnami.com/cluster-wide';

let certificatePem: string;
let expiredPem: string;
let secondPem: string;
let secondKeyPem: string;
beforeAll(async () => {
  certificatePem = await testCertificate();
  expiredPem = await testCertificate('expired');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  secondKeyPem = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const validity = { notBefore: new Date(), validForMs: 86_400_000 };
  secondPem = await issueCertificate({
    privateKey,
    publicKey,
    commonName: '',
    ...validity,
    randomBytes: seededRandomBytes(2),
  });
});

let place: Workplace;
beforeEach(() => {
  place = createWorkplace();
  place.write('cert.pem', certificatePem);
  place.write('second.pem', secondPem);
  place.write('key.pem', testKey().pem);
  place.write('second-key.pem', secondKeyPem);
  place.write('secret.yaml', secretYaml);
});
afterEach(() => place.dispose());

const seal = (args: readonly string[], options = {}) => place.run(['seal', '--cert', 'cert.pem', ...args], options);
const opens = async (file: string, key = 'key.pem') =>
  (await place.run(['verify', file, '--private-key', key])).exit === 0;

describe('seal', () => {
  test('writes what the private key opens, and says for what', async () => {
    const { exit, stdout, stderr } = await seal(['secret.yaml', '--output', 'sealed.yaml']);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
    const { keyId, notAfter } = parseSealingCertificate(certificatePem);
    const until = notAfter.toISOString().slice(0, 10);
    expect(stderr).toBe(`sealed for payments/db (strict), cert.pem: key ${keyId}, valid until ${until}\n`);
    expect(await opens('sealed.yaml')).toBe(true);
    expect(parse(place.read('sealed.yaml')).metadata.annotations).toEqual({ 'waxwing.dev/key-id': keyId });
  });

  test('the hint of the key can be left out', async () => {
    const { stdout } = await seal(['secret.yaml', '--no-hint']);
    expect(parse(stdout).metadata).toEqual({ name: 'db', namespace: 'payments' });
  });

  test.for([
    ['YAML for YAML', 'secret.yaml', [], /^---\napiVersion/],
    ['JSON where it is asked for', 'secret.yaml', ['-o', 'json'], /^\{/],
    ['JSON for JSON', 'secret.json', [], /^\{/],
    ['JSON for programs', 'secret.yaml', ['--json'], /^\{/],
  ] as const)('%s', async ([, file, args, expected]) => {
    place.write('secret.json', JSON.stringify(parse(secretYaml)));
    expect((await seal([file, ...args])).stdout).toMatch(expected);
  });

  test.for([
    ['sealed.json', /^\{/],
    ['sealed.yml', /^---/],
  ] as const)('the output file %s says the format', async ([file, expected]) => {
    await seal(['secret.yaml', '--output', file]);
    expect(place.read(file)).toMatch(expected);
  });

  test('several files become one stream, or nothing at all', async () => {
    place.write('other.yaml', `${secretNamed('one')}---\n${secretNamed('two')}`);
    const { stdout } = await seal(['secret.yaml', 'other.yaml']);
    expect(parseAllDocuments(stdout).map((document) => document.toJS().metadata.name)).toEqual(['db', 'one', 'two']);
    place.write('broken.yaml', 'kind: Secret\nmetadata: [');
    const failed = await seal(['secret.yaml', 'broken.yaml']);
    expect(failed).toMatchObject({ exit: 1, stdout: '' });
    expect(failed.stderr).toContain('broken.yaml');
  });

  test('standard input is read once and sealed for every certificate', async () => {
    mkdirSync(place.at('dir'));
    const args = ['seal', '--cert', 'cert.pem', '--cert', 'second.pem', '--output', 'dir/{cluster}.yaml', '-'];
    const { exit, stderr } = await place.run(args, { stdin: secretYaml });
    expect(exit).toBe(0);
    expect(stderr.match(/^sealed for/gm)).toHaveLength(2);
    expect([await opens('dir/cert.yaml'), await opens('dir/second.yaml')]).toEqual([true, false]);
    expect(await opens('dir/second.yaml', 'second-key.pem')).toBe(true);
  });

  test('several certificates need a file each, and names that differ', async () => {
    const one = await seal(['secret.yaml', '--cert', 'second.pem', '--output', 'x.yaml']);
    expect(one).toMatchObject({ exit: 2, stdout: '' });
    expect(one.stderr).toContain('{cluster}');
    mkdirSync(place.at('b'));
    place.write('b/cert.pem', secondPem);
    const same = await seal(['secret.yaml', '--cert', 'b/cert.pem', '--output', '{cluster}.yaml']);
    expect(same).toMatchObject({ exit: 2, stdout: '' });
    expect(same.stderr).toContain('two certificates are both called "cert"');
    const pinned = await seal([
      'secret.yaml',
      '--cert',
      'second.pem',
      '--cert-sha256',
      '0',
      '--output',
      '{cluster}.yaml',
    ]);
    expect(pinned).toMatchObject({ exit: 2, stdout: '' });
    expect(place.files()).not.toContain('x.yaml');
  });

  test('what is no Secret is refused by its kind', async () => {
    await seal(['secret.yaml', '--output', 'sealed.yaml']);
    const again = await seal(['sealed.yaml']);
    expect(again).toMatchObject({ exit: 1, stdout: '' });
    expect(again.stderr).toMatch(
      /^error: sealed\.yaml: line \d+, column \d+: is a SealedSecret, not a Secret\nhint: .*waxwing merge/,
    );
    const mixed = await seal([], { stdin: `kind: ConfigMap\n---\n${secretYaml}` });
    expect(mixed.stderr).toMatch(/^error: stdin: line 1, column 7: is a ConfigMap, not a Secret\n/);
  });

  test('standard input is given only once', async () => {
    expect(await seal(['-', '-'])).toMatchObject({ exit: 2, stdout: '' });
  });
});

describe('scopes', () => {
  const annotated = secretYaml.replace('  name: db', `  annotations: {${clusterWide}: "true"}\n  name: db`);

  test.for([
    ['strict by default', [], secretYaml, undefined],
    ['as declared in the input', [], annotated, 'true'],
    ['wider where asked for', ['--scope', 'cluster-wide'], secretYaml, 'true'],
    ['narrower where strict is asked for', ['--scope', 'strict'], annotated, undefined],
  ] as const)('%s', async ([, args, stdin, expected]) => {
    const { exit, stdout } = await seal(args, { stdin });
    expect(exit).toBe(0);
    expect(parse(stdout).metadata.annotations[clusterWide]).toBe(expected);
    expect(parse(stdout).spec.template.metadata.annotations?.[clusterWide]).toBe(expected);
  });

  test('a namespace is needed for strict ones, and must not contradict the input', async () => {
    const stdin = secretYaml.replace('  namespace: payments\n', '');
    const env = { KUBECONFIG: place.at('none') };
    expect(await seal([], { stdin, env })).toMatchObject({ exit: 1, stdout: '' });
    expect((await seal(['-n', 'other'], { stdin })).stderr).toContain('sealed for other/db (strict)');
    expect((await seal(['-n', 'other', 'secret.yaml'])).stderr).toMatch(/^error: namespace mismatch/);
    expect((await seal(['--scope', 'cluster-wide'], { stdin })).stderr).toContain('sealed for db (cluster-wide)');
  });
});

describe('texts', () => {
  const lines = 'kind: Secret\nmetadata: {name: a, namespace: b}\nstringData:\n  text: |\n    one\n    two\n';
  const opened = async () =>
    Buffer.from(
      parse((await place.run(['unseal', 'o.yaml', '--private-key', 'key.pem'])).stdout).data.text,
      'base64',
    ).toString();

  test('UTF-16 is accepted, and said', async () => {
    for (const bytes of [Buffer.from(`\ufeff${lines}`, 'utf16le'), Buffer.from(`\ufeff${lines}`, 'utf16le').swap16()]) {
      place.write('in.yaml', bytes);
      const { exit, stderr } = await seal(['in.yaml', '-O', 'o.yaml']);
      expect(exit).toBe(0);
      expect(stderr).toMatch(/^note: in\.yaml: is UTF-16 and was read as that; the result is UTF-8\n/);
      expect(await opened()).toBe('one\ntwo\n');
    }
  });

  test('CRLF is accepted, and said, also where a chunk ends between the two', async () => {
    const text = lines.replaceAll('\n', '\r\n');
    const split = text.indexOf('\n');
    const chunks = async function* () {
      yield Buffer.from(text.slice(0, split));
      yield Buffer.from(text.slice(split));
    };
    for (const stdin of [text, chunks()]) {
      const { exit, stderr } = await seal(['-O', 'o.yaml'], { stdin });
      expect(exit).toBe(0);
      expect(stderr.match(/^note: .*CRLF.*become LF$/gm)).toHaveLength(1);
      expect(await opened()).toBe('one\ntwo\n');
    }
  });

  test('nothing is said of plain texts', async () => {
    expect((await seal(['-O', 'o.yaml'], { stdin: lines })).stderr).toMatch(/^sealed for b\/a .*\n$/);
  });
});

describe('what people are told', () => {
  test('a newline at the end and base64 in base64, without the value', async () => {
    const twice = Buffer.from(Buffer.from('a password in plain text').toString('base64')).toString('base64');
    const stdin = `kind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {one: "${value}\\n"}\ndata: {two: ${twice}}\n`;
    const { exit, stderr } = await seal([], { stdin });
    expect(exit).toBe(0);
    expect(stderr).toContain('warning: Secret a: the value of item "one" ends with a newline');
    expect(stderr).toContain('warning: Secret a: the value of item "two" is base64 text');
    expect(stderr).not.toContain(value);
  });

  test('nothing with --quiet', async () => {
    expect((await seal(['secret.yaml', '--quiet'])).stderr).toBe('');
  });

  test('what was sealed, as JSON, when the result goes to a file', async () => {
    const { stdout, stderr } = await seal(['secret.yaml', '--json', '--output', 'o.yaml']);
    const { keyId, notAfter } = parseSealingCertificate(certificatePem);
    expect(JSON.parse(stdout)).toEqual({
      sealed: [{ namespace: 'payments', name: 'db', scope: 'strict' }],
      certificates: [{ source: 'cert.pem', keyId, notAfter: notAfter.toISOString() }],
    });
    expect(stderr).toBe('');
  });

  test('many are counted', async () => {
    const stdin = Array.from({ length: 21 }, (_, index) => secretNamed(`n${index}`)).join('---\n');
    expect((await seal([], { stdin })).stderr).toMatch(/^sealed 21 Secrets for cert\.pem: key /);
  });

  test('progress on a terminal alone, once it takes a while', async () => {
    const stdin = Array.from({ length: 5 }, (_, index) => secretNamed(`n${index}`)).join('---\n');
    let nowMs = Date.now();
    const now = () => {
      nowMs += 300;
      return new Date(nowMs);
    };
    const shown = await seal([], { stdin, terminals: ['stderr'], clock: now });
    expect(shown.stderr).toMatch(/\rsealed \d/);
    expect(shown.stderr).toContain('\r\u001b[K');
    expect((await seal([], { stdin, clock: now })).stderr).not.toContain('\r');
    expect((await seal(['--quiet'], { stdin, terminals: ['stderr'], clock: now })).stderr).toBe('');
    expect((await seal(['--json'], { stdin, terminals: ['stderr'], clock: now })).stderr).not.toContain('\r');
  });

  test('that standard input is waited for, where a person sits there', async () => {
    const told = await seal([], { stdin: secretYaml, terminals: ['stdin', 'stderr'] });
    expect(told.stderr).toMatch(/^\(reading from the terminal; end with Ctrl-D/);
  });
});

describe('values in annotations', () => {
  const leaking = secretYaml.replace('  name: db', `  annotations: {note: "it is ${value}"}\n  name: db`);

  test('are refused, with the names and without the value', async () => {
    const { exit, stdout, stderr } = await seal([], { stdin: leaking });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain('Secret payments/db: annotation "note" contains the value of item "password"');
    expect(stderr).toContain('--allow-plaintext-in-metadata');
    expect(stderr).not.toContain(value);
  });

  test('are sealed where that is wanted', async () => {
    expect((await seal(['--allow-plaintext-in-metadata'], { stdin: leaking })).exit).toBe(0);
  });
});

describe('certificates', () => {
  async function served(path = '/cert.pem'): Promise<AsyncDisposable & { readonly url: string }> {
    const server: Server = createServer((_, response) => response.end(certificatePem)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    return {
      url: `http://127.0.0.1:${port}${path}`,
      [Symbol.asyncDispose]: async () => {
        server.close();
      },
    };
  }
  const sealWith = (args: readonly string[], env = {}) =>
    place.run(['seal', 'secret.yaml', ...args], { env: { TMPDIR: place.folder, ...env } });

  test('over plain http from another machine are refused before anything is asked', async () => {
    const { exit, stdout, stderr } = await sealWith(['--cert', 'http://example.invalid/cert.pem']);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain('http://example.invalid/cert.pem: plain http can be tampered with');
    expect(stderr).toContain('--cert-sha256');
  });

  test("from this machine are taken, and so are others with a pin or at one's own risk", async () => {
    await using server = await served();
    expect((await sealWith(['--cert', server.url])).exit).toBe(0);
    const { sha256 } = parseSealingCertificate(certificatePem);
    // The proxy stands for another machine: the name is never looked up.
    const env = { http_proxy: new URL(server.url).origin, HTTP_PROXY: new URL(server.url).origin };
    const elsewhere = ['--cert', 'http://certificates.example/cert.pem'];
    expect((await sealWith([...elsewhere, '--cert-sha256', sha256], env)).exit).toBe(0);
    expect((await sealWith([...elsewhere, '--insecure-cert'], env)).exit).toBe(0);
    const wrong = await sealWith([...elsewhere, '--cert-sha256', '0'.repeat(64)], env);
    expect(wrong).toMatchObject({ exit: 1, stdout: '' });
    expect(wrong.stderr).toContain(`has the fingerprint ${sha256}`);
  });

  test('are named by the environment, too', async () => {
    expect((await sealWith([], { SEALED_SECRETS_CERT: 'cert.pem' })).stderr).toContain('cert.pem: key');
  });

  test.for<[string, () => string, RegExp]>([
    ['an expired one', () => expiredPem, /failed to encrypt using an expired certificate on January 2, 2020/],
    ['a private key', () => testKey().pem, /does not contain any valid RSA or ECDSA certificates/],
    ['one of an elliptic curve', () => ecPem, /expected RSA public key but found ec/],
    ['an empty file', () => '', /does not contain any valid/],
    ['text', () => 'hello', /does not contain any valid/],
  ])('%s is refused by name', async ([, content, message]) => {
    place.write('bad.pem', content());
    const { exit, stdout, stderr } = await sealWith(['--cert', 'bad.pem', '--output', 'o.yaml']);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toMatch(/^error: bad\.pem: /);
    expect(stderr).toMatch(message);
    expect(place.files()).not.toContain('o.yaml');
  });

  test('a pin that is no fingerprint is a mistake of the command line', async () => {
    expect((await sealWith(['--cert', 'cert.pem', '--cert-sha256', 'abc'])).exit).toBe(2);
  });
});
