import { describe, expect, it } from 'vitest';
import { coerceToString, foldFieldName, goFieldLookup } from './coerce.ts';

describe('goFieldLookup', () => {
  it('finds a field whatever the case, and over the two letters that fold to ASCII', () => {
    expect(goFieldLookup(new Map([['MetaData', 'x']]), 'metadata')).toEqual({ key: 'MetaData', value: 'x' });
    expect(goFieldLookup(new Map([['\u212aind', 'x']]), 'kind')?.value).toBe('x');
    expect(goFieldLookup(new Map([['\u017fpec', 'x']]), 'spec')?.value).toBe('x');
    expect(goFieldLookup(new Map([['kınd', 'x']]), 'kind')).toBeUndefined();
  });
  it('takes the last of several keys: in source order for JSON, in byte order for YAML', () => {
    const map = new Map([
      ['data', 'lower'],
      ['DATA', 'upper'],
    ]);
    expect(goFieldLookup(map, 'data', 'json')?.value).toBe('upper');
    expect(goFieldLookup(map, 'data', 'yaml')?.value).toBe('lower');
  });
  it('finds __proto__ only where it is written', () => {
    expect(goFieldLookup(new Map(), '__proto__')).toBeUndefined();
    expect(goFieldLookup(new Map([['__proto__', 1n]]), '__proto__')?.value).toBe(1n);
  });
  it('folds ASCII only', () => {
    expect(foldFieldName('É-a')).toBe('É-A');
    expect(foldFieldName('é-a')).toBe('é-A');
  });
});

describe('coerceToString', () => {
  it.each([
    [null, ''],
    [true, 'true'],
    [8080n, '8080'],
    [1.1, '1.1'],
    [1e3, '1000'],
    [1e6, '1e+06'],
    [1.123456789, '1.1234568'],
    [1e-5, '1e-05'],
    [1e39, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    ['x', 'x'],
    [[], undefined],
    [new Map(), undefined],
  ])('turns %s into %j', (value, text) => {
    expect(coerceToString(value)).toBe(text);
  });
});
