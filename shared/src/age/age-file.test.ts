import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decryptAge, encryptAge, isAgeFile } from './index.ts';

const random = (length: number) => randomBytes(length);
const plaintext = Buffer.from('the content of a key backup\n'.repeat(20));
const none = { identities: [], passphrases: [] };
const bytes = (text: string) => Buffer.from(text);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-age-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const testdata = join(import.meta.dirname, 'testdata');
const readTestdata = (name: string) => readFileSync(join(testdata, name), 'utf8');

/** Keys as `ssh-keygen` writes them: private key text and public key line. */
function sshKey(type: 'ed25519' | 'rsa'): { privateKey: string; publicKey: string } {
  return { privateKey: readTestdata(`id_${type}`), publicKey: readTestdata(`id_${type}.pub`) };
}

const ageIsInstalled = spawnSync('age', ['--version']).error === undefined;

describe('age files', () => {
  test('open for each of several recipients', async () => {
    const identities = [await generateIdentity(), await generateIdentity()];
    const recipients = await Promise.all(identities.map(identityToRecipient));
    const file = await encryptAge(plaintext, { recipients }, random);
    expect(isAgeFile(bytes(file))).toBe(true);
    for (const identity of identities) {
      const opened = await decryptAge(bytes(file), { ...none, identities: [`# a comment\n${identity}\n`] });
      expect(Buffer.from(opened)).toEqual(plaintext);
    }
  });

  test('open with their passphrase and no other', async () => {
    const file = await encryptAge(plaintext, { passphrase: 'correct horse', workFactor: 10 }, random);
    expect(Buffer.from(await decryptAge(bytes(file), { ...none, passphrases: ['correct horse'] }))).toEqual(plaintext);
    await expect(decryptAge(bytes(file), { ...none, passphrases: ['wrong'] })).rejects.toMatchObject({
      code: 'InvalidKey',
    });
  });

  test('do not open for a foreign identity', async () => {
    const recipients = [await identityToRecipient(await generateIdentity())];
    const file = await encryptAge(plaintext, { recipients }, random);
    const foreign = { ...none, identities: [await generateIdentity()] };
    await expect(decryptAge(bytes(file), foreign)).rejects.toMatchObject({ code: 'InvalidKey' });
  });

  test('that are truncated or foreign are said to be', async () => {
    const identity = await generateIdentity();
    const file = await encryptAge(plaintext, { recipients: [await identityToRecipient(identity)] }, random);
    const opening = { ...none, identities: [identity] };
    await expect(decryptAge(bytes(file.slice(0, 200)), opening)).rejects.toMatchObject({ code: 'InvalidDocument' });
    await expect(decryptAge(bytes('kind: Secret'), opening)).rejects.toMatchObject({ code: 'InvalidDocument' });
  });

  test('refuse an identity given as a recipient without repeating it', async () => {
    const identity = await generateIdentity();
    const error = await encryptAge(plaintext, { recipients: [identity] }, random).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code: 'InvalidKey' });
    expect(String(error)).not.toContain(identity.slice(16, 40));
  });
});

describe.each(['ed25519', 'rsa'] as const)('SSH recipients of type %s', (type) => {
  test('open with the private key that ssh-keygen wrote', async () => {
    const key = sshKey(type);
    const file = await encryptAge(plaintext, { recipients: [key.publicKey] }, random);
    expect(Buffer.from(await decryptAge(bytes(file), { ...none, identities: [key.privateKey] }))).toEqual(plaintext);
  });

  test('open what the program age wrote', async () => {
    const file = readFileSync(join(testdata, `${type}.age`));
    const opened = await decryptAge(file, { ...none, identities: [sshKey(type).privateKey] });
    expect(Buffer.from(opened).toString()).toBe('made by the program age');
  });

  test.runIf(ageIsInstalled)('the program age opens what we wrote', async () => {
    const file = join(folder, `ours-${type}.age`);
    writeFileSync(file, await encryptAge(plaintext, { recipients: [sshKey(type).publicKey] }, random));
    // ssh-keygen and age insist on keys that nobody else can read.
    const key = join(folder, `id_${type}`);
    writeFileSync(key, sshKey(type).privateKey, { mode: 0o600 });
    const opened = spawnSync('age', ['-d', '-i', key, file]);
    expect(opened.stderr.toString()).toBe('');
    expect(opened.stdout).toEqual(plaintext);
  });
});

test('an RSA key in PEM opens what was encrypted to its SSH form', async () => {
  const key = sshKey('rsa');
  const file = await encryptAge(plaintext, { recipients: [key.publicKey] }, random);
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  });
  await expect(decryptAge(bytes(file), { ...none, identities: [foreign as string] })).rejects.toMatchObject({
    code: 'InvalidKey',
  });
});

test('an SSH private key with a passphrase is refused with a way out', async () => {
  const recipients = [await identityToRecipient(await generateIdentity())];
  const encrypted = await encryptAge(plaintext, { recipients }, random);
  const identities = [readTestdata('id_protected')];
  await expect(decryptAge(bytes(encrypted), { ...none, identities })).rejects.toThrow('protected with a passphrase');
});
