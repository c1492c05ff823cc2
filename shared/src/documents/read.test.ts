import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseWithOtherReader } from 'yaml';
import { SealedSecretsError } from '../errors.ts';
import { coerceToString } from './coerce.ts';
import { formatJsonCompact } from './format-json.ts';
import { formatYaml } from './format-yaml.ts';
import { positionOf, readDocumentStream, readDocuments, readObject } from './read.ts';
import { type DocumentMap, type DocumentValue, equalValues, isDocumentMap, valueAt } from './value.ts';

const read = (text: string) => [...readDocuments(text, { source: 'in' })].map(({ value }) => formatJsonCompact(value));

async function readInPieces(text: string, size: number): Promise<string[]> {
  const bytes = new TextEncoder().encode(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const values: string[] = [];
  for await (const { value } of readDocumentStream(chunks(), { source: 'in' })) values.push(formatJsonCompact(value));
  return values;
}

describe('readDocuments', () => {
  it.each([
    ['two JSON objects back to back', '{"a":1}{"a":2}', ['{"a":1}', '{"a":2}']],
    [
      'JSON objects separated by --- lines',
      '{"a":1}\n---\n{"a":2}\n--- # c\n{"a":3}\n---',
      ['{"a":1}', '{"a":2}', '{"a":3}'],
    ],
    ['blank lines before JSON', ' \r\n\t{"a":1}\n', ['{"a":1}']],
    ['an empty input', '', []],
    ['blank lines and comments only', '\n# c\n\n  # d\n', []],
    ['leading and trailing ---', '---\na: 1\n---\n', ['{"a":1}']],
    ['empty documents between others', 'a: 1\n---\n# c\n---\nnull\n---\n---\na: 2\n', ['{"a":1}', '{"a":2}']],
    [
      '--- lines with spaces, comments and CRLF',
      'a: 1\r\n---  \r\na: 2\r\n--- # c\r\na: 3',
      ['{"a":1}', '{"a":2}', '{"a":3}'],
    ],
    ['a document end marker', 'a: 1\n...\n---\na: 2\n...\n', ['{"a":1}', '{"a":2}']],
    ['directives', '%YAML 1.1\n# c\n---\na: 1\n', ['{"a":1}']],
    ['JSON that only YAML can read', '{"a": 1, b: x,}\n---\nc: 2\n', ['{"a":1,"b":"x"}', '{"c":2}']],
    [
      'a YAML object in braces behind two of JSON',
      '{"a":1}\n{"a":2}\n---\n{a: 3}\n',
      ['{"a":1}', '{"a":2}', '{"a":3}'],
    ],
    ['braces inside of JSON strings', '{"a":"}{\\"}"}{"b":"\\\\"}', ['{"a":"}{\\"}"}', '{"b":"\\\\"}']],
    ['a top-level list', '- a\n- b\n', ['["a","b"]']],
    ['a duplicate key', 'a: 1\na: 2\n---\n{"a":1}', ['{"a":2}', '{"a":1}']],
    [
      'keys that are special to JavaScript',
      '{"__proto__":1,"constructor":2,"10":3,"2":4}',
      ['{"__proto__":1,"constructor":2,"10":3,"2":4}'],
    ],
    ['merge keys', 'x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3\n', ['{"x":{"a":1,"b":2},"z":{"a":1,"b":3}}']],
  ])('reads %s', async (_name, text, documents) => {
    expect(read(text)).toEqual(documents);
    for (const size of [1, 3, 7]) expect(await readInPieces(text, size)).toEqual(documents);
  });

  it('gives index, format, line and the range in the input', () => {
    const text = '# top\na: 1\n---\n\nb: 2\n';
    const documents = [...readDocuments(text)];
    expect(documents.map(({ index, format, line }) => [index, format, line])).toEqual([
      [0, 'yaml', 2],
      [1, 'yaml', 5],
    ]);
    expect(documents.map(({ start, end }) => text.slice(start, end))).toEqual(['# top\na: 1\n', '---\n\nb: 2\n']);
  });

  it.each([
    ['a: [\n---\nb: 1\n', 'in: document 1, line 2, column 1: found unexpected'],
    ['a: 1\n---\nb: [1\n', 'in: document 2, line 4, column 1'],
    ['{"a":1}\n{"a":2}\ngarbage', undefined],
    ['{"a":1}\n{"a":2}\n}', 'in: document 3, line 3, column 1'],
    ['{"a":1} ]', 'in: document 2, line 1, column 9'],
    ['{"a": 1, "b": tru', 'in: document 1, line 1'],
    ['{"a": "secret', 'in: document 1, line 1'],
    ['a: 1\n---foo\nb: 1\n', "in: line 2, column 1: only spaces or a comment may follow '---' on a line"],
    ['a: 1\n...\nb: 2\n', 'in: document 1, line 3, column 1: after the end of the document'],
    ['a: 1\n b: 2\n', 'in: document 1, line 2, column 3: mapping values are not allowed in this context'],
    ['a:\n\t- b\n', 'in: document 1, line 2, column 1: found character that cannot start any token'],
    ['a: *Secr3t\n', 'in: document 1, line 1, column 4: unknown anchor referenced'],
    ['a: !!int secret\n', 'in: document 1, line 1, column 10: cannot decode this value as !!int'],
    ['? [a]\n: b\n', 'in: document 1, line 1, column 3: an object or a list cannot be a key'],
    ['~: b\n', 'in: document 1, line 1, column 1: null cannot be a key; quote it'],
    ['a: \x01\n', 'in: document 1, line 1, column 4: control characters are not allowed'],
    ['&a [*a]\n', 'in: document 1, line 1, column 5: an anchor contains itself'],
  ])('says where %j is broken, and never goes on silently', async (text, message) => {
    if (message === undefined) {
      // Text is a document of its own to YAML; that it is no object is for the caller to refuse.
      expect(read(text)).toEqual(['{"a":1}', '{"a":2}', '"garbage"']);
      return;
    }
    let caught: unknown;
    try {
      read(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(SealedSecretsError);
    expect(caught).toMatchObject({ code: 'InvalidDocument' });
    const text1 = (caught as SealedSecretsError).message;
    expect(text1).not.toMatch(/secr[e3]t/i);
    if (!message.includes('found unexpected')) expect(text1).toContain(message);
    await expect(readInPieces(text, 5)).rejects.toThrow(text1);
  });

  it('hands out the documents before a broken one', () => {
    const seen: string[] = [];
    expect(() => {
      for (const { value } of readDocuments('a: 1\n---\n"\n')) seen.push(formatJsonCompact(value));
    }).toThrow('document 2');
    expect(seen).toEqual(['{"a":1}']);
  });

  it.each([
    ['['.repeat(200), 'more than 100 levels'],
    ['{"a":'.repeat(200), 'more than 100 levels'],
    ['- '.repeat(200), 'more than 100 levels'],
    [
      'a:\n'.replace('a', 'a') + Array.from({ length: 150 }, (_, i) => `${' '.repeat(i + 1)}a:\n`).join(''),
      'more than 100 levels',
    ],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]\n`)
        .join('')}`,
      'excessive aliasing',
    ],
    [`a: &a ${'x'.repeat(100_000)}\nb: [${Array(100).fill('*a').join(',')}]\n`, 'excessive aliasing'],
    [`a: ${'x'.repeat(9_000_000)}\n`, 'larger than 8 MiB'],
    [`{"a":"${'x'.repeat(9_000_000)}"}`, 'larger than 8 MiB'],
  ])('refuses what is too large or too deep before it costs much', async (text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'InputTooLarge', message: expect.stringContaining(message) }),
    );
    await expect(readInPieces(text, 65_536)).rejects.toMatchObject({ code: 'InputTooLarge' });
  });

  it('takes a limit per document, not per stream', () => {
    const text = 'a: 12345\n---\n'.repeat(50);
    expect([...readDocuments(text, { maxDocumentBytes: 20 })]).toHaveLength(50);
    expect(() => [...readDocuments(text, { maxDocumentBytes: 8 })]).toThrow(
      expect.objectContaining({ code: 'InputTooLarge' }),
    );
  });

  it('converts scalars as kubeseal does where a string is expected', () => {
    const text =
      'stringData: {p: 8080, q: yes, r: 0123, s: 1.10, t: 1e3, u: ~, v: 2020-01-01, w: 12:30, x: 1000000.0, y: 1000000}\n';
    const [document] = [...readDocuments(text)];
    const data = valueAt(document?.value, ['stringData']);
    const strings = isDocumentMap(data) ? [...data.values()].map(coerceToString) : [];
    expect(strings).toEqual(['8080', 'true', '83', '1.1', '1000', '', '2020-01-01', '12:30', '1e+06', '1000000']);
  });
});

describe('readObject', () => {
  it('reads the first YAML document and says that there are more', () => {
    const object = readObject('# c\na: 1\n---\nb: [\n');
    expect([formatJsonCompact(object.value), object.format, object.moreDocuments, object.line]).toEqual([
      '{"a":1}',
      'yaml',
      true,
      2,
    ]);
  });
  it('does not try broken JSON as YAML', () => {
    expect(() => readObject('{a: 1}')).toThrow(
      'input: line 1, column 2: invalid character looking for beginning of object key string',
    );
    expect(() => readObject('{"a":1} x')).toThrow('after the JSON value');
  });
  it('refuses an input without a document', () => {
    expect(() => readObject('# nothing\n', { source: 'f' })).toThrow(expect.objectContaining({ code: 'EmptyInput' }));
  });
  it.each([
    ['"\\ud83d\\ude00\\ud83d"', '😀\ufffd'],
    ['"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"', 'A/\b\f\n\r\t"\\'],
  ])('reads the JSON text %s', (text, value) => {
    expect(readObject(`{"a":${text}}`).value).toEqual(new Map([['a', value]]));
  });
  it.each([
    '{"a":01}',
    '{"a":1.}',
    '{"a":+1}',
    '{"a":"\n"}',
    "{'a':1}",
    '{"a":1,}',
    '{"a"}',
    '{"a":"\\x"}',
    '{"a":1e999}',
    '{',
    '{"a":nul}',
    '{"a":"\\u12g4"}',
  ])('refuses %j, which is no JSON', (text) => {
    expect(() => readObject(text)).toThrow(expect.objectContaining({ code: 'InvalidDocument' }));
  });
  it('agrees with JSON.parse about any JSON text', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
        fc.constantFrom(undefined, 2, '\t'),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(equalValues(withFloats(readObject(text).value), toDocument(JSON.parse(text)))).toBe(true);
        },
      ),
    );
  });
});

/** JSON.parse knows no integers beyond 2^53. */
function withFloats(value: DocumentValue): DocumentValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withFloats);
  return isDocumentMap(value) ? new Map([...value].map(([key, item]) => [key, withFloats(item)])) : value;
}

function toDocument(value: unknown): DocumentValue {
  if (Array.isArray(value)) return value.map(toDocument);
  if (typeof value !== 'object' || value === null) return value as DocumentValue;
  return new Map(Object.entries(value).map(([key, item]) => [key, toDocument(item)]));
}

describe('positionOf', () => {
  const text = '# c\nspec:\n  encryptedData:\n    "tls.key": abc\n    empty:\n  list:\n  - x: 1\n  - w: é\n';
  const object = readObject(text);
  it.each([
    [['spec'], 'value', 3, 3],
    [['spec'], 'key', 2, 1],
    [['spec', 'encryptedData', 'tls.key'], 'value', 4, 16],
    [['spec', 'encryptedData', 'tls.key'], 'key', 4, 5],
    [['spec', 'encryptedData', 'empty'], 'value', 5, 5],
    [['spec', 'list', 1, 'w'], 'value', 8, 8],
    [['spec', 'missing', 'deep'], 'value', 3, 3],
  ] as const)('finds %j', (path, of, line, column) => {
    expect(positionOf(object, path, of)).toEqual({ line, column });
  });
  it('counts from the beginning of the input in later documents', () => {
    const documents = [...readDocuments('{"a":1} {"b":\n2}')];
    expect(documents.map((document) => positionOf(document, ['b']))).toEqual([
      { line: 1, column: 1 },
      { line: 2, column: 1 },
    ]);
  });
});

describe('formatYaml and another reader', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.constantFrom('yes', '1e3', '0x1', '2020-01-01', 'a\nb\n', ' x', '~'),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  );
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '10', '9', 'a.b', 'true'));
  const { map } = fc.letrec<{ map: DocumentMap; value: DocumentValue }>((tie) => ({
    map: fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      tie('map'),
      fc.array(tie('value'), { maxLength: 3 }),
    ) as fc.Arbitrary<DocumentValue>,
  }));

  it('writes what it reads back, and what the yaml package reads as the same value', () => {
    fc.assert(
      fc.property(map, (value) => {
        const text = formatYaml(value);
        expect(equalValues(readObject(text, { format: 'yaml' }).value, value), text).toBe(true);
        // That package looks simple keys up to 1,024 characters as YAML 1.2 does, and has no other rule that matters here.
        const other = parseWithOtherReader(text, {
          mapAsMap: true,
          intAsBigInt: true,
          maxAliasCount: 0,
        }) as DocumentValue;
        expect(equalValues(other, value), text).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
