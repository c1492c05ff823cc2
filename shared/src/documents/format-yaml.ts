/**
 * Values to YAML, byte for byte as `sigs.k8s.io/yaml` 1.6.0 (go-yaml v2, a port of libyaml's emitter) writes them: keys in
 * natural order, sequences not indented, plain where a plain scalar reads as the same string, literal blocks for several lines,
 * plain and quoted texts folded beyond column 80.
 */

import { formatJsonNumber } from './format-json.ts';
import { formatFloat64 } from './go-number.ts';
import type { DocumentMap, DocumentValue } from './value.ts';
import { resolvePlain } from './yaml-scalar.ts';

const WIDTH = 80;
/** Keys with more bytes than this are written as `? key`. */
const MAX_SIMPLE_KEY_BYTES = 128;
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/**
 * One document, ending with a newline, without `---`. The key `<<` is quoted, unlike Go's, which would read it back as a merge.
 * @throws TypeError for NaN and infinity.
 */
export function formatYaml(value: DocumentValue): string {
  const emitter = new Emitter();
  emitter.emit(value, -1, false);
  return emitter.finish();
}

interface ScalarAnalysis {
  readonly multiline: boolean;
  readonly plainAllowed: boolean;
  readonly singleAllowed: boolean;
  readonly blockAllowed: boolean;
}

type Style = 'plain' | 'single' | 'double' | 'literal';

// Letters, digits and inner spaces: plain in every respect, unless it reads as another type.
const STARTS_AS_MARKER = /^(?:---|\.\.\.|-$|- )/;
const SIMPLE_TEXT =
  /^[A-Za-z0-9_./+=$^~(;<\\)-](?:[A-Za-z0-9_./+=$^~(;<\\)@!*%&'"`,{}[\]|>?-]| (?=[A-Za-z0-9_./+=-]))*$/;

// Base64 that begins with a letter, as every sealed value does: plain, and without a space to fold at. Looking at each of its characters
// would take most of the time it takes to seal a large value.
const CIPHERTEXT = /^[A-Za-z][A-Za-z0-9+/]*={0,2}$/;

class Emitter {
  private text = '';
  private column = 0;
  private last: 'start' | 'space' | 'newline' | 'other' = 'start';
  /** True right after `- `, `? ` or `: ` of a complex key, where a collection begins on the same line. */
  private compact = false;

  finish(): string {
    return this.last === 'newline' ? this.text : `${this.text}\n`;
  }

  /** `indent` is that of the surrounding collection, -1 at the top. `inMapping` is true for the value of a key. */
  emit(value: DocumentValue, indent: number, inMapping: boolean): void {
    if (value instanceof Map) {
      if (value.size === 0) this.word('{}');
      else this.emitMap(value, indent);
    } else if (Array.isArray(value)) {
      if (value.length === 0) this.word('[]');
      else this.emitSequence(value, indent, inMapping);
    } else if (typeof value === 'string') {
      this.emitString(value, indent, false);
    } else {
      this.word(formatScalar(value));
    }
  }

  private write(text: string): void {
    this.text += text;
    this.column += text.length;
    this.last = 'other';
    this.compact = false;
  }

  private writeIndicator(text: '- ' | '? ' | ': '): void {
    this.write(text);
    this.last = 'space';
    this.compact = true;
  }

  /** Separates from what stands before on the line, if anything does. */
  private separate(): void {
    if (this.last === 'other') this.write(' ');
  }

  private word(text: string): void {
    this.separate();
    this.write(text);
  }

  private newLine(indent: number): void {
    if (this.last !== 'start' && this.last !== 'newline') this.text += '\n';
    this.indentTo(indent);
  }

  private indentTo(indent: number): void {
    this.text += ' '.repeat(indent);
    this.column = indent;
    this.last = 'space';
    this.compact = false;
  }

  private breakLine(char: string): void {
    this.text += char;
    this.column = 0;
    this.last = 'newline';
    this.compact = false;
  }

  private emitMap(map: DocumentMap, parentIndent: number): void {
    const indent = parentIndent < 0 ? 0 : parentIndent + 2;
    for (const key of [...map.keys()].sort(compareNatural)) {
      if (!this.compact) this.newLine(indent);
      const value = map.get(key) ?? null;
      if (key === '<<') {
        // Go writes this without quotes and reads it back as a merge: the one place where ours differs, so that no entry is lost.
        this.word('"<<"');
        this.write(':');
      } else if (isSimpleKey(key)) {
        this.emitString(key, indent, true);
        this.write(':');
      } else {
        this.writeIndicator('? ');
        this.emitString(key, indent, false);
        this.newLine(indent);
        this.writeIndicator(': ');
      }
      this.emit(value, indent, true);
    }
  }

  private emitSequence(items: DocumentValue[], parentIndent: number, inMapping: boolean): void {
    const indent = parentIndent < 0 ? 0 : inMapping && !this.compact ? parentIndent : parentIndent + 2;
    for (const item of items) {
      if (!this.compact) this.newLine(indent);
      this.writeIndicator('- ');
      this.emit(item, indent, false);
    }
  }

  private emitString(text: string, indent: number, asKey: boolean): void {
    const isShort = this.column + text.length < WIDTH;
    if (isShort ? isPlainText(text) : text.length > WIDTH && CIPHERTEXT.test(text)) {
      this.word(text);
      return;
    }
    // Continuation lines are indented one level deeper than the collection, at the top two columns.
    const inner = indent < 0 ? 2 : indent + 2;
    const analysis = analyse(text);
    const style = chooseStyle(text, analysis, asKey);
    this.separate();
    if (style === 'plain') this.writePlain(text, inner, !asKey);
    else if (style === 'single') this.writeSingle(text, inner, !asKey);
    else if (style === 'double') this.writeDouble(text, inner, !asKey);
    else this.writeLiteral(text, inner);
  }

  private writePlain(text: string, indent: number, mayFold: boolean): void {
    if (!mayFold || this.column + text.length <= WIDTH) {
      this.write(text);
      return;
    }
    let afterSpace = false;
    for (let i = 0; i < text.length; i++) {
      const char = text[i] as string;
      if (char === ' ') {
        if (!afterSpace && this.column > WIDTH && text[i + 1] !== ' ') this.newLine(indent);
        else this.write(char);
        afterSpace = true;
      } else {
        this.writeChar(char);
        afterSpace = false;
      }
    }
  }

  /** Go counts columns in characters, so the second half of a surrogate pair adds none. */
  private writeChar(char: string): void {
    this.text += char;
    this.last = 'other';
    this.compact = false;
    const unit = char.charCodeAt(0);
    if (unit < 0xdc00 || unit > 0xdfff) this.column++;
  }

  private writeSingle(text: string, indent: number, mayFold: boolean): void {
    this.write("'");
    let afterSpace = false;
    let afterBreak = false;
    for (let i = 0; i < text.length; i++) {
      const char = text[i] as string;
      if (char === ' ') {
        const inside = i > 0 && i < text.length - 1;
        if (mayFold && !afterSpace && this.column > WIDTH && inside && text[i + 1] !== ' ') this.newLine(indent);
        else this.write(char);
        afterSpace = true;
      } else if (isBreak(char)) {
        if (!afterBreak && char === '\n') this.breakLine('\n');
        this.breakLine(char);
        afterBreak = true;
      } else {
        if (afterBreak) this.indentTo(indent);
        if (char === "'") this.write("'");
        this.writeChar(char);
        afterSpace = false;
        afterBreak = false;
      }
    }
    this.write("'");
  }

  private writeDouble(text: string, indent: number, mayFold: boolean): void {
    this.write('"');
    let afterSpace = false;
    const chars = [...text];
    // go-yaml looks for the byte order mark at the beginning instead of at the character, and then escapes everything.
    const escapeAll = text.startsWith('\ufeff');
    for (const [i, char] of chars.entries()) {
      if (char === ' ' && !escapeAll) {
        if (mayFold && !afterSpace && this.column > WIDTH && i > 0 && i < chars.length - 1) {
          this.newLine(indent);
          if (chars[i + 1] === ' ') this.write('\\');
        } else {
          this.write(char);
        }
        afterSpace = true;
      } else {
        const escaped = escapeForDouble(char, escapeAll);
        if (escaped === undefined) this.writeChar(char);
        else this.write(escaped);
        afterSpace = false;
      }
    }
    this.write('"');
  }

  private writeLiteral(text: string, indent: number): void {
    this.write('|');
    const first = text[0] as string;
    if (first === ' ' || isBreak(first)) this.write('2');
    const last = text[text.length - 1] as string;
    if (!isBreak(last)) this.write('-');
    else if (text.length === 1 || isBreak(text[text.length - 2] as string)) this.write('+');
    this.breakLine('\n');
    let afterBreak = true;
    for (const char of text) {
      if (isBreak(char)) {
        this.breakLine(char);
        afterBreak = true;
      } else {
        if (afterBreak) this.indentTo(indent);
        this.write(char);
        afterBreak = false;
      }
    }
  }
}

/** A double-quoted scalar on one line, for any text. */
export function formatDoubleQuoted(text: string): string {
  let quoted = '"';
  for (const char of text) quoted += escapeForDouble(char, false) ?? char;
  return `${quoted}"`;
}

/** True if go-yaml writes the string without quotes and it reads as the same string, outside of flow collections. */
export function isPlainText(text: string): boolean {
  return SIMPLE_TEXT.test(text) && !STARTS_AS_MARKER.test(text) && isPlainString(text);
}

function formatScalar(value: null | boolean | number | bigint): string {
  if (value === null || typeof value === 'boolean') return String(value);
  // The value passes through JSON, where a float without fraction is an integer again as long as it fits 64 bits.
  const json = typeof value === 'bigint' ? String(value) : formatJsonNumber(value);
  const resolved = resolvePlain(json).value;
  return typeof resolved === 'number' ? formatFloat64(resolved) : String(resolved);
}

function isPlainString(text: string): boolean {
  if (resolvePlain(text).kind !== 'str') return false;
  return !(text.includes(':') && BASE_60.test(text));
}

function isSimpleKey(key: string): boolean {
  if (key.length * 3 <= MAX_SIMPLE_KEY_BYTES && !/[\n\r\x85\u2028\u2029]/.test(key)) return true;
  if (/[\n\r\x85\u2028\u2029]/.test(key)) return false;
  return new TextEncoder().encode(key).length <= MAX_SIMPLE_KEY_BYTES;
}

function chooseStyle(text: string, analysis: ScalarAnalysis, asKey: boolean): Style {
  let style: Style = text.includes('\n') ? 'literal' : isPlainString(text) ? 'plain' : 'double';
  if (asKey && analysis.multiline) style = 'double';
  if (style === 'plain' && (!analysis.plainAllowed || (text === '' && asKey))) style = 'single';
  if (style === 'single' && !analysis.singleAllowed) style = 'double';
  if (style === 'literal' && (!analysis.blockAllowed || asKey)) style = 'double';
  return style;
}

function isBreak(char: string): boolean {
  return char === '\n' || char === '\r' || char === '\x85' || char === '\u2028' || char === '\u2029';
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/** go-yaml's notion: no tab, no control characters, nothing beyond the Basic Multilingual Plane. */
function isPrintable(char: string): boolean {
  if (char.length > 1) return false;
  const code = char.charCodeAt(0);
  return (
    code === 0x0a ||
    (code >= 0x20 && code <= 0x7e) ||
    (code >= 0xa0 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd && code !== 0xfeff)
  );
}

const ALWAYS_INDICATORS = new Set('#,[]{}&*!|>\'"%@`');

function analyse(text: string): ScalarAnalysis {
  if (text === '') return { multiline: false, plainAllowed: true, singleAllowed: true, blockAllowed: false };
  const chars = [...text];
  let indicators = text.startsWith('---') || text.startsWith('...');
  let special = false;
  let breaks = false;
  let breakThenSpace = false;
  let spaceThenBreak = false;
  let previous: 'space' | 'break' | 'other' = 'other';
  let afterBlank = true;
  for (const [i, char] of chars.entries()) {
    const beforeBlank = i + 1 >= chars.length || isBlank(chars[i + 1]);
    if (i === 0) {
      if (ALWAYS_INDICATORS.has(char)) indicators = true;
      else if ((char === '?' || char === ':' || char === '-') && beforeBlank) indicators = true;
    } else if ((char === ':' && beforeBlank) || (char === '#' && afterBlank)) {
      indicators = true;
    }
    if (!isPrintable(char)) special = true;
    if (char === ' ') {
      if (previous === 'break') breakThenSpace = true;
      previous = 'space';
    } else if (isBreak(char)) {
      breaks = true;
      if (previous === 'space') spaceThenBreak = true;
      previous = 'break';
    } else {
      previous = 'other';
    }
    afterBlank = isBlank(char) || isBreak(char);
  }
  const first = chars[0] as string;
  const last = chars[chars.length - 1] as string;
  const edges = first === ' ' || isBreak(first) || last === ' ' || isBreak(last);
  const broken = spaceThenBreak || special;
  return {
    multiline: breaks,
    plainAllowed: !(edges || breakThenSpace || broken || breaks || indicators),
    singleAllowed: !(breakThenSpace || broken),
    blockAllowed: !(last === ' ' || broken),
  };
}

const DOUBLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\0', '\\0'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\v', '\\v'],
  ['\f', '\\f'],
  ['\r', '\\r'],
  ['\x1b', '\\e'],
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\x85', '\\N'],
  ['\xa0', '\\_'],
  ['\u2028', '\\L'],
  ['\u2029', '\\P'],
]);

function escapeForDouble(char: string, always: boolean): string | undefined {
  if (!always && isPrintable(char) && !isBreak(char) && char !== '"' && char !== '\\') return undefined;
  const short = DOUBLE_ESCAPES.get(char);
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0xfffd;
  // Half a surrogate pair cannot be written; Go has the replacement character in its place.
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  const [letter, width] = code <= 0xff ? ['x', 2] : code <= 0xffff ? ['u', 4] : ['U', 8];
  return `\\${letter}${code
    .toString(16)
    .toUpperCase()
    .padStart(width as number, '0')}`;
}

const LETTER = /^\p{L}$/u;
const DIGIT = /^\p{Nd}$/u;

/**
 * The order in which go-yaml writes keys: runs of digits by value (`a9` before `a10`), punctuation before letters, everything
 * else by code point.
 */
export function compareNatural(left: string, right: string): number {
  if (left === right) return 0;
  const a = [...left];
  const b = [...right];
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a[i] as string;
    const y = b[i] as string;
    if (x === y) continue;
    const xIsLetter = LETTER.test(x);
    const yIsLetter = LETTER.test(y);
    if (xIsLetter && yIsLetter) return codeOf(x) - codeOf(y);
    if (xIsLetter || yIsLetter) return yIsLetter ? -1 : 1;
    return compareDigitRuns(a, b, i);
  }
  return a.length - b.length;
}

function compareDigitRuns(a: string[], b: string[], at: number): number {
  let leading = 0n;
  if (a[at] === '0' || b[at] === '0') {
    // A zero only counts if a digit other than zero stands before it.
    for (let j = at - 1; j >= 0 && DIGIT.test(a[j] as string); j--) {
      if (a[j] !== '0') {
        leading = 1n;
        break;
      }
    }
  }
  const x = readDigits(a, at, leading);
  const y = readDigits(b, at, leading);
  if (x.value !== y.value) return x.value < y.value ? -1 : 1;
  if (x.end !== y.end) return x.end - y.end;
  return codeOf(a[at] as string) - codeOf(b[at] as string);
}

function readDigits(chars: string[], from: number, start: bigint): { value: bigint; end: number } {
  let value = start;
  let end = from;
  for (; end < chars.length && DIGIT.test(chars[end] as string); end++) {
    value = BigInt.asIntN(64, value * 10n + BigInt(codeOf(chars[end] as string) - 0x30));
  }
  return { value, end };
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
