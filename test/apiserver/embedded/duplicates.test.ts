import { expect, it } from 'vitest';
import { duplicateFields } from './duplicates.ts';

const duplicatesOf = (text: string) => duplicateFields(text, JSON.parse(text));

it.each([
  ['{"a":1,"b":{"a":2}}', []],
  ['{"a":1,"a":2}', ['a']],
  ['{ "x" : [ {"k":1}, {"k":1, "k" :2} ] }', ['x[1].k']],
  [String.raw`{"a\"b":"c\\","d":"\"e\":", "a\"b":null}`, ['a"b']],
  ['{"a":{"b":1,"b":2,"b":3},"a":true}', ['a.b', 'a.b', 'a']],
  ['{"\\u0061":1,"a":2}', ['a']],
  ['[]', []],
  ['"text: \\"a\\": 1"', []],
])('%s has %j', (text, expected) => {
  expect(duplicatesOf(text)).toEqual(expected);
});
