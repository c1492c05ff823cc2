import { readFileSync } from 'node:fs';
import type { SealedSecretStatus } from '@waxwing/shared';
import { sealedSecretResource } from '@waxwing/shared';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Record<string, Schema>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly [attribute: string]: unknown;
}

const crd = parse(readFileSync(new URL('../../crds/bitnami.com_sealedsecrets.yaml', import.meta.url), 'utf8'));
const version = crd.spec.versions[0];
const root: Schema = version.schema.openAPIV3Schema;

/** One line for each node of the schema: its path, its type and every other attribute, descriptions left out. */
function outline(schema: Schema, path: string): string[] {
  const { description, type, properties = {}, items, additionalProperties, ...attributes } = schema;
  const extra = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    [path, type, ...extra.sort()].join(' '),
    ...Object.entries(properties).flatMap(([name, property]) =>
      outline(property, path === '.' ? name : `${path}.${name}`),
    ),
    ...(items === undefined ? [] : outline(items, `${path}[]`)),
    ...(additionalProperties === undefined ? [] : outline(additionalProperties, `${path}.*`)),
  ];
}

const preserve = 'x-kubernetes-preserve-unknown-fields=true';

/** The schema that Sealed Secrets v0.40.0 ships, observed on its installed CRD. */
const upstream = [
  '. object required=["spec"]',
  'apiVersion string',
  'kind string',
  'metadata object',
  'spec object required=["encryptedData"]',
  'spec.data string format="byte"',
  `spec.encryptedData object ${preserve}`,
  'spec.encryptedData.* string',
  'spec.template object',
  'spec.template.data object nullable=true',
  'spec.template.data.* string',
  'spec.template.immutable boolean',
  `spec.template.metadata object nullable=true ${preserve}`,
  'spec.template.metadata.annotations object',
  'spec.template.metadata.annotations.* string',
  'spec.template.metadata.finalizers array',
  'spec.template.metadata.finalizers[] string',
  'spec.template.metadata.labels object',
  'spec.template.metadata.labels.* string',
  'spec.template.metadata.name string',
  'spec.template.metadata.namespace string',
  'spec.template.type string',
  'status object',
  'status.conditions array',
  'status.conditions[] object required=["status","type"]',
  'status.conditions[].lastTransitionTime string format="date-time"',
  'status.conditions[].lastUpdateTime string format="date-time"',
  'status.conditions[].message string',
  'status.conditions[].reason string',
  'status.conditions[].status string',
  'status.conditions[].type string',
  'status.observedGeneration integer format="int64"',
];

const added = [
  'spec.template.data.* string nullable=true',
  'status.conditions[].observedGeneration integer format="int64"',
  'status.controller string',
  'status.secret object',
  'status.secret.annotations array',
  'status.secret.annotations[] string',
  'status.secret.labels array',
  'status.secret.labels[] string',
  'status.secret.rendererRevision integer format="int64"',
  'status.secret.resourceVersion string',
  'status.secret.specHash string',
  'status.secret.uid string',
];
const replaced = ['spec.template.data.* string'];

describe('the CRD', () => {
  it('has the schema of upstream, and beyond it only what is listed here', () => {
    const expected = [...upstream.filter((line) => !replaced.includes(line)), ...added];
    expect(outline(root, '.').sort()).toEqual(expected.sort());
  });

  it('has the names, the scope, the one version and the subresource of upstream', () => {
    const { group, version: name, kind, listKind, plural } = sealedSecretResource;
    expect(crd.metadata.name).toBe(`${plural}.${group}`);
    expect(crd.spec).toMatchObject({
      group,
      scope: 'Namespaced',
      names: { kind, listKind, plural, singular: 'sealedsecret' },
    });
    expect(Object.keys(crd.spec).sort()).toEqual(['group', 'names', 'scope', 'versions']);
    expect(crd.spec.versions).toHaveLength(1);
    expect(version).toMatchObject({ name, served: true, storage: true, subresources: { status: {} } });
  });

  it("has upstream's three printer columns first, then ours for wide output", () => {
    expect(version.additionalPrinterColumns).toEqual([
      { name: 'Status', type: 'string', jsonPath: '.status.conditions[0].message' },
      { name: 'Synced', type: 'string', jsonPath: '.status.conditions[0].status' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      { name: 'Reason', type: 'string', jsonPath: '.status.conditions[0].reason', priority: 1 },
    ]);
  });

  it('explains every field that is ours or upstream explains', () => {
    const unexplained = (schema: Schema, path: string): string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
        ...(property.description === undefined ? [`${path}.${name}`] : []),
        ...unexplained(property, `${path}.${name}`),
        ...(property.items === undefined ? [] : unexplained(property.items, `${path}.${name}[]`)),
      ]);
    const below = '.spec.template.metadata.';
    expect(unexplained(root, '').filter((path) => !path.startsWith(below))).toEqual(['.metadata']);
  });

  it('has every status field that the controller writes, none of which may be pruned', () => {
    // Required<...>: a field that is added to the types does not compile here until it is listed, and fails until the CRD has it.
    const condition: Required<SealedSecretStatus['conditions'][number]> = {
      type: 'Synced',
      status: 'True',
      lastUpdateTime: '2026-01-02T03:04:05Z',
      lastTransitionTime: '2026-01-02T03:04:05Z',
      reason: 'Unsealed',
      message: '',
      observedGeneration: 1,
    };
    const secret: Required<NonNullable<SealedSecretStatus['secret']>> = {
      uid: 'u',
      resourceVersion: '1',
      specHash: 'ab'.repeat(32),
      rendererRevision: 1,
      labels: ['team'],
      annotations: ['note'],
    };
    const status: Required<SealedSecretStatus> = {
      observedGeneration: 1,
      conditions: [condition],
      secret,
      controller: 'waxwing',
    };
    const closed = structuredClone(root);
    closeObjects(closed);
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    const isValid = ajv.compile(closed);
    expect(isValid({ spec: { encryptedData: {} }, status })).toBe(true);
    // And the check notices a field that is not there.
    expect(isValid({ spec: { encryptedData: {} }, status: { ...status, invented: 1 } })).toBe(false);
  });
});

/** Turns pruning into refusal: an object with properties takes no others, unless it keeps what it does not know. */
function closeObjects(schema: Schema): void {
  const mutable = schema as { additionalProperties?: Schema | false };
  const { properties, items } = schema;
  if (properties !== undefined && schema['x-kubernetes-preserve-unknown-fields'] !== true) {
    mutable.additionalProperties ??= false;
  }
  for (const property of Object.values(properties ?? {})) closeObjects(property);
  if (items !== undefined) closeObjects(items);
}
