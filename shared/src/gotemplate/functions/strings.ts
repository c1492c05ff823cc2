import { decodeRune, encodeRune, isAscii, mapRunes, runesOf } from '../byte-string.ts';
import { CallError } from '../errors.ts';
import { sprint } from '../format/printer.ts';
import { quote } from '../format/quote.ts';
import { isDigit, isLetter, isLower, isSpace, isTitle, isUpper, toLower, toTitle, toUpper } from '../unicode.ts';
import { types } from '../values/types.ts';
import { GoMap, type GoValue, stringSlice } from '../values/value.ts';
import { textsOf, toText, toTextList } from './conversion.ts';
import { alias, type CallContext, define, defineVariadic, param, type TemplateFunction } from './definition.ts';

/** sprig's functions on strings. Lengths and positions count bytes, as in Go. */

/** Where the text starts and ends once runes at both ends are dropped. */
function trimmedBy(text: string, drop: (rune: number) => boolean): string {
  let start = -1;
  let end = 0;
  for (let i = 0; i < text.length; ) {
    const { rune, size } = decodeRune(text, i);
    if (!drop(rune)) {
      if (start < 0) start = i;
      end = i + size;
    }
    i += size;
  }
  return start < 0 ? '' : text.slice(start, end);
}

/** Go's `strings.TrimSpace`. */
function trimSpace(text: string): string {
  return trimmedBy(text, isSpace);
}

function trimSet(cutset: string, text: string): string {
  const runes = new Set(runesOf(cutset));
  return runes.size === 0 ? text : trimmedBy(text, (rune) => runes.has(rune));
}

function upperCase(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapRunes(text, toUpper);
}

function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapRunes(text, toLower);
}

/** Separates words for `title`: ASCII but letters, digits and underscore; beyond ASCII only spaces. */
function isWordSeparator(rune: number): boolean {
  if (rune < 0x80) return !(isLetter(rune) || isDigit(rune) || rune === 0x5f);
  return isSpace(rune);
}

function titleCase(text: string): string {
  let previous = 0x20;
  return mapRunes(text, (rune) => {
    const mapped = isWordSeparator(previous) ? toTitle(rune) : rune;
    previous = rune;
    return mapped;
  });
}

/** The first rune of each word in lower case. */
function untitleCase(text: string): string {
  let atStart = true;
  return mapRunes(text, (rune) => {
    if (isSpace(rune)) {
      atStart = true;
      return rune;
    }
    const mapped = atStart ? toLower(rune) : rune;
    atStart = false;
    return mapped;
  });
}

/** Upper and lower case exchanged; a lower-case letter after a space gets title case. */
function swapCase(text: string): string {
  let afterSpace = true;
  return mapRunes(text, (rune) => {
    if (isUpper(rune) || isTitle(rune)) {
      afterSpace = false;
      return toLower(rune);
    }
    if (!isLower(rune)) {
      afterSpace = isSpace(rune);
      return rune;
    }
    const mapped = afterSpace ? toTitle(rune) : toUpper(rune);
    afterSpace = false;
    return mapped;
  });
}

/** A byte slice by positions, refused outside the string as Go's run time does. */
function sliceBytes(text: string, start: bigint, end: bigint): string {
  if (start < 0n || end < start || end > BigInt(text.length)) throw new CallError('slice bounds out of range');
  return text.slice(Number(start), Number(end));
}

function substring(start: bigint, end: bigint, text: string): string {
  const length = BigInt(text.length);
  if (start < 0n) return sliceBytes(text, 0n, end);
  return sliceBytes(text, start, end < 0n || end > length ? length : end);
}

function truncate(count: bigint, text: string): string {
  const length = BigInt(text.length);
  if (count < 0n) return length + count > 0n ? text.slice(Number(length + count)) : text;
  return length > count ? text.slice(0, Number(count)) : text;
}

/** Shortens to `width` bytes with `...` at the end, and at the start if `offset` lies far enough in. */
function abbreviate(text: string, offset: bigint, width: bigint): string {
  const length = BigInt(text.length);
  if (length <= width) return text;
  let start = offset > length ? length : offset;
  if (length - start < width - 3n) start = length - (width - 3n);
  if (start <= 4n) return `${sliceBytes(text, 0n, width - 3n)}...`;
  if (width < 7n) return '';
  if (start + width - 3n < length) {
    const rest = text.slice(Number(start));
    // Below the smallest width the original drops its own error and the text.
    return `...${width - 3n < 4n ? '' : abbreviate(rest, 0n, width - 3n)}`;
  }
  return `...${text.slice(Number(length - (width - 3n)))}`;
}

/** The first byte of each word; bytes are taken for code points, as the original does. */
function initialsOf(text: string): string {
  let result = '';
  let afterGap = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isSpace(code)) afterGap = true;
    else {
      if (afterGap) result += encodeRune(code);
      afterGap = false;
    }
  }
  return result;
}

/** Without spaces; if any was dropped, the other bytes are taken for code points, as the original does. */
function withoutSpaces(text: string): string {
  let result = '';
  let dropped = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isSpace(code)) dropped = true;
    else result += encodeRune(code);
  }
  return dropped ? result : text;
}

interface WrapOptions {
  readonly width: bigint;
  readonly newline: string;
  readonly breakLongWords: boolean;
}

/** Breaks a line at spaces so that lines have at most `width` bytes; leading spaces of a new line go. */
function wrapText({ budget }: CallContext, text: string, options: WrapOptions): string {
  const width =
    options.width < 1n ? 1 : Number(options.width > BigInt(text.length) ? BigInt(text.length) : options.width);
  const newline = options.newline === '' ? '\n' : options.newline;
  let result = '';
  let offset = 0;
  const breakLine = (end: number, next: number): void => {
    budget.allocate(end - offset + newline.length);
    result += text.slice(offset, end) + newline;
    offset = next;
  };
  while (text.length - offset > width) {
    if (text[offset] === ' ') {
      offset++;
      continue;
    }
    const lastSpace = text.lastIndexOf(' ', offset + width);
    if (lastSpace >= offset) breakLine(lastSpace, lastSpace + 1);
    else if (options.breakLongWords) breakLine(offset + width, offset + width);
    else {
      const nextSpace = text.indexOf(' ', offset + width);
      if (nextSpace < 0) break;
      breakLine(nextSpace, nextSpace + 1);
    }
  }
  return result + text.slice(offset);
}

function repeatText({ budget }: CallContext, count: bigint, text: string): string {
  if (count < 0n) throw new CallError('strings: negative Repeat count');
  if (count === 0n || text === '') return '';
  budget.allocate(Number(count) * text.length);
  return text.repeat(Number(count));
}

function indentText(context: CallContext, spaces: bigint, text: string): string {
  const pad = repeatText(context, spaces, ' ');
  const lines = text.split('\n');
  context.budget.allocate(lines.length * pad.length);
  return pad + lines.join(`\n${pad}`);
}

function replaceAll({ budget }: CallContext, old: string, replacement: string, text: string): string {
  const parts = old === '' ? splitRunes(text) : text.split(old);
  // An empty text is replaced before every rune and at the end.
  if (old === '') budget.allocate((parts.length + 1) * replacement.length);
  else budget.allocate(parts.length * replacement.length);
  const joined = parts.join(replacement);
  return old === '' && text !== '' ? replacement + joined + replacement : old === '' ? replacement : joined;
}

/** Each rune as a string of its own bytes. */
function splitRunes(text: string): string[] {
  const parts: string[] = [];
  for (let i = 0; i < text.length; ) {
    const { size } = decodeRune(text, i);
    parts.push(text.slice(i, i + size));
    i += size;
  }
  return parts;
}

/** Go's `strings.Split`. */
function splitText(separator: string, text: string): string[] {
  return separator === '' ? splitRunes(text) : text.split(separator);
}

/** Go's `strings.SplitN`: at most `count` parts, the last one unsplit; none for 0, all for a negative count. */
function splitLimited(separator: string, count: bigint, text: string): string[] {
  const parts = splitText(separator, text);
  if (count < 0n || BigInt(parts.length) <= count) return parts;
  const kept = Number(count);
  return kept === 0 ? [] : [...parts.slice(0, kept - 1), parts.slice(kept - 1).join(separator)];
}

/** Parts under the keys `_0`, `_1`, ... */
function numberedParts(parts: readonly string[]): GoMap {
  return new GoMap(types.stringMap, new Map(parts.map((part, index) => [`_${index}`, part])));
}

function concatenate({ budget }: CallContext, values: readonly GoValue[]): string {
  const texts = values.filter((value) => value !== null).map((value) => sprint([value], budget));
  return texts.join(' ');
}

const trimAll = define('trimAll', [param.string, param.string], (_, cutset, text) => trimSet(cutset, text));

export const stringFunctions: readonly TemplateFunction[] = [
  define('hello', [], () => 'Hello!'),
  define('trim', [param.string], (_, text) => trimSpace(text)),
  trimAll,
  alias('trimall', trimAll),
  define('trimSuffix', [param.string, param.string], (_, suffix, text) =>
    suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text,
  ),
  define('trimPrefix', [param.string, param.string], (_, prefix, text) =>
    text.startsWith(prefix) ? text.slice(prefix.length) : text,
  ),
  define('upper', [param.string], (_, text) => upperCase(text)),
  define('lower', [param.string], (_, text) => lowerCase(text)),
  define('title', [param.string], (_, text) => titleCase(text)),
  define('untitle', [param.string], (_, text) => untitleCase(text)),
  define('swapcase', [param.string], (_, text) => swapCase(text)),
  define('substr', [param.int, param.int, param.string], (_, start, end, text) => substring(start, end, text)),
  define('trunc', [param.int, param.string], (_, count, text) => truncate(count, text)),
  define('abbrev', [param.int, param.string], (_, width, text) => (width < 4n ? text : abbreviate(text, 0n, width))),
  define('abbrevboth', [param.int, param.int, param.string], (_, left, right, text) =>
    right < 4n || (left > 0n && right < 7n) ? text : abbreviate(text, left, right),
  ),
  define('initials', [param.string], (_, text) => initialsOf(text)),
  define('nospace', [param.string], (_, text) => withoutSpaces(text)),
  define('repeat', [param.int, param.string], repeatText),
  define('wrap', [param.int, param.string], (context, width, text) =>
    wrapText(context, text, { width, newline: '', breakLongWords: false }),
  ),
  define('wrapWith', [param.int, param.string, param.string], (context, width, newline, text) =>
    wrapText(context, text, { width, newline, breakLongWords: true }),
  ),
  define('contains', [param.string, param.string], (_, part, text) => text.includes(part)),
  define('hasPrefix', [param.string, param.string], (_, prefix, text) => text.startsWith(prefix)),
  define('hasSuffix', [param.string, param.string], (_, suffix, text) => text.endsWith(suffix)),
  defineVariadic('quote', [], param.any, ({ budget }, values) =>
    values
      .filter((value) => value !== null)
      .map((value) => quote(toText(value, budget)))
      .join(' '),
  ),
  defineVariadic('squote', [], param.any, ({ budget }, values) =>
    values
      .filter((value) => value !== null)
      .map((value) => `'${sprint([value], budget)}'`)
      .join(' '),
  ),
  defineVariadic('cat', [], param.any, concatenate),
  define('indent', [param.int, param.string], indentText),
  define('nindent', [param.int, param.string], (context, spaces, text) => `\n${indentText(context, spaces, text)}`),
  define('replace', [param.string, param.string, param.string], replaceAll),
  define('plural', [param.string, param.string, param.int], (_, one, many, count) => (count === 1n ? one : many)),
  define('toString', [param.any], ({ budget }, value) => toText(value, budget)),
  define('toStrings', [param.any], ({ budget }, value) => toTextList(value, budget)),
  define('join', [param.string, param.any], ({ budget }, separator, value) => {
    const texts = textsOf(value, budget);
    budget.allocate(texts.length * separator.length + texts.reduce((sum, text) => sum + text.length, 0));
    return texts.join(separator);
  }),
  define('splitList', [param.string, param.string], (_, separator, text) => stringSlice(splitText(separator, text))),
  define('split', [param.string, param.string], (_, separator, text) => numberedParts(splitText(separator, text))),
  define('splitn', [param.string, param.int, param.string], (_, separator, count, text) =>
    numberedParts(splitLimited(separator, count, text)),
  ),
];
