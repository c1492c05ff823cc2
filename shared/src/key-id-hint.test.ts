import { describe, expect, test } from 'vitest';
import { formatKeyIdHint, parseKeyIdHint, updateKeyIdHint } from './key-id-hint.ts';

describe('the key id hint', () => {
  test('of one key is the id alone', () => {
    expect(updateKeyIdHint('k1', ['a', 'b'], new Set(['b']), 'k1')).toBe('k1');
  });

  test('of several keys names the items', () => {
    expect(updateKeyIdHint('k1', ['a', 'b', 'c'], new Set(['c']), 'k2')).toBe('a=k1,b=k1,c=k2');
  });

  test('leaves out items whose key is not known', () => {
    expect(updateKeyIdHint('a=k1', ['a', 'b', 'c'], new Set(['c']), 'k2')).toBe('a=k1,c=k2');
  });

  test('becomes one id again when all items have the same key', () => {
    expect(updateKeyIdHint('a=k1,b=k2', ['a', 'b'], new Set(['a']), 'k2')).toBe('k2');
  });

  test('forgets items that are gone', () => {
    expect(updateKeyIdHint('a=k1,gone=k3', ['a', 'b'], new Set(['b']), 'k2')).toBe('a=k1,b=k2');
  });

  test('of nothing known is none', () => {
    expect(formatKeyIdHint(new Map(), ['a'])).toBeUndefined();
  });

  test('reads what it writes', () => {
    const ids = new Map([
      ['a', 'k1'],
      ['b', 'k2'],
    ]);
    expect(parseKeyIdHint(formatKeyIdHint(ids, ['a', 'b']) ?? '', ['a', 'b'])).toEqual(ids);
    expect(parseKeyIdHint('k1', ['a', 'b'])).toEqual(
      new Map([
        ['a', 'k1'],
        ['b', 'k1'],
      ]),
    );
  });
});
