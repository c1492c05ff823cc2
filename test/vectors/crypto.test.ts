import { createHash, createPublicKey, randomBytes } from 'node:crypto';
import {
  decodeBase64,
  encodeBase64,
  encodeEnvelope,
  encodeHex,
  encodeUtf8,
  hybridDecrypt,
  hybridEncrypt,
  isSealedSecretsError,
  keyIdOf,
  parseEnvelope,
  parseSealingCertificate,
  sshFingerprint,
  type UnsealingKey,
} from '@waxwing/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeyRings, loadTestKeys, loadVectors, readVectorFile } from './load.ts';

interface Valid {
  name: string;
  key: string;
  label: string;
  plaintext: string;
  sessionKey: string;
  ciphertext: string;
}
interface Outcome {
  name: string;
  keys: string[];
  label: string;
  ciphertext: string;
  expect: { plaintext: string } | { error: 'base64' | 'decrypt'; message: string };
}
interface Large extends Omit<Valid, 'plaintext'> {
  plaintextLength: number;
  plaintextSha256: string;
}

let ring: (ids: readonly string[]) => UnsealingKey[];
beforeAll(async () => {
  ring = await loadKeyRings();
});

async function open(ciphertext: string, keys: readonly UnsealingKey[], label: string): Promise<Uint8Array | undefined> {
  const envelope = parseEnvelope(decodeBase64(ciphertext));
  if (envelope === undefined) return undefined;
  for (const key of keys) {
    const plaintext = await hybridDecrypt(envelope, key.unwrapKey, encodeUtf8(label));
    if (plaintext !== undefined) return plaintext;
  }
  return undefined;
}

describe('crypto/valid.json', () => {
  test.each(loadVectors<Valid>('crypto/valid.json'))(
    '$name opens, and its content key is the recorded one',
    async (vector) => {
      const [key] = ring([vector.key]) as [UnsealingKey];
      const plaintext = await open(vector.ciphertext, [key], vector.label);
      expect(plaintext && encodeBase64(plaintext)).toBe(vector.plaintext);
      const envelope = parseEnvelope(decodeBase64(vector.ciphertext));
      const contentKey = envelope && (await key.unwrapKey(envelope.wrappedKey, encodeUtf8(vector.label)));
      expect(contentKey && encodeHex(contentKey)).toBe(vector.sessionKey);
    },
  );

  test.each(loadVectors<Valid>('crypto/valid.json'))('$name is encoded as it was parsed', (vector) => {
    const bytes = decodeBase64(vector.ciphertext);
    expect(encodeEnvelope(parseEnvelope(bytes) as never)).toEqual(bytes);
  });
});

describe('crypto/outcomes.json', () => {
  test.each(loadVectors<Outcome>('crypto/outcomes.json'))('$name', async (vector) => {
    let outcome: unknown;
    try {
      const plaintext = await open(vector.ciphertext, ring(vector.keys), vector.label);
      outcome = plaintext === undefined ? 'decrypt' : { plaintext: encodeBase64(plaintext) };
    } catch (error) {
      if (!isSealedSecretsError(error, 'InvalidEncoding')) throw error;
      outcome = { error: 'base64', message: error.message };
    }
    const { expect: expected } = vector;
    if ('plaintext' in expected) expect(outcome).toEqual(expected);
    else if (expected.error === 'decrypt') expect(outcome).toBe('decrypt');
    else expect(outcome).toEqual(expected);
  });
});

test('crypto/large.json: a value of one MiB opens', async () => {
  const large = JSON.parse(readVectorFile('crypto/large.json').toString()) as Large;
  const plaintext = (await open(large.ciphertext, ring([large.key]), large.label)) as Uint8Array;
  expect(plaintext.length).toBe(large.plaintextLength);
  expect(createHash('sha256').update(plaintext).digest('hex')).toBe(large.plaintextSha256);
});

describe('test-keys/keys.json', () => {
  test.each([...loadTestKeys().values()])('the certificate and fingerprint of $id', (pair) => {
    const certificate = parseSealingCertificate(pair.certificatePem);
    expect(sshFingerprint(certificate.publicKey)).toBe(pair.fingerprint);
    expect(certificate.keyId).toBe(keyIdOf(createPublicKey(pair.privateKey)));
    expect(certificate.commonName).toBe(pair.commonName);
    expect(certificate.notBefore.toISOString()).toBe(new Date(pair.notBefore).toISOString());
    expect(certificate.notAfter.toISOString()).toBe(new Date(pair.notAfter).toISOString());
  });

  test('what we seal opens under the same key and label, for both key sizes', async () => {
    for (const pair of loadTestKeys().values()) {
      const sealed = hybridEncrypt(encodeUtf8('value'), pair.publicKey, encodeUtf8('ns/name'), (n) => randomBytes(n));
      const plaintext = await open(encodeBase64(sealed), ring([pair.id]), 'ns/name');
      expect(plaintext && new TextDecoder().decode(plaintext)).toBe('value');
    }
  });
});
