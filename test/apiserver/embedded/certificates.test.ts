import { X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { createCertificateAuthority } from './certificates.ts';

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

it('issues certificates that OpenSSL accepts as signed by the authority, for names and addresses', () => {
  const authority = createCertificateAuthority('test-ca', now);
  const issued = authority.issue(['localhost', 'kubernetes.default.svc'], ['127.0.0.1', '10.0.0.200']);
  const root = new X509Certificate(authority.certificatePem);
  const leaf = new X509Certificate(issued.certificatePem);
  expect(root.ca).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc');
  expect(leaf.checkIP('10.0.0.200')).toBe('10.0.0.200');
  expect(leaf.checkHost('elsewhere')).toBeUndefined();
  expect(leaf.subject).toBe('CN=localhost');
  expect(Date.parse(leaf.validFrom)).toBeLessThan(now);
  expect(Date.parse(leaf.validTo)).toBeGreaterThan(now);
});

it('does not sign with the key of another authority of the same name', () => {
  const other = new X509Certificate(createCertificateAuthority('test-ca', now).certificatePem);
  const leaf = new X509Certificate(createCertificateAuthority('test-ca', now).issue(['localhost'], []).certificatePem);
  expect(leaf.verify(other.publicKey)).toBe(false);
});
