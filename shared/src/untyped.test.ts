import { describe, expect, test } from 'vitest';
import { listAt, numberAt, property, textAt, textsAt } from './untyped.ts';

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
