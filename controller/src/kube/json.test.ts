import type { DocumentMap, DocumentValue } from '@waxwing/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeJson, listAt, numberAt, property, textAt, textsAt } from './json.ts';

describe('encodeJson', () => {
  test('keeps every key, in order, whatever it is called', () => {
    const keys = ['b', '10', '1', '__proto__', 'constructor', 'a', 'toString', '', 'ü"\n'];
    const document: DocumentMap = new Map(keys.map((key) => [key, key]));
    const text = encodeJson(document);
    expect(text).toBe(`{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(key)}`).join(',')}}`);
    expect(Object.keys(JSON.parse(text)).sort()).toEqual([...keys].sort());
  });

  test('writes what JSON.parse reads back', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const value: unknown = JSON.parse(json);
        // JSON has no negative zero to give back.
        expect(JSON.parse(encodeJson(asDocument(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('integers beyond 2^53 keep their digits', () => {
    expect(encodeJson([12345678901234567890n])).toBe('[12345678901234567890]');
  });
});

function asDocument(value: unknown): DocumentValue {
  if (Array.isArray(value)) return value.map(asDocument);
  if (typeof value !== 'object' || value === null) return value as DocumentValue;
  return new Map(Object.keys(value).map((key) => [key, asDocument(property(value, key))]));
}

describe('reading untyped JSON', () => {
  const object: unknown = JSON.parse(
    '{"a":{"b":"x","n":5,"l":[1],"m":{"__proto__":"p","1":"q","x":3}},"__proto__":"own"}',
  );

  test('finds what is there and nothing else', () => {
    expect(textAt(object, 'a', 'b')).toBe('x');
    expect(numberAt(object, 'a', 'n')).toBe(5);
    expect(listAt(object, 'a', 'l')).toEqual([1]);
    expect(textAt(object, '__proto__')).toBe('own');
    expect([...textsAt(object, 'a', 'm')].sort()).toEqual([
      ['1', 'q'],
      ['__proto__', 'p'],
    ]);
  });

  test.each([[undefined], [null], [7], ['text'], [[]], [{}], [{ a: null }], [{ a: 'b' }]])(
    'nothing is found in %j',
    (value) => {
      expect([
        textAt(value, 'a', 'b'),
        numberAt(value, 'a', 'b'),
        listAt(value, 'a', 'b'),
        textsAt(value, 'a', 'b').size,
      ]).toEqual(['', undefined, [], 0]);
    },
  );

  test('what objects inherit is not theirs', () => {
    expect(property({}, 'constructor')).toBeUndefined();
    expect(property({}, 'toString')).toBeUndefined();
  });
});
