import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLineSplitter } from './lines.ts';

function split(chunks: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  return lines;
}

describe('the line splitter', () => {
  test('finds the same lines wherever the chunks are cut, inside of characters too', () => {
    const line = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => `x${text.replaceAll('\n', ' ')}`);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        expect(split(chunks)).toEqual(lines);
      }),
    );
  });

  test('skips empty lines and what has no end', () => {
    expect(split([Buffer.from('\n\na\n\nb')])).toEqual(['a']);
  });

  test('a long line in small chunks takes linear time', () => {
    const chunk = Buffer.alloc(1024, 'x');
    const startMs = performance.now();
    const lines = split([...Array.from({ length: 8192 }, () => chunk), Buffer.from('\n')]);
    expect(lines[0]?.length).toBe(8192 * 1024);
    expect(performance.now() - startMs).toBeLessThan(5000);
  });

  test('a line without end is refused before it fills the memory', () => {
    const chunk = Buffer.alloc(16 * 1024 * 1024, 'x');
    expect(() => split([chunk, chunk, chunk, chunk, chunk])).toThrow(RangeError);
  });
});
