import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  backupVerifiedAnnotation,
  encodeBase64,
  encodeUtf8,
  issueCertificate,
  keyIdOf,
  keyLabel,
  parseSealingCertificate,
  primaryKeyAnnotation,
} from '@waxwing/shared';
import { seededRandomBytes } from '@waxwing/shared/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { readKeyRing } from '../keys/key-ring.ts';
import { findKeyProblems, type KeysState, usableKeys } from './keys.ts';

const dayMs = 86_400_000;
const nowMs = Date.parse('2026-06-01T00:00:00Z');

interface Key {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificatePem: string;
}

async function aKey(notBefore: string, validForMs = 3650 * dayMs): Promise<Key> {
  const pair = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const request = { ...pair, commonName: '', notBefore: new Date(notBefore), validForMs };
  return { ...pair, certificatePem: await issueCertificate({ ...request, randomBytes: seededRandomBytes(1) }) };
}

let old: Key;
let recent: Key;
let expired: Key;
beforeAll(async () => {
  old = await aKey('2025-01-01T00:00:00Z');
  recent = await aKey('2026-01-01T00:00:00Z');
  expired = await aKey('2026-02-01T00:00:00Z', dayMs);
});

interface Parts {
  readonly label?: string;
  readonly primary?: boolean;
  readonly certificate?: Key;
  readonly created?: string;
}

/** A key Secret whose backup is verified, so that this is nothing to tell. */
function secretOf(name: string, key: Key, { label = 'active', primary, certificate = key, created }: Parts = {}) {
  const privateKeyPem = key.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  return {
    metadata: {
      name,
      namespace: 'kube-system',
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
      ...(label === '' ? {} : { labels: { [keyLabel]: label } }),
      annotations: {
        [backupVerifiedAnnotation]: 'then',
        ...(primary === true ? { [primaryKeyAnnotation]: 'true' } : {}),
      },
    },
    data: {
      'tls.key': encodeBase64(encodeUtf8(privateKeyPem)),
      'tls.crt': encodeBase64(encodeUtf8(certificate.certificatePem)),
    },
  };
}

async function stateOf(secrets: readonly unknown[], served?: Key): Promise<KeysState> {
  return {
    namespace: 'kube-system',
    ring: await readKeyRing(secrets),
    settings: { prefix: 'sealed-secrets-key', orderPriority: 'CertNotBefore' },
    served: served && parseSealingCertificate(served.certificatePem),
    controller: { namespace: 'kube-system', name: 'controller' },
    nowMs,
  };
}

async function told(secrets: readonly unknown[], served?: Key): Promise<string[]> {
  return findKeyProblems(await stateOf(secrets, served)).map(({ code, name, detail }) => `${code} ${name}: ${detail}`);
}

describe('keys', () => {
  it('that are as they should be are nothing to tell', async () => {
    expect(await told([secretOf('a', old), secretOf('b', recent)], recent)).toEqual([]);
  });

  it('that are not there', async () => {
    expect(await told([])).toEqual(['no-keys sealed-secrets-key*: ']);
    expect(await told([secretOf('a', old, { label: 'compromised' })])).toEqual(['no-keys sealed-secrets-key*: ']);
  });

  it('of very old installations have no label', async () => {
    expect(await told([secretOf('sealed-secrets-key', old, { label: '' })], old)).toEqual([]);
  });

  it('that cannot be read, or whose certificate belongs to another', async () => {
    const broken = { metadata: { name: 'broken', namespace: 'kube-system' }, data: {} };
    expect(await told([secretOf('a', recent), broken, secretOf('mixed', old, { certificate: expired })])).toEqual([
      'key-invalid broken: data["tls.key"] is missing; data["tls.crt"] is missing',
      'key-mismatch mixed: the certificate belongs to another private key',
    ]);
  });

  it('whose certificate has expired, if it is the one that seals', async () => {
    const name = `key-expired c: key ${keyIdOf(expired.publicKey)}, on 2026-02-02`;
    expect(await told([secretOf('a', old), secretOf('c', expired)])).toEqual([name]);
    expect(await told([secretOf('a', old, { primary: true }), secretOf('c', expired)])).toEqual([
      `key-primary a: key ${keyIdOf(old.publicKey)}`,
    ]);
  });

  it('that are marked as primary, one or several or unusable', async () => {
    const primary = { primary: true };
    expect(await told([secretOf('a', old, primary), secretOf('b', recent, primary)])).toEqual([
      `key-several-primaries b: key ${keyIdOf(recent.publicKey)}`,
      `key-several-primaries a: key ${keyIdOf(old.publicKey)}`,
    ]);
    expect(await told([secretOf('a', recent), secretOf('mixed', old, { ...primary, certificate: expired })])).toEqual([
      'key-primary-unusable mixed: the certificate belongs to another private key',
    ]);
  });

  it('of which another will seal than today', async () => {
    const [today, afterwards] = [keyIdOf(old.publicKey), keyIdOf(recent.publicKey)];
    expect(await told([secretOf('a', old), secretOf('b', recent)], old)).toEqual([
      `sealing-key-changes b: today key ${today}; afterwards key ${afterwards}`,
    ]);
    expect(await told([secretOf('a', old, { label: 'compromised' }), secretOf('b', recent)], old)).toEqual([
      `sealing-key-changes b: today key ${today}, whose Secret a is out of use; afterwards key ${afterwards}`,
    ]);
  });

  it('of which the one that seals is in no Secret', async () => {
    expect(await told([secretOf('b', recent)], old)).toEqual([
      `sealing-key-without-secret controller: today key ${keyIdOf(old.publicKey)}`,
    ]);
  });

  it('that nobody has backed up', async () => {
    const secret = secretOf('b', recent);
    const { [backupVerifiedAnnotation]: _, ...annotations } = secret.metadata.annotations;
    expect(await told([{ ...secret, metadata: { ...secret.metadata, annotations } }])).toEqual([
      `key-not-backed-up b: key ${keyIdOf(recent.publicKey)}, backup absent`,
    ]);
  });

  it('are ordered as the controller is told to', async () => {
    const secrets = [secretOf('a', old, { created: '2026-05-01T00:00:00Z' }), secretOf('b', recent)];
    const { ring, settings } = await stateOf(secrets);
    const names = (orderPriority: 'CertNotBefore' | 'SecretCreationTimestamp') =>
      usableKeys(ring, { ...settings, orderPriority }).map(({ key }) => key.name);
    expect(names('CertNotBefore')).toEqual(['b', 'a']);
    expect(names('SecretCreationTimestamp')).toEqual(['a', 'b']);
  });
});
