import type { KeyObject } from 'node:crypto';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { SealedSecretsError } from '../errors.ts';

/** An SSH public key that age files can be encrypted to. */
export type SshPublicKey =
  | { readonly type: 'ssh-ed25519'; readonly blob: Buffer; readonly point: Buffer }
  | { readonly type: 'ssh-rsa'; readonly blob: Buffer; readonly publicKey: KeyObject };

/** An SSH private key that opens them. */
export type SshPrivateKey =
  | { readonly type: 'ssh-ed25519'; readonly public: SshPublicKey; readonly seed: Buffer }
  | { readonly type: 'ssh-rsa'; readonly public: SshPublicKey; readonly privateKey: KeyObject };

const leastRsaBits = 2048;

/** Reads length-prefixed fields of the SSH wire format (RFC 4251 section 5). */
class WireReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint32(): number {
    if (this.#offset + 4 > this.#bytes.length) throw malformed();
    const value = this.#bytes.readUInt32BE(this.#offset);
    this.#offset += 4;
    return value;
  }

  string(): Buffer {
    const length = this.uint32();
    if (this.#offset + length > this.#bytes.length) throw malformed();
    const value = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return value;
  }
}

function malformed(): SealedSecretsError {
  return new SealedSecretsError('InvalidKey', 'the SSH key is malformed');
}

/**
 * Reads an SSH public key: `ssh-ed25519 AAAA... comment` or `ssh-rsa AAAA... comment`.
 *
 * @throws SealedSecretsError `InvalidKey` for other types, RSA keys under 2048 bits, and anything malformed.
 */
export function parseSshPublicKey(line: string): SshPublicKey {
  const [type = '', base64 = ''] = line.trim().split(/\s+/);
  if (type !== 'ssh-ed25519' && type !== 'ssh-rsa') {
    throw new SealedSecretsError('InvalidKey', `SSH keys of type ${JSON.stringify(type)} cannot be recipients`, {
      hint: 'Use an ssh-ed25519 or ssh-rsa key, or an age1... recipient.',
    });
  }
  return publicKeyOfBlob(Buffer.from(base64, 'base64'), type);
}

function publicKeyOfBlob(blob: Buffer, type: string): SshPublicKey {
  const reader = new WireReader(blob);
  if (reader.string().toString() !== type) throw malformed();
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point.length !== 32) throw malformed();
    return { type, blob, point };
  }
  const [e, n] = [reader.string(), reader.string()];
  const publicKey = createPublicKey({ key: { kty: 'RSA', e: base64Url(e), n: base64Url(n) }, format: 'jwk' });
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < leastRsaBits)
    throw new SealedSecretsError('InvalidKey', `the SSH key has ${bits} bits; at least ${leastRsaBits} are needed`);
  return { type: 'ssh-rsa', blob, publicKey };
}

/** Wire integers may begin with a zero byte; JWK integers must not. */
function base64Url(integer: Buffer): string {
  let start = 0;
  while (start < integer.length - 1 && integer[start] === 0) start++;
  return integer.subarray(start).toString('base64url');
}

const opensshMagic = Buffer.from('openssh-key-v1\0');

/**
 * Reads an SSH private key as `ssh-keygen` writes it (`OPENSSH PRIVATE KEY`), or an RSA key in PEM.
 *
 * @throws SealedSecretsError `InvalidKey`, also for keys protected with a passphrase.
 */
export function parseSshPrivateKey(pem: string): SshPrivateKey {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END OPENSSH PRIVATE KEY-----/.exec(pem)?.[1];
  return body === undefined ? pemRsaKey(pem) : parseOpensshKey(Buffer.from(body, 'base64'));
}

function pemRsaKey(pem: string): SshPrivateKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    throw new SealedSecretsError('InvalidKey', 'the file holds no private key that can be read', {
      hint: 'Expected an age identity file (AGE-SECRET-KEY-1...) or an SSH private key without passphrase.',
    });
  }
  if (privateKey.asymmetricKeyType !== 'rsa')
    throw new SealedSecretsError('InvalidKey', 'only RSA keys are read from PEM');
  return {
    type: 'ssh-rsa',
    privateKey,
    public: { type: 'ssh-rsa', blob: rsaBlob(privateKey), publicKey: createPublicKey(privateKey) },
  };
}

function rsaBlob(privateKey: KeyObject): Buffer {
  const { n = '', e = '' } = createPublicKey(privateKey).export({ format: 'jwk' });
  const mpint = (value: string) => {
    const magnitude = Buffer.from(value, 'base64url');
    return (magnitude[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), magnitude]) : magnitude;
  };
  return Buffer.concat([Buffer.from('ssh-rsa'), mpint(e), mpint(n)].flatMap((field) => [lengthOf(field), field]));
}

function lengthOf(field: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(field.length);
  return bytes;
}

/** The format of `PROTOCOL.key` in OpenSSH's sources. */
function parseOpensshKey(bytes: Buffer): SshPrivateKey {
  if (!bytes.subarray(0, opensshMagic.length).equals(opensshMagic)) throw malformed();
  const outer = new WireReader(bytes.subarray(opensshMagic.length));
  const cipher = outer.string().toString();
  outer.string();
  outer.string();
  if (cipher !== 'none') {
    throw new SealedSecretsError('InvalidKey', 'the SSH private key is protected with a passphrase', {
      hint: 'Make a copy without passphrase for this purpose (ssh-keygen -p -N "" -f COPY), or use an age identity.',
    });
  }
  if (outer.uint32() !== 1) throw malformed();
  outer.string();
  const inner = new WireReader(outer.string());
  const [check, checkAgain] = [inner.uint32(), inner.uint32()];
  if (check !== checkAgain) throw malformed();
  const type = inner.string().toString();
  if (type === 'ssh-ed25519') return opensshEd25519(inner);
  if (type === 'ssh-rsa') return opensshRsa(inner);
  throw new SealedSecretsError('InvalidKey', `SSH keys of type ${JSON.stringify(type)} cannot open age files`);
}

function opensshEd25519(reader: WireReader): SshPrivateKey {
  const point = reader.string();
  const seed = reader.string().subarray(0, 32);
  if (point.length !== 32 || seed.length !== 32) throw malformed();
  const fields = [Buffer.from('ssh-ed25519'), point];
  const blob = Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
  return { type: 'ssh-ed25519', seed, public: { type: 'ssh-ed25519', blob, point } };
}

function opensshRsa(reader: WireReader): SshPrivateKey {
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => reader.string()) as [
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
    Buffer,
  ];
  const integer = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`);
  const reduced = (prime: Buffer) => {
    const hex = (integer(d) % (integer(prime) - 1n)).toString(16);
    return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  };
  const parts = { n, e, d, p, q, dp: reduced(p), dq: reduced(q), qi };
  const jwk = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64Url(value)]));
  const privateKey = createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' });
  return {
    type: 'ssh-rsa',
    privateKey,
    public: { type: 'ssh-rsa', blob: rsaBlob(privateKey), publicKey: createPublicKey(privateKey) },
  };
}

/** The four bytes by which a stanza names the key it is for. */
export function sshTag(key: SshPublicKey): string {
  return createHash('sha256').update(key.blob).digest().subarray(0, 4).toString('base64').replace(/=+$/, '');
}
