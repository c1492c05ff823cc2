/** JSON text (RFC 8259, as strict as Go's encoding/json) to the same syntax tree that YAML gives. */
import { type MapEntry, type Node, SyntaxProblem } from './node.ts';
import { MAX_DEPTH } from './text.ts';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const WORDS = ['true', 'false', 'null'];
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

interface Cursor {
  readonly text: string;
  pos: number;
}

/**
 * Parses one JSON value that fills the text from `from` to the end, whitespace aside.
 * @throws SyntaxProblem
 */
export function parseJson(text: string, from = 0): Node {
  const cursor: Cursor = { text, pos: from };
  skipWhitespace(cursor);
  const node = parseValue(cursor, 0);
  skipWhitespace(cursor);
  if (cursor.pos < text.length) throw unexpected(cursor, 'after the JSON value');
  return node;
}

function unexpected(cursor: Cursor, where: string): SyntaxProblem {
  const reason = cursor.pos >= cursor.text.length ? 'unexpected end of JSON input' : `invalid character ${where}`;
  return new SyntaxProblem(reason, cursor.pos);
}

function skipWhitespace(cursor: Cursor): void {
  for (;;) {
    const c = cursor.text.charCodeAt(cursor.pos);
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    cursor.pos++;
  }
}

function parseValue(cursor: Cursor, depth: number): Node {
  const c = cursor.text[cursor.pos];
  if (c === '{') return parseObject(cursor, depth + 1);
  if (c === '[') return parseArray(cursor, depth + 1);
  if (c === '"') return parseString(cursor);
  const start = cursor.pos;
  const word = WORDS.find((candidate) => cursor.text.startsWith(candidate, start));
  if (word !== undefined) return plain(word, cursor);
  NUMBER.lastIndex = start;
  const number = NUMBER.exec(cursor.text)?.[0];
  if (number === undefined) throw unexpected(cursor, 'looking for beginning of value');
  if (!Number.isFinite(Number(number))) throw new SyntaxProblem('a number is out of range', start);
  return plain(number, cursor);
}

function plain(value: string, cursor: Cursor): Node {
  const start = cursor.pos;
  cursor.pos += value.length;
  return {
    kind: 'scalar',
    value,
    style: 'plain',
    tag: '',
    implicit: true,
    anchor: undefined,
    start,
    end: cursor.pos,
    propertiesStart: start,
  };
}

function checkDepth(cursor: Cursor, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new SyntaxProblem(`more than ${MAX_DEPTH} levels of objects and lists inside each other`, cursor.pos, true);
  }
}

function parseObject(cursor: Cursor, depth: number): Node {
  checkDepth(cursor, depth);
  const start = cursor.pos++;
  const entries: MapEntry[] = [];
  skipWhitespace(cursor);
  if (cursor.text[cursor.pos] !== '}') {
    for (;;) {
      if (cursor.text[cursor.pos] !== '"') throw unexpected(cursor, 'looking for beginning of object key string');
      const key = parseString(cursor);
      skipWhitespace(cursor);
      if (cursor.text[cursor.pos] !== ':') throw unexpected(cursor, 'after object key');
      cursor.pos++;
      skipWhitespace(cursor);
      entries.push({ key, value: parseValue(cursor, depth) });
      skipWhitespace(cursor);
      const c = cursor.text[cursor.pos];
      if (c === '}') break;
      if (c !== ',') throw unexpected(cursor, 'after object key:value pair');
      cursor.pos++;
      skipWhitespace(cursor);
    }
  }
  cursor.pos++;
  return { kind: 'map', entries, flow: true, anchor: undefined, start, end: cursor.pos, propertiesStart: start };
}

function parseArray(cursor: Cursor, depth: number): Node {
  checkDepth(cursor, depth);
  const start = cursor.pos++;
  const items: Node[] = [];
  skipWhitespace(cursor);
  if (cursor.text[cursor.pos] !== ']') {
    for (;;) {
      items.push(parseValue(cursor, depth));
      skipWhitespace(cursor);
      const c = cursor.text[cursor.pos];
      if (c === ']') break;
      if (c !== ',') throw unexpected(cursor, 'after array element');
      cursor.pos++;
      skipWhitespace(cursor);
    }
  }
  cursor.pos++;
  return { kind: 'sequence', items, flow: true, anchor: undefined, start, end: cursor.pos, propertiesStart: start };
}

function parseString(cursor: Cursor): Node {
  const { text } = cursor;
  const start = cursor.pos++;
  let value = '';
  let runStart = cursor.pos;
  for (;;) {
    const c = text.charCodeAt(cursor.pos);
    if (c === 0x22) break;
    if (Number.isNaN(c) || c < 0x20) throw unexpected(cursor, 'in string literal');
    if (c !== 0x5c) {
      cursor.pos++;
      continue;
    }
    value += text.slice(runStart, cursor.pos) + parseEscape(cursor);
    runStart = cursor.pos;
  }
  value += text.slice(runStart, cursor.pos);
  cursor.pos++;
  return {
    kind: 'scalar',
    value,
    style: 'double',
    tag: '',
    implicit: false,
    anchor: undefined,
    start,
    end: cursor.pos,
    propertiesStart: start,
  };
}

/** Half a surrogate pair becomes U+FFFD, as in Go. */
function parseEscape(cursor: Cursor): string {
  const { text } = cursor;
  const letter = text.charAt(cursor.pos + 1);
  if (letter !== 'u') {
    const simple = ESCAPES.get(letter);
    if (simple === undefined) {
      cursor.pos++;
      throw unexpected(cursor, 'in string escape code');
    }
    cursor.pos += 2;
    return simple;
  }
  const unit = hexUnit(text, cursor.pos);
  if (unit === undefined) throw unexpected(cursor, 'in \\u hexadecimal character escape');
  cursor.pos += 6;
  if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
  const second = hexUnit(text, cursor.pos);
  if (unit > 0xdbff || second === undefined || second < 0xdc00 || second > 0xdfff) return '\ufffd';
  cursor.pos += 6;
  return String.fromCharCode(unit, second);
}

function hexUnit(text: string, at: number): number | undefined {
  const sequence = text.slice(at, at + 6);
  return /^\\u[0-9a-fA-F]{4}$/.test(sequence) ? Number.parseInt(sequence.slice(2), 16) : undefined;
}
