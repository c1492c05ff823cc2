import { type DocumentMap, type DocumentValue, property } from '@waxwing/shared';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeJson } from './json.ts';

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
