import { type FieldError, forbiddenField, immutableField, invalidValue, requiredField } from './errors.ts';
import { deepEqual, type JsonObject, type KubeObject, objectAt, own, put, stringAt, without } from './json.ts';
import type { Strategy } from './strategy.ts';

const maximumBytes = 1024 * 1024;
const dataKeyPattern = /^[-._a-zA-Z0-9]+$/;

/** `stringData` is folded into `data`, `type` gets its default; an empty `data` disappears, as Kubernetes omits it. */
function prepareSecret(next: KubeObject): KubeObject {
  let secret = next;
  const stringData = objectAt(secret, 'stringData');
  if (Object.hasOwn(secret, 'stringData')) {
    const data: JsonObject = { ...objectAt(secret, 'data') };
    for (const [key, value] of Object.entries(stringData ?? {}))
      put(data, key, Buffer.from(String(value)).toString('base64'));
    secret = { ...(without(secret, 'stringData') as KubeObject), data };
  }
  const data = objectAt(secret, 'data');
  if (data !== undefined && Object.keys(data).length === 0) secret = without(secret, 'data') as KubeObject;
  if ((secret['type'] ?? '') === '') secret = { ...secret, type: 'Opaque' };
  return secret;
}

function decodedSize(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

function secretErrors(secret: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const data = objectAt(secret, 'data') ?? {};
  let bytes = 0;
  for (const key of Object.keys(data)) {
    errors.push(...dataKeyErrors('data', key));
    bytes += decodedSize(String(data[key]));
  }
  if (bytes > maximumBytes) {
    errors.push({
      type: 'FieldValueTooLong',
      field: 'data',
      text: `Too long: may not be more than ${maximumBytes} bytes`,
    });
  }
  errors.push(...typeErrors(secret, data));
  if (old !== undefined) errors.push(...updateErrors(secret, old));
  return errors;
}

/** What is wrong with a key of `data` of a Secret or ConfigMap. */
function dataKeyErrors(field: string, key: string): FieldError[] {
  const where = `${field}[${key}]`;
  const errors: FieldError[] = [];
  if (key.length > 253) errors.push(invalidValue(where, key, 'must be no more than 253 bytes'));
  if (!dataKeyPattern.test(key)) {
    errors.push(
      invalidValue(
        where,
        key,
        `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      ),
    );
  }
  if (key === '.' || key === '..') errors.push(invalidValue(where, key, `must not be '${key}'`));
  else if (key.startsWith('..')) errors.push(invalidValue(where, key, `must not start with '..'`));
  return errors;
}

function typeErrors(secret: KubeObject, data: JsonObject): FieldError[] {
  const has = (key: string) => own(data, key) !== undefined;
  const required = (...keys: string[]) => keys.filter((key) => !has(key)).map((key) => requiredField(`data[${key}]`));
  const json = (key: string): FieldError[] => {
    if (!has(key)) return required(key);
    try {
      JSON.parse(Buffer.from(String(own(data, key)), 'base64').toString('utf8'));
      return [];
    } catch {
      return [
        {
          type: 'FieldValueInvalid',
          field: `data[${key}]`,
          text: 'Invalid value: "<secret contents redacted>": invalid character',
        },
      ];
    }
  };
  switch (secret['type']) {
    case 'kubernetes.io/tls':
      return required('tls.crt', 'tls.key');
    case 'kubernetes.io/dockerconfigjson':
      return json('.dockerconfigjson');
    case 'kubernetes.io/dockercfg':
      return json('.dockercfg');
    case 'kubernetes.io/basic-auth':
      return has('username') || has('password') ? [] : required('username', 'password');
    case 'kubernetes.io/ssh-auth':
      return required('ssh-privatekey');
    case 'kubernetes.io/service-account-token':
      return stringAt(secret, 'metadata', 'annotations', 'kubernetes.io/service-account.name')
        ? []
        : [requiredField('metadata.annotations[kubernetes.io/service-account.name]')];
    default:
      return [];
  }
}

function updateErrors(secret: KubeObject, old: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  if (old['immutable'] === true) {
    if (secret['immutable'] !== true)
      errors.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
    if (!deepEqual(secret['data'], old['data'])) {
      errors.push(forbiddenField('data', 'field is immutable when `immutable` is set'));
    }
  }
  if (secret['type'] !== old['type']) errors.push(immutableField('type', secret['type']));
  return errors;
}

export const secretStrategy: Strategy = { prepare: prepareSecret, validate: secretErrors };

export const configMapStrategy: Strategy = {
  validate: (next, old) => {
    const errors: FieldError[] = [];
    let bytes = 0;
    for (const key of Object.keys(objectAt(next, 'data') ?? {})) {
      if (own(objectAt(next, 'binaryData') ?? {}, key) !== undefined) {
        errors.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'));
      }
    }
    for (const field of ['data', 'binaryData']) {
      for (const [key, value] of Object.entries(objectAt(next, field) ?? {})) {
        errors.push(...dataKeyErrors(field, key));
        bytes += Buffer.byteLength(String(value));
      }
    }
    if (bytes > maximumBytes) {
      errors.push({
        type: 'FieldValueTooLong',
        field: '',
        text: `Too long: may not be more than ${maximumBytes} bytes`,
      });
    }
    if (old?.['immutable'] === true) {
      const why = 'field is immutable when `immutable` is set';
      if (next['immutable'] !== true) errors.push(forbiddenField('immutable', why));
      for (const field of ['data', 'binaryData']) {
        if (!deepEqual(next[field], old[field])) errors.push(forbiddenField(field, why));
      }
    }
    return errors;
  },
};
