import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isInvalid, parseKeySecret } from './key-secret.ts';

const folder = new URL('../../../test/vectors/test-keys/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, folder), 'latin1');
const keySecretOf = (items: Record<string, string>) =>
  parseKeySecret({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'sealed-secrets-key', namespace: 'kube-system' },
    data: Object.fromEntries(
      Object.entries(items).map(([name, text]) => [name, Buffer.from(text, 'latin1').toString('base64')]),
    ),
  });

test('what stands around the PEM blocks may be in any encoding', () => {
  const prose = 'Schl\xfcssel f\xfcr den Betrieb\n';
  const parsed = keySecretOf({ 'tls.key': prose + pem('alpha.key.pem'), 'tls.crt': prose + pem('alpha.crt.pem') });
  expect(isInvalid(parsed) ? parsed.violations : []).toEqual([]);
});

test('bytes without a block are told as what they are not, and not quoted', () => {
  const parsed = keySecretOf({ 'tls.key': '\xff\xfehunter2', 'tls.crt': pem('alpha.crt.pem') });
  expect(parsed).toMatchObject({ violations: ['data["tls.key"] holds no private key in PEM'] });
});
