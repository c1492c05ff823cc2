/**
 * Text to tokens, by the rules of YAML 1.1 as libyaml reads them (Go's YAML libraries are ports of it): the same simple-key
 * rule with its 1024 characters, the same treatment of tabs, comments, `:` and `?` in flow context, line breaks NEL, LS and PS
 * included. What libyaml refuses is refused here, with line and column.
 *
 * Why not the `yaml` package: it reads YAML 1.2, accepts and refuses other texts than Go does, and its load (24 ms) and speed
 * (0.2 to 0.3 ms for a small document) do not fit the start-up and throughput bars. Tests use it as a second opinion.
 */

import { type ScalarStyle, SyntaxProblem } from './node.ts';
import { MAX_DEPTH } from './text.ts';

export type TokenType =
  | 'stream-end'
  | 'directive'
  | 'document-start'
  | 'document-end'
  | 'block-sequence-start'
  | 'block-mapping-start'
  | 'block-end'
  | 'flow-sequence-start'
  | 'flow-sequence-end'
  | 'flow-mapping-start'
  | 'flow-mapping-end'
  | 'block-entry'
  | 'flow-entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar';

export interface Token {
  readonly type: TokenType;
  readonly start: number;
  readonly end: number;
  /** Scalar value, name of anchor or alias, tag handle, directive name. */
  readonly value: string;
  /** Tag suffix or directive argument. */
  readonly suffix: string;
  readonly style: ScalarStyle;
}

interface SimpleKey {
  possible: boolean;
  required: boolean;
  tokenNumber: number;
  offset: number;
  column: number;
  line: number;
}

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const MAX_SIMPLE_KEY = 1024;

// The printable characters of YAML 1.1. Surrogates only occur in pairs, since the text was decoded strictly.
const NOT_ALLOWED = /[^\t\n\r\x20-\x7e\x85\xa0-\ufeff\uff00-\ufffd]/;

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\x07'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\x1b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['N', '\x85'],
  ['_', '\xa0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
]);
const HEX_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

export interface Scanner {
  /** The next token, without taking it. */
  peek(): Token;
  take(): Token;
}

/** @throws SyntaxProblem from here, `peek` and `take`. */
export function createScanner(source: string): Scanner {
  const bad = NOT_ALLOWED.exec(source);
  if (bad !== null) throw new SyntaxProblem('control characters are not allowed', bad.index);
  return new YamlScanner(source);
}

class YamlScanner implements Scanner {
  // A NUL ends the text: it cannot occur in it, so looking ahead needs no bounds checks.
  private readonly text: string;
  private readonly length: number;
  private pos = 0;
  private line = 0;
  private lineStart = 0;
  private readonly queue: Token[] = [];
  private head = 0;
  private tokensTaken = 0;
  private ended = false;
  private indent = -1;
  private readonly indents: number[] = [];
  private flowLevel = 0;
  private simpleKeyAllowed = true;
  private readonly simpleKeys: SimpleKey[] = [noKey()];

  constructor(source: string) {
    this.text = `${source}\0\0\0\0`;
    this.length = source.length;
  }

  peek(): Token {
    this.fill();
    return this.queue[this.head] as Token;
  }

  take(): Token {
    const token = this.peek();
    this.head++;
    this.tokensTaken++;
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    }
    return token;
  }

  /** Scans until the first token in the queue is certain: as long as it may become a simple key, a KEY may come before it. */
  private fill(): void {
    for (;;) {
      let needMore = this.head === this.queue.length;
      if (!needMore) {
        this.dropStaleKeys();
        for (const key of this.simpleKeys) {
          if (key.possible && key.tokenNumber === this.tokensTaken) needMore = true;
        }
      }
      if (!needMore || this.ended) return;
      this.fetch();
    }
  }

  private get column(): number {
    return this.pos - this.lineStart;
  }

  private at(offset: number): number {
    return this.text.charCodeAt(this.pos + offset);
  }

  private fail(message: string, offset = this.pos): never {
    throw new SyntaxProblem(message, Math.min(offset, this.length));
  }

  private push(type: TokenType, start: number, end = this.pos, value = '', suffix = '', style: ScalarStyle = 'plain') {
    this.queue.push({ type, start, end, value, suffix, style });
  }

  private fetch(): void {
    this.skipToToken();
    this.dropStaleKeys();
    this.unrollIndent(this.column);
    const c = this.at(0);
    if (c === 0) this.fetchStreamEnd();
    else if (this.column === 0 && c === 0x25) this.fetchDirective();
    else if (this.column === 0 && this.atDocumentIndicator()) this.fetchDocumentIndicator(c);
    else if (!this.fetchIndicator(c)) this.fetchPlain();
  }

  /** Fetches what begins with an indicator character; false if the character begins a plain scalar. */
  private fetchIndicator(c: number): boolean {
    const loose = this.flowLevel > 0 || isBlankOrEnd(this.at(1));
    if (c === 0x5b) this.fetchFlowStart('flow-sequence-start');
    else if (c === 0x7b) this.fetchFlowStart('flow-mapping-start');
    else if (c === 0x5d) this.fetchFlowEnd('flow-sequence-end');
    else if (c === 0x7d) this.fetchFlowEnd('flow-mapping-end');
    else if (c === 0x2c) this.fetchFlowEntry();
    else if (c === 0x2a) this.fetchAnchor('alias');
    else if (c === 0x26) this.fetchAnchor('anchor');
    else if (c === 0x21) this.fetchTag();
    else if (c === 0x27) this.fetchFlowScalar('single');
    else if (c === 0x22) this.fetchFlowScalar('double');
    else if (c === 0x2d && isBlankOrEnd(this.at(1))) this.fetchBlockEntry();
    else if (c === 0x3f && loose) this.fetchKey();
    else if (c === 0x3a && loose) this.fetchValue();
    else if ((c === 0x7c || c === 0x3e) && this.flowLevel === 0) this.fetchBlockScalar(c === 0x7c);
    else if (c === 0x7c || c === 0x3e || c === 0x25 || c === 0x40 || c === 0x60 || c === TAB) {
      this.fail('found character that cannot start any token');
    } else return false;
    return true;
  }

  private atDocumentIndicator(): boolean {
    const c = this.at(0);
    return (c === 0x2d || c === 0x2e) && this.at(1) === c && this.at(2) === c && isBlankOrEnd(this.at(3));
  }

  private skipToToken(): void {
    for (;;) {
      if (this.column === 0 && this.at(0) === 0xfeff) {
        this.pos++;
        this.lineStart++;
      }
      // Tabs separate tokens, but never indent: not at the beginning of a line in block context.
      while (this.at(0) === SPACE || (this.at(0) === TAB && (this.flowLevel > 0 || !this.simpleKeyAllowed))) this.pos++;
      if (this.at(0) === 0x23) while (!isBreakOrEnd(this.at(0))) this.pos++;
      if (!isBreak(this.at(0))) return;
      this.readLine();
      if (this.flowLevel === 0) this.simpleKeyAllowed = true;
    }
  }

  /** Consumes one line break and returns it as the value has it: LS and PS stay, all others become LF. */
  private readLine(): string {
    const c = this.at(0);
    if (!isBreak(c)) return '';
    this.pos += c === CR && this.at(1) === LF ? 2 : 1;
    this.line++;
    this.lineStart = this.pos;
    return c === 0x2028 || c === 0x2029 ? String.fromCharCode(c) : '\n';
  }

  private dropStaleKeys(): void {
    for (const key of this.simpleKeys) {
      if (key.possible && (key.line < this.line || key.offset + MAX_SIMPLE_KEY < this.pos)) {
        if (key.required) this.fail("could not find expected ':'");
        key.possible = false;
      }
    }
  }

  private get simpleKey(): SimpleKey {
    return this.simpleKeys[this.simpleKeys.length - 1] as SimpleKey;
  }

  private saveSimpleKey(): void {
    if (!this.simpleKeyAllowed) return;
    this.removeSimpleKey();
    const key = this.simpleKey;
    key.possible = true;
    key.required = this.flowLevel === 0 && this.indent === this.column;
    key.tokenNumber = this.tokensTaken + this.queue.length - this.head;
    key.offset = this.pos;
    key.column = this.column;
    key.line = this.line;
  }

  private removeSimpleKey(): void {
    const key = this.simpleKey;
    if (key.possible && key.required) this.fail("could not find expected ':'");
    key.possible = false;
  }

  private rollIndent(column: number, type: TokenType, offset: number, tokenNumber = -1): void {
    if (this.flowLevel > 0 || this.indent >= column) return;
    this.indents.push(this.indent);
    this.indent = column;
    this.checkDepth();
    const token: Token = { type, start: offset, end: offset, value: '', suffix: '', style: 'plain' };
    if (tokenNumber < 0) this.queue.push(token);
    else this.insert(tokenNumber, token);
  }

  private insert(tokenNumber: number, token: Token): void {
    this.queue.splice(this.head + tokenNumber - this.tokensTaken, 0, token);
  }

  private unrollIndent(column: number): void {
    if (this.flowLevel > 0) return;
    while (this.indent > column) {
      this.push('block-end', this.pos);
      this.indent = this.indents.pop() ?? -1;
    }
  }

  private checkDepth(): void {
    if (this.flowLevel + this.indents.length > MAX_DEPTH) {
      throw new SyntaxProblem(`more than ${MAX_DEPTH} levels of objects and lists inside each other`, this.pos, true);
    }
  }

  private fetchStreamEnd(): void {
    this.lineStart = this.pos;
    this.unrollIndent(-1);
    this.removeSimpleKey();
    this.simpleKeyAllowed = false;
    this.push('stream-end', this.pos);
    this.ended = true;
  }

  private fetchDocumentIndicator(c: number): void {
    this.unrollIndent(-1);
    this.removeSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos;
    this.pos += 3;
    this.push(c === 0x2d ? 'document-start' : 'document-end', start);
  }

  private fetchFlowStart(type: TokenType): void {
    this.saveSimpleKey();
    this.simpleKeys.push(noKey());
    this.flowLevel++;
    this.checkDepth();
    this.simpleKeyAllowed = true;
    const start = this.pos++;
    this.push(type, start);
  }

  private fetchFlowEnd(type: TokenType): void {
    this.removeSimpleKey();
    if (this.flowLevel > 0) {
      this.flowLevel--;
      this.simpleKeys.pop();
    }
    this.simpleKeyAllowed = false;
    const start = this.pos++;
    this.push(type, start);
  }

  private fetchFlowEntry(): void {
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    const start = this.pos++;
    this.push('flow-entry', start);
  }

  private fetchBlockEntry(): void {
    if (this.flowLevel === 0) {
      if (!this.simpleKeyAllowed) this.fail('block sequence entries are not allowed in this context');
      this.rollIndent(this.column, 'block-sequence-start', this.pos);
    }
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    const start = this.pos++;
    this.push('block-entry', start);
  }

  private fetchKey(): void {
    if (this.flowLevel === 0) {
      if (!this.simpleKeyAllowed) this.fail('mapping keys are not allowed in this context');
      this.rollIndent(this.column, 'block-mapping-start', this.pos);
    }
    this.removeSimpleKey();
    this.simpleKeyAllowed = this.flowLevel === 0;
    const start = this.pos++;
    this.push('key', start);
  }

  private fetchValue(): void {
    const key = this.simpleKey;
    if (key.possible) {
      const token: Token = { type: 'key', start: key.offset, end: key.offset, value: '', suffix: '', style: 'plain' };
      this.insert(key.tokenNumber, token);
      this.rollIndent(key.column, 'block-mapping-start', key.offset, key.tokenNumber);
      key.possible = false;
      this.simpleKeyAllowed = false;
    } else {
      if (this.flowLevel === 0) {
        if (!this.simpleKeyAllowed) this.fail('mapping values are not allowed in this context');
        this.rollIndent(this.column, 'block-mapping-start', this.pos);
      }
      this.simpleKeyAllowed = this.flowLevel === 0;
    }
    const start = this.pos++;
    this.push('value', start);
  }

  private fetchAnchor(type: 'anchor' | 'alias'): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos++;
    while (isWord(this.at(0))) this.pos++;
    const name = this.text.slice(start + 1, this.pos);
    const c = this.at(0);
    if (name === '' || !(isBlankOrEnd(c) || '?:,]}%@`'.includes(String.fromCharCode(c)))) {
      this.fail(`did not find expected alphabetic or numeric character in the name of an ${type}`);
    }
    this.push(type, start, this.pos, name);
  }

  private fetchTag(): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos;
    let handle = '';
    let suffix: string;
    if (this.at(1) === 0x3c) {
      this.pos += 2;
      suffix = this.scanTagUri();
      if (suffix === '') this.fail('did not find expected tag URI');
      if (this.at(0) !== 0x3e) this.fail("did not find the expected '>'");
      this.pos++;
    } else {
      this.pos++;
      while (isWord(this.at(0))) this.pos++;
      if (this.at(0) === 0x21) {
        this.pos++;
        handle = this.text.slice(start, this.pos);
        suffix = this.scanTagUri();
        if (suffix === '') this.fail('did not find expected tag URI');
      } else {
        handle = '!';
        suffix = this.text.slice(start + 1, this.pos) + this.scanTagUri();
        if (suffix === '') {
          handle = '';
          suffix = '!';
        }
      }
    }
    if (!isBlankOrEnd(this.at(0))) this.fail('did not find expected whitespace or line break after a tag');
    this.push('tag', start, this.pos, handle, suffix);
  }

  private scanTagUri(): string {
    const start = this.pos;
    while (isWord(this.at(0)) || ";/?:@&=+$.!~*'()%,[]".includes(String.fromCharCode(this.at(0)))) {
      if (this.at(0) === 0) break;
      this.pos++;
    }
    const uri = this.text.slice(start, this.pos);
    if (!uri.includes('%')) return uri;
    try {
      return decodeURIComponent(uri);
    } catch {
      return this.fail('found an invalid escape in a tag', start);
    }
  }

  private fetchDirective(): void {
    this.unrollIndent(-1);
    this.removeSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos++;
    while (isWord(this.at(0))) this.pos++;
    const name = this.text.slice(start + 1, this.pos);
    const argumentStart = this.pos;
    while (!isBreakOrEnd(this.at(0)) && !(this.at(0) === 0x23 && isBlank(this.at(-1)))) this.pos++;
    const argument = this.text.slice(argumentStart, this.pos).trim();
    while (!isBreakOrEnd(this.at(0))) this.pos++;
    if (name === 'YAML') {
      if (!/^[0-9]{1,9}\.[0-9]{1,9}$/.test(argument)) this.fail('found a malformed %YAML directive', start);
    } else if (name === 'TAG') {
      if (!/^!(?:[0-9A-Za-z_-]*!)?[ \t]+\S+$/.test(argument)) this.fail('found a malformed %TAG directive', start);
    } else {
      this.fail('found unknown directive name', start);
    }
    this.push('directive', start, this.pos, name, argument);
  }

  private fetchBlockScalar(literal: boolean): void {
    this.removeSimpleKey();
    this.simpleKeyAllowed = true;
    const start = this.pos++;
    const { chomping, increment } = this.scanBlockHeader();
    let indent = 0;
    if (increment > 0) indent = this.indent >= 0 ? this.indent + increment : increment;
    // One past the last line break of the content; the trailing breaks belong to the scalar only where they are kept.
    let end = this.pos;
    const leading = this.scanBlockBreaks(indent);
    indent = leading.indent;
    let trailingBreaks = leading.breaks;
    let value = '';
    let leadingBreak = '';
    let leadingBlank = false;
    while (this.column === indent && this.at(0) !== 0) {
      const blank = isBlank(this.at(0));
      if (!literal && leadingBreak === '\n' && !leadingBlank && !blank) {
        if (trailingBreaks === '') value += ' ';
      } else {
        value += leadingBreak;
      }
      value += trailingBreaks;
      leadingBlank = blank;
      const lineStart = this.pos;
      while (!isBreakOrEnd(this.at(0))) this.pos++;
      value += this.text.slice(lineStart, this.pos);
      leadingBreak = this.readLine();
      end = this.pos;
      trailingBreaks = this.scanBlockBreaks(indent).breaks;
    }
    if (chomping !== 'strip') value += leadingBreak;
    if (chomping === 'keep') {
      value += trailingBreaks;
      end = Math.max(end, this.lineStart);
    }
    this.push('scalar', start, end, value, '', literal ? 'literal' : 'folded');
  }

  private scanBlockHeader(): { chomping: 'strip' | 'clip' | 'keep'; increment: number } {
    let chomping: 'strip' | 'clip' | 'keep' = 'clip';
    let increment = 0;
    let chompingSeen = false;
    for (let i = 0; i < 2; i++) {
      const c = this.at(0);
      if (!chompingSeen && (c === 0x2b || c === 0x2d)) {
        chomping = c === 0x2b ? 'keep' : 'strip';
        chompingSeen = true;
        this.pos++;
      } else if (increment === 0 && c >= 0x30 && c <= 0x39) {
        if (c === 0x30) this.fail('found an indentation indicator equal to 0');
        increment = c - 0x30;
        this.pos++;
      }
    }
    while (isBlank(this.at(0))) this.pos++;
    if (this.at(0) === 0x23) while (!isBreakOrEnd(this.at(0))) this.pos++;
    if (!isBreakOrEnd(this.at(0))) this.fail('did not find expected comment or line break');
    this.readLine();
    return { chomping, increment };
  }

  /** Skips indentation and empty lines; an indentation of 0 means "find out". */
  private scanBlockBreaks(givenIndent: number): { indent: number; breaks: string } {
    let indent = givenIndent;
    let breaks = '';
    let widest = 0;
    for (;;) {
      while ((indent === 0 || this.column < indent) && this.at(0) === SPACE) this.pos++;
      if (this.column > widest) widest = this.column;
      if ((indent === 0 || this.column < indent) && this.at(0) === TAB) {
        this.fail('found a tab character where an indentation space is expected');
      }
      if (!isBreak(this.at(0))) break;
      breaks += this.readLine();
    }
    if (indent === 0) indent = Math.max(widest, this.indent + 1, 1);
    return { indent, breaks };
  }

  private fetchFlowScalar(style: 'single' | 'double'): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos++;
    const quote = style === 'single' ? 0x27 : 0x22;
    let value = '';
    for (;;) {
      if (this.column === 0 && this.atDocumentIndicator())
        this.fail('found unexpected document indicator in a quoted text');
      if (this.at(0) === 0) this.fail('found unexpected end of stream in the quoted text that begins here', start);
      let escapedBreak = false;
      let runStart = this.pos;
      for (;;) {
        const c = this.at(0);
        if (isBlankOrEnd(c)) break;
        if (c === quote) {
          if (style !== 'single' || this.at(1) !== quote) break;
          value += this.text.slice(runStart, this.pos + 1);
          this.pos += 2;
          runStart = this.pos;
        } else if (c === 0x5c && style === 'double') {
          value += this.text.slice(runStart, this.pos);
          if (isBreak(this.at(1))) {
            this.pos++;
            this.readLine();
            escapedBreak = true;
            runStart = this.pos;
            break;
          }
          value += this.scanEscape();
          runStart = this.pos;
        } else {
          this.pos++;
        }
      }
      value += this.text.slice(runStart, this.pos);
      if (this.at(0) === quote) break;
      value += this.scanFolds(escapedBreak);
    }
    this.pos++;
    this.push('scalar', start, this.pos, value, '', style);
  }

  private scanEscape(): string {
    const start = this.pos;
    const letter = this.text.charAt(this.pos + 1);
    const simple = SIMPLE_ESCAPES.get(letter);
    if (simple !== undefined) {
      this.pos += 2;
      return simple;
    }
    const digits = HEX_ESCAPES.get(letter);
    if (digits === undefined) this.fail('found unknown escape character in a double-quoted text');
    const hex = this.text.slice(start + 2, start + 2 + digits);
    if (hex.length !== digits || !/^[0-9A-Fa-f]+$/.test(hex)) this.fail('did not find expected hexdecimal number');
    const code = Number.parseInt(hex, 16);
    if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) this.fail('found invalid Unicode character escape code');
    this.pos += 2 + digits;
    return String.fromCodePoint(code);
  }

  /** Blanks and line breaks between two words of a quoted text. */
  private scanFolds(afterEscapedBreak: boolean): string {
    let breakSeen = afterEscapedBreak;
    let whitespace = '';
    let leadingBreak = '';
    let trailingBreaks = '';
    for (;;) {
      const c = this.at(0);
      if (isBlank(c)) {
        if (!breakSeen) whitespace += this.text[this.pos];
        this.pos++;
      } else if (isBreak(c)) {
        if (breakSeen) trailingBreaks += this.readLine();
        else leadingBreak = this.readLine();
        breakSeen = true;
      } else {
        break;
      }
    }
    return breakSeen ? foldBreaks(leadingBreak, trailingBreaks) : whitespace;
  }

  private fetchPlain(): void {
    this.saveSimpleKey();
    this.simpleKeyAllowed = false;
    const start = this.pos;
    const indent = this.indent + 1;
    let end = start;
    let value = '';
    let gap = '';
    let leadingBreak = '';
    let trailingBreaks = '';
    let breakSeen = false;
    for (;;) {
      if (this.column === 0 && this.atDocumentIndicator()) break;
      if (this.at(0) === 0x23) break;
      const runStart = this.pos;
      for (;;) {
        const c = this.at(0);
        if (isBlankOrEnd(c)) break;
        if (c === 0x3a && isBlankOrEnd(this.at(1))) break;
        // , ? [ ] { } end a plain scalar in flow context.
        if (this.flowLevel > 0 && (c === 0x2c || c === 0x3f || c === 0x5b || c === 0x5d || c === 0x7b || c === 0x7d))
          break;
        this.pos++;
      }
      if (this.pos > runStart) {
        if (breakSeen) value += foldBreaks(leadingBreak, trailingBreaks);
        else value += gap;
        breakSeen = false;
        gap = '';
        leadingBreak = '';
        trailingBreaks = '';
        value += this.text.slice(runStart, this.pos);
        end = this.pos;
      }
      if (!isBlank(this.at(0)) && !isBreak(this.at(0))) break;
      for (;;) {
        const c = this.at(0);
        if (isBlank(c)) {
          if (breakSeen && this.column < indent && c === TAB)
            this.fail('found a tab character that violates indentation');
          if (!breakSeen) gap += this.text[this.pos];
          this.pos++;
        } else if (isBreak(c)) {
          if (breakSeen) {
            trailingBreaks += this.readLine();
          } else {
            gap = '';
            leadingBreak = this.readLine();
            breakSeen = true;
          }
        } else {
          break;
        }
      }
      if (this.flowLevel === 0 && this.column < indent) break;
    }
    if (breakSeen) this.simpleKeyAllowed = true;
    this.push('scalar', start, end, value, '', 'plain');
  }
}

function noKey(): SimpleKey {
  return { possible: false, required: false, tokenNumber: 0, offset: 0, column: 0, line: 0 };
}

function foldBreaks(leadingBreak: string, trailingBreaks: string): string {
  if (leadingBreak !== '\n') return leadingBreak + trailingBreaks;
  return trailingBreaks === '' ? ' ' : trailingBreaks;
}

function isBlank(c: number): boolean {
  return c === SPACE || c === TAB;
}

function isBreak(c: number): boolean {
  return c === LF || c === CR || c === 0x85 || c === 0x2028 || c === 0x2029;
}

function isBreakOrEnd(c: number): boolean {
  return c === LF || c === 0 || isBreak(c);
}

function isBlankOrEnd(c: number): boolean {
  return c === SPACE || c === TAB || c === 0 || isBreak(c);
}

function isWord(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f || c === 0x2d;
}
