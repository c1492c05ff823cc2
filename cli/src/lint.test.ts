import { randomBytes } from 'node:crypto';
import {
  clusterWideAnnotation,
  formatYaml,
  namespaceWideAnnotation,
  readDocuments,
  type SealedSecret,
  sealedSecretDocument,
  sealSecret,
} from '@waxwing/shared';
import { aSecret, testKey } from '@waxwing/shared/testing';
import { describe, expect, test } from 'vitest';
import { type Finding, lintDocument } from './lint.ts';

const sealer = { publicKey: testKey().publicKey, randomBytes: (length: number) => randomBytes(length) };
const goodTemplates = () => [];

function lintText(text: string, lintTemplate: Parameters<typeof lintDocument>[1] = goodTemplates): Finding[] {
  return [...readDocuments(text)].flatMap((document) => lintDocument(document, lintTemplate));
}

/** The findings of a sealed Secret after a change of its text; `rule line` of each. */
function lintSealed(change: (text: string) => string, sealed: SealedSecret = sealSecret(aSecret(), sealer)): string[] {
  return lintText(change(formatYaml(sealedSecretDocument(sealed)))).map(({ rule, line }) => `${rule} ${line}`);
}

const lineWith = (text: string, part: string) => text.split('\n').findIndex((line) => line.includes(part)) + 1;
const plainText = formatYaml(sealedSecretDocument(sealSecret(aSecret(), sealer)));

describe('lint', () => {
  test('finds nothing in what we seal', () => {
    for (const annotations of [{}, { [clusterWideAnnotation]: 'true' }, { [namespaceWideAnnotation]: 'true' }]) {
      expect(lintSealed((text) => text, sealSecret(aSecret({ metadata: { annotations } }), sealer))).toEqual([]);
    }
  });

  test('leaves objects of other kinds alone, but not plain Secrets', () => {
    expect(lintText('kind: ConfigMap\napiVersion: v1\n')).toEqual([]);
    const [finding] = lintText('# a comment\nkind: Secret\napiVersion: v1\nmetadata: {name: x}\n');
    expect(finding).toMatchObject({ rule: 'plain-secret', severity: 'error', line: 2, path: 'kind' });
  });

  test('finds a ciphertext that was cut, at its line', () => {
    const line = lineWith(plainText, 'username:');
    expect(lintSealed((text) => text.replace(/username: .*/, 'username: AgAx'))).toEqual([`not-an-envelope ${line}`]);
    expect(lintSealed((text) => text.replace(/username: .*/, 'username: not base64'))).toEqual([`not-base64 ${line}`]);
  });

  test('finds what claims a key of an unusual size', () => {
    const text = Buffer.alloc(100, 1).toString('base64');
    expect(lintSealed((document) => document.replace(/username: .*/, `username: ${text}`))[0]).toContain(
      'not-an-envelope',
    );
    const odd = Buffer.concat([Buffer.of(0, 64), Buffer.alloc(100)]).toString('base64');
    expect(lintSealed((document) => document.replace(/username: .*/, `username: ${odd}`))[0]).toContain(
      'unusual-key-size',
    );
  });

  test('finds fields that the API server would drop', () => {
    const rules = lintSealed((text) => text.replace('  template:\n', '  template:\n    stringData:\n      a: b\n'));
    expect(rules).toEqual([`unknown-field ${lineWith(plainText, 'template:') + 1}`]);
  });

  test('finds scope annotations without effect', () => {
    const withTop = (value: string) => (text: string) =>
      text.replace('metadata:\n  name', `metadata:\n  annotations:\n    ${clusterWideAnnotation}: "${value}"\n  name`);
    expect(lintSealed(withTop('True'))).toEqual(['scope-value 5']);
    const inTemplate = sealSecret(aSecret({ metadata: { annotations: { [clusterWideAnnotation]: 'true' } } }), sealer);
    const stripped = { ...inTemplate, metadata: { ...inTemplate.metadata, annotations: new Map() } };
    expect(lintSealed((text) => text, stripped)[0]).toContain('scope-only-in-template');
  });

  test('finds a strict object that was renamed', () => {
    expect(lintSealed((text) => text.replace('  name: db-credentials\n', '  name: renamed\n'))[0]).toContain(
      'template-place',
    );
  });

  test('finds wrong types with their place', () => {
    const text =
      'kind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: 5\nspec:\n  encryptedData: {}\n';
    expect(lintText(text)).toEqual([
      expect.objectContaining({ rule: 'invalid-object', path: 'metadata.name', line: 4 }),
    ]);
  });

  test('asks for every template entry and reports overridden ones', () => {
    const sealed = sealSecret(aSecret(), sealer);
    const data = new Map([
      ['username', 'x'],
      ['config', '{{ nope }}'],
      ['gone', null],
    ]);
    const object = { ...sealed, spec: { ...sealed.spec, template: { ...sealed.spec.template, data } } };
    const asked: string[] = [];
    const findings = lintText(formatYaml(sealedSecretDocument(object)), (entry) => {
      asked.push(entry);
      return entry === 'config' ? [{ rule: 'template-function', message: 'function "nope" not defined' }] : [];
    });
    expect(asked.sort()).toEqual(['config', 'username']);
    expect(findings.map(({ rule }) => rule).sort()).toEqual([
      'template-function',
      'template-null',
      'template-overridden',
    ]);
  });

  test('takes items with names that objects of JavaScript lose', () => {
    const secret = aSecret();
    const data = new Map([...secret.data, ['__proto__', Buffer.from('x')] as const, ['10', Buffer.from('y')] as const]);
    expect(lintSealed((text) => text, sealSecret({ ...secret, data }, sealer))).toEqual([]);
  });
});
