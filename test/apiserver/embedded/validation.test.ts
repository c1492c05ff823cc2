import { expect, it } from 'vitest';
import type { FieldError } from './errors.ts';
import { SchemaCompiler } from './schema.ts';
import { validateValue } from './validation.ts';

function errorsOf(schema: Record<string, unknown>, value: unknown): string[] {
  const errors: FieldError[] = [];
  validateValue(
    value,
    new SchemaCompiler().compile({ type: 'object', properties: { v: schema }, required: ['v'] }),
    '',
    errors,
  );
  return errors.map((error) => `${error.type} ${error.field}: ${error.text}`);
}

it.each([
  [{ type: 'string' }, {}, 'FieldValueRequired v: Required value'],
  [
    { type: 'string' },
    { v: 1 },
    'FieldValueTypeInvalid v: Invalid value: "integer": v in body must be of type string: "integer"',
  ],
  [
    { type: 'string' },
    { v: null },
    'FieldValueTypeInvalid v: Invalid value: "null": v in body must be of type string: "null"',
  ],
  [
    { type: 'integer' },
    { v: 1.5 },
    'FieldValueTypeInvalid v: Invalid value: "number": v in body must be of type integer: "number"',
  ],
  [
    { type: 'integer', minimum: 2 },
    { v: 1 },
    'FieldValueInvalid v: Invalid value: 1: v in body should be greater than or equal to 2',
  ],
  [
    { type: 'integer', maximum: 2, exclusiveMaximum: true },
    { v: 2 },
    'FieldValueInvalid v: Invalid value: 2: v in body should be less than 2',
  ],
  [
    { type: 'string', pattern: '^a' },
    { v: 'b' },
    `FieldValueInvalid v: Invalid value: "b": v in body should match '^a'`,
  ],
  [{ type: 'string', maxLength: 1 }, { v: 'ab' }, 'FieldValueTooLong v: Too long: may not be more than 1 bytes'],
  [
    { type: 'string', enum: ['a'] },
    { v: 'b' },
    'FieldValueNotSupported v: Unsupported value: "b": supported values: "a"',
  ],
  [
    { type: 'string', format: 'byte' },
    { v: '!' },
    'FieldValueTypeInvalid v: Invalid value: "!": v in body must be of type byte: "!"',
  ],
  [
    { type: 'array', items: { type: 'string' }, maxItems: 1 },
    { v: ['a', 'b'] },
    'FieldValueTooMany v: Too many: 2: must have at most 1 item',
  ],
  [
    { type: 'array', items: { type: 'string' } },
    { v: ['a', 2] },
    'FieldValueTypeInvalid v[1]: Invalid value: "integer": v[1] in body must be of type string: "integer"',
  ],
  [
    { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    { v: ['a', 'a'] },
    'FieldValueDuplicate v[1]: Duplicate value: "a"',
  ],
  [
    { type: 'object', additionalProperties: { type: 'string' } },
    { v: { k: true } },
    'FieldValueTypeInvalid v.k: Invalid value: "boolean": v.k in body must be of type string: "boolean"',
  ],
  [
    { 'x-kubernetes-int-or-string': true },
    { v: true },
    'FieldValueTypeInvalid v: Invalid value: "boolean": v in body must be of type integer,string: "boolean"',
  ],
  [
    { type: 'integer', not: { enum: [1] } },
    { v: 1 },
    'FieldValueInvalid <nil>: Invalid value: "": "v" must not validate the schema (not)',
  ],
])('%j refuses %j', (schema, value, message) => {
  expect(errorsOf(schema, value)).toEqual([message]);
});

it('accepts what fits', () => {
  expect(errorsOf({ type: 'string', nullable: true }, { v: null })).toEqual([]);
  expect(errorsOf({ 'x-kubernetes-int-or-string': true }, { v: '80%' })).toEqual([]);
  expect(errorsOf({ type: 'string', format: 'date-time' }, { v: '2026-01-02T03:04:05Z' })).toEqual([]);
  expect(errorsOf({ type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] }, { v: { b: 1 } })).toEqual([]);
});
