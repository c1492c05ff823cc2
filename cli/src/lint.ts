import {
  clusterWideAnnotation,
  type DocumentPath,
  type DocumentValue,
  decodeBase64,
  formatPath,
  isSealedSecretsError,
  namespaceWideAnnotation,
  parseEnvelope,
  positionOf,
  readSealedSecret,
  type SealedSecret,
  type SourceDocument,
  sealedSecretResource,
  valueAt,
} from '@waxwing/shared';
import { parsePath } from './documents.ts';

/** Names of the checks, stable, for people who look one up or switch one off. */
export type LintRule =
  | 'invalid-object'
  | 'plain-secret'
  | 'missing-name'
  | 'missing-namespace'
  | 'unknown-field'
  | 'item-name'
  | 'not-base64'
  | 'not-an-envelope'
  | 'unusual-key-size'
  | 'no-items'
  | 'scope-value'
  | 'scope-both'
  | 'scope-only-in-template'
  | 'template-place'
  | 'template-syntax'
  | 'template-function'
  | 'template-overridden'
  | 'template-null'
  | 'deprecated-data'
  | 'duplicate-object';

export interface Finding {
  readonly rule: LintRule;
  /** An error makes the exit status 4; a warning does not. */
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the text of a template; kept apart, because the engine is loaded only when there is one. */
export type TemplateLint = (
  entry: string,
  text: string,
) => readonly { readonly rule: 'template-syntax' | 'template-function'; readonly message: string }[];

/** How a check reports: rule, path, text. */
type Report = (rule: LintRule, path: DocumentPath, message: string, severity?: Finding['severity']) => void;

/**
 * Checks one document that is about to be committed. Nothing is decrypted and no cluster is asked. Documents of other kinds are left alone, but
 * for plain Secrets, which do not belong into a repository.
 */
export function lintDocument(document: SourceDocument, lintTemplate: TemplateLint): Finding[] {
  const findings: Finding[] = [];
  const report: Report = (rule, path, message, severity = 'error') => {
    const { line, column } = positionOf(document, path, 'key');
    findings.push({ rule, severity, path: formatPath(path), message, line, column });
  };
  const kind = valueAt(document.value, ['kind']);
  if (kind === 'Secret' && valueAt(document.value, ['apiVersion']) === 'v1') {
    report('plain-secret', ['kind'], 'a plain Secret: its values can be read by everybody who sees this file; seal it');
  }
  if (kind !== sealedSecretResource.kind) return findings;
  const sealedSecret = readOrReport(document, report);
  if (sealedSecret === undefined) return findings;
  lintFields(document.value, report);
  lintSealedSecret(sealedSecret, lintTemplate, report);
  return findings;
}

/** The checks of an object, wherever it comes from. */
export function lintSealedSecret(sealedSecret: SealedSecret, lintTemplate: TemplateLint, report: Report): void {
  lintPlace(sealedSecret, report);
  lintScope(sealedSecret, report);
  lintItems(sealedSecret, report);
  lintTemplates(sealedSecret, lintTemplate, report);
}

function readOrReport(document: SourceDocument, report: Report): SealedSecret | undefined {
  try {
    return readSealedSecret(document.value);
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    if (error.violations.length === 0) report('invalid-object', [], error.message);
    for (const { path, message } of error.violations) report('invalid-object', parsePath(path), message);
    return undefined;
  }
}

function lintPlace({ metadata, spec }: SealedSecret, report: Report): void {
  if (metadata.name === '') report('missing-name', ['metadata'], 'metadata.name is missing');
  if (metadata.namespace === '') {
    report(
      'missing-namespace',
      ['metadata'],
      'metadata.namespace is missing: where it opens depends on where it is applied',
      'warning',
    );
  }
  const isStrict =
    !metadata.annotations.has(clusterWideAnnotation) && !metadata.annotations.has(namespaceWideAnnotation);
  for (const field of ['name', 'namespace'] as const) {
    const written = spec.template.metadata[field];
    if (isStrict && written !== '' && metadata[field] !== '' && written !== metadata[field]) {
      const message = `says ${written}, but the object is ${metadata[field]}: a strict item sealed for the one does not open in the other`;
      report('template-place', ['spec', 'template', 'metadata', field], message);
    }
  }
}

const knownFields: Readonly<Record<string, readonly string[]>> = {
  '': ['apiVersion', 'kind', 'metadata', 'spec', 'status'],
  spec: ['data', 'encryptedData', 'template'],
  'spec.template': ['data', 'immutable', 'metadata', 'type'],
};

/** The API server drops unknown fields without a word. */
function lintFields(value: DocumentValue, report: Report): void {
  for (const [place, known] of Object.entries(knownFields)) {
    const path = place === '' ? [] : place.split('.');
    const object = valueAt(value, path);
    if (!(object instanceof Map)) continue;
    for (const field of object.keys()) {
      if (known.includes(field)) continue;
      report(
        'unknown-field',
        [...path, field],
        `is not a field of a SealedSecret and will be dropped (known: ${known.join(', ')})`,
      );
    }
  }
}

function lintScope({ metadata, spec }: SealedSecret, report: Report): void {
  const annotations = [clusterWideAnnotation, namespaceWideAnnotation];
  const place = ['metadata', 'annotations'];
  for (const name of annotations) {
    const value = metadata.annotations.get(name);
    if (value !== undefined && value !== 'true' && value !== 'false') {
      report(
        'scope-value',
        [...place, name],
        `only the exact text "true" switches a scope on, not ${JSON.stringify(value)}`,
      );
    }
  }
  if (annotations.every((name) => metadata.annotations.get(name) === 'true')) {
    report(
      'scope-both',
      [...place, namespaceWideAnnotation],
      'both scopes are declared; cluster-wide applies',
      'warning',
    );
  }
  for (const name of annotations) {
    if (spec.template.metadata.annotations.get(name) === 'true' && !metadata.annotations.has(name)) {
      const message = 'a scope in the template has no effect; it belongs into metadata.annotations of the SealedSecret';
      report('scope-only-in-template', ['spec', 'template', 'metadata', 'annotations', name], message);
    }
  }
}

const itemName = /^[-._a-zA-Z0-9]{1,253}$/;
/** Bytes of the wrapped key for RSA keys of 2048, 3072 and 4096 bits. */
const usualKeyBytes = [256, 384, 512];

function lintItems({ spec }: SealedSecret, report: Report): void {
  const place = ['spec', 'encryptedData'];
  if (spec.data !== undefined) {
    report('deprecated-data', ['spec', 'data'], 'spec.data is the deprecated format: seal the Secret again', 'warning');
  } else if (spec.encryptedData.size === 0 && spec.template.data.size === 0) {
    report('no-items', ['spec'], 'there are no items', 'warning');
  }
  for (const [item, ciphertext] of spec.encryptedData) {
    const path = [...place, item];
    if (!itemName.test(item)) report('item-name', path, 'is not a valid key of a Secret (letters, digits, -, _ and .)');
    lintCiphertext(ciphertext, path, report);
  }
}

function lintCiphertext(ciphertext: string, path: DocumentPath, report: Report): void {
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(ciphertext);
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    report('not-base64', path, `${error.message}; was the line cut or edited?`);
    return;
  }
  const envelope = parseEnvelope(bytes);
  if (envelope === undefined) {
    report('not-an-envelope', path, 'is too short to be a sealed value; was it sealed at all, or cut?');
  } else if (!usualKeyBytes.includes(envelope.wrappedKey.length)) {
    const bits = envelope.wrappedKey.length * 8;
    report('unusual-key-size', path, `claims a key of ${bits} bits; is this a sealed value?`, 'warning');
  }
}

function lintTemplates({ spec }: SealedSecret, lintTemplate: TemplateLint, report: Report): void {
  for (const [entry, text] of spec.template.data) {
    const path = ['spec', 'template', 'data', entry];
    const sealed = spec.encryptedData.has(entry);
    if (text === null) {
      if (!sealed) report('template-null', path, 'null omits an item, but there is no item of that name', 'warning');
      continue;
    }
    if (sealed) {
      report(
        'template-overridden',
        path,
        'has no effect: the sealed item of the same name is what the Secret gets',
        'warning',
      );
    }
    for (const { rule, message } of lintTemplate(entry, text)) report(rule, path, message);
  }
}
