import type { KeyObject } from 'node:crypto';
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import type { RandomBytes } from '../crypto/hybrid.ts';
import { SealedSecretsError } from '../errors.ts';
import { type SshPrivateKey, type SshPublicKey, sshTag } from './ssh-key.ts';

// The recipient types `ssh-ed25519` and `ssh-rsa` of the program age; its documentation describes them, age-encryption lacks them.

const ed25519Info = 'age-encryption.org/v1/ssh-ed25519';
const rsaLabel = Buffer.from('age-encryption.org/v1/ssh-rsa');
const tagBytes = 16;
/** ChaCha20-Poly1305 (RFC 8439) under a key that is used once: the nonce may be zero. */
const zeroNonce = Buffer.alloc(12);
/** DER around raw X25519 keys (RFC 8410). */
const x25519PrivatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');
const x25519PublicPrefix = Buffer.from('302a300506032b656e032100', 'hex');

function x25519(scalar: Uint8Array, point: Uint8Array): Buffer {
  return diffieHellman({ privateKey: x25519PrivateKey(scalar), publicKey: x25519PublicKey(point) });
}

function x25519PrivateKey(scalar: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([x25519PrivatePrefix, scalar]), format: 'der', type: 'pkcs8' });
}

function x25519PublicKey(point: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([x25519PublicPrefix, point]), format: 'der', type: 'spki' });
}

function x25519PointOf(scalar: Uint8Array): Buffer {
  const der = createPublicKey(x25519PrivateKey(scalar)).export({ type: 'spki', format: 'der' });
  return der.subarray(x25519PublicPrefix.length);
}

function hkdf(secret: Uint8Array, salt: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, ed25519Info, 32));
}

/** The secret both sides share: the plain one times a factor bound to the SSH key, so that the key is not used as it is elsewhere. */
function tweak(shared: Uint8Array, key: SshPublicKey): Buffer {
  return x25519(hkdf(Buffer.alloc(0), key.blob), shared);
}

/** Encrypts file keys to an SSH public key. */
export function sshRecipient(key: SshPublicKey, randomBytes: RandomBytes): Recipient {
  return {
    wrapFileKey: (fileKey) => [
      key.type === 'ssh-rsa' ? wrapForRsa(key, fileKey) : wrapForEd25519(key, fileKey, randomBytes),
    ],
  };
}

function wrapForRsa(key: Extract<SshPublicKey, { type: 'ssh-rsa' }>, fileKey: Uint8Array): Stanza {
  const options = {
    key: key.publicKey,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha256',
    oaepLabel: rsaLabel,
  };
  return new Stanza(['ssh-rsa', sshTag(key)], Uint8Array.from(publicEncrypt(options, fileKey)));
}

function wrapForEd25519(
  key: Extract<SshPublicKey, { type: 'ssh-ed25519' }>,
  fileKey: Uint8Array,
  randomBytes: RandomBytes,
): Stanza {
  const ephemeral = randomBytes(32);
  const share = x25519PointOf(ephemeral);
  const point = ed25519.utils.toMontgomery(Uint8Array.from(key.point));
  const wrapKey = hkdf(tweak(x25519(ephemeral, point), key), Buffer.concat([share, point]));
  const cipher = createCipheriv('chacha20-poly1305', wrapKey, zeroNonce, { authTagLength: tagBytes });
  const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
  return new Stanza(['ssh-ed25519', sshTag(key), share.toString('base64').replace(/=+$/, '')], Uint8Array.from(body));
}

/** Opens file keys with an SSH private key; stanzas for other keys are left to other identities. */
export function sshIdentity(key: SshPrivateKey): Identity {
  return {
    unwrapFileKey(stanzas) {
      for (const { args, body } of stanzas) {
        if (args[0] !== key.type || args[1] !== sshTag(key.public)) continue;
        const fileKey = key.type === 'ssh-rsa' ? unwrapRsa(key, body) : unwrapEd25519(key, args[2] ?? '', body);
        if (fileKey !== undefined) return fileKey;
      }
      return null;
    },
  };
}

function unwrapRsa(key: Extract<SshPrivateKey, { type: 'ssh-rsa' }>, body: Uint8Array): Uint8Array | undefined {
  const options = {
    key: key.privateKey,
    padding: constants.RSA_PKCS1_OAEP_PADDING,
    oaepHash: 'sha256',
    oaepLabel: rsaLabel,
  };
  try {
    return Uint8Array.from(privateDecrypt(options, body));
  } catch {
    // Another key with the same four bytes of tag.
    return undefined;
  }
}

function unwrapEd25519(
  key: Extract<SshPrivateKey, { type: 'ssh-ed25519' }>,
  shareBase64: string,
  body: Uint8Array,
): Uint8Array | undefined {
  const share = Buffer.from(shareBase64, 'base64');
  if (share.length !== 32 || body.length !== tagBytes + 16) {
    throw new SealedSecretsError('InvalidDocument', 'the age file has a malformed ssh-ed25519 stanza');
  }
  const scalar = createHash('sha512').update(key.seed).digest().subarray(0, 32);
  const point = x25519PointOf(scalar);
  const wrapKey = hkdf(tweak(x25519(scalar, share), key.public), Buffer.concat([share, point]));
  try {
    const decipher = createDecipheriv('chacha20-poly1305', wrapKey, zeroNonce, { authTagLength: tagBytes });
    decipher.setAuthTag(body.subarray(16));
    return Uint8Array.from(Buffer.concat([decipher.update(body.subarray(0, 16)), decipher.final()]));
  } catch {
    return undefined;
  }
}
