import { randomBytes, randomUUID } from 'node:crypto';
import { type FieldError, forbiddenField, immutableField, invalidValue, requiredField } from './errors.ts';
import { deepEqual, type KubeObject, type ObjectMeta } from './json.ts';
import type { ResourceType } from './resources.ts';

const labelText = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;
const subdomainText = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`;
const qualifiedNameText = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`;
/** What Kubernetes says of a value that is no label value. */
export const labelValueText = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`;

const labelPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const subdomainPattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const namePartPattern = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValuePattern = /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const annotationLimitBytes = 256 * 1024;

/** What is wrong with a name of this resource, empty if nothing is. */
function nameProblems(type: ResourceType, name: string): string[] {
  if (type.group === 'rbac.authorization.k8s.io') return pathSegmentProblems(name);
  if (type.storage === '/namespaces' || type.storage === '/services')
    return patternProblems(name, labelPattern, labelText, 63);
  return patternProblems(name, subdomainPattern, subdomainText, 253);
}

function patternProblems(value: string, pattern: RegExp, text: string, most: number): string[] {
  const problems: string[] = [];
  if (value.length > most) problems.push(`must be no more than ${most} bytes`);
  if (!pattern.test(value)) problems.push(text);
  return problems;
}

function pathSegmentProblems(name: string): string[] {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}

function subdomainProblems(value: string): string[] {
  return patternProblems(value, subdomainPattern, subdomainText, 253);
}

/** What is wrong with a qualified name such as `app` or `example.com/app`. */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split('/');
  const problems: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  if (parts.length === 2) {
    const prefix = parts[0] as string;
    if (prefix === '') problems.push('prefix part must be non-empty');
    else problems.push(...subdomainProblems(prefix).map((problem) => `prefix part ${problem}`));
  }
  if (name === '') problems.push('name part must be non-empty');
  else if (name.length > 63) problems.push('name part must be no more than 63 bytes');
  if (!namePartPattern.test(name)) problems.push(qualifiedNameText);
  return problems;
}

function labelErrors(labels: Record<string, string>, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const key of Object.keys(labels)) {
    for (const problem of qualifiedNameProblems(key)) errors.push(invalidValue(field, key, problem));
    const value = labels[key] as string;
    if (value.length > 63) errors.push(invalidValue(field, value, 'must be no more than 63 bytes'));
    if (!labelValuePattern.test(value)) errors.push(invalidValue(field, value, labelValueText));
  }
  return errors;
}

function annotationErrors(annotations: Record<string, string>): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    for (const problem of qualifiedNameProblems(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, problem));
    }
  }
  if (bytes > annotationLimitBytes) {
    errors.push({
      type: 'FieldValueTooLong',
      field: 'metadata.annotations',
      text: `Too long: may not be more than ${annotationLimitBytes} bytes`,
    });
  }
  return errors;
}

/** Checks the metadata of an object that is about to be stored. */
export function metadataErrors(metadata: ObjectMeta, type: ResourceType): FieldError[] {
  const errors: FieldError[] = [];
  if (typeof metadata.generateName === 'string' && metadata.generateName !== '') {
    // Only the prefix is known here, so a trailing dash or dot is fine.
    for (const problem of nameProblems(type, `${metadata.generateName}x`)) {
      errors.push(invalidValue('metadata.generateName', metadata.generateName, problem));
    }
  }
  if (metadata.name === undefined || metadata.name === '') {
    errors.push(requiredField('metadata.name', 'name or generateName is required'));
  } else {
    for (const problem of nameProblems(type, metadata.name))
      errors.push(invalidValue('metadata.name', metadata.name, problem));
  }
  if (metadata.labels !== undefined) errors.push(...labelErrors(metadata.labels, 'metadata.labels'));
  if (metadata.annotations !== undefined) errors.push(...annotationErrors(metadata.annotations));
  errors.push(...ownerReferenceErrors(metadata), ...finalizerErrors(metadata, type));
  return errors;
}

function ownerReferenceErrors(metadata: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const reference of metadata.ownerReferences ?? []) {
    const field = 'metadata.ownerReferences';
    if (!reference.apiVersion)
      errors.push(invalidValue(`${field}.apiVersion`, reference.apiVersion ?? '', 'version must not be empty'));
    if (!reference.kind) errors.push(invalidValue(`${field}.kind`, reference.kind ?? '', 'must not be empty'));
    if (!reference.name) errors.push(invalidValue(`${field}.name`, reference.name ?? '', 'must not be empty'));
    if (!reference.uid) errors.push(invalidValue(`${field}.uid`, reference.uid ?? '', 'must not be empty'));
    if (reference.controller === true) {
      if (controller !== undefined) {
        errors.push(
          invalidValue(
            field,
            metadata.ownerReferences,
            `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${reference.name}`,
          ),
        );
      }
      controller = reference.name;
    }
  }
  return errors;
}

const builtInFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function finalizerErrors(metadata: ObjectMeta, type: ResourceType): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, finalizer] of (metadata.finalizers ?? []).entries()) {
    const field = `metadata.finalizers[${index}]`;
    for (const problem of qualifiedNameProblems(finalizer)) errors.push(invalidValue(field, finalizer, problem));
    if (!type.isCustom && !finalizer.includes('/') && !builtInFinalizers.has(finalizer)) {
      errors.push(
        invalidValue(field, finalizer, 'name is neither a standard finalizer name nor is it fully qualified'),
      );
    }
  }
  return errors;
}

/** Checks that the parts of metadata that only the server sets are unchanged. */
export function metadataUpdateErrors(next: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'] as const) {
    if (next[field] !== old[field]) errors.push(immutableField(`metadata.${field}`, next[field] ?? null));
  }
  if (old.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
    if (added.length > 0) {
      const shown = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
      errors.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${shown}}`,
        ),
      );
    }
  }
  return errors;
}

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A name for `metadata.generateName`: at most 58 bytes of the prefix and 5 random characters. */
export function generatedName(prefix: string): string {
  let suffix = '';
  for (const byte of randomBytes(5)) suffix += suffixAlphabet[byte % suffixAlphabet.length];
  return prefix.slice(0, 58) + suffix;
}

/** RFC 3339 in whole seconds, as the API writes times. */
export function timestamp(nowMs: number): string {
  return new Date(Math.floor(nowMs / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

/** Metadata of a new object: what only the server may set is set, whatever the request said. */
export function metadataForCreate(
  given: ObjectMeta,
  type: ResourceType,
  namespace: string | undefined,
  nowMs: number,
): ObjectMeta {
  const metadata: ObjectMeta = { ...given };
  delete metadata['selfLink'];
  delete metadata.resourceVersion;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.generation;
  delete metadata.managedFields;
  if (namespace !== undefined) metadata.namespace = namespace;
  else delete metadata.namespace;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp(nowMs);
  if (type.countsGenerations) metadata.generation = 1;
  return metadata;
}

/** Metadata of an update: what the request left out of the server's own fields stays as it was. */
export function metadataForUpdate(given: ObjectMeta, old: ObjectMeta): ObjectMeta {
  const metadata: ObjectMeta = { ...given };
  delete metadata['selfLink'];
  metadata.uid ??= old.uid as string;
  metadata.creationTimestamp = old.creationTimestamp as string;
  for (const field of ['namespace', 'generation', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
    if (old[field] === undefined) delete metadata[field];
    else Object.assign(metadata, { [field]: old[field] });
  }
  return metadata;
}

/** Everything but metadata and status is equal: such an update does not count as a new generation. */
export function sameSpec(next: KubeObject, old: KubeObject, ignoresStatus: boolean): boolean {
  const keys = new Set([...Object.keys(next), ...Object.keys(old)]);
  keys.delete('metadata');
  if (ignoresStatus) keys.delete('status');
  for (const key of keys) if (!deepEqual(next[key], old[key])) return false;
  return true;
}
