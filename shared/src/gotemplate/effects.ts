import type { GoCertificate } from './values/value.ts';

/** Key types `genPrivateKey` knows. */
export type PrivateKeyType = 'rsa' | 'dsa' | 'ecdsa' | 'ed25519';

/** A certificate to issue. Strings are byte strings. */
export interface CertificateRequest {
  readonly commonName: string;
  /** IP addresses as text, already checked by the engine. */
  readonly ipAddresses: readonly string[];
  readonly dnsNames: readonly string[];
  /** Days from now; may be zero or negative. */
  readonly daysValid: bigint;
  readonly isAuthority: boolean;
  /** PEM of the private key the certificate is for; absent: a new RSA key of 2048 bits. */
  readonly keyPem?: string;
  /** Who signs; absent: the certificate signs itself. */
  readonly authority?: GoCertificate;
}

/**
 * Everything a template can reach outside its own values. The engine imports no cryptography and reads no clock: the caller
 * decides. All byte strings as described in `byte-string.ts`. Functions throw `EffectError` for input they refuse.
 */
export interface TemplateEffects {
  /** The time in nanoseconds since 1970. */
  now(): bigint;
  /** Milliseconds on a clock that never jumps: measures how long a rendering takes. */
  monotonicMs(): number;
  /** Cryptographically strong random bytes. */
  randomBytes(length: number): Uint8Array;
  /** Digest of a byte string. */
  hash(algorithm: 'sha1' | 'sha256' | 'sha512', data: Uint8Array): Uint8Array;
  /** HMAC with SHA-256. */
  hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** scrypt (RFC 7914). */
  scrypt(password: Uint8Array, salt: Uint8Array, options: ScryptOptions): Uint8Array;
  /** A bcrypt hash (`$2a$`, cost 10) of at most 72 bytes. */
  bcrypt(password: Uint8Array): string;
  /** AES-256-CBC without padding; the data is a multiple of 16 bytes. */
  aesCbc(direction: 'encrypt' | 'decrypt', key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array;
  /** A new private key as PEM: PKCS #1 for RSA (4096 bits), SEC 1 for ECDSA (P-256), PKCS #8 for Ed25519, OpenSSL's for DSA. */
  generateKey(type: PrivateKeyType): string;
  /** Issues a certificate. */
  issueCertificate(request: CertificateRequest): GoCertificate;
  /** Throws unless both PEM texts hold what their names say. */
  checkCertificateAndKey(certificatePem: string, keyPem: string): void;
}

export interface ScryptOptions {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly length: number;
}

/** An effect refused its input. The message names what is wrong, never the input. */
export class EffectError extends Error {
  override readonly name = 'EffectError';
}
