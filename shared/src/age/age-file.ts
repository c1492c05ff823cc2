import { armor, Decrypter, Encrypter } from 'age-encryption';
import type { RandomBytes } from '../crypto/hybrid.ts';
import { SealedSecretsError } from '../errors.ts';
import { parseSshPrivateKey, parseSshPublicKey } from './ssh-key.ts';
import { sshIdentity, sshRecipient } from './ssh-recipient.ts';

/** Who may open a file. The format allows recipients or one passphrase, never both (https://age-encryption.org/v1). */
export type AgeAudience =
  | { readonly recipients: readonly string[] }
  | {
      readonly passphrase: string;
      /** Base-2 logarithm of the scrypt cost; 18 takes about a second. */
      readonly workFactor?: number;
    };

/**
 * Encrypts bytes to an age file, in the text form that survives mail, Git and ConfigMaps.
 *
 * @param audience recipients are `age1...` (X25519 or hybrid), `ssh-ed25519 ...` or `ssh-rsa ...`
 * @throws SealedSecretsError `InvalidUsage` for no recipient, `InvalidKey` naming the recipient that cannot be used.
 */
export async function encryptAge(
  plaintext: Uint8Array,
  audience: AgeAudience,
  randomBytes: RandomBytes,
): Promise<string> {
  const encrypter = new Encrypter();
  if ('passphrase' in audience) {
    encrypter.setPassphrase(audience.passphrase);
    if (audience.workFactor !== undefined) encrypter.setScryptWorkFactor(audience.workFactor);
  } else {
    if (audience.recipients.length === 0) throw new SealedSecretsError('InvalidUsage', 'no recipient to encrypt to');
    for (const recipient of audience.recipients) addRecipient(encrypter, recipient, randomBytes);
  }
  return armor.encode(await encrypter.encrypt(plaintext));
}

/** Checks recipients without encrypting anything. @throws SealedSecretsError `InvalidKey`. */
export function assertAgeRecipients(recipients: readonly string[]): void {
  const encrypter = new Encrypter();
  for (const recipient of recipients) addRecipient(encrypter, recipient, (length) => new Uint8Array(length));
}

function addRecipient(encrypter: Encrypter, recipient: string, randomBytes: RandomBytes): void {
  if (recipient.startsWith('ssh-')) {
    encrypter.addRecipient(sshRecipient(parseSshPublicKey(recipient), randomBytes));
    return;
  }
  try {
    encrypter.addRecipient(recipient.trim());
  } catch {
    // The library's words may repeat the text, which could be an identity given by mistake.
    const looksSecret = recipient.toUpperCase().startsWith('AGE-SECRET-KEY');
    throw new SealedSecretsError(
      'InvalidKey',
      looksSecret ? 'an identity (AGE-SECRET-KEY) was given as a recipient' : 'not an age recipient',
      {
        hint: 'Recipients begin with age1, ssh-ed25519 or ssh-rsa. The recipient of an identity file: age-keygen -y FILE',
      },
    );
  }
}

/** What opens an age file. */
export interface AgeSecrets {
  /** Texts of identity files: lines `AGE-SECRET-KEY-1...` (with comments), or an SSH private key. */
  readonly identities: readonly string[];
  readonly passphrases: readonly string[];
}

/**
 * Opens an age file, in text or binary form.
 *
 * @throws SealedSecretsError `InvalidKey` when an identity cannot be read or nothing given opens the file; `InvalidDocument` when it is no
 *   age file, or is truncated or changed.
 */
export async function decryptAge(file: Uint8Array, secrets: AgeSecrets): Promise<Uint8Array> {
  const binary = unarmor(file);
  const decrypter = new Decrypter();
  for (const text of secrets.identities) addIdentities(decrypter, text);
  for (const passphrase of secrets.passphrases) decrypter.addPassphrase(passphrase);
  try {
    return await decrypter.decrypt(binary);
  } catch (error) {
    throw describeFailure(error);
  }
}

/** Whether bytes look like an age file. */
export function isAgeFile(file: Uint8Array): boolean {
  const start = Buffer.from(file.buffer, file.byteOffset, Math.min(file.length, 64)).toString('latin1').trimStart();
  return start.startsWith('age-encryption.org/') || start.startsWith('-----BEGIN AGE ENCRYPTED FILE-----');
}

function unarmor(file: Uint8Array): Uint8Array {
  if (!isAgeFile(file)) throw new SealedSecretsError('InvalidDocument', 'this is no age file');
  const text = Buffer.from(file).toString('latin1').trimStart();
  if (!text.startsWith('-----BEGIN')) return file;
  try {
    return armor.decode(text);
  } catch {
    throw new SealedSecretsError('InvalidDocument', 'the age file is truncated or changed');
  }
}

function addIdentities(decrypter: Decrypter, text: string): void {
  if (text.includes('PRIVATE KEY-----')) {
    decrypter.addIdentity(sshIdentity(parseSshPrivateKey(text)));
    return;
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const identities = lines.filter((line) => line !== '' && !line.startsWith('#'));
  try {
    if (identities.length === 0) throw new Error('none');
    for (const identity of identities) decrypter.addIdentity(identity);
  } catch {
    throw new SealedSecretsError('InvalidKey', 'the identity file holds no age identity', {
      hint: 'Expected lines AGE-SECRET-KEY-1..., as age-keygen writes them, or an SSH private key.',
    });
  }
}

function describeFailure(error: unknown): unknown {
  if (error instanceof SealedSecretsError) return error;
  const text = error instanceof Error ? error.message : '';
  if (/no identity matched/i.test(text)) {
    return new SealedSecretsError('InvalidKey', 'none of the identities or passphrases opens this file', {
      hint: 'It was encrypted to other recipients, or with another passphrase.',
    });
  }
  return new SealedSecretsError('InvalidDocument', 'the age file is truncated or changed');
}
