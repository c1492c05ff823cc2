import { decodeRune, encodeRune, maxRune, runeError } from '../byte-string.ts';
import { isPrint } from '../unicode.ts';

/** Go's quoted strings and characters (`strconv.Quote`, `strconv.Unquote` and friends), on byte strings. */

const shortEscapes: ReadonlyMap<number, string> = new Map([
  [7, '\\a'],
  [8, '\\b'],
  [12, '\\f'],
  [10, '\\n'],
  [13, '\\r'],
  [9, '\\t'],
  [11, '\\v'],
]);

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** The string between double quotes with Go's escapes; with `asciiOnly` everything else is escaped too. */
export function quote(byteString: string, asciiOnly = false): string {
  let result = '"';
  for (let i = 0; i < byteString.length; ) {
    const { rune, size } = decodeRune(byteString, i);
    if (size === 1 && rune === runeError) result += `\\x${hex(byteString.charCodeAt(i), 2)}`;
    else result += escapedRune(rune, '"', asciiOnly);
    i += size;
  }
  return `${result}"`;
}

/** The rune between single quotes with Go's escapes; values outside Unicode become U+FFFD. */
export function quoteRune(rune: number, asciiOnly = false): string {
  const valid = rune > maxRune || rune < 0 || (rune >= 0xd800 && rune <= 0xdfff) ? runeError : rune;
  return `'${escapedRune(valid, "'", asciiOnly)}'`;
}

function escapedRune(rune: number, delimiter: '"' | "'", asciiOnly: boolean): string {
  if (rune === delimiter.charCodeAt(0) || rune === 0x5c) return `\\${String.fromCharCode(rune)}`;
  if (asciiOnly ? rune < 0x80 && isPrint(rune) : isPrint(rune)) return encodeRune(rune);
  const short = shortEscapes.get(rune);
  if (short !== undefined) return short;
  if (rune < 0x20 || rune === 0x7f) return `\\x${hex(rune, 2)}`;
  return rune < 0x10000 ? `\\u${hex(rune, 4)}` : `\\U${hex(rune, 8)}`;
}

/** True if the string can stand between back quotes unchanged: no back quote, no control character but tab, valid, no BOM. */
export function canBackquote(byteString: string): boolean {
  for (let i = 0; i < byteString.length; ) {
    const { rune, size } = decodeRune(byteString, i);
    i += size;
    if (size > 1) {
      if (rune === 0xfeff) return false;
      continue;
    }
    if (rune === runeError) return false;
    if ((rune < 0x20 && rune !== 9) || rune === 0x60 || rune === 0x7f) return false;
  }
  return true;
}

/** The value of a string literal in double or back quotes, or `undefined` if it is malformed. */
export function unquote(literal: string): string | undefined {
  const delimiter = literal[0];
  if (literal.length < 2 || delimiter !== literal[literal.length - 1]) return undefined;
  const body = literal.slice(1, -1);
  if (delimiter === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '');
  if (delimiter !== '"' || body.includes('\n')) return undefined;
  let result = '';
  for (let i = 0; i < body.length; ) {
    const unit = unquoteOne(body, i, '"');
    if (unit === undefined) return undefined;
    result += unit.isByte ? String.fromCharCode(unit.value) : encodeRune(unit.value);
    i = unit.end;
  }
  return result;
}

/** The rune of a character literal in single quotes, or `undefined` if it is malformed. */
export function unquoteRune(literal: string): number | undefined {
  if (literal.length < 3 || literal[0] !== "'") return undefined;
  const unit = unquoteOne(literal, 1, "'");
  return unit !== undefined && literal.slice(unit.end) === "'" ? unit.value : undefined;
}

interface Unit {
  readonly value: number;
  /** True for `\x` and octal escapes: the value is one byte, not a rune. */
  readonly isByte: boolean;
  readonly end: number;
}

const simpleEscapes: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['\\', 0x5c],
]);

function unquoteOne(text: string, start: number, delimiter: '"' | "'"): Unit | undefined {
  const first = text[start] ?? '';
  if (first === delimiter) return undefined;
  if (first !== '\\') {
    const { rune, size } = decodeRune(text, start);
    return { value: rune, isByte: false, end: start + size };
  }
  const letter = text[start + 1];
  if (letter === undefined) return undefined;
  const simple = simpleEscapes.get(letter) ?? (letter === delimiter ? delimiter.charCodeAt(0) : undefined);
  if (simple !== undefined) return { value: simple, isByte: false, end: start + 2 };
  if (letter === 'x' || letter === 'u' || letter === 'U') return hexEscape(text, start + 2, letter);
  return octalEscape(text, start + 1);
}

function hexEscape(text: string, start: number, letter: 'x' | 'u' | 'U'): Unit | undefined {
  const width = letter === 'x' ? 2 : letter === 'u' ? 4 : 8;
  const digits = text.slice(start, start + width);
  if (digits.length !== width || !/^[0-9a-fA-F]+$/.test(digits)) return undefined;
  const value = Number.parseInt(digits, 16);
  if (letter === 'x') return { value, isByte: true, end: start + width };
  if (value > maxRune || (value >= 0xd800 && value <= 0xdfff)) return undefined;
  return { value, isByte: false, end: start + width };
}

function octalEscape(text: string, start: number): Unit | undefined {
  const digits = text.slice(start, start + 3);
  if (!/^[0-7]{3}$/.test(digits)) return undefined;
  const value = Number.parseInt(digits, 8);
  return value > 255 ? undefined : { value, isByte: true, end: start + 3 };
}

/** The string with each rune that is not printable removed from sight, for messages about a template's own syntax. */
export function visibleCharacter(rune: number): string {
  const code = `U+${rune.toString(16).toUpperCase().padStart(4, '0')}`;
  return isPrint(rune) ? `${code} '${String.fromCodePoint(rune)}'` : code;
}
