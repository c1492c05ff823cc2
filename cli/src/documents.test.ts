import { describe, expect, test } from 'vitest';
import { type DocumentOptions, parsePath, readInput, secretIn, strictSealedSecretIn } from './documents.ts';
import { standardInput } from './input.ts';
import { createTestIo } from './testing/index.ts';

const plain: DocumentOptions = { nothingFound: 'nothing found', acceptUtf16: false };

async function read(stdin: string | Uint8Array, options: DocumentOptions = plain) {
  const io = createTestIo({ workingFolder: '/', stdin });
  return await collect(readInput(standardInput(io), options));
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('reading an input', () => {
  test('gives every document with its source', async () => {
    const documents = await read('{"a":1}\n{"b":2}\n');
    expect(documents.map(({ index, source, format }) => [index, source, format])).toEqual([
      [0, 'stdin', 'json'],
      [1, 'stdin', 'json'],
    ]);
  });

  test.for([
    ['', 'nothing found'],
    ['# a comment\n---\n---\n', 'nothing found'],
    ['- a\n', 'nothing found: stdin: document 1, line 1, column 1: expected an object, found a list'],
    ['a: b\n---\n- a\n', 'stdin: document 2, line 3, column 1: expected an object, found a list'],
    ['a: b\n---\n12\n', 'stdin: document 2, line 3, column 1: expected an object, found a number'],
  ] as [string, string][])('of %j ends with %j', async ([text, message]) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  test('takes UTF-16 only where that is wanted', async () => {
    const bytes = Buffer.from('\ufeffa: b\n', 'utf16le');
    await expect(read(bytes)).rejects.toThrow('nothing found: stdin: is UTF-16, not UTF-8');
    await expect(read(Buffer.from('a: b\n', 'utf16le'))).rejects.toThrow('is UTF-16');
    expect((await read(bytes, { ...plain, acceptUtf16: true })).map(({ value }) => value)).toEqual([
      new Map([['a', 'b']]),
    ]);
  });

  test('finds UTF-16 in chunks of single bytes', async () => {
    const io = createTestIo({
      workingFolder: '/',
      stdin: (async function* () {
        for (const byte of Buffer.from('\ufeffa: b\n', 'utf16le')) yield Uint8Array.of(byte);
      })(),
    });
    await expect(collect(readInput(standardInput(io), plain))).rejects.toThrow('is UTF-16');
  });
});

describe('violations have a place', () => {
  test('in a Secret', async () => {
    const [document] = await read('metadata:\n  name: a\n  labels:\n    x.y/z: [1]\ndata:\n  "a.b": "!"\n');
    expect(() => secretIn(document as never)).toThrow(
      'stdin: line 4, column 12: metadata.labels["x.y/z"]: must be a string, not a list; stdin: line 6, column 10: data["a.b"]: illegal base64 data at input byte 0',
    );
  });

  test('in a SealedSecret', async () => {
    const [document] = await read('{"spec":\n {"template": {"type": 1}}}');
    expect(() => strictSealedSecretIn(document as never)).toThrow(
      'stdin: line 2, column 24: spec.template.type: must be a string, not a number',
    );
  });
});

test.for([
  ['spec.template', ['spec', 'template']],
  ['metadata.labels["a.b/c\\"d"]', ['metadata', 'labels', 'a.b/c"d']],
  ['items[2].kind', ['items', 2, 'kind']],
  ['', []],
] as [string, (string | number)[]][])('the path %j has steps', ([text, steps]) => {
  expect(parsePath(text)).toEqual(steps);
});
