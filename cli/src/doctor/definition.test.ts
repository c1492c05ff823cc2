import { describe, expect, it } from 'vitest';
import { findDefinition } from './definition.ts';

interface Parts {
  readonly values?: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
  readonly subresources?: Record<string, unknown>;
  readonly served?: boolean;
}

/** Upstream's CRD, but for what is given. */
function aDefinition({ values = {}, status = {}, subresources = { status: {} }, served = true }: Parts = {}) {
  const data = { type: 'object', additionalProperties: { type: 'string', ...values } };
  const spec = { properties: { template: { properties: { data } } } };
  const schema = { openAPIV3Schema: { properties: { spec, status } } };
  return {
    spec: {
      versions: [
        { name: 'v1', served: true },
        { name: 'v1alpha1', served, subresources, schema },
      ],
    },
  };
}

const ours = { values: { nullable: true }, status: { properties: { secret: {} } } };

describe('the CRD', () => {
  it.each([
    ['ours is as it should be', aDefinition(ours), []],
    [
      'one that keeps unknown fields is as good',
      aDefinition({ ...ours, status: { 'x-kubernetes-preserve-unknown-fields': true } }),
      [],
    ],
    ["upstream's is told", aDefinition(), ['crd-upstream drops null in a template and status.secret']],
    ['half of it is told', aDefinition({ values: { nullable: true } }), ['crd-upstream drops status.secret']],
    ['no status subresource', aDefinition({ ...ours, subresources: {} }), ['crd-without-status ']],
    ['not served', aDefinition({ ...ours, served: false }), ['crd-missing ']],
    ['not there', undefined, ['crd-missing ']],
  ])('%s', (_, definition, expected) => {
    expect(findDefinition(definition).map(({ code, detail }) => `${code} ${detail}`)).toEqual(expected);
  });
});
