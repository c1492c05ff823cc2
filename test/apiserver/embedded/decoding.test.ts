import { describe, expect, it } from 'vitest';
import { applyDefaults, type DecodingProblems, decodeBuiltIn, prune } from './decoding.ts';
import { objectMetaSchema, TypeRegistry } from './resources.ts';
import { SchemaCompiler } from './schema.ts';

const secretSchema = new TypeRegistry().find('', 'v1', 'secrets')?.schema;

function decodeSecret(value: object): { decoded: unknown; unknown: readonly string[] } {
  if (secretSchema === undefined) throw new Error('there are no Secrets');
  const problems: DecodingProblems = { unknown: [] };
  return { decoded: decodeBuiltIn(value, secretSchema, '', problems), unknown: problems.unknown };
}

describe('an object of a built-in type', () => {
  it('loses unknown fields, which are reported by path', () => {
    const { decoded, unknown } = decodeSecret({ type: 'a', typo: 1, metadata: { name: 'n', nmae: 2 } });
    expect(decoded).toEqual({ type: 'a', metadata: { name: 'n' } });
    expect(unknown).toEqual(['typo', 'metadata.nmae']);
  });

  it('keeps keys that a JavaScript object would lose or take for its own', () => {
    const given = JSON.parse('{"data":{"__proto__":"YQ==","constructor":"Yg==","10":"Yw==","x":null}}');
    const { decoded } = decodeSecret(given);
    expect(JSON.stringify(decoded)).toBe('{"data":{"10":"Yw==","__proto__":"YQ==","constructor":"Yg==","x":""}}');
  });

  it('has its bytes encoded anew, without repeating a wrong value in the refusal', () => {
    expect(decodeSecret({ data: { a: 'eB==', b: 'eHh4\neHh4' } }).decoded).toEqual({
      data: { a: 'eA==', b: 'eHh4eHh4' },
    });
    for (const [value, position] of [
      ['*hunter2*', 0],
      ['YWJj=', 4],
      ['YQ', 0],
      ['YWJjYQ', 4],
    ] as const) {
      expect(() => decodeSecret({ data: { value } })).toThrow(`illegal base64 data at input byte ${position}`);
    }
    expect(() => decodeSecret({ data: { value: '*hunter2*' } })).not.toThrow('hunter2');
  });

  it('is refused when a value has the wrong type', () => {
    expect(() => decodeSecret({ type: 5 })).toThrow('cannot unmarshal number');
    expect(() => decodeSecret({ data: [] })).toThrow('cannot unmarshal array');
    expect(() => decodeSecret({ immutable: 'yes' })).toThrow('cannot unmarshal string');
  });

  it('has its times in UTC, to the second', () => {
    const decode = (creationTimestamp: string) =>
      decodeBuiltIn({ creationTimestamp }, objectMetaSchema, '', { unknown: [] });
    expect(decode('2026-01-02T05:04:05.9+02:00')).toEqual({ creationTimestamp: '2026-01-02T03:04:05Z' });
    expect(() => decode('yesterday')).toThrow('parsing time "yesterday"');
  });
});

const schema = new SchemaCompiler().compile({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        map: { type: 'object', additionalProperties: { type: 'string' } },
        open: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { closed: { type: 'object' } },
        },
        list: { type: 'array', items: { type: 'object', properties: { a: { type: 'string', default: 'x' } } } },
        number: { type: 'integer', default: 3 },
        none: { type: 'string', nullable: true },
        text: { type: 'string' },
        filled: { type: 'object', default: {}, properties: { deep: { type: 'boolean', default: true } } },
      },
    },
  },
});

describe('a custom resource', () => {
  it('is pruned by its schema, except where unknown fields are kept, and its metadata is left alone', () => {
    const problems: DecodingProblems = { unknown: [] };
    const given = {
      apiVersion: 'v',
      kind: 'K',
      metadata: { anything: 1 },
      spec: { map: { any: 'key' }, extra: 1, open: { extra: 1, closed: { extra: 1 } }, list: [{ a: 'b', extra: 1 }] },
      more: 1,
    };
    expect(prune(given, schema, '', problems, true)).toEqual({
      apiVersion: 'v',
      kind: 'K',
      metadata: { anything: 1 },
      spec: { map: { any: 'key' }, open: { extra: 1, closed: {} }, list: [{ a: 'b' }] },
    });
    expect(problems.unknown.sort()).toEqual(['more', 'spec.extra', 'spec.list[0].extra', 'spec.open.closed.extra']);
  });

  it('gets defaults, also inside of defaults and list items, and loses nulls that are not allowed', () => {
    const given = { spec: { number: null, none: null, text: null, list: [{}, { a: 'y' }] } };
    expect(applyDefaults(given, schema)).toEqual({
      spec: { number: 3, none: null, list: [{ a: 'x' }, { a: 'y' }], filled: { deep: true } },
    });
    expect(given.spec.number).toBeNull();
  });

  it('is shared, not copied, when nothing changes', () => {
    const given = { spec: { number: 1, filled: { deep: false } } };
    expect(applyDefaults(given, schema)).toBe(given);
    expect(prune(given, schema, '', { unknown: [] }, true)).toBe(given);
  });
});
