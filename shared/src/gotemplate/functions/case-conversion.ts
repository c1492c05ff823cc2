import { decodeRune, encodeRune, runeError } from '../byte-string.ts';
import { isLetter, isNumber, isPunct, isSpace, isUpper, toLower, toUpper } from '../unicode.ts';
import { define, param, type TemplateFunction } from './definition.ts';

/** `camelcase`, `snakecase` and `kebabcase` with the word rules of huandu/xstrings 1.5. */

/** Characters between words. */
function isConnector(rune: number): boolean {
  return rune === 0x2d || rune === 0x5f || isSpace(rune);
}

/** Words joined, each with a capital first letter; connectors at the ends and doubled ones stay. */
function toPascalCase(text: string): string {
  const runes: number[] = [];
  for (let i = 0; i < text.length; ) {
    const { rune, size } = decodeRune(text, i);
    runes.push(rune);
    i += size;
  }
  let result = '';
  let index = 0;
  let current = 0;
  let inUpperRun = false;
  let isLeading = true;
  for (; index < runes.length && isLeading; index++) {
    current = runes[index] ?? 0;
    if (isConnector(current)) result += encodeRune(current);
    else {
      inUpperRun = isUpper(current);
      current = toUpper(current);
      isLeading = false;
    }
  }
  if (index >= runes.length) {
    // Only connectors: the original writes the last one twice.
    return runes.length === 0 ? '' : result + encodeRune(current);
  }
  for (; index < runes.length; index++) {
    const previous = current;
    current = runes[index] ?? 0;
    if (isConnector(current) && isConnector(previous)) {
      result += encodeRune(previous);
      continue;
    }
    if (isConnector(previous)) {
      inUpperRun = isUpper(current);
      current = toUpper(current);
      continue;
    }
    if (inUpperRun) {
      if (isUpper(current)) current = toLower(current);
      else inUpperRun = false;
    }
    result += encodeRune(previous);
  }
  return result + encodeRune(current);
}

type WordType = 'invalid' | 'number' | 'upper' | 'letters' | 'connector' | 'punctuation' | 'other';

interface Word {
  readonly type: WordType | 'none';
  readonly text: string;
  readonly rest: string;
}

const noWord: Word = { type: 'none', text: '', rest: '' };

/** Letters, except Chinese characters, which do not form words of this kind. */
function isAlphabet(rune: number): boolean {
  const isChinese =
    (rune >= 0x3400 && rune <= 0x4d85) || (rune >= 0x4e00 && rune <= 0x9fcc) || (rune >= 0x20000 && rune <= 0x2b81d);
  return isLetter(rune) && !isChinese;
}

/** The next valid rune, with the size of invalid bytes before it; `previous` if only invalid bytes are left. */
function nextValidRune(text: string, start: number, previous: number): { rune: number; size: number } {
  let size = 0;
  for (let i = start; i < text.length; ) {
    const decoded = decodeRune(text, i);
    size += decoded.size;
    i += decoded.size;
    if (decoded.rune !== runeError) return { rune: decoded.rune, size };
  }
  return { rune: previous, size };
}

/** Takes the first word of a text. */
function nextWord(text: string): Word {
  if (text === '') return noWord;
  const first = nextValidRune(text, 0, runeError);
  const cutAt = (type: WordType, end: number): Word => ({ type, text: text.slice(0, end), rest: text.slice(end) });
  if (first.rune === runeError) return cutAt('invalid', first.size);
  const takeWhile = (type: WordType, accept: (rune: number) => boolean, start = first): Word =>
    cutAt(type, endOfRun(text, start, accept));
  if (isConnector(first.rune)) return takeWhile('connector', isConnector);
  if (isPunct(first.rune)) return takeWhile('punctuation', isPunct);
  if (isUpper(first.rune)) return upperWord(text, first);
  if (isAlphabet(first.rune)) return takeWhile('letters', (rune) => isAlphabet(rune) && !isUpper(rune));
  if (isNumber(first.rune)) return takeWhile('number', isNumber);
  return takeWhile('other', (rune) => !(isConnector(rune) || isAlphabet(rune) || isNumber(rune) || isPunct(rune)));
}

/** Where a run of accepted runes ends that starts behind `start`. */
function endOfRun(text: string, start: { rune: number; size: number }, accept: (rune: number) => boolean): number {
  let end = start.size;
  let previous = start.rune;
  while (end < text.length) {
    const next = nextValidRune(text, end, previous);
    if (!accept(next.rune)) break;
    end += next.size;
    previous = next.rune;
  }
  return end;
}

/** Capitals; the last of several belongs to the word that follows it (`HTTPStatus`), a single one to the letters behind it. */
function upperWord(text: string, first: { rune: number; size: number }): Word {
  const cutAt = (end: number): Word => ({ type: 'upper', text: text.slice(0, end), rest: text.slice(end) });
  if (first.size >= text.length) return cutAt(first.size);
  const second = nextValidRune(text, first.size, first.rune);
  if (!isUpper(second.rune)) {
    if (!isAlphabet(second.rune)) return cutAt(first.size);
    return cutAt(
      endOfRun(
        text,
        { rune: second.rune, size: first.size + second.size },
        (rune) => isAlphabet(rune) && !isUpper(rune),
      ),
    );
  }
  let end = first.size + second.size;
  let lastSize = second.size;
  let last = second.rune;
  while (end < text.length) {
    const next = nextValidRune(text, end, last);
    last = next.rune;
    if (!isUpper(next.rune)) break;
    lastSize = next.size;
    end += next.size;
  }
  return cutAt(end < text.length && isAlphabet(last) ? end - lastSize : end);
}

/** Words in lower case, joined by a connector. Digits stick to the word before them, unless lower-case letters follow. */
function toLowerWords(text: string, connector: '_' | '-'): string {
  let result = '';
  const emit = (word: Word): void => {
    result += lowerWord(word, connector);
  };
  const isBoundary = (word: Word): boolean => word.type === 'connector' || word.type === 'punctuation';
  let word = nextWord(text);
  while (word.rest !== '') {
    if (word.type !== 'connector') emit(word);
    const previous = word;
    word = nextWord(word.rest);
    if (previous.type === 'number') {
      while (word.type === 'letters' || word.type === 'number') {
        emit(word);
        word = nextWord(word.rest);
      }
      if (word.type !== 'none' && word.type !== 'invalid' && !isBoundary(word)) result += connector;
    } else if (previous.type === 'connector') emit(previous);
    else if (previous.type !== 'punctuation') {
      if (word.type !== 'number') {
        if (!isBoundary(word)) result += connector;
        continue;
      }
      if (word.rest === '') continue;
      const number = word;
      word = nextWord(word.rest);
      if (word.type !== 'letters') {
        emit(number);
        if (!isBoundary(word)) result += connector;
        continue;
      }
      result += connector;
      emit(number);
      while (word.type === 'letters' || word.type === 'number') {
        emit(word);
        word = nextWord(word.rest);
      }
      if (word.type !== 'none' && word.type !== 'invalid' && !isBoundary(word)) result += connector;
    }
  }
  emit(word);
  return result;
}

function lowerWord({ type, text }: Word, connector: string): string {
  if (type !== 'upper' && type !== 'connector') return text;
  let result = '';
  for (let i = 0; i < text.length; ) {
    const { rune, size } = decodeRune(text, i);
    result += isConnector(rune) ? connector : encodeRune(isUpper(rune) ? toLower(rune) : rune);
    i += size;
  }
  return result;
}

export const caseFunctions: readonly TemplateFunction[] = [
  define('camelcase', [param.string], (_, text) => toPascalCase(text)),
  define('snakecase', [param.string], (_, text) => toLowerWords(text, '_')),
  define('kebabcase', [param.string], (_, text) => toLowerWords(text, '-')),
];
