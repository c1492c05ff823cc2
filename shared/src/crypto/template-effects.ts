import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, scryptSync } from 'node:crypto';
import {
  byteStringFromBytes,
  EffectError,
  isValidUtf8,
  type TemplateEffects,
  textFromByteString,
} from '../gotemplate/index.ts';
import { issueTemplateCertificate } from './template-certificates.ts';
import { generateKeyPem, parseCertificate, parsePrivateKey } from './template-keys.ts';

/** What templates may do besides computing, done by Node: its cryptography, bcryptjs, and certificates written by node-forge. */

export interface TemplateEffectsOptions {
  /** Milliseconds since 1970. Default: the system clock. */
  readonly now?: () => number;
  /** Milliseconds on a clock that never jumps, for the time limit. Default: the process's. */
  readonly monotonicMs?: () => number;
  /**
   * Whether keys, certificates and password hashes will be asked for (see `isCostly`). Only then the libraries for them are loaded;
   * without them these functions fail.
   */
  readonly withCostlyFunctions: boolean;
}

type Forge = typeof import('node-forge');
type Bcrypt = typeof import('bcryptjs').default;

interface CostlyLibraries {
  readonly forge: Forge;
  readonly bcrypt: Bcrypt;
}

/** The effects of a template in Node. */
export async function createTemplateEffects(options: TemplateEffectsOptions): Promise<TemplateEffects> {
  const libraries = options.withCostlyFunctions ? await loadCostlyLibraries() : undefined;
  const now = options.now ?? Date.now;
  const required = (): CostlyLibraries => {
    if (libraries === undefined) throw new EffectError('key generation is switched off here');
    return libraries;
  };
  return {
    now: () => BigInt(Math.floor(now())) * 1_000_000n,
    monotonicMs: options.monotonicMs ?? (() => performance.now()),
    randomBytes: (length) => randomBytes(length),
    hash: (algorithm, data) => createHash(algorithm).update(data).digest(),
    hmacSha256: (key, data) => createHmac('sha256', key).update(data).digest(),
    scrypt: (password, salt, { cost, blockSize, parallelization, length }) =>
      // OpenSSL refuses what needs more memory than it is told.
      scryptSync(password, salt, length, { N: cost, r: blockSize, p: parallelization, maxmem: 256 * cost * blockSize }),
    bcrypt: (password) => hashPassword(required().bcrypt, password),
    aesCbc: (direction, key, iv, data) => {
      const cipher = (direction === 'encrypt' ? createCipheriv : createDecipheriv)('aes-256-cbc', key, iv);
      cipher.setAutoPadding(false);
      return Buffer.concat([cipher.update(data), cipher.final()]);
    },
    generateKey: (type) => generateKeyPem(required().forge, type),
    issueCertificate: (request) => issueTemplateCertificate(required().forge, request, now()),
    checkCertificateAndKey: (certificatePem, keyPem) => {
      parseCertificate(certificatePem);
      parsePrivateKey(keyPem);
    },
  };
}

async function loadCostlyLibraries(): Promise<CostlyLibraries> {
  const [{ default: forge }, { default: bcrypt }] = await Promise.all([import('node-forge'), import('bcryptjs')]);
  return { forge, bcrypt };
}

/** Go's bcrypt writes version 2a with cost 10. The library takes text only, so a password that is no UTF-8 is refused. */
function hashPassword(bcrypt: Bcrypt, password: Uint8Array): string {
  const byteString = byteStringFromBytes(password);
  if (!isValidUtf8(byteString)) throw new EffectError('bcrypt takes only passwords that are UTF-8');
  const salt = `$2a$10$${bcrypt.encodeBase64(randomBytes(16), 16)}`;
  return bcrypt.hashSync(textFromByteString(byteString), salt);
}
