import { byteStringFromBytes, bytesFromByteString } from '../byte-string.ts';
import type { CertificateRequest, PrivateKeyType } from '../effects.ts';
import { CallError } from '../errors.ts';
import { typeName } from '../values/inspect.ts';
import { GoCertificate, type GoSlice } from '../values/value.ts';
import { type CallContext, define, param, type TemplateFunction } from './definition.ts';
import { decodeBase64, encodeBase64 } from './encoding.ts';
import { isIpAddress } from './ip-address.ts';

/** Digests, encryption, password hashes, keys and certificates. The cryptography itself comes from the effects. */

/** Units of costly work, about 10 ms each on a machine of 2025. */
const costOf = { rsa4096: 40, rsa2048: 8, dsa: 20, ecKey: 1, certificate: 1, bcrypt: 6, scrypt: 12 } as const;

function hexDigest({ effects }: CallContext, algorithm: 'sha1' | 'sha256' | 'sha512', text: string): string {
  const digest = effects.hash(algorithm, bytesFromByteString(text));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Adler-32 (RFC 1950) in decimal. */
function adler32(text: string): string {
  let low = 1;
  let high = 0;
  for (let i = 0; i < text.length; i++) {
    low = (low + text.charCodeAt(i)) % 65_521;
    high = (high + low) % 65_521;
  }
  return String(high * 65_536 + low);
}

const longestBcryptPassword = 72;

function bcryptHash({ budget, effects }: CallContext, password: string): string {
  if (password.length > longestBcryptPassword) {
    return 'failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes';
  }
  budget.spend(costOf.bcrypt);
  return effects.bcrypt(bytesFromByteString(password));
}

function htpasswd(context: CallContext, user: string, password: string): string {
  if (user.includes(':')) return `invalid username: ${user}`;
  return `${user}:${bcryptHash(context, password)}`;
}

// The "Master Password" algorithm, version 3 without its namespaces: templates of character classes.
const passwordTemplates: ReadonlyMap<string, readonly string[]> = new Map([
  ['maximum', ['anoxxxxxxxxxxxxxxxxx', 'axxxxxxxxxxxxxxxxxno']],
  [
    'long',
    `CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv
     CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv
     CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno`.split(
      /\s+/,
    ),
  ],
  ['medium', ['CvcnoCvc', 'CvcCvcno']],
  ['short', ['Cvcn']],
  ['basic', ['aaanaaan', 'aannaaan', 'aaannaaa']],
  ['pin', ['nnnn']],
]);

const vowels = 'AEIOU';
const consonants = 'BCDFGHJKLMNPQRSTVWXYZ';
const anyLetter = vowels + vowels.toLowerCase() + consonants + consonants.toLowerCase();
const characterClasses: ReadonlyMap<string, string> = new Map([
  ['V', vowels],
  ['C', consonants],
  ['v', vowels.toLowerCase()],
  ['c', consonants.toLowerCase()],
  ['A', vowels + consonants],
  ['a', anyLetter],
  ['n', '0123456789'],
  ['o', "@&%?,=[]_:-+*$#!'^~;()/."],
  ['x', `${anyLetter}0123456789!@#$%^&*()`],
]);

function uint32Bytes(value: number): string {
  return String.fromCharCode((value >>> 24) & 0xff, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

const derivationSeed = 'com.lyndir.masterpassword';

function derivePassword(
  { budget, effects }: CallContext,
  counter: bigint,
  type: string,
  password: string,
  user: string,
  site: string,
): string {
  const templates = passwordTemplates.get(type);
  if (templates === undefined) return `cannot find password template ${type}`;
  budget.spend(costOf.scrypt);
  const salt = bytesFromByteString(derivationSeed + uint32Bytes(user.length) + user);
  const key = effects.scrypt(bytesFromByteString(password), salt, {
    cost: 32_768,
    blockSize: 8,
    parallelization: 2,
    length: 64,
  });
  const message = derivationSeed + uint32Bytes(site.length) + site + uint32Bytes(Number(counter));
  const seed = effects.hmacSha256(key, bytesFromByteString(message));
  const template = templates[(seed[0] ?? 0) % templates.length] ?? '';
  return Array.from(template, (name, index) => {
    const characters = characterClasses.get(name) ?? '';
    return characters[(seed[index + 1] ?? 0) % characters.length];
  }).join('');
}

const aesBlock = 16;

/** The password's bytes as a key of 32, cut or filled with zeros. */
function aesKey(password: string): Uint8Array {
  const key = new Uint8Array(32);
  key.set(bytesFromByteString(password.slice(0, 32)));
  return key;
}

function encryptAes({ effects }: CallContext, password: string, plaintext: string): string {
  if (plaintext === '') return '';
  const padding = aesBlock - (plaintext.length % aesBlock);
  const padded = bytesFromByteString(plaintext + String.fromCharCode(padding).repeat(padding));
  const iv = effects.randomBytes(aesBlock);
  const encrypted = effects.aesCbc('encrypt', aesKey(password), iv, padded);
  return encodeBase64(byteStringFromBytes(iv) + byteStringFromBytes(encrypted));
}

function decryptAes({ effects }: CallContext, password: string, ciphertextBase64: string): string {
  if (ciphertextBase64 === '') return '';
  const decoded = decodeBase64(ciphertextBase64);
  if (!('bytes' in decoded)) throw new CallError('illegal base64 data');
  const { bytes } = decoded;
  if (bytes.length < aesBlock * 2 || bytes.length % aesBlock !== 0) {
    throw new CallError('the ciphertext is not a whole number of blocks');
  }
  const iv = bytesFromByteString(bytes.slice(0, aesBlock));
  const data = bytesFromByteString(bytes.slice(aesBlock));
  const padded = byteStringFromBytes(effects.aesCbc('decrypt', aesKey(password), iv, data));
  // The last byte says how much padding to drop; the original checks nothing else.
  const padding = padded.charCodeAt(padded.length - 1);
  if (padding > padded.length) throw new CallError('slice bounds out of range');
  return padded.slice(0, padded.length - padding);
}

const keyTypes: ReadonlyMap<string, PrivateKeyType> = new Map([
  ['', 'rsa'],
  ['rsa', 'rsa'],
  ['dsa', 'dsa'],
  ['ecdsa', 'ecdsa'],
  ['ed25519', 'ed25519'],
]);

const keyCosts: Record<PrivateKeyType, number> = {
  rsa: costOf.rsa4096,
  dsa: costOf.dsa,
  ecdsa: costOf.ecKey,
  ed25519: costOf.ecKey,
};

function generatePrivateKey({ budget, effects }: CallContext, type: string): string {
  const keyType = keyTypes.get(type);
  if (keyType === undefined) return `Unknown type ${type}`;
  budget.spend(keyCosts[keyType]);
  return effects.generateKey(keyType);
}

/** Strings of a list, or an error that says what they should have been. */
function namesOf(list: GoSlice, what: string): string[] {
  return list.elements().map((element) => {
    if (typeof element === 'string') return element;
    throw new CallError(`error processing ${what}: ${typeName(element)} is not a string`);
  });
}

function addressesOf(list: GoSlice): string[] {
  const addresses = namesOf(list, 'ip');
  if (!addresses.every(isIpAddress)) throw new CallError('error parsing ip');
  return addresses;
}

function issue({ budget, effects }: CallContext, request: CertificateRequest): GoCertificate {
  budget.spend(costOf.certificate + (request.keyPem === undefined ? costOf.rsa2048 : 0));
  return effects.issueCertificate(request);
}

function decodedPem(base64: string, what: string): string {
  const decoded = decodeBase64(base64);
  if (!('bytes' in decoded)) throw new CallError(`unable to decode base64 ${what}`);
  return decoded.bytes;
}

function customCertificate({ effects }: CallContext, certificateBase64: string, keyBase64: string): GoCertificate {
  const certificatePem = decodedPem(certificateBase64, 'certificate');
  const keyPem = decodedPem(keyBase64, 'private key');
  effects.checkCertificateAndKey(certificatePem, keyPem);
  return new GoCertificate(certificatePem, keyPem);
}

const { string, int, list, certificate } = param;

/** Functions that take so long that a caller may want to render elsewhere. */
export const costlyFunctions: readonly TemplateFunction[] = [
  define('bcrypt', [string], bcryptHash),
  define('htpasswd', [string, string], htpasswd),
  define('derivePassword', [param.uint32, string, string, string, string], derivePassword),
  define('genPrivateKey', [string], generatePrivateKey),
  define('genCA', [string, int], (context, commonName, daysValid) =>
    issue(context, { commonName, daysValid, ipAddresses: [], dnsNames: [], isAuthority: true }),
  ),
  define('genCAWithKey', [string, int, string], (context, commonName, daysValid, keyPem) =>
    issue(context, { commonName, daysValid, ipAddresses: [], dnsNames: [], isAuthority: true, keyPem }),
  ),
  define('genSelfSignedCert', [string, list, list, int], (context, commonName, ips, names, daysValid) =>
    issue(context, { ...subject(commonName, ips, names, daysValid) }),
  ),
  define(
    'genSelfSignedCertWithKey',
    [string, list, list, int, string],
    (context, commonName, ips, names, days, keyPem) =>
      issue(context, { ...subject(commonName, ips, names, days), keyPem }),
  ),
  define('genSignedCert', [string, list, list, int, certificate], (context, commonName, ips, names, days, authority) =>
    issue(context, { ...subject(commonName, ips, names, days), authority }),
  ),
  define(
    'genSignedCertWithKey',
    [string, list, list, int, certificate, string],
    (context, commonName, ips, names, days, authority, keyPem) =>
      issue(context, { ...subject(commonName, ips, names, days), authority, keyPem }),
  ),
];

function subject(commonName: string, ips: GoSlice, names: GoSlice, daysValid: bigint): CertificateRequest {
  const dnsNames = namesOf(names, 'alternate dns name');
  return { commonName, daysValid, ipAddresses: addressesOf(ips), dnsNames, isAuthority: false };
}

export const cryptoFunctions: readonly TemplateFunction[] = [
  define('sha1sum', [string], (context, text) => hexDigest(context, 'sha1', text)),
  define('sha256sum', [string], (context, text) => hexDigest(context, 'sha256', text)),
  define('sha512sum', [string], (context, text) => hexDigest(context, 'sha512', text)),
  define('adler32sum', [string], (_, text) => adler32(text)),
  define('encryptAES', [string, string], encryptAes),
  define('decryptAES', [string, string], decryptAes),
  define('buildCustomCert', [string, string], customCertificate),
  ...costlyFunctions,
];
