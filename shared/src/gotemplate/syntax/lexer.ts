import { decodeRune } from '../byte-string.ts';
import { SyntaxFailure } from '../errors.ts';
import { visibleCharacter } from '../format/quote.ts';
import { isDigit, isLetter } from '../unicode.ts';

/** The words that begin or end control structures. */
export type Keyword = 'block' | 'break' | 'continue' | 'define' | 'else' | 'end' | 'if' | 'range' | 'template' | 'with';

export type TokenType =
  | Keyword
  | 'text'
  | 'leftDelimiter'
  | 'rightDelimiter'
  | 'space'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'leftParen'
  | 'rightParen'
  | 'character'
  | 'string'
  | 'rawString'
  | 'rune'
  | 'number'
  | 'complex'
  | 'bool'
  | 'nil'
  | 'dot'
  | 'field'
  | 'variable'
  | 'identifier'
  | 'end of input';

export interface Token {
  readonly type: TokenType;
  readonly text: string;
  /** Byte offset of the token in the text. */
  readonly offset: number;
}

const keywords: ReadonlyMap<string, TokenType> = new Map<string, TokenType>(
  (['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'nil', 'template', 'with'] as const).map(
    (word) => [word, word],
  ),
);

const leftDelimiter = '{{';
const rightDelimiter = '}}';
const isSpace = (character: string | undefined): boolean =>
  character === ' ' || character === '\t' || character === '\r' || character === '\n';

function isAlphaNumeric(rune: number): boolean {
  return rune === 0x5f || isLetter(rune) || isDigit(rune);
}

const trimStart = (text: string): string => text.replace(/^[ \t\r\n]+/, '');
const trimEnd = (text: string): string => text.replace(/[ \t\r\n]+$/, '');

/**
 * Splits the text of a template into tokens, one at a time: an error in the text counts only once the parser gets there, since an
 * earlier one of the parser comes first.
 */
export class Lexer {
  readonly #text: string;
  #position = 0;
  #insideAction = false;
  #parenDepth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token; at the end `end of input`, again and again. Throws {@link SyntaxFailure}. */
  next(): Token {
    return this.#insideAction ? this.#nextInAction() : this.#nextOutside();
  }

  #token(type: TokenType, start: number): Token {
    return { type, text: this.#text.slice(start, this.#position), offset: start };
  }

  #nextOutside(): Token {
    for (;;) {
      const start = this.#position;
      const open = this.#text.indexOf(leftDelimiter, start);
      if (open < 0) {
        this.#position = this.#text.length;
        return start < this.#text.length
          ? this.#token('text', start)
          : { type: 'end of input', text: '', offset: start };
      }
      const afterDelimiter = open + leftDelimiter.length;
      const trims = this.#text[afterDelimiter] === '-' && isSpace(this.#text[afterDelimiter + 1]);
      const text = this.#text.slice(start, open);
      const kept = trims ? trimEnd(text) : text;
      if (kept !== '') {
        // The delimiter is seen again by the next call.
        this.#position = open;
        return { type: 'text', text: kept, offset: start };
      }
      const content = afterDelimiter + (trims ? 2 : 0);
      if (this.#text.startsWith('/*', content)) {
        this.#skipComment(content);
        continue;
      }
      this.#position = content;
      this.#insideAction = true;
      this.#parenDepth = 0;
      return { type: 'leftDelimiter', text: leftDelimiter, offset: open };
    }
  }

  #skipComment(start: number): void {
    const end = this.#text.indexOf('*/', start + 2);
    if (end < 0) throw new SyntaxFailure('unclosed comment', start);
    this.#position = end + 2;
    const close = this.#rightDelimiterHere();
    if (close === undefined) throw new SyntaxFailure('comment ends before closing delimiter', start);
    this.#consumeRightDelimiter(close);
  }

  /** Whether the right delimiter comes next, alone or with its trim marker. */
  #rightDelimiterHere(position = this.#position): 'plain' | 'trimming' | undefined {
    if (this.#text.startsWith(rightDelimiter, position)) return 'plain';
    return isSpace(this.#text[position]) && this.#text.startsWith(`-${rightDelimiter}`, position + 1)
      ? 'trimming'
      : undefined;
  }

  #consumeRightDelimiter(kind: 'plain' | 'trimming'): void {
    this.#position += rightDelimiter.length;
    if (kind === 'plain') return;
    this.#position += 2;
    const rest = this.#text.slice(this.#position);
    this.#position += rest.length - trimStart(rest).length;
  }

  #nextInAction(): Token {
    const start = this.#position;
    const close = this.#rightDelimiterHere();
    if (close !== undefined) {
      if (this.#parenDepth > 0) throw new SyntaxFailure('unclosed left paren', start);
      this.#consumeRightDelimiter(close);
      this.#insideAction = false;
      return { type: 'rightDelimiter', text: rightDelimiter, offset: start };
    }
    const first = this.#text[start];
    if (first === undefined) throw new SyntaxFailure('unclosed action', start);
    if (isSpace(first)) return this.#space(start);
    this.#position++;
    switch (first) {
      case '=':
        return this.#token('assign', start);
      case ':':
        if (this.#text[this.#position] !== '=') throw new SyntaxFailure('expected :=', start);
        this.#position++;
        return this.#token('declare', start);
      case '|':
        return this.#token('pipe', start);
      case '(':
        this.#parenDepth++;
        return this.#token('leftParen', start);
      case ')':
        this.#parenDepth--;
        if (this.#parenDepth < 0) throw new SyntaxFailure('unexpected right paren', start);
        return this.#token('rightParen', start);
      case '"':
        return this.#delimited(start, '"', 'string', 'unterminated quoted string');
      case "'":
        return this.#delimited(start, "'", 'rune', 'unterminated character constant');
      case '`':
        return this.#rawString(start);
      case '$':
        return this.#atTerminator() ? this.#token('variable', start) : this.#name(start, 'variable');
      case '.':
        if (!/[0-9]/.test(this.#text[this.#position] ?? '')) {
          return this.#atTerminator() ? this.#token('dot', start) : this.#name(start, 'field');
        }
        return this.#number(start);
      default:
        return this.#wordOrNumber(start, first);
    }
  }

  /** Spaces; the last one may belong to the trim marker of the right delimiter. */
  #space(start: number): Token {
    while (isSpace(this.#text[this.#position])) this.#position++;
    if (this.#rightDelimiterHere(this.#position - 1) === 'trimming') {
      this.#position--;
      if (this.#position === start) return this.#nextInAction();
    }
    return this.#token('space', start);
  }

  #wordOrNumber(start: number, first: string): Token {
    if (/[0-9+-]/.test(first)) return this.#number(start);
    const { rune } = decodeRune(this.#text, start);
    if (isAlphaNumeric(rune)) return this.#word(start);
    if (rune > 0x20 && rune < 0x7f) return this.#token('character', start);
    throw new SyntaxFailure(`unrecognized character in action: ${visibleCharacter(rune)}`, start);
  }

  #skipAlphaNumeric(): void {
    while (this.#position < this.#text.length) {
      const { rune, size } = decodeRune(this.#text, this.#position);
      if (!isAlphaNumeric(rune)) return;
      this.#position += size;
    }
  }

  #name(start: number, type: 'field' | 'variable'): Token {
    this.#skipAlphaNumeric();
    this.#requireTerminator(start);
    return this.#token(type, start);
  }

  #word(start: number): Token {
    this.#position = start;
    this.#skipAlphaNumeric();
    this.#requireTerminator(start);
    const word = this.#text.slice(start, this.#position);
    if (word === 'true' || word === 'false') return this.#token('bool', start);
    return this.#token(keywords.get(word) ?? 'identifier', start);
  }

  #requireTerminator(start: number): void {
    if (this.#atTerminator()) return;
    const { rune } = decodeRune(this.#text, this.#position);
    throw new SyntaxFailure(`bad character ${visibleCharacter(rune)}`, start);
  }

  #atTerminator(): boolean {
    const next = this.#text[this.#position];
    if (next === undefined || isSpace(next) || '.,|:()'.includes(next)) return true;
    return this.#text.startsWith(rightDelimiter, this.#position);
  }

  /** Text up to an unescaped delimiter on the same line. */
  #delimited(start: number, delimiter: string, type: 'string' | 'rune', message: string): Token {
    for (;;) {
      const character = this.#text[this.#position++];
      if (character === delimiter) return this.#token(type, start);
      if (character === '\\') {
        const escaped = this.#text[this.#position];
        if (escaped !== undefined && escaped !== '\n') {
          this.#position++;
          continue;
        }
      }
      if (character === undefined || character === '\n' || character === '\\') throw new SyntaxFailure(message, start);
    }
  }

  #rawString(start: number): Token {
    const end = this.#text.indexOf('`', this.#position);
    if (end < 0) throw new SyntaxFailure('unterminated raw quoted string', start);
    this.#position = end + 1;
    return this.#token('rawString', start);
  }

  #number(start: number): Token {
    this.#position = start;
    this.#scanNumber(start);
    const sign = this.#text[this.#position];
    if (sign !== '+' && sign !== '-') return this.#token('number', start);
    this.#scanNumber(start);
    if (this.#text[this.#position - 1] !== 'i') throw new SyntaxFailure('bad number syntax', start);
    return this.#token('complex', start);
  }

  /** Takes what looks like a number; whether it is one, the parser decides. */
  #scanNumber(start: number): void {
    const shape =
      /^[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/;
    this.#position += shape.exec(this.#text.slice(this.#position, this.#position + longestNumber))?.[0].length ?? 0;
    if (this.#position >= this.#text.length) return;
    if (isAlphaNumeric(decodeRune(this.#text, this.#position).rune))
      throw new SyntaxFailure('bad number syntax', start);
  }
}

/** Longer digits are cut, which makes them bad syntax. */
const longestNumber = 4096;
