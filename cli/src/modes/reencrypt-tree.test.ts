import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatYaml,
  generateSealingKey,
  importUnsealingKey,
  issueCertificate,
  parseSealingCertificate,
  type SealedSecret,
  type SealingCertificate,
  sealedSecretDocument,
  sealSecret,
  type UnsealingKey,
} from '@waxwing/shared';
import { aSecret, testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createTestIo } from '../testing/index.ts';
import { offlineReseal, resealFile } from './reencrypt-tree.ts';

const random = (length: number) => randomBytes(length);
const old = testKey();
let oldKey: UnsealingKey;
let newKey: UnsealingKey;
let certificate: SealingCertificate;
beforeAll(async () => {
  oldKey = await importUnsealingKey(old.privateKey);
  const { privateKey, publicKey } = await generateSealingKey(2048);
  newKey = await importUnsealingKey(privateKey);
  const validity = { notBefore: new Date(), validForMs: 86_400_000 };
  certificate = parseSealingCertificate(
    await issueCertificate({ privateKey, publicKey, commonName: '', ...validity, randomBytes: random }),
  );
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-reseal-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const io = () => createTestIo({ workingFolder: folder });
const sealedOld = (): SealedSecret =>
  sealSecret(aSecret({ data: { a: '1', b: '2' } }), { publicKey: old.publicKey, randomBytes: random });
const text = (sealed: SealedSecret) => formatYaml(sealedSecretDocument(sealed));
const reseal = (keys: readonly UnsealingKey[]) =>
  resealFile(io(), 'f.yaml', certificate.keyId, offlineReseal(keys, certificate, io()));
const write = (content: string) => writeFileSync(join(folder, 'f.yaml'), content);
const read = () => readFileSync(join(folder, 'f.yaml'), 'utf8');
const withoutCiphertexts = (content: string) => content.replaceAll(/AQ[A-Za-z0-9+/=]{40,}/g, 'X');

test('stale items are sealed again and every other byte stays', async () => {
  const before = `# a comment\r\nkind: ConfigMap\napiVersion: v1\n---\n# above\n${text(sealedOld())}# below\n`;
  write(before);
  expect(await reseal([oldKey, newKey])).toEqual([
    { file: 'f.yaml', object: 'payments/db-credentials', action: 'sealed again', items: 2 },
  ]);
  expect(read()).not.toBe(before);
  expect(withoutCiphertexts(read())).toBe(withoutCiphertexts(before));
});

test('a second run finds everything current and does not touch the file', async () => {
  write(text(sealedOld()));
  await reseal([oldKey, newKey]);
  const content = read();
  const { mtimeMs, ino } = statSync(join(folder, 'f.yaml'));
  expect(await reseal([oldKey, newKey])).toMatchObject([{ action: 'current', items: 0 }]);
  expect(read()).toBe(content);
  expect(statSync(join(folder, 'f.yaml'))).toMatchObject({ mtimeMs, ino });
});

test('an object that does not open is told and stays, the others are done', async () => {
  const foreign = { ...sealedOld(), metadata: { ...sealedOld().metadata, name: 'renamed' } };
  const foreignText = text(foreign);
  write(`${foreignText}---\n${text(sealedOld())}`);
  const results = await reseal([oldKey, newKey]);
  expect(results.map(({ action }) => action)).toEqual(['failed', 'sealed again']);
  expect(results[0]?.reason).toContain('no key of the backup opens a, b');
  expect(read().startsWith(foreignText)).toBe(true);
});

test('the key hint follows where there is one', async () => {
  const sealed = sealSecret(aSecret(), { publicKey: old.publicKey, randomBytes: random, keyId: oldKey.id });
  write(text(sealed));
  await reseal([oldKey, newKey]);
  expect(read()).toContain(`waxwing.dev/key-id: ${certificate.keyId}`);
});

test('without the key of the certificate in the backup, what does not open may be current, and is said to be', async () => {
  write(text(sealedOld()));
  await reseal([oldKey, newKey]);
  const [result] = await reseal([oldKey]);
  expect(result?.reason).toContain('they may be current already');
});
