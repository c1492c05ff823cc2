import type { KeyObject } from 'node:crypto';
import { createHash } from 'node:crypto';

const keyIdHexDigits = 16;

/**
 * The name of a key for people and for hints: the first 16 hex digits of SHA-256 over the DER of the public key (SPKI,
 * RFC 5280). Two keys are equal when their whole SPKI is, never because their ids are.
 */
export function keyIdOf(publicKey: KeyObject): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex').slice(0, keyIdHexDigits);
}

/** The fingerprint of the public key as OpenSSH writes it (`SHA256:...`, RFC 4253 section 6.6), the name upstream uses in logs. */
export function sshFingerprint(publicKey: KeyObject): string {
  const { n = '', e = '' } = publicKey.export({ format: 'jwk' });
  const parts = [Buffer.from('ssh-rsa'), mpint(Buffer.from(e, 'base64url')), mpint(Buffer.from(n, 'base64url'))];
  const blob = Buffer.concat(parts.flatMap((part) => [uint32(part.length), part]));
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function mpint(magnitude: Buffer): Buffer {
  // Two's complement: a set top bit would read as negative.
  return (magnitude[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
