import { expect, test } from 'vitest';
import { formatLogLevel, parseLogLevel } from './log-level.ts';

test.each([
  ['INFO', 0],
  ['info', 0],
  ['Warn', 4],
  ['ERROR', 8],
  ['DEBUG', -4],
  ['INFO+2', 2],
  ['debug-1', -5],
  ['loud', undefined],
  ['', undefined],
  ['INFO+', undefined],
])('the level %s', (text, level) => {
  expect(parseLogLevel(text)).toBe(level);
});

test.each([
  [0, 'INFO'],
  [2, 'INFO+2'],
  [-5, 'DEBUG-1'],
  [9, 'ERROR+1'],
])('the level %i is written %s', (level, text) => {
  expect(formatLogLevel(level)).toBe(text);
});
