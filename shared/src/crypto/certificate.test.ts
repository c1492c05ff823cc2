import { randomBytes, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { testKey } from '../testing/index.ts';
import { assertNotExpired, issueCertificate, parseSealingCertificate } from './certificate.ts';

const day = 86_400_000;
const { privateKey, publicKey } = testKey();
const request = {
  privateKey,
  publicKey,
  commonName: '',
  notBefore: new Date('2026-01-02T03:04:05.678Z'),
  validForMs: 10 * day,
  randomBytes: (length: number) => randomBytes(length),
};

describe('the certificate of a new key', () => {
  let pem: string;
  let certificate: X509Certificate;
  beforeAll(async () => {
    pem = await issueCertificate(request);
    certificate = new X509Certificate(pem);
  });

  test('is signed by its own key and carries it', () => {
    expect(certificate.verify(publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(privateKey)).toBe(true);
  });

  test('is a CA with an empty name', () => {
    // Extension id 2.5.29.19, critical, SEQUENCE of BOOLEAN TRUE. (`ca` is false: it asks for a key usage this CA has not.)
    expect(certificate.raw.toString('hex')).toContain('0603551d130101ff040530030101ff');
    expect(certificate.subject ?? '').toBe('');
  });

  test('has a critical key usage of encipherOnly alone, in the DER that upstream writes', () => {
    // Extension id 2.5.29.15, critical, OCTET STRING with BIT STRING 03 02 00 01.
    expect(certificate.raw.toString('hex')).toContain('0603551d0f0101ff040403020001');
  });

  test('is valid from the second of its making for as long as asked', () => {
    const parsed = parseSealingCertificate(pem);
    expect(parsed.notBefore.toISOString()).toBe('2026-01-02T03:04:05.000Z');
    expect(parsed.notAfter.getTime() - parsed.notBefore.getTime()).toBe(10 * day);
  });

  test('expires', () => {
    const parsed = parseSealingCertificate(pem);
    expect(() => assertNotExpired(parsed, new Date('2026-01-12T03:04:05Z'))).not.toThrow();
    expect(() => assertNotExpired(parsed, new Date('2026-01-12T03:04:06Z'))).toThrow(
      'failed to encrypt using an expired certificate on January 12, 2026',
    );
  });
});

test('a common name may hold any character', async () => {
  const pem = await issueCertificate({ ...request, commonName: 'Prod – Zürich' });
  expect(parseSealingCertificate(pem).commonName).toBe('Prod – Zürich');
});

test.each([[[0x00, 0x00, 0x7f]], [[0xff, 0x01]], [[0x00, 0x80, 0x01]]])(
  'serial numbers are minimal positive integers (%j)',
  async (start) => {
    const pem = await issueCertificate({
      ...request,
      randomBytes: (length) => Uint8Array.from({ length }, (_, index) => start[index] ?? 7),
    });
    const expected = start.map((byte) => byte.toString(16).padStart(2, '0')).join('') + '07'.repeat(16 - start.length);
    expect(BigInt(`0x${new X509Certificate(pem).serialNumber}`)).toBe(BigInt(`0x${expected}`));
  },
);
