import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SealedSecretsError } from '../errors.ts';
import { type DocumentEdit, planEdit } from './edit.ts';
import { formatJsonString } from './format-json.ts';
import { formatDoubleQuoted } from './format-yaml.ts';
import { readDocuments } from './read.ts';
import { type DocumentMap, type DocumentValue, equalValues, valueAt } from './value.ts';

const set = (path: string, value: string): DocumentEdit => ({ op: 'set', path: path.split('/'), value });
const remove = (path: string): DocumentEdit => ({ op: 'remove', path: path.split('/') });
const edited = (text: string, ...edits: DocumentEdit[]) => planEdit(text, edits).text;

describe('planEdit in block style', () => {
  it('replaces a value and leaves comments, order and spacing alone', () => {
    expect(edited('# top\nspec:\n  b:   old   # why\n\n  a: 1\n', set('spec/b', 'new'))).toBe(
      '# top\nspec:\n  b:   new   # why\n\n  a: 1\n',
    );
  });
  it('keeps the quotes of a replaced value', () => {
    expect(edited(`a: "x"\nb: 'y'\n`, set('a', 'q"q'), set('b', "it's"))).toBe(`a: "q\\"q"\nb: 'it''s'\n`);
  });
  it('adds an entry behind the last one, before comments that follow', () => {
    expect(edited('m:\n    a: 1 # c\n# tail\nn: 2\n', set('m/z', 'AgB='))).toBe(
      'm:\n    a: 1 # c\n    z: AgB=\n# tail\nn: 2\n',
    );
  });
  it.each([
    ['m:\n', 'm:\n  k: v\n'],
    ['m: {}\n', 'm:\n  k: v\n'],
    ['m: null # c\n', 'm: # c\n  k: v\n'],
    ['m: ~', 'm:\n  k: v'],
    ['a: 1\n', 'a: 1\nm:\n  k: v\n'],
    ['a: 1', 'a: 1\nm:\n  k: v'],
    ['a: 1\r\n', 'a: 1\r\nm:\r\n  k: v\r\n'],
    ['\ufeffa: 1\n', '\ufeffa: 1\nm:\n  k: v\n'],
    ['a:\n    b: 1\n', 'a:\n    b: 1\nm:\n    k: v\n'],
    ['m: {a: b}\n', 'm: {a: b, k: v}\n'],
    ['{"a":1}', '{"a":1,"m":{"k":"v"}}'],
    ['{\n\t"m": {}\n}\n', '{\n\t"m": {\n\t\t"k": "v"\n\t}\n}\n'],
    ['{\r\n  "m": {\r\n    "a": "b"\r\n  }\r\n}', '{\r\n  "m": {\r\n    "a": "b",\r\n    "k": "v"\r\n  }\r\n}'],
    ['m:\n  t: |\n    text\n\n\nn: 1\n', 'm:\n  t: |\n    text\n  k: v\n\n\nn: 1\n'],
    ['m:\n  t: |+\n    text\n\n\nn: 1\n', 'm:\n  t: |+\n    text\n\n\n  k: v\nn: 1\n'],
    ['m:\n  l:\n  - a\n  - b\n', 'm:\n  l:\n  - a\n  - b\n  k: v\n'],
    ['? m\n: a: b\n', '? m\n: a: b\n  k: v\n'],
  ])('makes the object and the entry m.k in %j', (before, after) => {
    expect(edited(before, set('m/k', 'v'))).toBe(after);
  });
  it('replaces a block scalar, also by one', () => {
    expect(edited('a: |\n  one\n  two\nb: 1\n', set('a', 'x'))).toBe('a: x\nb: 1\n');
    expect(edited('a: 1\nb: 1\n', set('a', 'x\ny\n'))).toBe('a: |\n  x\n  y\nb: 1\n');
  });
  it('removes an entry with its line', () => {
    expect(edited('m:\n  # keep\n  a: |\n    x\n  b: 1 # gone\n  c: 2\n', remove('m/b'))).toBe(
      'm:\n  # keep\n  a: |\n    x\n  c: 2\n',
    );
    expect(edited('m:\n  a: 1\nn: 2\n', remove('m/a'))).toBe('m:\n  {}\nn: 2\n');
    expect(edited('m: {a: 1, b: 2, c: 3}\n', remove('m/b'), remove('m/c'))).toBe('m: {a: 1}\n');
    expect(edited('{"a":1,"b":2}', remove('a'), set('c', 'x'))).toBe('{"b":2,"c":"x"}');
  });
  it('quotes what would read as another type', () => {
    expect(edited('m: {}\n', set('m/a', 'true'), set('m/10', '012'))).toBe('m:\n  a: "true"\n  "10": "012"\n');
  });
  it('keeps keys such as __proto__', () => {
    expect(edited('m: {}\n', set('m/__proto__', 'x'))).toBe('m:\n  __proto__: x\n');
  });
  it('edits the chosen document of several and nothing else', () => {
    const text = '---\na: 1\n---\na: 2\n...\n---\na: 3';
    expect(planEdit(text, [set('b', 'x')], { document: 1 }).text).toBe('---\na: 1\n---\na: 2\nb: x\n...\n---\na: 3');
    expect(planEdit('{"a":1}{"a":2}', [set('b', 'x')], { document: 1 }).text).toBe('{"a":1}{"a":2,"b":"x"}');
  });
  it.each([
    ['m: &x\n  a: b\nn: *x\n', 'line 1, column 4: m has an anchor'],
    ['n: &x {a: b}\nm: *x\n', 'line 2, column 4: m is an alias'],
    ['n: &x {a: b}\nm:\n  <<: *x\n', 'line 3, column 3: m has a merge key'],
    ['m:\n  k: 1\n  k: 2\n', 'line 3, column 3: m.k occurs more than once'],
    ['m: text\n', 'line 1, column 4: m is a single value instead of an object'],
    ['m:\n  k: [1]\n', 'line 2, column 6: m.k is a list instead of a string'],
    ['- a\n', 'line 1, column 1: the document is not an object'],
  ])('refuses %j', (text, message) => {
    expect(() => edited(text, set('m/k', 'v'))).toThrow(message);
  });
  it('refuses what would change another value', () => {
    expect(() => edited('a: |\n  no line break at the end', set('b', 'x'))).toThrow('without changing something else');
  });
});

// Documents in the styles people use, and edits that must all work.
// One number from fast-check decides about all of a case: a generator of its own makes shrinking these texts endless.
type Gen = (limit: number) => number;

function generator(seed: number): Gen {
  let state = seed >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

const seeds = fc.integer({ min: 1, max: 2 ** 32 - 1 });

const KEYS = [
  'a',
  'b',
  'tls.key',
  '10',
  '__proto__',
  'constructor',
  'x-y',
  'true',
  'two words',
  'é',
  ':',
  '',
  '#',
  '<<',
];
const TEXTS = [
  '',
  'x',
  'AgBy8+/=',
  'true',
  '0123',
  'two words',
  'a: b',
  ' lead',
  'it\'s "q"',
  'l1\nl2\n',
  'l1\n\nl2',
  '\n',
  'é😀',
  '{x}',
  '#',
  '- a',
  'a\tb',
  '\r\n',
  'a\n\n',
];

const pick = <T>(g: Gen, values: readonly T[]): T => values[g(values.length)] as T;
const chance = (g: Gen, percent: number): boolean => g(100) < percent;

interface Layout {
  readonly eol: string;
  readonly step: number;
}

function writeScalar(g: Gen, text: string, indent: number, eol: string, inFlow: boolean): string {
  if (!inFlow && /^(?:[^\s][^\n\r]*\n)+$/.test(text) && chance(g, 60)) {
    const pad = ' '.repeat(indent);
    return `|${eol}${text
      .slice(0, -1)
      .split('\n')
      .map((line) => pad + line)
      .join(eol)}`;
  }
  if (/^[a-zA-Z/+=]+$/.test(text) && text !== 'true' && chance(g, 60)) return text;
  if (/^[\x20-\x7e\u00e9]*$/.test(text) && chance(g, 40)) return `'${text.replaceAll("'", "''")}'`;
  return formatDoubleQuoted(text);
}

function writeBlock(g: Gen, map: DocumentMap, indent: number, layout: Layout): string {
  const { eol, step } = layout;
  let text = '';
  for (const [key, value] of map) {
    if (chance(g, 15)) text += `${' '.repeat(indent)}# comment${eol}`;
    if (chance(g, 10)) text += eol;
    const space = ' '.repeat(chance(g, 10) ? 3 : 1);
    text += `${' '.repeat(indent)}${writeScalar(g, key, indent, eol, true)}:`;
    const comment = chance(g, 20) ? ' # note' : '';
    if (value instanceof Map) {
      if (value.size === 0) text += `${space}{}${comment}${eol}`;
      else if (chance(g, 20)) text += `${space}${writeFlow(g, value)}${comment}${eol}`;
      else text += `${comment}${eol}${writeBlock(g, value, indent + step, layout)}`;
    } else if (Array.isArray(value)) {
      text += `${eol}${value.map((item) => `${' '.repeat(indent)}- ${writeScalar(g, String(item), indent, eol, true)}${eol}`).join('')}`;
    } else if (value === null) {
      text += `${pick(g, ['', ' null', ' ~'])}${comment}${eol}`;
    } else {
      const scalar = writeScalar(g, String(value), indent + step, eol, false);
      text += `${space}${scalar}${scalar.startsWith('|') ? '' : comment}${eol}`;
    }
  }
  return text;
}

function writeFlow(g: Gen, value: DocumentValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => writeFlow(g, item)).join(', ')}]`;
  if (!(value instanceof Map)) return writeScalar(g, String(value), 0, '\n', true);
  const open = pick(g, ['{', '{ ']);
  const entries = [...value].map(([key, item]) => `${writeScalar(g, key, 0, '\n', true)}: ${writeFlow(g, item)}`);
  return `${open}${entries.join(pick(g, [', ', ',']))}${open === '{' ? '}' : ' }'}`;
}

function writeJson(value: DocumentValue, indent: string | undefined, eol: string, level = 0): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return formatJsonString(value);
  const lead = indent === undefined ? '' : eol + indent.repeat(level + 1);
  const close = indent === undefined ? '' : eol + indent.repeat(level);
  if (Array.isArray(value))
    return `[${value.map((item) => lead + writeJson(item, indent, eol, level + 1)).join(',')}${close}]`;
  if (!(value instanceof Map)) return String(value);
  if (value.size === 0) return '{}';
  const colon = indent === undefined ? ':' : ': ';
  return `{${[...value].map(([key, item]) => lead + formatJsonString(key) + colon + writeJson(item, indent, eol, level + 1)).join(',')}${close}}`;
}

function makeMap(g: Gen, depth: number): DocumentMap {
  const map: DocumentMap = new Map();
  const size = g(5);
  for (let i = 0; i < size; i++) {
    const kind = g(10);
    const value =
      depth > 0 && kind < 4
        ? makeMap(g, depth - 1)
        : kind === 4
          ? [pick(g, TEXTS)]
          : kind === 5
            ? null
            : pick(g, TEXTS);
    map.set(pick(g, KEYS), value);
  }
  return map;
}

function makeEdit(g: Gen, map: DocumentMap): DocumentEdit {
  const path: string[] = [];
  let level: DocumentValue | undefined = map;
  for (;;) {
    const keys: string[] = level instanceof Map ? [...level.keys()] : [];
    const key = keys.length > 0 && chance(g, 60) ? pick(g, keys) : pick(g, KEYS);
    path.push(key);
    const next: DocumentValue | undefined = level instanceof Map ? level.get(key) : undefined;
    const goOn = next instanceof Map || next === null || (next === undefined && path.length < 3 && chance(g, 30));
    if (!goOn || (next === null && chance(g, 50))) break;
    level = next;
  }
  return chance(g, 30) ? { op: 'remove', path } : { op: 'set', path, value: pick(g, TEXTS) };
}

/** The reference: what the edits mean, on values. Undefined if they ask for something that is refused by contract. */
function applyEdits(root: DocumentMap, edits: readonly DocumentEdit[]): DocumentMap | undefined {
  const result = structuredClone(root);
  for (const edit of edits) {
    let level = result;
    let stopped = false;
    for (const step of edit.path.slice(0, -1)) {
      const next = level.get(step);
      if (next instanceof Map) level = next;
      else if (next !== undefined && next !== null) return undefined;
      else if (edit.op === 'remove') stopped = true;
      else {
        const made: DocumentMap = new Map();
        level.set(step, made);
        level = made;
      }
      if (stopped) break;
    }
    if (stopped) continue;
    const last = edit.path.at(-1) ?? '';
    const original = valueAt(root, edit.path);
    if (edit.op === 'set' && (original instanceof Map || Array.isArray(original))) return undefined;
    const old = level.get(last);
    if (edit.op === 'remove') level.delete(last);
    else if (old instanceof Map || Array.isArray(old)) return undefined;
    else level.set(last, edit.value);
  }
  return result;
}

describe('planEdit on random documents', () => {
  const build = (g: Gen) => {
    const layout: Layout = { eol: pick(g, ['\n', '\n', '\r\n']), step: pick(g, [2, 4, 3]) };
    const map = makeMap(g, 3);
    if (map.size === 0) map.set('only', 'x');
    const json = chance(g, 30);
    let text = json ? writeJson(map, pick(g, ['  ', '\t', undefined]), layout.eol) : writeBlock(g, map, 0, layout);
    if (json && chance(g, 50)) text += layout.eol;
    let document = 0;
    if (!json && chance(g, 30)) {
      const other = `first: doc # of two${layout.eol}`;
      if (chance(g, 50)) {
        text = `${other}---${layout.eol}${text}`;
        document = 1;
      } else {
        text = `---${layout.eol}${text}---${layout.eol}${other}`;
      }
    } else if (!json && chance(g, 20) && !/\|[+]?\r?\n[^|]*$/.test(text)) {
      text = text.replace(/\r?\n$/, '');
    }
    if (chance(g, 10)) text = `\ufeff${text}`;
    return { text, map, document };
  };

  const plan = (text: string, edits: DocumentEdit[], document: number) => {
    try {
      return planEdit(text, edits, { document });
    } catch (error) {
      if (error instanceof TypeError) throw error;
      throw new Error(`${JSON.stringify(text)} ${JSON.stringify(edits)}`, { cause: error });
    }
  };

  it('changes the value as intended and no byte outside of the splices', () => {
    let done = 0;
    fc.assert(
      fc.property(seeds, (seed) => {
        const g = generator(seed);
        const { text, map, document } = build(g);
        const before = [...readDocuments(text)][document];
        expect(
          equalValues(before?.value, map),
          `the generator and the reader disagree about ${JSON.stringify(text)}`,
        ).toBe(true);
        const edit = makeEdit(g, map);
        const expected = applyEdits(map, [edit]);
        if (expected === undefined || expected.size === 0) {
          return;
        }
        const planned = plan(text, [edit], document);
        done++;
        const after = [...readDocuments(planned.text)][document];
        expect(equalValues(after?.value, expected), `${JSON.stringify(text)} to ${JSON.stringify(planned.text)}`).toBe(
          true,
        );
        let rebuilt = '';
        let end = 0;
        for (const splice of planned.splices) {
          expect(splice.start).toBeGreaterThanOrEqual(end);
          rebuilt += text.slice(end, splice.start) + splice.text;
          end = splice.end;
        }
        expect(rebuilt + text.slice(end)).toBe(planned.text);
      }),
      { numRuns: 2000 },
    );
    expect(done).toBeGreaterThan(500);
  });

  it('applies several edits at once as one after the other', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const g = generator(seed);
        const { text, map, document } = build(g);
        const edits = [makeEdit(g, map), makeEdit(g, map), makeEdit(g, map)];
        // Of several edits of one path only the last counts.
        const last = new Map(edits.map((edit) => [JSON.stringify(edit.path), edit]));
        const expected = applyEdits(map, [...last.values()]);
        if (expected === undefined || expected.size === 0) return;
        let planned: string;
        try {
          planned = plan(text, edits, document).text;
        } catch (error) {
          // Edits of which one makes an object where another sets a string contradict each other.
          if (error instanceof TypeError) return;
          throw error;
        }
        const after = [...readDocuments(planned)][document];
        expect(equalValues(after?.value, expected), `${JSON.stringify(text)} to ${JSON.stringify(planned)}`).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('throws only its own errors, whatever the text', () => {
    const pieces = [
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '{',
      '}',
      '"',
      "'",
      '|',
      '&a ',
      '*a',
      '? ',
      '<<',
      '#',
      '\t',
      '---\n',
      '...\n',
      '!!str ',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 14 }), (parts) => {
        try {
          planEdit(parts.join(''), [set('a/k', 'v')]);
        } catch (error) {
          expect(error).toBeInstanceOf(SealedSecretsError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
