import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  type X509Certificate,
} from 'node:crypto';
import { type CertificateRequest, EffectError, TemplateCertificate } from '../gotemplate/index.ts';
import {
  type Asn1,
  bitString,
  boolean,
  childrenOf,
  type Forge,
  fromDer,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  pemOf,
  sequence,
  set,
  tagged,
  taggedBytes,
  time,
  toDer,
  utf8String,
} from './template-asn1.ts';
import { keyPem, parseCertificate, parsePrivateKey } from './template-keys.ts';

/** Certificates of templates (RFC 5280), with the fields and extensions that sprig gives them. */

const dayMs = 24 * 60 * 60 * 1000;

/** Issues a certificate; node-forge writes the structure, OpenSSL signs. Throws `EffectError`. */
export function issueTemplateCertificate(
  forge: Forge,
  request: CertificateRequest,
  nowMs: number,
): TemplateCertificate {
  // In the order of the original: a bad authority is told before a key is made in vain.
  const issuer = request.authority === undefined ? undefined : parseAuthority(request.authority);
  const key =
    request.keyPem === undefined
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : parsePrivateKey(request.keyPem);
  const algorithm = signatureAlgorithm(forge, issuer?.key ?? key);
  const subject = nameOf(forge, request.commonName);
  const tbs = sequence(forge, [
    tagged(forge, 0, [integer(forge, '\x02')]),
    integer(forge, serialNumber()),
    algorithm.identifier,
    issuer === undefined ? subject : subjectOf(forge, issuer.certificate),
    validity(forge, nowMs, request.daysValid),
    subject,
    fromDer(forge, publicKeyDer(key)),
    tagged(forge, 3, [sequence(forge, extensions(forge, request, key, issuer?.certificate))]),
  ]);
  const signature = algorithm.sign(toDer(forge, tbs)).toString('binary');
  const certificate = sequence(forge, [tbs, algorithm.identifier, bitString(forge, signature)]);
  return new TemplateCertificate(pemOf('CERTIFICATE', toDer(forge, certificate)), keyPem(key));
}

function parseAuthority(authority: TemplateCertificate): { certificate: X509Certificate; key: KeyObject } {
  const certificate = parseCertificate(authority.certificatePem);
  const key = parsePrivateKey(authority.keyPem);
  if (!certificate.checkPrivateKey(key)) {
    throw new EffectError("error creating certificate: the private key is not that of the authority's certificate");
  }
  return { certificate, key };
}

function publicKeyDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

interface SignatureAlgorithm {
  readonly identifier: Asn1;
  readonly sign: (data: Buffer) => Buffer;
}

/** The algorithm Go chooses for a key. Keys that cannot sign certificates there are refused. */
function signatureAlgorithm(forge: Forge, key: KeyObject): SignatureAlgorithm {
  const identifier = (oid: string, ...parameters: Asn1[]): Asn1 =>
    sequence(forge, [objectIdentifier(forge, oid), ...parameters]);
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return {
        identifier: identifier('1.2.840.113549.1.1.11', nothing(forge)),
        sign: (data) => sign('sha256', data, key),
      };
    case 'ed25519':
      return { identifier: identifier('1.3.101.112'), sign: (data) => sign(null, data, key) };
    case 'ec': {
      const bits = key.asymmetricKeyDetails?.namedCurve;
      const [oid, digest] =
        bits === 'secp521r1'
          ? (['1.2.840.10045.4.3.4', 'sha512'] as const)
          : bits === 'secp384r1'
            ? (['1.2.840.10045.4.3.3', 'sha384'] as const)
            : (['1.2.840.10045.4.3.2', 'sha256'] as const);
      return { identifier: identifier(oid), sign: (data) => sign(digest, data, key) };
    }
    default:
      throw new EffectError('error creating certificate: only RSA, ECDSA and Ed25519 keys can sign');
  }
}

/** A random positive number of at most 128 bits, as minimal big-endian bytes. */
function serialNumber(): string {
  const bytes = randomBytes(16)
    .toString('binary')
    .replace(/^\0+(?=.)/s, '');
  return bytes.charCodeAt(0) >= 0x80 ? `\0${bytes}` : bytes;
}

/** A distinguished name with nothing but a common name; empty without one. */
function nameOf(forge: Forge, commonName: string): Asn1 {
  if (commonName === '') return sequence(forge, []);
  const attribute = sequence(forge, [objectIdentifier(forge, '2.5.4.3'), utf8String(forge, commonName)]);
  return sequence(forge, [set(forge, attribute)]);
}

/** The subject of a certificate exactly as it stands there: chains are built by comparing bytes. */
function subjectOf(forge: Forge, certificate: X509Certificate): Asn1 {
  const fields = (childrenOf(forge, certificate.raw)[0]?.value ?? []) as Asn1[];
  // The optional version is a context-specific tag; the subject is the fifth field behind it.
  const hasVersion = fields[0]?.tagClass === forge.asn1.Class.CONTEXT_SPECIFIC;
  const subject = fields[hasVersion ? 5 : 4];
  if (subject === undefined) throw new EffectError('error parsing certificate');
  return subject;
}

/** The last moment that a certificate can hold. */
const lastMoment = Date.UTC(9999, 11, 31, 23, 59, 59);

function validity(forge: Forge, nowMs: number, daysValid: bigint): Asn1 {
  const notBefore = Math.floor(nowMs / 1000) * 1000;
  const notAfter = notBefore + Number(daysValid) * dayMs;
  if (notAfter > lastMoment || notAfter < 0)
    throw new EffectError('error creating certificate: the validity ends too far away');
  return sequence(forge, [time(forge, new Date(notBefore)), time(forge, new Date(notAfter))]);
}

function extensions(
  forge: Forge,
  request: CertificateRequest,
  key: KeyObject,
  issuer: X509Certificate | undefined,
): Asn1[] {
  const extension = (oid: string, value: Asn1, isCritical = false): Asn1 =>
    sequence(forge, [
      objectIdentifier(forge, oid),
      ...(isCritical ? [boolean(forge, true)] : []),
      octetString(forge, toDer(forge, value).toString('binary')),
    ]);
  // Digital signature and key encipherment; an authority also signs certificates.
  const keyUsage = request.isAuthority ? bitString(forge, '\xa4', 2) : bitString(forge, '\xa0', 5);
  const serverAndClient = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'].map((oid) => objectIdentifier(forge, oid));
  const list = [
    extension('2.5.29.15', keyUsage, true),
    extension('2.5.29.37', sequence(forge, serverAndClient)),
    extension('2.5.29.19', sequence(forge, request.isAuthority ? [boolean(forge, true)] : []), true),
  ];
  if (request.isAuthority)
    list.push(extension('2.5.29.14', octetString(forge, keyIdentifier(forge, publicKeyDer(key)))));
  if (issuer?.ca) {
    const issuerKey = issuer.publicKey.export({ type: 'spki', format: 'der' });
    list.push(extension('2.5.29.35', sequence(forge, [taggedBytes(forge, 0, keyIdentifier(forge, issuerKey))])));
  }
  const names = [
    ...request.dnsNames.map((name) => taggedBytes(forge, 2, name)),
    ...request.ipAddresses.map((address) => taggedBytes(forge, 7, addressBytes(address))),
  ];
  // Without a subject, the alternative names are what the certificate is about.
  if (names.length > 0) list.push(extension('2.5.29.17', sequence(forge, names), request.commonName === ''));
  return list;
}

/** The leftmost 160 bits of SHA-256 over the public key (RFC 7093, section 2, method 1), as Go 1.26 has it. */
function keyIdentifier(forge: Forge, spki: Buffer): string {
  const content = String(childrenOf(forge, spki)[1]?.value ?? '').slice(1);
  return createHash('sha256').update(content, 'binary').digest().subarray(0, 20).toString('binary');
}

/** An IP address in network byte order; IPv4 in IPv6 notation counts as IPv4. */
function addressBytes(address: string): string {
  const ipv4 = (text: string): string => String.fromCharCode(...text.split('.').map(Number));
  if (!address.includes(':')) return ipv4(address);
  const [head = '', tail] = address.split('::');
  const groups = (half: string): string =>
    half
      .split(':')
      .filter((group) => group !== '')
      .map((group) => {
        if (group.includes('.')) return ipv4(group);
        const value = Number.parseInt(group, 16);
        return String.fromCharCode(value >> 8, value & 0xff);
      })
      .join('');
  const left = groups(head);
  const right = tail === undefined ? '' : groups(tail);
  const bytes = left + '\0'.repeat(16 - left.length - right.length) + right;
  return bytes.startsWith('\0\0\0\0\0\0\0\0\0\0\xff\xff') ? bytes.slice(12) : bytes;
}
