import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { EffectError, type PrivateKeyType, textFromByteString } from '../gotemplate/index.ts';
import { parsePemBlocks } from './pem.ts';
import {
  type Asn1,
  bitStringContent,
  childrenOf,
  type Forge,
  fromDer,
  integer,
  pemOf,
  sequence,
  toDer,
} from './template-asn1.ts';

/** Private keys of templates: made, read and written in the forms sprig uses. */

/** A new private key as PEM. */
export function generateKeyPem(forge: Forge, type: PrivateKeyType): string {
  switch (type) {
    case 'rsa':
      return keyPem(generateKeyPairSync('rsa', { modulusLength: 4096 }).privateKey);
    case 'ecdsa':
      return keyPem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    case 'ed25519':
      return keyPem(generateKeyPairSync('ed25519').privateKey);
    case 'dsa':
      return dsaKeyPem(forge, generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 }).privateKey);
  }
}

/** PEM in the form sprig writes each kind of key. */
export function keyPem(key: KeyObject): string {
  const type = key.asymmetricKeyType;
  const encoding = type === 'rsa' ? 'pkcs1' : type === 'ec' ? 'sec1' : 'pkcs8';
  return key.export({ type: encoding, format: 'pem' }).toString();
}

/** OpenSSL's traditional form: version, p, q, g, y, x. Node writes only PKCS #8, where y is missing. */
function dsaKeyPem(forge: Forge, privateKey: KeyObject): string {
  const [, algorithm, privateValue] = childrenOf(forge, privateKey.export({ type: 'pkcs8', format: 'der' }));
  const [, publicValue] = childrenOf(forge, createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  const parameters = (((algorithm?.value ?? []) as Asn1[])[1]?.value ?? []) as Asn1[];
  const y = fromDer(forge, Buffer.from(bitStringContent(publicValue), 'binary'));
  const x = fromDer(forge, Buffer.from(String(privateValue?.value), 'binary'));
  const key = sequence(forge, [integer(forge, '\0'), ...parameters, y, x]);
  return pemOf('DSA PRIVATE KEY', toDer(forge, key));
}

const keyLabel = /^((RSA|EC|DSA) )?PRIVATE KEY$/;

/** The private key of a PEM text (a byte string). Throws `EffectError`. */
export function parsePrivateKey(pem: string): KeyObject {
  const [block] = parsePemBlocks(textFromByteString(pem));
  if (block === undefined) throw new EffectError('error parsing private key: no PEM data in input');
  if (!keyLabel.test(block.label)) throw new EffectError('error parsing private key: the PEM block is no private key');
  try {
    return createPrivateKey(block.text);
  } catch {
    // OpenSSL's reasons say nothing to the author of a template.
    throw new EffectError('error parsing private key: the PEM block is malformed');
  }
}

/** The certificate of a PEM text (a byte string). Throws `EffectError`. */
export function parseCertificate(pem: string): X509Certificate {
  const [block] = parsePemBlocks(textFromByteString(pem));
  if (block === undefined) throw new EffectError('unable to decode certificate');
  try {
    return new X509Certificate(block.text);
  } catch {
    throw new EffectError('error parsing certificate');
  }
}
