import { decodeRune, encodeRune, runeError } from '../byte-string.ts';
import { CallError } from '../errors.ts';
import { formatFloat } from '../format/float-text.ts';
import { bytesOf, stringerText } from '../format/printer.ts';
import { strictRfc3339 } from '../methods.ts';
import { parseFloat64 } from '../number-text.ts';
import { GoTime, TimeLocation } from '../time/time.ts';
import { appendedAnySlice } from '../values/growth.ts';
import { checkNesting, typeName } from '../values/inspect.ts';
import { types } from '../values/types.ts';
import { anyMap, GoCertificate, GoInteger, GoMap, GoSlice, type GoValue, GoVersion } from '../values/value.ts';
import { type CallContext, define, param, type TemplateFunction } from './definition.ts';
import { encodeBase64 } from './encoding.ts';

/** JSON as Go's `encoding/json` reads and writes it: sorted keys, its escapes, its numbers. */

interface WriteOptions {
  /** Writes `<`, `>` and `&` as escapes. */
  readonly escapeHtml: boolean;
  /** Spaces per level; empty for one line. */
  readonly indent: string;
}

class JsonWriter {
  readonly #context: CallContext;
  readonly #options: WriteOptions;
  #output = '';

  constructor(context: CallContext, options: WriteOptions) {
    this.#context = context;
    this.#options = options;
  }

  write(value: GoValue): string {
    this.#value(value, 0);
    return this.#output;
  }

  #put(text: string): void {
    this.#context.budget.allocate(text.length);
    this.#output += text;
  }

  #value(value: GoValue, depth: number): void {
    this.#context.budget.step();
    checkNesting(depth);
    if (value === null) this.#put('null');
    else if (typeof value === 'string') this.#put(quoteJson(value, this.#options.escapeHtml));
    else if (typeof value === 'boolean') this.#put(String(value));
    else if (typeof value === 'number') this.#put(numberText(value));
    else if (value instanceof GoInteger) this.#put(value.value.toString());
    else if (value instanceof GoSlice) this.#slice(value, depth);
    else if (value instanceof GoMap) this.#map(value, depth);
    else this.#structured(value, depth);
  }

  #structured(value: GoValue, depth: number): void {
    if (value instanceof GoTime) this.#put(`"${strictRfc3339(value)}"`);
    else if (value instanceof GoVersion) this.#put(quoteJson(stringerText(value) ?? '', this.#options.escapeHtml));
    else if (value instanceof GoCertificate) {
      const fields: [string, GoValue][] = [
        ['Cert', value.certificatePem],
        ['Key', value.keyPem],
      ];
      this.#members(fields, depth);
    } else if (value instanceof TimeLocation) this.#put('{}');
    else throw new CallError(`json: unsupported type: ${typeName(value)}`);
  }

  #slice(slice: GoSlice, depth: number): void {
    if (slice.isNil) this.#put('null');
    else if (slice.type === types.byteSlice) this.#put(`"${encodeBase64(bytesOf(slice))}"`);
    else {
      const writeElements = slice.elements().map((element) => () => this.#value(element, depth + 1));
      this.#enclosed('[', ']', writeElements, depth);
    }
  }

  #map(map: GoMap, depth: number): void {
    if (map.entries === undefined) this.#put('null');
    else
      this.#members(
        map.sortedKeys().map((key): [string, GoValue] => [key, map.get(key) ?? null]),
        depth,
      );
  }

  #members(members: readonly [string, GoValue][], depth: number): void {
    const writeMembers = members.map(([key, value]) => () => {
      this.#put(quoteJson(key, this.#options.escapeHtml) + (this.#options.indent === '' ? ':' : ': '));
      this.#value(value, depth + 1);
    });
    this.#enclosed('{', '}', writeMembers, depth);
  }

  #enclosed(open: string, close: string, items: ReadonlyArray<() => void>, depth: number): void {
    this.#put(open);
    for (const [index, writeItem] of items.entries()) {
      if (index > 0) this.#put(',');
      this.#newline(depth + 1);
      writeItem();
    }
    if (items.length > 0) this.#newline(depth);
    this.#put(close);
  }

  #newline(depth: number): void {
    if (this.#options.indent !== '') this.#put(`\n${this.#options.indent.repeat(depth)}`);
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new CallError('json: unsupported value: infinity or NaN');
  const magnitude = Math.abs(value);
  if (magnitude === 0 || (magnitude >= 1e-6 && magnitude < 1e21)) return formatFloat(value, 'f', -1);
  return formatFloat(value, 'e', -1).replace(/e-0(\d)$/, 'e-$1');
}

const shortEscapes: ReadonlyMap<number, string> = new Map([
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [8, '\\b'],
  [12, '\\f'],
  [10, '\\n'],
  [13, '\\r'],
  [9, '\\t'],
]);

function quoteJson(text: string, escapeHtml: boolean): string {
  if (/^[ !#-%'-;=?-[\]-~]*$/.test(text)) return `"${text}"`;
  let result = '"';
  for (let i = 0; i < text.length; ) {
    const { rune, size } = decodeRune(text, i);
    if (rune === runeError && size === 1) result += '\\ufffd';
    else result += shortEscapes.get(rune) ?? longEscape(rune, escapeHtml) ?? text.slice(i, i + size);
    i += size;
  }
  return `${result}"`;
}

function longEscape(rune: number, escapeHtml: boolean): string | undefined {
  const isHtml = rune === 0x3c || rune === 0x3e || rune === 0x26;
  const isLineSeparator = rune === 0x2028 || rune === 0x2029;
  if (rune >= 0x20 && !isLineSeparator && !(isHtml && escapeHtml)) return undefined;
  return `\\u${rune.toString(16).padStart(4, '0')}`;
}

/** Text that is no JSON. */
class JsonSyntaxError extends Error {}

// Go's scanner allows 10,000 levels; ours is recursive and stops earlier.
const deepestJson = 500;

class JsonReader {
  readonly #context: CallContext;
  readonly #text: string;
  #position = 0;
  /** A number that no float can hold: its place is nil, and the strict functions fail. */
  sawUnrepresentable = false;

  constructor(context: CallContext, text: string) {
    this.#context = context;
    this.#text = text;
  }

  read(): GoValue {
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#position < this.#text.length) throw new JsonSyntaxError();
    return value;
  }

  #skipSpace(): void {
    while (' \t\r\n'.includes(this.#text[this.#position] ?? 'x')) this.#position++;
  }

  #accept(text: string): boolean {
    if (!this.#text.startsWith(text, this.#position)) return false;
    this.#position += text.length;
    return true;
  }

  #value(depth: number): GoValue {
    this.#context.budget.step();
    if (depth > deepestJson) throw new JsonSyntaxError();
    this.#skipSpace();
    switch (this.#text[this.#position]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      default:
        break;
    }
    if (this.#accept('true')) return true;
    if (this.#accept('false')) return false;
    if (this.#accept('null')) return null;
    return this.#number();
  }

  #number(): GoValue {
    const pattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    pattern.lastIndex = this.#position;
    const match = pattern.exec(this.#text);
    if (match === null) throw new JsonSyntaxError();
    this.#position += match[0].length;
    const value = parseFloat64(match[0]);
    if (value === undefined) this.sawUnrepresentable = true;
    return value ?? null;
  }

  #object(depth: number): GoValue {
    this.#position++;
    const entries = new Map<string, GoValue>();
    this.#skipSpace();
    if (this.#accept('}')) return anyMap(entries);
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#position] !== '"') throw new JsonSyntaxError();
      const key = this.#string();
      this.#skipSpace();
      if (!this.#accept(':')) throw new JsonSyntaxError();
      entries.set(key, this.#value(depth + 1));
      this.#skipSpace();
      if (this.#accept('}')) return anyMap(entries);
      if (!this.#accept(',')) throw new JsonSyntaxError();
    }
  }

  #array(depth: number): GoValue {
    this.#position++;
    const elements: GoValue[] = [];
    this.#skipSpace();
    if (this.#accept(']')) return appendedAnySlice(elements);
    for (;;) {
      elements.push(this.#value(depth + 1));
      this.#skipSpace();
      if (this.#accept(']')) return appendedAnySlice(elements);
      if (!this.#accept(',')) throw new JsonSyntaxError();
    }
  }

  #string(): string {
    const start = ++this.#position;
    const plain = /[ !#-[\]-~]*/y;
    plain.lastIndex = start;
    this.#position += plain.exec(this.#text)?.[0].length ?? 0;
    let result = this.#text.slice(start, this.#position);
    while (!this.#accept('"')) {
      const character = this.#text[this.#position];
      if (character === undefined || character < ' ') throw new JsonSyntaxError();
      if (character === '\\') result += this.#escape();
      else {
        // Bytes that are no UTF-8 become U+FFFD.
        const { rune, size } = decodeRune(this.#text, this.#position);
        result += encodeRune(rune);
        this.#position += size;
      }
    }
    return result;
  }

  #escape(): string {
    const letter = this.#text[this.#position + 1] ?? '';
    if (letter === 'u') return encodeRune(this.#unicodeEscape());
    const index = '"\\/bfnrt'.indexOf(letter);
    if (letter === '' || index < 0) throw new JsonSyntaxError();
    this.#position += 2;
    return '"\\/\b\f\n\r\t'[index] ?? '';
  }

  /** One escape, or a pair that makes one rune; a lone surrogate is U+FFFD. */
  #unicodeEscape(): number {
    const code = this.#fourDigits();
    if (code === undefined) throw new JsonSyntaxError();
    this.#position += 6;
    if (code < 0xd800 || code > 0xdfff) return code;
    const next = this.#fourDigits();
    if (code >= 0xdc00 || next === undefined || next < 0xdc00 || next > 0xdfff) return runeError;
    this.#position += 6;
    return 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
  }

  #fourDigits(): number | undefined {
    const match = /^\\u([0-9a-fA-F]{4})/.exec(this.#text.slice(this.#position, this.#position + 6));
    return match === null ? undefined : Number.parseInt(match[1] ?? '', 16);
  }
}

function readJson(context: CallContext, text: string): { value: GoValue; isComplete: boolean } {
  const reader = new JsonReader(context, text);
  try {
    const value = reader.read();
    return { value, isComplete: !reader.sawUnrepresentable };
  } catch (error) {
    if (error instanceof JsonSyntaxError) return { value: null, isComplete: false };
    throw error;
  }
}

/** The lenient twin gives the empty string where the strict one fails. */
function writeLenient(context: CallContext, value: GoValue, options: WriteOptions): string {
  try {
    return new JsonWriter(context, options).write(value);
  } catch (error) {
    if (error instanceof CallError) return '';
    throw error;
  }
}

const compact: WriteOptions = { escapeHtml: true, indent: '' };
const pretty: WriteOptions = { escapeHtml: true, indent: '  ' };
const raw: WriteOptions = { escapeHtml: false, indent: '' };

const writeStrict =
  (options: WriteOptions) =>
  (context: CallContext, value: GoValue): string =>
    new JsonWriter(context, options).write(value);

export const jsonFunctions: readonly TemplateFunction[] = [
  define('fromJson', [param.string], (context, text) => readJson(context, text).value),
  define('mustFromJson', [param.string], (context, text) => {
    const { value, isComplete } = readJson(context, text);
    if (!isComplete) throw new CallError('the text is no JSON, or has a number that is too large');
    return value;
  }),
  define('toJson', [param.any], (context, value) => writeLenient(context, value, compact)),
  define('mustToJson', [param.any], writeStrict(compact)),
  define('toPrettyJson', [param.any], (context, value) => writeLenient(context, value, pretty)),
  define('mustToPrettyJson', [param.any], writeStrict(pretty)),
  // Unlike the others, this one fails too.
  define('toRawJson', [param.any], writeStrict(raw)),
  define('mustToRawJson', [param.any], writeStrict(raw)),
];
