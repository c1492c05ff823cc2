import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { byteStringFromText, renderTemplate, TemplateCertificate } from '../gotemplate/index.ts';
import { createTemplateEffects } from './template-effects.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const effects = await createTemplateEffects({ withCostlyFunctions: true, now: () => now });
const request = { commonName: 'svc', ipAddresses: [], dnsNames: [], daysValid: 10n, isAuthority: false };

describe('keys', () => {
  const types = [
    ['rsa', 'RSA PRIVATE KEY', 'rsa'],
    ['ecdsa', 'EC PRIVATE KEY', 'ec'],
    ['ed25519', 'PRIVATE KEY', 'ed25519'],
    ['dsa', 'DSA PRIVATE KEY', 'dsa'],
  ] as const;
  for (const [type, label, keyType] of types) {
    test(`of type ${type} are PEM that OpenSSL reads`, () => {
      const pem = effects.generateKey(type);
      expect(pem).toMatch(new RegExp(`^-----BEGIN ${label}-----\n[A-Za-z0-9+/=\n]+\n-----END ${label}-----\n$`));
      expect(createPrivateKey(pem).asymmetricKeyType).toBe(keyType);
    });
  }
});

describe('certificates', () => {
  for (const keyType of ['rsa', 'ecdsa', 'ed25519'] as const) {
    test(`for ${keyType} keys are signed by their authority`, () => {
      const authority = effects.issueCertificate({
        ...request,
        commonName: 'ca',
        isAuthority: true,
        keyPem: effects.generateKey(keyType),
      });
      const issued = effects.issueCertificate({
        ...request,
        authority,
        dnsNames: ['a.example', 'b'],
        ipAddresses: ['10.0.0.1', '::1', '::ffff:1.2.3.4'],
      });
      const ca = new X509Certificate(authority.certificatePem);
      const certificate = new X509Certificate(issued.certificatePem);
      expect(ca.verify(ca.publicKey)).toBe(true);
      expect(ca.ca).toBe(true);
      expect(certificate.verify(ca.publicKey)).toBe(true);
      expect(certificate.checkIssued(ca)).toBe(true);
      expect(certificate.ca).toBe(false);
      expect(certificate.issuer).toBe('CN=ca');
      expect(certificate.subject).toBe('CN=svc');
      expect(certificate.subjectAltName).toBe(
        'DNS:a.example, DNS:b, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:1.2.3.4',
      );
      expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
      expect(certificate.validFromDate.toISOString()).toBe('2026-01-02T03:04:05.000Z');
      expect(certificate.validToDate.toISOString()).toBe('2026-01-12T03:04:05.000Z');
      expect(certificate.checkPrivateKey(createPrivateKey(issued.keyPem))).toBe(true);
    });
  }

  test('may last beyond 2050', () => {
    const keyPem = effects.generateKey('ecdsa');
    const { certificatePem } = effects.issueCertificate({ ...request, daysValid: 36_500n, keyPem });
    expect(new X509Certificate(certificatePem).validToDate.getUTCFullYear()).toBe(2125);
  });

  test('have a common name of any letters, or none', () => {
    const keyPem = effects.generateKey('ecdsa');
    const named = effects.issueCertificate({ ...request, commonName: byteStringFromText('dïenst'), keyPem });
    expect(new X509Certificate(named.certificatePem).subject).toBe('CN=dïenst');
    expect(
      new X509Certificate(effects.issueCertificate({ ...request, commonName: '', keyPem }).certificatePem).subject,
    ).toBeUndefined();
  });

  test('give back the key they were made for, in the form of its kind', () => {
    const pkcs8 = createPrivateKey(effects.generateKey('ecdsa')).export({ type: 'pkcs8', format: 'pem' }).toString();
    const { keyPem } = effects.issueCertificate({ ...request, keyPem: pkcs8 });
    expect(keyPem).toMatch(/^-----BEGIN EC PRIVATE KEY-----/);
    expect(createPublicKey(keyPem).export({ type: 'spki', format: 'pem' })).toEqual(
      createPublicKey(pkcs8).export({ type: 'spki', format: 'pem' }),
    );
  });

  test('are refused for an authority whose key is another, for keys that cannot sign, and for what is no PEM', () => {
    const keyPem = effects.generateKey('ecdsa');
    const authority = effects.issueCertificate({ ...request, isAuthority: true, keyPem });
    const swapped = new TemplateCertificate(authority.certificatePem, effects.generateKey('ecdsa'));
    expect(() => effects.issueCertificate({ ...request, authority: swapped, keyPem })).toThrow(
      "not that of the authority's certificate",
    );
    expect(() => effects.issueCertificate({ ...request, keyPem: effects.generateKey('dsa') })).toThrow(
      'only RSA, ECDSA and Ed25519',
    );
    expect(() => effects.issueCertificate({ ...request, keyPem: 'secret-marker' })).toThrow('no PEM data in input');
  });
});

describe('password hashes', () => {
  test('are bcrypt of version 2a, and verify', async () => {
    const { default: bcrypt } = await import('bcryptjs');
    const hash = effects.bcrypt(new TextEncoder().encode('pässwörd'));
    expect(hash).toMatch(/^\$2a\$10\$.{53}$/);
    expect(bcrypt.compareSync('pässwörd', hash)).toBe(true);
  });

  test('are refused for what is no UTF-8', () => {
    expect(() => effects.bcrypt(Uint8Array.of(0xff))).toThrow('bcrypt takes only passwords that are UTF-8');
  });
});

test('without costly functions their libraries are not there', async () => {
  const cheap = await createTemplateEffects({ withCostlyFunctions: false });
  const render = () =>
    renderTemplate({ name: 't', text: '{{ genPrivateKey "rsa" }}', data: new Map(), effects: cheap });
  expect(render).toThrow('error calling genPrivateKey: key generation is switched off here');
});
