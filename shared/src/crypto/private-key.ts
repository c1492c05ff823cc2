import type { KeyObject, webcrypto } from 'node:crypto';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { SealedSecretsError } from '../errors.ts';
import { keyIdOf } from './fingerprint.ts';
import type { UnwrapKey } from './hybrid.ts';
import { isBelow } from './likely-keys.ts';
import { parsePemBlocks } from './pem.ts';

/** A private key that opens sealed values, with the public facts about it. */
export interface UnsealingKey {
  /** See {@link keyIdOf}. */
  readonly id: string;
  readonly publicKey: KeyObject;
  /** Of the public key, big-endian, without leading zeros. */
  readonly modulus: Uint8Array;
  readonly unwrapKey: UnwrapKey;
}

const privateKeyLabels = new Set(['RSA PRIVATE KEY', 'PRIVATE KEY', 'EC PRIVATE KEY']);

/**
 * Reads the first private key of a PEM text: PKCS #1 (`RSA PRIVATE KEY`, RFC 8017) or PKCS #8 (`PRIVATE KEY`, RFC 5958). Blocks
 * of other kinds and blocks that cannot be parsed are skipped. `undefined` when there is none.
 *
 * @throws SealedSecretsError `InvalidKey` when the key found is not RSA.
 */
export function parsePrivateKey(pem: string): KeyObject | undefined {
  for (const block of parsePemBlocks(pem)) {
    if (!privateKeyLabels.has(block.label)) continue;
    const key = tryCreatePrivateKey(block.text);
    if (key === undefined) continue;
    if (key.asymmetricKeyType !== 'rsa') {
      throw new SealedSecretsError(
        'InvalidKey',
        `the private key is ${key.asymmetricKeyType ?? 'of an unknown type'}, not RSA`,
        {
          hint: 'Sealing keys are RSA keys; elliptic curve keys cannot open sealed values.',
        },
      );
    }
    return key;
  }
  return undefined;
}

function tryCreatePrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/**
 * Makes a key ready for use on the thread pool. One key object serialises on a lock inside OpenSSL, so `copies` of it are
 * imported and used in turn: as many as there are pool threads lets them all work at once.
 */
export async function importUnsealingKey(privateKey: KeyObject, copies = 1): Promise<UnsealingKey> {
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const algorithm = { name: 'RSA-OAEP', hash: 'SHA-256' };
  const handles = await Promise.all(
    Array.from({ length: copies }, () =>
      globalThis.crypto.subtle.importKey('pkcs8', der, algorithm, false, ['decrypt']),
    ),
  );
  const publicKey = createPublicKey(privateKey);
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url');
  let turn = 0;
  const unwrapKey: UnwrapKey = async (wrappedKey, label) => {
    const ciphertext = withLeadingZeros(wrappedKey, modulus.length);
    if (ciphertext === undefined || !isBelow(ciphertext, modulus)) return undefined;
    const handle = handles[turn++ % handles.length] as webcrypto.CryptoKey;
    try {
      return new Uint8Array(
        await globalThis.crypto.subtle.decrypt({ name: 'RSA-OAEP', label: label.slice() }, handle, ciphertext),
      );
    } catch {
      return undefined;
    }
  };
  return { id: keyIdOf(publicKey), publicKey, modulus, unwrapKey };
}

/** Some implementations drop leading zero bytes of an RSA ciphertext; the modulus says how long it has to be. */
function withLeadingZeros(wrappedKey: Uint8Array, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (wrappedKey.length > length || wrappedKey.length === 0) return undefined;
  const padded = new Uint8Array(length);
  padded.set(wrappedKey, length - wrappedKey.length);
  return padded;
}
