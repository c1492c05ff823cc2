import { tmpdir } from 'node:os';
import { encryptAge } from '@waxwing/shared/age';
import { seededRandomBytes, testKey } from '@waxwing/shared/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { askHidden, askNewPassphrase } from './prompt.ts';
import { createTestIo } from './testing/index.ts';
import { createWorkplace, testCertificate } from './testing/workplace.ts';

/** Types one line after the other. */
function typing(...lines: string[]) {
  const io = createTestIo({ workingFolder: tmpdir() });
  return {
    ...io,
    readHiddenLine: async (ask: () => Promise<void>) => {
      await ask();
      return lines.shift() ?? '';
    },
  };
}

describe('questions', () => {
  test('go to standard error, and the answer is shown nowhere', async () => {
    const io = typing('canary-7Hq2');
    expect(Buffer.from(await askHidden(io, 'Value: ')).toString()).toBe('canary-7Hq2');
    expect(io.written).toEqual({ stdout: '', stderr: 'Value: \n' });
  });

  test('a new passphrase is asked for twice, and must be the same', async () => {
    const io = typing('correct horse', 'correct horse');
    expect(await askNewPassphrase(io)).toBe('correct horse');
    expect(io.written.stderr).toBe('New passphrase (not shown): \nThe same again: \n');
    await expect(askNewPassphrase(typing('correct horse', 'correct hrose'))).rejects.toMatchObject({
      code: 'InvalidUsage',
      message: 'the two passphrases differ; nothing was written',
    });
  });
});

describe('the passphrase of a backup', () => {
  let certificatePem: string;
  let backup: string;
  beforeAll(async () => {
    certificatePem = await testCertificate();
    const data = {
      'tls.key': Buffer.from(testKey().pem).toString('base64'),
      'tls.crt': Buffer.from(certificatePem).toString('base64'),
    };
    const list = { kind: 'List', apiVersion: 'v1', items: [{ kind: 'Secret', metadata: { name: 'k' }, data }] };
    const audience = { passphrase: 'correct horse battery' };
    backup = await encryptAge(Buffer.from(JSON.stringify(list)), audience, seededRandomBytes(5));
  });

  async function drilled(options: object) {
    const place = createWorkplace();
    try {
      place.write('cert.pem', certificatePem);
      place.write('keys.age', backup);
      const stdin = 'kind: Secret\nmetadata: {name: a, namespace: b}\nstringData: {c: canary-7Hq2}\n';
      await place.run(['seal', '--cert', 'cert.pem', '--output', 'sealed.yaml'], { stdin });
      return await place.run(['keys', 'drill', 'keys.age', '--repo', '.'], options);
    } finally {
      place.dispose();
    }
  }

  test('is asked for, with the name of the file', async () => {
    const { exit, stdout, stderr } = await drilled({
      terminals: ['stdin', 'stderr'],
      hiddenLine: 'correct horse battery',
    });
    expect({ exit, stdout, stderr }).toEqual({
      exit: 0,
      stdout: 'sealed.yaml: b/a Unsealed\n1 of 1 objects would come back\n',
      stderr: 'Passphrase of keys.age: \n',
    });
  });

  test('is refused when it is wrong, and is not shown', async () => {
    const { exit, stdout, stderr } = await drilled({ terminals: ['stdin'], hiddenLine: 'canary-7Hq2-wrong' });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
    expect(stderr).toContain('error: keys.age: none of the identities or passphrases opens this file');
    expect(stderr).not.toContain('canary');
  });

  test('cannot be asked for in a pipe, which is said', async () => {
    const { exit, stderr } = await drilled({});
    expect(exit).toBe(2);
    expect(stderr).toMatch(
      /^error: keys\.age is encrypted: .*\nhint: Give --identity FILE or --passphrase-file FILE\.\n$/,
    );
  });
});
