import { readFileSync } from 'node:fs';
import { SealedSecretsError } from '@waxwing/shared';
import { testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { errorDocument, exitStatus, hintOf, statusOf } from './hints.ts';
import { createWorkplace, testCertificate, type Workplace } from './testing/workplace.ts';

const canary = 'canary-7Hq2-value';
let certificatePem: string;
beforeAll(async () => {
  certificatePem = await testCertificate();
});
let place: Workplace;
beforeEach(() => {
  place = createWorkplace();
  place.write('cert.pem', certificatePem);
});
afterEach(() => place.dispose());

describe('help', () => {
  const commands = ['seal', 'raw', 'merge', 'cert', 'verify', 'reencrypt', 'unseal', 'lint', 'template', 'completion'];
  const keys = ['list', 'export', 'import', 'verify-backup', 'drill', 'retire'].map((name) => `keys ${name}`);

  test.for([...commands, ...keys])(
    '%s has a description, examples, and no defaults that say nothing',
    async (command) => {
      const { exit, stdout, stderr } = await place.run([...command.split(' '), '--help']);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: waxwing ${command} `));
      expect(stdout).toMatch(/\nExamples?:\n {2}\S/);
      expect(stdout).not.toMatch(/default:\s+(false|true|\[|undefined)/);
      expect(stdout).not.toContain('undefined');
      expect(await place.run(['help', ...command.split(' ')])).toEqual({ exit, stdout, stderr });
    },
  );

  test('without a command it goes to standard error, as the mistake it is', async () => {
    const { exit, stdout, stderr } = await place.run([]);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(stderr).toMatch(/^Usage: waxwing/);
    expect(await place.run(['keys'])).toMatchObject({ exit: 2, stdout: '' });
  });

  test('the version is one line', async () => {
    expect((await place.run(['--version'])).stdout).toMatch(/^\S+\n$/);
  });
});

describe('mistakes in the command line', () => {
  test.for([
    [['sael'], "error: unknown command 'sael'\nhint: Did you mean seal?\n"],
    [['seal', '--crt', 'x'], "error: unknown option '--crt'\nhint: Did you mean --cert?\n"],
    [['keys', 'lst'], "error: unknown command 'lst'\nhint: Did you mean list?\n"],
    [['keys', 'retire'], "error: missing required argument 'id'\nhint: See: waxwing keys retire --help\n"],
    [['merge'], "error: required option '--into <file>' not specified\nhint: See: waxwing merge --help\n"],
    [['raw', 'a-value'], /^error: too many arguments for 'raw'.*\nhint: See: waxwing raw --help\n$/],
  ] as const)('%j', async ([argv, expected]) => {
    const { exit, stdout, stderr } = await place.run(argv);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    if (typeof expected === 'string') expect(stderr).toBe(expected);
    else expect(stderr).toMatch(expected);
  });

  test('are one object for programs', async () => {
    const { exit, stdout, stderr } = await place.run(['seal', '--crt', '--json']);
    expect({ exit, stdout }).toEqual({ exit: 2, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'InvalidUsage', message: "unknown option '--crt'", hint: 'Did you mean --cert?' },
    });
  });
});

describe('errors', () => {
  const missing = ['seal', '--cert', 'cert.pem', 'missing.yaml'];

  test('are one line, and one line on what to do', async () => {
    expect((await place.run(missing)).stderr).toBe(
      'error: open missing.yaml: no such file or directory\nhint: Check the path and its permissions.\n',
    );
  });

  test('are one object for programs', async () => {
    const { stdout, stderr } = await place.run([...missing, '--json']);
    expect(stdout).toBe('');
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'UnreadableFile' });
  });

  test('are coloured on terminals alone, and never with NO_COLOR, --no-color or a dumb terminal', async () => {
    const red = '\u001b[31m';
    const stderrOf = async (argv: readonly string[], env = {}, terminals: readonly 'stderr'[] = ['stderr']) =>
      (await place.run(argv, { terminals, env: { TMPDIR: place.folder, ...env } })).stderr;
    expect(await stderrOf(missing)).toContain(`${red}error:`);
    expect(await stderrOf(missing, {}, [])).not.toContain('\u001b');
    for (const env of [{ NO_COLOR: '1' }, { NO_COLOR: '' }, { TERM: 'dumb' }]) {
      expect(await stderrOf(missing, env)).not.toContain('\u001b');
    }
    expect(await stderrOf([...missing, '--no-color'])).not.toContain('\u001b');
    expect(await stderrOf(['--no-color', 'seal', '--crt'])).not.toContain('\u001b');
    expect(await stderrOf(['seal', '--crt'], { NO_COLOR: '1' })).not.toContain('\u001b');
  });

  test('findings of lint follow the terminal of standard output', async () => {
    const stdin = 'kind: Secret\napiVersion: v1\n';
    expect((await place.run(['lint'], { stdin, terminals: ['stdout'] })).stdout).toContain('\u001b[31merror');
    expect((await place.run(['lint'], { stdin, terminals: ['stderr'] })).stdout).not.toContain('\u001b');
  });

  test.for([
    ['--help'],
    ['completion', 'bash'],
    ['lint', '--json'],
    ['cert', '--cert', 'cert.pem', '--json'],
    ['cert', '--cert', 'cert.pem'],
  ])('%j on a full disk', async (argv) => {
    const writeStdout = () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
    };
    const { exit, stderr } = await place.run(argv, { writeStdout, stdin: 'a: b' });
    expect(exit).toBe(1);
    expect(stderr).toContain('write standard output: no space left on device');
  });
});

describe('the exit status', () => {
  test.for([
    ['UnreadableFile', 1],
    ['CertificateExpired', 1],
    ['PlaintextInMetadata', 1],
    ['UnknownKey', 1],
    ['InvalidUsage', 2],
    ['ApiForbidden', 3],
    ['ApiUnavailable', 3],
    ['ControllerNotFound', 3],
    ['ControllerUnreachable', 3],
    ['RateLimited', 3],
    ['Undecryptable', 4],
    ['KeyInUse', 4],
  ] as const)('of %s is %i', ([code, status]) => {
    expect(statusOf(new SealedSecretsError(code, 'text'))).toBe(status);
  });

  test('of anything unexpected is 1, and it is told as that', () => {
    expect(statusOf(new TypeError('text'))).toBe(1);
    expect(errorDocument(new TypeError('text'))).toEqual({ error: { code: 'Unexpected', message: 'text' } });
    expect(hintOf(new TypeError('text'))).toBeUndefined();
  });

  test('is explained in README.md', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| (\d) \| `(\w+)` \|/gm)].map(([, status, name]) => [name, Number(status)]);
    expect(Object.fromEntries(rows)).toEqual(exitStatus);
  });
});

describe('no failure shows a value', () => {
  const secret = (extra = '') =>
    `kind: Secret\napiVersion: v1\nmetadata: {name: db, namespace: payments${extra}}\nstringData: {password: ${canary}}\n`;
  const seal = ['seal', '--cert', 'cert.pem'];

  test.for<[string, readonly string[], string]>([
    ['a value where an object should be', seal, `stringData: ${canary}\n`],
    ['a list of values', seal, `kind: Secret\nstringData: [${canary}]\n`],
    ['data that is not base64', seal, `metadata: {name: a, namespace: b}\ndata: {password: "${canary}!"}\n`],
    ['broken YAML', seal, `${secret()}  x: "${canary}\n`],
    ['broken JSON', seal, `{"stringData": {"password": "${canary}`],
    ['a duplicate key', seal, `metadata: {name: a}\nstringData:\n  ${canary}: ${canary}\n  x: *${canary}\n`],
    ['no namespace', seal, secret().replace(', namespace: payments', '')],
    ['another namespace', [...seal, '-n', 'other'], secret()],
    ['a value in an annotation', seal, secret(`, annotations: {a: ${canary}}`)],
    ['a value as a bare text', seal, canary],
    ['a value in a key', seal, `metadata: {name: a, namespace: b}\ndata: {? {${canary}: x} : y}\n`],
    ['an output that cannot be written', [...seal, '--output', 'no/folder.yaml'], secret()],
    ['merge into nothing', ['merge', '--cert', 'cert.pem', '--into', 'nothing.yaml'], secret()],
    ['merge into a plain Secret', ['merge', '--cert', 'cert.pem', '--into', 'secret.yaml'], secret()],
    ['verify of a plain Secret', ['verify', '--private-key', 'key.pem'], secret()],
    ['unseal of a plain Secret', ['unseal', '--private-key', 'key.pem'], secret()],
    ['template of a plain Secret', ['template'], secret()],
    ['template with wrong values', ['template', 'sealed.yaml', '--values', 'broken.yaml'], ''],
    ['a rendering that fails', ['template', 'sealed.yaml', '--values', 'secret.yaml'], ''],
    ['lint of a plain Secret', ['lint'], secret()],
    ['a backup that is a plain Secret', ['keys', 'drill', 'secret.yaml', '--repo', '.'], ''],
    [
      'a passphrase file that is wrong',
      ['keys', 'drill', 'x.age', '--repo', '.', '--passphrase-file', 'secret.yaml'],
      '',
    ],
    ['an identity that is none', ['keys', 'drill', 'x.age', '--repo', '.', '--identity', 'secret.yaml'], ''],
    ['a private key that is none', ['unseal', 'sealed.yaml', '--private-key', 'secret.yaml'], ''],
  ])('%s', async ([, argv, stdin]) => {
    place.write('secret.yaml', secret());
    place.write('broken.yaml', `stringData: {password: [${canary}]}`);
    place.write('key.pem', testKey().pem);
    const entry = '    data: {url: "{{ fail .password }}"}';
    const { stdout: sealed } = await place.run(seal, { stdin: secret() });
    place.write('sealed.yaml', sealed.replace('  template:\n', `  template:\n${entry}\n`));
    place.write(
      'x.age',
      `-----BEGIN AGE ENCRYPTED FILE-----\n${Buffer.from('age-encryption.org/v1\n-> x').toString('base64')}\n-----END AGE ENCRYPTED FILE-----\n`,
    );
    for (const flags of [[], ['--json']]) {
      const { exit, stdout, stderr } = await place.run([...flags, ...argv], { stdin });
      expect(exit).toBeGreaterThan(0);
      expect(stderr + stdout).not.toContain(canary.slice(0, 8));
      expect(stderr + stdout).not.toContain(Buffer.from(canary).toString('base64').slice(0, 10));
    }
  });
});
