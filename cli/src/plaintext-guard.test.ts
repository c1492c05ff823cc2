import { aSecret } from '@waxwing/shared/testing';
import { describe, expect, test } from 'vitest';
import { findPlaintext } from './plaintext-guard.ts';

const value = 'hunter2-hunter2';
const encode = (text: string, encoding: BufferEncoding = 'base64') => Buffer.from(text).toString(encoding);

describe('values in annotations are found', () => {
  test.for([
    ['as they are', value],
    ['inside a text', `{"password":"${value}"}`],
    ['as base64', encode(value)],
    ['as base64 of the URL alphabet', encode('??>>??>>??>>', 'base64url'), '??>>??>>??>>'],
    ['as base64 inside a text', `data: {p: ${encode(value)}}`],
    ['at the second offset of an encoded text', encode(`x${value}y`)],
    ['at the third offset of an encoded text', encode(`xy${value}z`)],
    ['without the newline at their end', `is ${value}.`, `${value}\n`],
  ] as [string, string, string?][])('%s', ([, annotation, plain = value]) => {
    const secret = aSecret({
      metadata: { annotations: { note: annotation } },
      data: { password: plain, other: 'unrelated' },
    });
    expect(findPlaintext(secret)).toEqual([{ annotation: 'note', item: 'password' }]);
  });
});

describe('no alarm', () => {
  test.for([
    [
      'for values under 8 bytes',
      aSecret({ metadata: { annotations: { note: 'admin is the user' } }, data: { user: 'admin' } }),
    ],
    [
      'for names, labels and types',
      aSecret({
        metadata: { name: 'my-service', labels: { app: 'my-service' } },
        data: { 'my-service': 'my-service' },
        type: 'my-service',
      }),
    ],
    [
      'for annotations that are never sealed',
      aSecret({
        metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value } },
        data: { password: value },
      }),
    ],
    [
      'for an empty value',
      aSecret({ metadata: { annotations: { note: 'some text here' } }, data: { empty: '', blank: '            ' } }),
    ],
    [
      'for the name of an annotation',
      aSecret({ metadata: { annotations: { 'hunter2-hunter2': 'something else' } }, data: { password: value } }),
    ],
  ] as const)('%s', ([, secret]) => {
    expect(findPlaintext(secret)).toEqual([]);
  });
});
