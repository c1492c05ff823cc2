import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate, parseSealingCertificate } from '@waxwing/shared';
import { seededRandomBytes, testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runKubeseal } from './kubeseal.ts';
import { createTestIo, type TestIoOptions } from './testing/index.ts';

const secretYaml = `apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: payments
stringData:
  password: canary-7Hq2-value
`;
const dayMs = 24 * 3600 * 1000;

let certificatePem: string;
let expiredPem: string;
let folder: string;
beforeAll(async () => {
  const { privateKey, publicKey } = testKey();
  const request = { privateKey, publicKey, commonName: '', randomBytes: seededRandomBytes(1) };
  certificatePem = await issueCertificate({ ...request, notBefore: new Date(), validForMs: 365 * dayMs });
  expiredPem = await issueCertificate({ ...request, notBefore: new Date(Date.UTC(2020, 0, 1)), validForMs: dayMs });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-kubeseal-'));
  write('cert.pem', certificatePem);
  write('in.yaml', secretYaml);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const write = (name: string, text: string, mode = 0o644) => fs.writeFileSync(at(name), text, { mode });
const read = (name: string) => fs.readFileSync(at(name), 'utf8');

async function run(argv: string[], options: Partial<TestIoOptions> = {}) {
  const io = createTestIo({ workingFolder: folder, env: { TMPDIR: folder }, ...options });
  const exit = await runKubeseal(argv, io, 'v1.2.3');
  return { exit, stdout: io.written.stdout, stderr: io.written.stderr };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'test' });
}

describe('bad input', () => {
  const rows: [string, string[], Partial<TestIoOptions>, number, RegExp][] = [
    [
      'an unreadable file',
      ['--cert', 'cert.pem', '-f', 'missing.yaml'],
      {},
      1,
      /^error: Could not read file specified with --secret-file\n$/,
    ],
    [
      'a directory as input',
      ['--cert', 'cert.pem', '-f', '.'],
      {},
      1,
      /^error: Could not read file specified with --secret-file\n$/,
    ],
    ['a directory as certificate', ['--cert', '.', '-f', 'in.yaml'], {}, 1, /^error: read \.: is a directory\n$/],
    [
      'a directory as output',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '-w', '.'],
      {},
      1,
      /^error: open \.: is a directory\n$/,
    ],
    [
      'a directory as merge target',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', '.'],
      {},
      1,
      /^error: open \.: is a directory\n$/,
    ],
    [
      'an unknown flag',
      ['--cert', 'cert.pem', '--nope'],
      {},
      2,
      /^Usage of kubeseal:\n(.|\n)*\nunknown flag: --nope\n$/,
    ],
    ['a boolean that is none', ['--raw=perhaps'], {}, 2, /invalid argument "perhaps" for "--raw" flag/],
    [
      'a file to read without --raw',
      ['--from-file', 'in.yaml', '--cert', 'cert.pem'],
      {},
      1,
      /^error: --from-file requires --raw\n$/,
    ],
    [
      'two values with --raw',
      ['--raw', '--scope', 'cluster-wide', '--cert', 'cert.pem', '--from-file', 'in.yaml,cert.pem'],
      {},
      1,
      /must provide only one --from-file/,
    ],
    [
      'a scope that contradicts the merge target',
      ['--cert', 'cert.pem', '--merge-into', 'sealed.yaml', '--scope', 'cluster-wide', '-f', 'in.yaml'],
      {},
      1,
      /^error: --scope cluster-wide contradicts sealed\.yaml, whose scope is strict\n$/,
    ],
    [
      'the wrong kind as merge target',
      ['--cert', 'cert.pem', '--merge-into', 'in.yaml'],
      { stdin: secretYaml },
      1,
      /unknown conversion/,
    ],
    [
      'an expired certificate',
      ['--cert', 'expired.pem', '-f', 'in.yaml'],
      {},
      1,
      /^error: failed to encrypt using an expired certificate on January 2, 2020\n$/,
    ],
    [
      'an elliptic curve certificate',
      ['--cert', 'ec.pem', '-f', 'in.yaml'],
      {},
      1,
      /^error: expected RSA public key but found ec\n$/,
    ],
    [
      'a certificate that is none',
      ['--cert', 'in.yaml', '-f', 'in.yaml'],
      {},
      1,
      /data does not contain any valid RSA or ECDSA certificates/,
    ],
    [
      'empty input',
      ['--cert', 'cert.pem'],
      { stdin: '' },
      1,
      /^error: no secrets found\. Ensure the input is valid and UTF-8 encoded\n$/,
    ],
    [
      'an unreadable second document',
      ['--cert', 'cert.pem'],
      { stdin: `${secretYaml}---\n{a: [\n` },
      1,
      /^error: stdin: document 2, line \d+, column \d+: /,
    ],
    [
      'two JSON objects and garbage',
      ['--cert', 'cert.pem'],
      {
        stdin:
          '{"metadata":{"name":"a","namespace":"b"},"data":{"a":"YQ=="}}\n{"metadata":{"name":"a","namespace":"b"},"data":{"a":"YQ=="}}\n}{',
      },
      1,
      /^error: stdin: document 3, line 3, /,
    ],
    [
      'data that is no base64',
      ['--cert', 'cert.pem'],
      { stdin: 'metadata: {name: a, namespace: b}\ndata:\n  ok: YQ==\n  bad: canary-7Hq2-value\n' },
      1,
      /^error: stdin: line 4, column 8: data\.bad: illegal base64 data at input byte 6\n$/,
    ],
    [
      'an unusable format',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '-o', 'xml'],
      {},
      1,
      /^error: unsupported output format: xml\n$/,
    ],
    [
      'an output in a missing folder',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '-w', 'a/b.yaml'],
      {},
      1,
      /^error: open a\/b\.yaml: no such file or directory\n$/,
    ],
    [
      'an output that is read-only',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '-w', 'locked.yaml'],
      {},
      1,
      /^error: open locked\.yaml: permission denied/,
    ],
    [
      'a merge target that is read-only',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'locked.yaml'],
      {},
      1,
      /^error: open locked\.yaml: permission denied/,
    ],
    [
      'a full disk',
      ['--cert', 'cert.pem', '-f', 'in.yaml', '-w', 'old.yaml'],
      {
        files: {
          writeSync: () => {
            throw systemError('ENOSPC');
          },
        },
      },
      1,
      /^error: write old\.yaml: no space left on device\n$/,
    ],
    [
      'a full standard output',
      ['--cert', 'cert.pem', '-f', 'in.yaml'],
      {
        writeStdout: () => {
          throw systemError('ENOSPC');
        },
      },
      1,
      /^error: write standard output: no space left on device\n$/,
    ],
    [
      'a broken pipe',
      ['--cert', 'cert.pem', '-f', 'in.yaml'],
      {
        writeStdout: () => {
          throw systemError('EPIPE');
        },
      },
      1,
      /^error: write standard output: broken pipe\n$/,
    ],
    ['recovery without input', ['--recovery-unseal'], { stdin: '' }, 1, /^error: stdin: no document found\n$/],
    [
      'recovery with a key file without key',
      ['--recovery-unseal', '--recovery-private-key', 'cert.pem'],
      {},
      1,
      /^error: cert\.pem: no private key found\n$/,
    ],
    ['no cluster', ['-f', 'in.yaml'], {}, 1, /^error: invalid configuration: no configuration has been provided, /],
    [
      'a kubeconfig that is not there',
      ['--kubeconfig', 'nope', '-f', 'in.yaml'],
      {},
      1,
      /^error: stat nope: no such file or directory\n$/,
    ],
    [
      'a broken kubeconfig',
      ['--kubeconfig', 'broken', '-f', 'in.yaml'],
      {},
      1,
      /^error: error loading config file "broken": document 1, line 1, column \d+: /,
    ],
    ['an unusable timeout', ['--request-timeout', 'soon', '--validate'], {}, 1, /^error: Invalid timeout value "soon"/],
    [
      'an unusable value of the environment',
      ['--cert', 'cert.pem', '-f', 'in.yaml'],
      { env: { SEALED_SECRETS_ALLOW_EMPTY_DATA: 'da' } },
      2,
      /^error: invalid argument "da" for environment variable SEALED_SECRETS_ALLOW_EMPTY_DATA: /,
    ],
  ];

  test.for(rows)('%s', async ([, argv, options, exit, stderr]) => {
    write('expired.pem', expiredPem);
    write('ec.pem', fs.readFileSync(new URL('../../test/vectors/test-keys/ec.crt.pem', import.meta.url), 'utf8'));
    write('old.yaml', 'precious: old\n');
    write('broken', '{{ x');
    write('locked.yaml', 'precious: locked\n', 0o444);
    write(
      'sealed.yaml',
      'apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: payments}\nspec: {encryptedData: {}}\n',
    );
    const before = contents();
    const outcome = await run(argv, options);
    expect(outcome.stderr).toMatch(stderr);
    expect({ exit: outcome.exit, stdout: outcome.stdout }).toEqual({ exit, stdout: '' });
    expect(contents()).toEqual(before);
    expect(outcome.stderr).not.toContain('canary');
  });

  function contents(): Record<string, string> {
    return Object.fromEntries(fs.readdirSync(folder).map((name) => [name, read(name)]));
  }
});

describe('of several modes the first of the order counts', () => {
  const sealedFile =
    'apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: payments}\nspec: {encryptedData: {}}\n';
  test.for([
    [['--recovery-unseal', '--validate', '--re-encrypt', '--raw', '-f', 'in.yaml'], 1, /unknown conversion/, ''],
    [['--validate', '--fetch-cert', '--raw', '--cert', 'cert.pem'], 1, /invalid configuration/, ''],
    [['--re-encrypt', '--fetch-cert', '--cert', 'cert.pem'], 1, /invalid configuration/, ''],
    [['--fetch-cert', '--merge-into', 'sealed.yaml', '--raw', '--cert', 'cert.pem'], 0, /^$/, 'certificate'],
    [['--merge-into', 'sealed.yaml', '--raw', '--cert', 'cert.pem', '-f', 'in.yaml'], 0, /^$/, 'merged'],
    [['--raw', '--scope', 'cluster-wide', '--cert', 'cert.pem', '-f', 'in.yaml'], 0, /^$/, 'ciphertext'],
  ] as [string[], number, RegExp, string][])('%j', async ([argv, exit, stderr, result]) => {
    write('sealed.yaml', sealedFile);
    const outcome = await run(argv);
    expect(outcome).toMatchObject({ exit, stderr: expect.stringMatching(stderr) });
    expect(read('sealed.yaml') === sealedFile).toBe(result !== 'merged');
    expect(outcome.stdout === certificatePem).toBe(result === 'certificate');
    expect(/^[A-Za-z0-9+/]+=*$/.test(outcome.stdout)).toBe(result === 'ciphertext');
  });
});

describe('what a person at a terminal sees', () => {
  test('a hint where input is read from the keyboard', async () => {
    const { stderr } = await run(['--cert', 'cert.pem'], { terminals: ['stdin'], stdin: secretYaml });
    expect(stderr).toMatch(/^\(reading a Kubernetes resource/);
    expect((await run(['--cert', 'cert.pem', '--fetch-cert'], { terminals: ['stdin'] })).stderr).toBe('');
  });

  test('a hint where a value is read from the keyboard', async () => {
    const argv = ['--raw', '--scope', 'cluster-wide', '--cert', 'cert.pem'];
    const { stderr } = await run(argv, { terminals: ['stdin'], stdin: 'x' });
    expect(stderr).toMatch(/^\(reading the value from the terminal/);
    expect((await run([...argv, '-f', 'in.yaml'], { terminals: ['stdin'] })).stderr).toBe('');
  });

  test('the next step behind an error', async () => {
    const argv = ['--cert', 'in.yaml', '-f', 'in.yaml'];
    expect((await run(argv)).stderr.split('\n')).toHaveLength(2);
    expect((await run(argv, { terminals: ['stderr'] })).stderr).toMatch(/\nhint: .*waxwing cert/);
  });

  test('that keys without --recovery-unseal have no effect', async () => {
    const argv = ['--cert', 'cert.pem', '-f', 'in.yaml', '--recovery-private-key', 'missing'];
    expect((await run(argv, { terminals: ['stderr'] })).stderr).toMatch(
      /^warning: --recovery-private-key has no effect/,
    );
    expect((await run(argv)).stderr).toBe('');
  });
});

describe('output files', () => {
  test('keep their permissions', async () => {
    write('out.yaml', 'old', 0o604);
    fs.chmodSync(at('out.yaml'), 0o604);
    expect(await run(['--cert', 'cert.pem', '-f', 'in.yaml', '-w', 'out.yaml'])).toMatchObject({ exit: 0, stdout: '' });
    expect(fs.statSync(at('out.yaml')).mode & 0o777).toBe(0o604);
    expect(read('out.yaml')).toMatch(/^---\napiVersion: bitnami/);
  });

  test('are left alone by modes without output', async () => {
    write('out.yaml', 'old');
    write('sealed.yaml', (await run(['--cert', 'cert.pem', '-f', 'in.yaml', '-o', 'yaml'])).stdout);
    expect(
      (await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml', '-w', 'out.yaml'])).exit,
    ).toBe(0);
    expect(read('out.yaml')).toBe('old');
  });

  test('with a decrypted Secret are for their owner alone', async () => {
    write('key.pem', testKey().pem);
    await run(['--cert', 'cert.pem', '-f', 'in.yaml', '-w', 'sealed.yaml']);
    write('out.yaml', 'old');
    const argv = ['--recovery-unseal', '--recovery-private-key', 'key.pem', '-f', 'sealed.yaml', '-w', 'out.yaml'];
    expect(await run(argv)).toEqual({ exit: 0, stdout: '', stderr: '' });
    expect(read('out.yaml')).toContain(Buffer.from('canary-7Hq2-value').toString('base64'));
    expect(fs.statSync(at('out.yaml')).mode & 0o777).toBe(0o600);
  });
});

describe('values in annotations', () => {
  const leaky = secretYaml.replace('stringData', '  annotations:\n    note: "is canary-7Hq2-value"\nstringData');

  test('are warned about, without showing them', async () => {
    const { exit, stderr } = await run(['--cert', 'cert.pem'], { stdin: leaky });
    expect(exit).toBe(0);
    expect(stderr).toMatch(/^warning: Secret payments\/db: annotation "note" contains the value of item "password"/);
    expect(stderr).not.toContain('canary');
  });

  test('of the known carriers are dropped without a word', async () => {
    const { stdout, stderr } = await run(['--cert', 'cert.pem'], {
      stdin: leaky.replace('note:', 'kubectl.kubernetes.io/last-applied-configuration:'),
    });
    expect(stderr).toBe('');
    expect(stdout).not.toContain('canary');
  });
});

describe('--merge-into', () => {
  const target = (newline = '\n') =>
    [
      '# managed by the payments team',
      'apiVersion: bitnami.com/v1alpha1',
      'kind: SealedSecret',
      'metadata:',
      "  namespace: 'payments'   # quoted on purpose",
      '  name: db',
      'spec:',
      '  template:',
      '    data:',
      '      omitted: null',
      '    type: Opaque',
      '  encryptedData:',
      '    zeta: AgA= # first',
      '    password: "AgB="',
      '    # the end',
      '',
    ].join(newline);

  test.for(['\n', '\r\n'])('keeps every byte that it does not have to change (%j)', async (newline) => {
    write('sealed.yaml', target(newline));
    expect(await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml'])).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
    });
    const after = read('sealed.yaml');
    const ciphertext =
      /password: "(Ag?[A-Za-z0-9+/]{300,}=*)"/.exec(after)?.[1] ??
      /password: "?([A-Za-z0-9+/]{300,}=*)/.exec(after)?.[1];
    expect(ciphertext).toBeDefined();
    expect(after.replace(ciphertext ?? '', 'AgB=')).toBe(target(newline));
  });

  test('takes all documents of the input', async () => {
    write('sealed.yaml', target());
    const stdin = `${secretYaml}---\nstringData: {another: x}\n---\nstringData: {third: y}\n`;
    expect((await run(['--cert', 'cert.pem', '--merge-into', 'sealed.yaml'], { stdin })).exit).toBe(0);
    for (const item of ['another', 'third', 'zeta'])
      expect(read('sealed.yaml')).toMatch(new RegExp(`^ {4}${item}: `, 'm'));
  });

  test('changes the format only when asked to', async () => {
    write('sealed.yaml', target());
    expect((await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml', '-o', 'json'])).exit).toBe(
      0,
    );
    const object = JSON.parse(read('sealed.yaml'));
    expect(Object.keys(object.spec.encryptedData)).toEqual(['password', 'zeta']);
    expect(object.spec.template.data).toEqual({ omitted: null });
  });

  test('seals for the scope of the file, whatever the input declares', async () => {
    write('key.pem', testKey().pem);
    write(
      'sealed.yaml',
      (await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--scope', 'namespace-wide', '-o', 'yaml'])).stdout,
    );
    expect(
      (await run(['--cert', 'cert.pem', '--merge-into', 'sealed.yaml'], { stdin: 'stringData: {more: text}\n' })).exit,
    ).toBe(0);
    const recovered = await run(['--recovery-unseal', '--recovery-private-key', 'key.pem', '-f', 'sealed.yaml']);
    expect(JSON.parse(recovered.stdout).data.more).toBe(Buffer.from('text').toString('base64'));
  });

  test('leaves the file alone when a later document cannot be sealed', async () => {
    write('sealed.yaml', target());
    const stdin = `${secretYaml}---\nkind: Secret\n`;
    expect((await run(['--cert', 'cert.pem', '--merge-into', 'sealed.yaml'], { stdin })).exit).toBe(1);
    expect(read('sealed.yaml')).toBe(target());
  });
});

describe('--merge-into and what it must not break', () => {
  const file = (annotations: string, items: string) =>
    `apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: payments\n${annotations}spec:\n  encryptedData: ${items}\n`;

  test('the key id hint stays true where there is one, and is never added', async () => {
    const { keyId } = parseSealingCertificate(certificatePem);
    const merged = async (hint: string) => {
      write('sealed.yaml', file(hint === '' ? '' : `  annotations:\n    waxwing.dev/key-id: ${hint}\n`, '{old: AgA=}'));
      expect((await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml'])).exit).toBe(0);
      return /key-id: (.*)/.exec(read('sealed.yaml'))?.[1]?.replaceAll('"', '');
    };
    expect(await merged('')).toBeUndefined();
    expect(await merged('0123456789abcdef')).toBe(`old=0123456789abcdef,password=${keyId}`);
    expect(await merged(keyId)).toBe(keyId);
  });

  test.for([
    ['an anchor', file('', '&items {old: AgA=}')],
    ['a key that is there twice', file('', '\n    password: AgA=\n    password: AgB=')],
  ] as [string, string][])('%s at the place is refused with its position, and the file stays', async ([, text]) => {
    write('sealed.yaml', text);
    const { exit, stderr } = await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^error: sealed\.yaml: .*line \d+, column \d+/);
    expect(read('sealed.yaml')).toBe(text);
  });

  test('other documents of the file stay', async () => {
    const others = '---\nkind: ConfigMap # mine\n';
    write('sealed.yaml', `${file('', '{}')}${others}`);
    expect((await run(['--cert', 'cert.pem', '-f', 'in.yaml', '--merge-into', 'sealed.yaml'])).exit).toBe(0);
    expect(read('sealed.yaml').endsWith(others)).toBe(true);
    expect(read('sealed.yaml')).toMatch(/encryptedData:.*\n?.*password/);
  });
});

describe('offline modes', () => {
  test('touch no kubeconfig and no cluster when the input says everything', async () => {
    const opened: string[] = [];
    const files = {
      openSync: (...parameters: Parameters<typeof fs.openSync>) => {
        opened.push(String(parameters[0]));
        return fs.openSync(...parameters);
      },
    };
    write('config', '{{ unusable');
    const env = {
      HOME: '/nonexistent',
      KUBECONFIG: at('config'),
      KUBERNETES_SERVICE_HOST: 'x',
      KUBERNETES_SERVICE_PORT: '1',
    };
    expect((await run(['--cert', 'cert.pem', '-f', 'in.yaml'], { env, files })).exit).toBe(0);
    expect(opened.map((path) => path.slice(folder.length + 1))).toEqual(['in.yaml', 'cert.pem']);
  });

  test('print the version', async () => {
    expect(await run(['--version'])).toEqual({ exit: 0, stdout: 'kubeseal version: v1.2.3\n', stderr: '' });
  });
});
