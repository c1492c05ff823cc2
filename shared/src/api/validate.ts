import { decodeBase64, encodeUtf8 } from '../encoding.ts';
import { isSealedSecretsError, SealedSecretsError } from '../errors.ts';
import {
  asString,
  booleanField,
  createDecoder,
  type Decoder,
  describe,
  entriesOf,
  type Field,
  fieldOf,
  integerField,
  isObject,
  joinPath,
  type Leniency,
  listField,
  objectField,
  stringField,
  stringMapField,
  violate,
} from './decode.ts';
import type {
  Condition,
  ConditionStatus,
  ObjectMeta,
  OwnerReference,
  SealedSecret,
  SealedSecretSpec,
  SealedSecretStatus,
  Secret,
  SecretRecord,
  SecretTemplate,
} from './sealed-secret.ts';
import { sealedSecretResource } from './sealed-secret.ts';

export interface ReadOptions {
  /** What the object came from, for messages: a file name with document number, or `namespace/name`. */
  readonly source?: string;
  /** See {@link Decoder.lenient}; absent for the strict way. */
  readonly lenient?: Leniency;
  /** Leaves a missing `apiVersion` or `kind` empty instead of filling it in; offline recovery shows them as they are. */
  readonly keepType?: boolean;
}

/**
 * Reads a SealedSecret. Strict about types, as the Kubernetes decoder is, but for `spec.encryptedData`: an item that is no text reads
 * as the empty text and anything but an object as no items, so that one malformed object cannot stop a list or a watch.
 * A missing `apiVersion` or `kind` is filled in; another kind is refused.
 *
 * @throws SealedSecretsError `InvalidObject` with every violation.
 */
export function readSealedSecret(value: unknown, options: ReadOptions = {}): SealedSecret {
  const decoder = createDecoder(options.lenient);
  const root: Field = { path: '', value };
  assertRootObject(value, options);
  assertKind(decoder, root);
  const typeField = (name: 'apiVersion' | 'kind') =>
    options.keepType === true ? (stringField(decoder, root, name) ?? '') : sealedSecretResource[name];
  const status = fieldOf(decoder, root, 'status');
  const sealedSecret: SealedSecret = {
    apiVersion: typeField('apiVersion'),
    kind: typeField('kind'),
    metadata: readMetadata(decoder, objectField(decoder, root, 'metadata')),
    spec: readSpec(decoder, objectField(decoder, root, 'spec')),
    ...(isObject(status.value) ? { status: readStatus(status) } : {}),
  };
  assertNoViolations(decoder, 'SealedSecret', options);
  return sealedSecret;
}

/**
 * Reads a core v1 Secret; `stringData` is merged over `data`, as the API server does it.
 *
 * @throws SealedSecretsError `InvalidObject` with every violation.
 */
export function readSecret(value: unknown, options: ReadOptions = {}): Secret {
  const decoder = createDecoder(options.lenient);
  const root: Field = { path: '', value };
  assertRootObject(value, options);
  const immutable = booleanField(decoder, root, 'immutable');
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: readMetadata(decoder, objectField(decoder, root, 'metadata')),
    ...(immutable === undefined ? {} : { immutable }),
    data: readSecretData(decoder, root),
    type: stringField(decoder, root, 'type') ?? '',
  };
  assertNoViolations(decoder, 'Secret', options);
  return secret;
}

function assertRootObject(value: unknown, options: ReadOptions): void {
  if (isObject(value)) return;
  throw new SealedSecretsError('InvalidObject', `${prefix(options)}expected an object, found ${describe(value)}`);
}

function prefix(options: ReadOptions): string {
  return options.source === undefined ? '' : `${options.source}: `;
}

function assertKind(decoder: Decoder, root: Field): void {
  const kind = stringField(decoder, root, 'kind');
  const apiVersion = stringField(decoder, root, 'apiVersion');
  if (kind !== undefined && kind !== '' && kind !== sealedSecretResource.kind) {
    violate(
      decoder,
      fieldOf(decoder, root, 'kind'),
      `must be ${sealedSecretResource.kind}, not ${JSON.stringify(kind)}`,
    );
  } else if (apiVersion !== undefined && apiVersion !== '' && apiVersion !== sealedSecretResource.apiVersion) {
    const message = `must be ${sealedSecretResource.apiVersion}, not ${JSON.stringify(apiVersion)}`;
    violate(decoder, fieldOf(decoder, root, 'apiVersion'), message);
  }
}

function assertNoViolations(decoder: Decoder, kind: string, options: ReadOptions): void {
  if (decoder.violations.length === 0) return;
  const list = decoder.violations.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new SealedSecretsError('InvalidObject', `${prefix(options)}invalid ${kind}: ${list}`, {
    violations: decoder.violations,
  });
}

const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function timeField(decoder: Decoder, parent: Field, name: string): string | undefined {
  const field = fieldOf(decoder, parent, name);
  const text = asString(decoder, field);
  if (text === undefined) return undefined;
  if (!timestamp.test(text)) violate(decoder, field, 'must be an RFC 3339 time');
  return text;
}

/** Reads ObjectMeta. `managedFields` is left out on purpose: it repeats field names and nothing of ours may carry it on. */
function readMetadata(decoder: Decoder, field: Field): ObjectMeta {
  const optional = <T>(name: string, value: T | undefined) =>
    value === undefined || value === '' ? {} : { [name]: value };
  return {
    name: stringField(decoder, field, 'name') ?? '',
    ...optional('generateName', stringField(decoder, field, 'generateName')),
    namespace: stringField(decoder, field, 'namespace') ?? '',
    ...optional('selfLink', stringField(decoder, field, 'selfLink')),
    ...optional('uid', stringField(decoder, field, 'uid')),
    ...optional('resourceVersion', stringField(decoder, field, 'resourceVersion')),
    ...optional('generation', integerField(decoder, field, 'generation')),
    ...optional('creationTimestamp', timeField(decoder, field, 'creationTimestamp')),
    ...optional('deletionTimestamp', timeField(decoder, field, 'deletionTimestamp')),
    ...optional('deletionGracePeriodSeconds', integerField(decoder, field, 'deletionGracePeriodSeconds')),
    labels: stringMapField(decoder, field, 'labels'),
    annotations: stringMapField(decoder, field, 'annotations'),
    ownerReferences: listField(decoder, field, 'ownerReferences').map((item) => readOwnerReference(decoder, item)),
    finalizers: listField(decoder, field, 'finalizers').map((item) => asString(decoder, item) ?? ''),
  };
}

function readOwnerReference(decoder: Decoder, field: Field): OwnerReference {
  const controller = booleanField(decoder, field, 'controller');
  const blockOwnerDeletion = booleanField(decoder, field, 'blockOwnerDeletion');
  return {
    apiVersion: stringField(decoder, field, 'apiVersion') ?? '',
    kind: stringField(decoder, field, 'kind') ?? '',
    name: stringField(decoder, field, 'name') ?? '',
    uid: stringField(decoder, field, 'uid') ?? '',
    ...(controller === undefined ? {} : { controller }),
    ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
  };
}

function readSpec(decoder: Decoder, field: Field): SealedSecretSpec {
  const data = fieldOf(decoder, field, 'data');
  const dataText = asString(decoder, data);
  if (dataText !== undefined) assertBase64(decoder, data, dataText);
  return {
    template: readTemplate(decoder, objectField(decoder, field, 'template')),
    ...(dataText === undefined ? {} : { data: dataText }),
    encryptedData: readEncryptedData(fieldOf(decoder, field, 'encryptedData').value),
  };
}

function readEncryptedData(value: unknown): Map<string, string> {
  const items = new Map<string, string>();
  for (const [name, ciphertext] of entriesOf(value)) items.set(name, typeof ciphertext === 'string' ? ciphertext : '');
  return items;
}

function readTemplate(decoder: Decoder, field: Field): SecretTemplate {
  const immutable = booleanField(decoder, field, 'immutable');
  return {
    metadata: readMetadata(decoder, objectField(decoder, field, 'metadata')),
    type: stringField(decoder, field, 'type') ?? '',
    ...(immutable === undefined ? {} : { immutable }),
    data: readTemplateData(decoder, objectField(decoder, field, 'data')),
  };
}

function readTemplateData(decoder: Decoder, field: Field): Map<string, string | null> {
  const entries = new Map<string, string | null>();
  for (const [name, value] of entriesOf(field.value)) {
    const entry: Field = { path: joinPath(field.path, name), value };
    entries.set(name, value === null ? null : (asString(decoder, entry) ?? ''));
  }
  return entries;
}

function readStatus(field: Field): SealedSecretStatus {
  // The status is ours to write: what somebody else put there must never keep an object from being unsealed.
  const decoder = createDecoder();
  const observedGeneration = integerField(decoder, field, 'observedGeneration');
  const secret = readSecretRecord(decoder, fieldOf(decoder, field, 'secret'));
  const controller = stringField(decoder, field, 'controller');
  return {
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    conditions: listField(decoder, field, 'conditions').map((item) => readCondition(decoder, item)),
    ...(secret === undefined ? {} : { secret }),
    ...(controller === undefined ? {} : { controller }),
  };
}

function readCondition(decoder: Decoder, field: Field): Condition {
  const optional = (name: 'lastUpdateTime' | 'lastTransitionTime' | 'reason' | 'message') => {
    const text = stringField(decoder, field, name);
    return text === undefined ? {} : { [name]: text };
  };
  const observedGeneration = integerField(decoder, field, 'observedGeneration');
  return {
    type: stringField(decoder, field, 'type') ?? '',
    status: (stringField(decoder, field, 'status') ?? 'Unknown') as ConditionStatus,
    ...optional('lastUpdateTime'),
    ...optional('lastTransitionTime'),
    ...optional('reason'),
    ...optional('message'),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}

function readSecretRecord(decoder: Decoder, field: Field): SecretRecord | undefined {
  if (!isObject(field.value)) return undefined;
  const names = (name: 'labels' | 'annotations') =>
    fieldOf(decoder, field, name).value === undefined
      ? {}
      : { [name]: listField(decoder, field, name).map((item) => asString(decoder, item) ?? '') };
  return {
    ...names('labels'),
    ...names('annotations'),
    uid: stringField(decoder, field, 'uid') ?? '',
    resourceVersion: stringField(decoder, field, 'resourceVersion') ?? '',
    specHash: stringField(decoder, field, 'specHash') ?? '',
    rendererRevision: integerField(decoder, field, 'rendererRevision') ?? 0,
  };
}

function readSecretData(decoder: Decoder, root: Field): Map<string, Uint8Array> {
  const result = new Map<string, Uint8Array>();
  const data = objectField(decoder, root, 'data');
  for (const [name, value] of entriesOf(data.value)) {
    result.set(name, readBytes(decoder, { path: joinPath(data.path, name), value }));
  }
  for (const [name, text] of stringMapField(decoder, root, 'stringData')) result.set(name, encodeUtf8(text));
  return result;
}

function readBytes(decoder: Decoder, field: Field): Uint8Array {
  if (field.value === null) return new Uint8Array();
  if (typeof field.value !== 'string') {
    violate(
      decoder,
      field,
      `must be base64 text, not ${describe(field.value)}: put plain text under stringData instead of data`,
    );
    return new Uint8Array();
  }
  return assertBase64(decoder, field, field.value);
}

function assertBase64(decoder: Decoder, field: Field, text: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidEncoding')) throw error;
    violate(decoder, field, error.message);
    return new Uint8Array();
  }
}
