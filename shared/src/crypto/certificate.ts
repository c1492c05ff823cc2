import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPair, sign, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { SealedSecretsError } from '../errors.ts';
import { keyIdOf } from './fingerprint.ts';
import type { RandomBytes } from './hybrid.ts';
import { parsePemBlocks } from './pem.ts';

/** A certificate whose public key seals. */
export interface SealingCertificate {
  /** The certificate alone, as it was written. */
  readonly pem: string;
  readonly publicKey: KeyObject;
  /** See `keyIdOf`. */
  readonly keyId: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The subject's common name; empty when it has none. */
  readonly commonName: string;
  /** SHA-256 of the DER, lower-case hex: what `--cert-sha256` pins. */
  readonly sha256: string;
}

/**
 * Reads all certificates of a PEM text. Blocks with headers are not taken, as upstream does not take them. Dates are not judged.
 *
 * @throws SealedSecretsError `InvalidCertificate` when there is none, or one cannot be parsed.
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = parsePemBlocks(pem).filter((block) => block.label === 'CERTIFICATE' && !block.hasHeaders);
  if (blocks.length === 0) {
    throw new SealedSecretsError('InvalidCertificate', 'data does not contain any valid RSA or ECDSA certificates', {
      hint: 'Expected a PEM block "BEGIN CERTIFICATE"; fetch it with: waxwing cert',
    });
  }
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block.text);
    } catch (cause) {
      throw new SealedSecretsError('InvalidCertificate', 'x509: malformed certificate', {
        hint: `The PEM block number ${index + 1} is marked as a certificate, but what is in it is none.`,
        cause,
      });
    }
  });
}

/**
 * Reads the certificate to seal with: the first of a PEM text.
 *
 * @throws SealedSecretsError `InvalidCertificate` when there is none or its key is not RSA.
 */
export function parseSealingCertificate(pem: string): SealingCertificate {
  const [certificate] = parseCertificates(pem) as [X509Certificate];
  const { publicKey } = certificate;
  if (publicKey.asymmetricKeyType !== 'rsa') {
    throw new SealedSecretsError(
      'InvalidCertificate',
      `expected RSA public key but found ${publicKey.asymmetricKeyType ?? 'an unknown type'}`,
      { hint: 'Sealed values are wrapped with RSA; the controller makes such certificates itself.' },
    );
  }
  // Digests are computed when somebody asks: sealing itself does not.
  return {
    pem: `${certificate.toString().trimEnd()}\n`,
    publicKey,
    get keyId() {
      return keyIdOf(publicKey);
    },
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
    commonName: /^CN=(.*)$/m.exec(certificate.subject ?? '')?.[1] ?? '',
    get sha256() {
      return createHash('sha256').update(certificate.raw).digest('hex');
    },
  };
}

/**
 * Refuses a certificate after its end. One that begins in the future is taken: clocks of build machines are often behind.
 *
 * @throws SealedSecretsError `CertificateExpired`.
 */
export function assertNotExpired(certificate: SealingCertificate, now: Date): void {
  const { notAfter } = certificate;
  if (now.getTime() <= notAfter.getTime()) return;
  const day = notAfter.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
  throw new SealedSecretsError('CertificateExpired', `failed to encrypt using an expired certificate on ${day}`, {
    hint: 'The controller renews its key by itself; fetch the current certificate with: waxwing cert',
  });
}

/** A new RSA key pair, exponent 65537, made on the thread pool. */
export async function generateSealingKey(bits: number): Promise<{ privateKey: KeyObject; publicKey: KeyObject }> {
  return await promisify(generateKeyPair)('rsa', { modulusLength: bits, publicExponent: 0x10001 });
}

export interface CertificateRequest {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** May be empty, which gives an empty distinguished name. */
  readonly commonName: string;
  readonly notBefore: Date;
  readonly validForMs: number;
  readonly randomBytes: RandomBytes;
}

/**
 * Issues the self-signed certificate of a sealing key (RFC 5280), alike in every field to upstream's: random serial below
 * 2^128, CA without path length, key usage `encipherOnly`. Returns PEM.
 *
 * node-forge writes the structure, OpenSSL signs: signing with 4096 bits in JavaScript would block the event loop for a second.
 */
export async function issueCertificate(request: CertificateRequest): Promise<string> {
  const { default: forge } = await import('node-forge');
  const { pki } = forge;
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(request.publicKey.export({ type: 'spki', format: 'pem' }) as string);
  certificate.serialNumber = serialNumber(request.randomBytes);
  // The encoding has whole seconds. A beginning in the future would make the certificate invalid for a moment.
  certificate.validity.notBefore = new Date(Math.floor(request.notBefore.getTime() / 1000) * 1000);
  certificate.validity.notAfter = new Date(certificate.validity.notBefore.getTime() + request.validForMs);
  const name =
    request.commonName === '' ? [] : [{ shortName: 'CN', value: request.commonName, valueTagClass: utf8String }];
  certificate.setSubject(name as never);
  certificate.setIssuer(name as never);
  certificate.setExtensions([
    { name: 'keyUsage', critical: true, encipherOnly: true },
    { name: 'basicConstraints', critical: true, cA: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  return signCertificate(forge, certificate, request.privateKey);
}

/** ASN.1 UTF8String: common names may hold any character. */
const utf8String = 12;

function serialNumber(randomBytes: RandomBytes): string {
  const bytes = randomBytes(16);
  // DER integers are signed and minimal: forge wants a leading zero byte before a set top bit.
  const hex = Buffer.from(bytes)
    .toString('hex')
    .replace(/^(00)+(?=.)/, '');
  return Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? `00${hex}` : hex;
}

type Forge = typeof import('node-forge');

function signCertificate(
  forge: Forge,
  certificate: import('node-forge').pki.Certificate,
  privateKey: KeyObject,
): string {
  const { asn1, pki } = forge;
  const oid = pki.oids['sha256WithRSAEncryption'] as string;
  // Forge's own types leave out the fields that its `sign` would fill in.
  const open = certificate as unknown as {
    signatureOid: string;
    siginfo: { algorithmOid: string };
    tbsCertificate: unknown;
    signature: string;
  };
  open.signatureOid = oid;
  open.siginfo.algorithmOid = oid;
  const tbs = (pki as unknown as { getTBSCertificate(c: unknown): import('node-forge').asn1.Asn1 }).getTBSCertificate(
    certificate,
  );
  open.tbsCertificate = tbs;
  const der = Buffer.from(asn1.toDer(tbs).getBytes(), 'binary');
  open.signature = sign('sha256', der, privateKey).toString('binary');
  return pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}
