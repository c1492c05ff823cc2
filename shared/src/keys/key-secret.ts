import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import {
  activeKeyLabelValue,
  backupVerifiedAnnotation,
  backupWrittenAnnotation,
  isTruthy,
  keyLabel,
  primaryKeyAnnotation,
} from '../api/annotations.ts';
import type { Secret } from '../api/sealed-secret.ts';
import { readSecret } from '../api/validate.ts';
import { parseSealingCertificate, type SealingCertificate } from '../crypto/certificate.ts';
import { parsePrivateKey } from '../crypto/private-key.ts';
import { decodeUtf8, encodeUtf8 } from '../encoding.ts';
import { isSealedSecretsError } from '../errors.ts';

const certificateItem = 'tls.crt';
const privateKeyItem = 'tls.key';

/** Selects the key Secrets that are sealing keys. */
export const activeKeySelector = `${keyLabel}=${activeKeyLabelValue}`;

/** Where a key Secret is, for events. */
export interface KeySecretIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A sealing key as its Secret holds it (specification 3.1). */
export interface KeySecret extends KeySecretIdentity {
  /** `metadata.creationTimestamp`, milliseconds since the epoch. */
  readonly createdMs: number;
  /** Whether it claims to be the key that seals, whatever its age. */
  readonly primary: boolean;
  readonly certificate: SealingCertificate;
  readonly privateKey: KeyObject;
  /** DER of the public key (SPKI), base64: what makes two keys equal. */
  readonly spki: string;
  readonly backup: 'absent' | 'written' | 'verified';
}

/** A Secret with the key label that cannot be used, and everything that is wrong with it. No text quotes the Secret's data. */
export interface InvalidKeySecret extends KeySecretIdentity {
  readonly primary: boolean;
  /** Key and certificate can be read, and do not belong together: what is sealed with this certificate, this key does not open. */
  readonly isMismatch: boolean;
  readonly violations: readonly string[];
}

export function isInvalid(parsed: KeySecret | InvalidKeySecret): parsed is InvalidKeySecret {
  return 'violations' in parsed;
}

/**
 * Reads a key Secret; what is wrong with it is a value, because one bad Secret must not stop the others. Its type is not looked at. PEM is ASCII,
 * and what stands around its blocks may be anything.
 */
export function parseKeySecret(raw: unknown): KeySecret | InvalidKeySecret {
  let secret: Secret;
  try {
    secret = readSecret(raw);
  } catch (error) {
    return { ...rawIdentity(raw), isMismatch: false, violations: [describe(error)] };
  }
  const violations: string[] = [];
  const attempt = <T>(item: string, read: (pem: string) => T | undefined): T | undefined => {
    const bytes = secret.data.get(item);
    if (bytes === undefined) {
      violations.push(`data["${item}"] is missing`);
      return undefined;
    }
    try {
      return read(decodeUtf8(bytes) ?? Buffer.from(bytes).toString('latin1'));
    } catch (error) {
      violations.push(`data["${item}"]: ${describe(error)}`);
      return undefined;
    }
  };
  const privateKey = attempt(privateKeyItem, (pem) => {
    const key = parsePrivateKey(pem);
    if (key === undefined) violations.push(`data["${privateKeyItem}"] holds no private key in PEM`);
    return key;
  });
  const certificate = attempt(certificateItem, parseSealingCertificate);
  const identity = {
    namespace: secret.metadata.namespace,
    name: secret.metadata.name,
    uid: secret.metadata.uid ?? '',
    resourceVersion: secret.metadata.resourceVersion ?? '',
    primary: isTruthy(secret.metadata.annotations, primaryKeyAnnotation),
  };
  const spki = privateKey && spkiOf(createPublicKey(privateKey));
  const isMismatch = certificate !== undefined && spki !== undefined && spkiOf(certificate.publicKey) !== spki;
  if (isMismatch) violations.push('the certificate belongs to another private key');
  if (privateKey === undefined || certificate === undefined || spki === undefined || violations.length > 0) {
    return { ...identity, isMismatch, violations };
  }
  return {
    ...identity,
    createdMs: Date.parse(secret.metadata.creationTimestamp ?? '') || 0,
    certificate,
    privateKey,
    spki,
    backup: backupState(secret.metadata.annotations),
  };
}

function backupState(annotations: ReadonlyMap<string, string>): KeySecret['backup'] {
  if (annotations.has(backupVerifiedAnnotation)) return 'verified';
  return annotations.has(backupWrittenAnnotation) ? 'written' : 'absent';
}

function spkiOf(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
}

/** Our own errors quote no data; of any other only that it happened is told. */
function describe(error: unknown): string {
  return isSealedSecretsError(error) ? error.message : 'it cannot be read';
}

function rawIdentity(raw: unknown): KeySecretIdentity & { readonly primary: boolean } {
  const { metadata } = (raw ?? {}) as { metadata?: Record<string, unknown> };
  const text = (name: string) => (typeof metadata?.[name] === 'string' ? (metadata[name] as string) : '');
  const annotations = (metadata?.['annotations'] ?? {}) as Record<string, unknown>;
  return {
    namespace: text('namespace'),
    name: text('name'),
    uid: text('uid'),
    resourceVersion: text('resourceVersion'),
    primary: annotations[primaryKeyAnnotation] === 'true',
  };
}

export interface KeySecretDraft {
  readonly namespace: string;
  /** `--key-prefix`, used as generateName without a separator. */
  readonly prefix: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly privateKey: KeyObject;
  readonly certificatePem: string;
}

/** The Secret of a new sealing key, exactly as upstream makes it (specification 3.1). Extra labels cannot replace the key label. */
export function keySecretOf(draft: KeySecretDraft): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: '',
      generateName: draft.prefix,
      namespace: draft.namespace,
      labels: new Map([...draft.labels, [keyLabel, activeKeyLabelValue]]),
      annotations: draft.annotations,
      ownerReferences: [],
      finalizers: [],
    },
    data: new Map([
      [certificateItem, encodeUtf8(draft.certificatePem)],
      [privateKeyItem, encodeUtf8(draft.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string)],
    ]),
    type: 'kubernetes.io/tls',
  };
}
