import type { KeyObject } from 'node:crypto';
import { constants, createCipheriv, createDecipheriv, publicEncrypt } from 'node:crypto';

// The envelope of FORMAT.md:
//
//   length of the wrapped key (2 bytes, big-endian) | wrapped key (RSA-OAEP) | ciphertext | tag (16 bytes)

const lengthPrefixBytes = 2;
const contentKeyBytes = 32;
const tagBytes = 16;
/**
 * Twelve zero bytes. A nonce must never repeat under one key; every content key is random and encrypts a single message, so
 * the one nonce it ever sees may be a constant. FORMAT.md fixes it for all implementations.
 */
const nonce = new Uint8Array(12);
/** Upstream opens content keys of any AES size, though it only makes 256-bit ones. */
const gcmByKeyBytes: Readonly<Record<number, 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'>> = {
  16: 'aes-128-gcm',
  24: 'aes-192-gcm',
  32: 'aes-256-gcm',
};

/** An encrypted value taken apart, nothing of it checked yet. */
export interface Envelope {
  /** The content key under RSA-OAEP (RFC 8017 section 7.1) with SHA-256 for hash and MGF1. */
  readonly wrappedKey: Uint8Array;
  /** AES-GCM ciphertext (NIST SP 800-38D), the tag at its end. */
  readonly sealed: Uint8Array;
}

/** Opens wrapped content keys with one private key. `undefined` means "not for this key, or not for this label". */
export type UnwrapKey = (wrappedKey: Uint8Array, label: Uint8Array) => Promise<Uint8Array | undefined>;

/** Random bytes of a cryptographic generator, as many as asked for. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * Encrypts a value for the holder of a private key, bound to a label.
 *
 * @param publicKey an RSA public key
 * @param label see `encryptionLabel`
 */
export function hybridEncrypt(
  plaintext: Uint8Array,
  publicKey: KeyObject,
  label: Uint8Array,
  randomBytes: RandomBytes,
): Uint8Array<ArrayBuffer> {
  const contentKey = randomBytes(contentKeyBytes);
  const wrappedKey = publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: label },
    contentKey,
  );
  const cipher = createCipheriv('aes-256-gcm', contentKey, nonce);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return joinEnvelope(wrappedKey, ciphertext, cipher.getAuthTag());
}

/**
 * Decrypts an envelope, or says `undefined`. Which half failed is not to be learned here: the verify endpoint of the controller
 * would be an oracle otherwise, and OpenSSL's own error tells a wrong key from a wrong label.
 */
export async function hybridDecrypt(
  envelope: Envelope,
  unwrapKey: UnwrapKey,
  label: Uint8Array,
): Promise<Uint8Array | undefined> {
  const contentKey = await unwrapKey(envelope.wrappedKey, label);
  return contentKey === undefined ? undefined : openSealed(envelope.sealed, contentKey);
}

function openSealed(sealed: Uint8Array, contentKey: Uint8Array): Uint8Array | undefined {
  const algorithm = gcmByKeyBytes[contentKey.length];
  if (algorithm === undefined) return undefined;
  const ciphertextBytes = sealed.length - tagBytes;
  try {
    const decipher = createDecipheriv(algorithm, contentKey, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(ciphertextBytes));
    const plaintext = decipher.update(sealed.subarray(0, ciphertextBytes));
    decipher.final();
    return plaintext;
  } catch {
    return undefined;
  }
}

/** Takes an envelope apart. `undefined` when the bytes are too short to be one: that needs no key to be seen. */
export function parseEnvelope(bytes: Uint8Array): Envelope | undefined {
  if (bytes.length < lengthPrefixBytes) return undefined;
  const wrappedKeyBytes = ((bytes[0] as number) << 8) | (bytes[1] as number);
  const end = lengthPrefixBytes + wrappedKeyBytes;
  if (wrappedKeyBytes === 0 || bytes.length < end + tagBytes) return undefined;
  return { wrappedKey: bytes.subarray(lengthPrefixBytes, end), sealed: bytes.subarray(end) };
}

/** The inverse of {@link parseEnvelope}. */
export function encodeEnvelope(envelope: Envelope): Uint8Array<ArrayBuffer> {
  return joinEnvelope(envelope.wrappedKey, envelope.sealed);
}

function joinEnvelope(wrappedKey: Uint8Array, ...sealed: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const sealedBytes = sealed.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(lengthPrefixBytes + wrappedKey.length + sealedBytes);
  bytes[0] = wrappedKey.length >> 8;
  bytes[1] = wrappedKey.length & 0xff;
  let position = lengthPrefixBytes;
  for (const part of [wrappedKey, ...sealed]) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
