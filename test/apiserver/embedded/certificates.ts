import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/**
 * A self-signed authority and the server certificates it issues: EC P-256, made in about a millisecond.
 * Node can read certificates but not issue them, and RSA (all that node-forge signs with) would cost each test a second;
 * what is needed of DER fits into the few functions below (RFC 5280 section 4.1, X.690).
 */
export interface CertificateAuthority {
  readonly certificatePem: string;
  issue(
    names: readonly string[],
    addresses: readonly string[],
  ): { readonly certificatePem: string; readonly privateKeyPem: string };
}

const validityMs = 365 * 24 * 3600 * 1000;

export function createCertificateAuthority(commonName: string, nowMs: number): CertificateAuthority {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificatePem = signCertificate({
    subject: commonName,
    issuer: commonName,
    publicKey: authority.publicKey,
    signingKey: authority.privateKey,
    nowMs,
    extensions: [
      extension('551d13', true, sequence(boolean(true))),
      // keyCertSign and cRLSign
      extension('551d0f', true, der(0x03, Buffer.from([1, 0x06]))),
    ],
  });
  return {
    certificatePem,
    issue(names, addresses) {
      const pair = generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      });
      const alternatives = [
        ...names.map((name) => der(0x82, Buffer.from(name, 'latin1'))),
        ...addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number)))),
      ];
      return {
        privateKeyPem: pair.privateKey,
        certificatePem: signCertificate({
          subject: names[0] ?? 'server',
          issuer: commonName,
          publicKey: publicKeyOf(pair.privateKey),
          signingKey: authority.privateKey,
          nowMs,
          extensions: [
            extension('551d11', false, sequence(...alternatives)),
            // serverAuth
            extension('551d25', false, sequence(objectId('2b06010505070301'))),
          ],
        }),
      };
    },
  };
}

function publicKeyOf(privateKeyPem: string): KeyObject {
  return createPublicKey(createPrivateKey(privateKeyPem));
}

interface CertificateInput {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly nowMs: number;
  readonly extensions: readonly Buffer[];
}

function signCertificate(input: CertificateInput): string {
  const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'));
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    distinguishedName(input.issuer),
    sequence(utcTime(input.nowMs - 3600_000), utcTime(input.nowMs + validityMs)),
    distinguishedName(input.subject),
    input.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...input.extensions)),
  );
  const signature = sign('sha256', body, input.signingKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.from([value ? 0xff : 0]));
}

/** An object identifier from the hexadecimal digits of its encoded content. */
function objectId(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName, 'utf8')))));
}

/** UTCTime is what RFC 5280 wants until 2049. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`, 'latin1'));
}

function extension(idHex: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(idHex), ...(critical ? [boolean(true)] : []), der(0x04, value));
}
