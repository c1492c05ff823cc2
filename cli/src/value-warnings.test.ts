import { aSecret } from '@waxwing/shared/testing';
import { expect, test } from 'vitest';
import { findSuspiciousValues } from './value-warnings.ts';

const warnings = (value: string) => findSuspiciousValues(aSecret({ data: { password: value } }));

test('a password with a newline behind it is suspicious', () => {
  expect(warnings('hunter22\n')).toEqual([expect.stringContaining('"password" ends with a newline')]);
});

test('a text of several lines ends with a newline on purpose', () => {
  expect(warnings('first\nsecond\n')).toEqual([]);
});

test('a value that is base64 of text is suspicious', () => {
  expect(warnings(Buffer.from('a password in the clear').toString('base64'))).toEqual([
    expect.stringContaining('"password" is base64'),
  ]);
});

test.each(['correct horse', 'abcdefgh', '0123456789abcdef', Buffer.alloc(32, 0xe7).toString('base64')])(
  'an ordinary value is not: %s',
  (value) => {
    expect(warnings(value)).toEqual([]);
  },
);

test('no warning shows a value', () => {
  const value = Buffer.from('canary-canary-canary').toString('base64');
  expect(warnings(`${value}\n`).join()).not.toContain(value.slice(0, 8));
});
