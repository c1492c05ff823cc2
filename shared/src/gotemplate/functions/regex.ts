import { RE2JS, RE2JSException } from 're2js';
import type { Budget } from '../budget.ts';
import { bytesFromByteString, decodeRune, isValidUtf8, textFromByteString } from '../byte-string.ts';
import { CallError, LimitError } from '../errors.ts';
import { isDigit, isLetter } from '../unicode.ts';
import { appendedStringSlice } from '../values/growth.ts';
import { types } from '../values/types.ts';
import { GoSlice } from '../values/value.ts';
import { alias, type CallContext, define, param, type TemplateFunction } from './definition.ts';

/**
 * Regular expressions with RE2's semantics, which Go shares: time grows with the length of the text, never exponentially. They run on
 * bytes; a byte that is no UTF-8 matches as U+FFFD.
 */

/** A match: start and end of the whole, then of each group; -1 where a group took no part. */
type MatchIndexes = readonly number[];

/** A compiled pattern. */
export interface Regex {
  readonly instructions: number;
  readonly groupNames: Readonly<Record<string, number>>;
  /** Up to `limit` matches from left to right; all for a negative limit. */
  findAll(budget: Budget, text: string, limit: number): MatchIndexes[];
  matches(budget: Budget, text: string): boolean;
}

/** Compiled patterns live as long as the rendering that uses them: a pattern may be made from a secret. */
const compiledByRendering = new WeakMap<Budget, Map<string, Regex>>();

/** Instructions a text is matched against per byte, for one step of the budget. */
const instructionsPerStep = 64;

/** Compiles a pattern. Throws `CallError` for one that is malformed, `LimitError` for one that is too large. */
export function compileRegex(budget: Budget, pattern: string): Regex {
  let compiled = compiledByRendering.get(budget);
  if (compiled === undefined) {
    compiled = new Map();
    compiledByRendering.set(budget, compiled);
  }
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const { maxPatternBytes, maxPatternInstructions } = budget.limits;
  if (pattern.length > maxPatternBytes)
    throw new LimitError(`a regular expression has more than ${maxPatternBytes} bytes`);
  const regex = newRegex(pattern);
  budget.step(regex.instructions);
  if (regex.instructions > maxPatternInstructions) {
    throw new LimitError(`a regular expression compiles to more than ${maxPatternInstructions} instructions`);
  }
  compiled.set(pattern, regex);
  return regex;
}

function newRegex(pattern: string): Regex {
  if (!isValidUtf8(pattern)) throw new CallError('error parsing regexp: invalid UTF-8');
  const compiled = parsePattern(textFromByteString(pattern));
  const re2 = compiled.re2();
  const instructions = Number(re2.numberOfInstructions());
  const charge = (budget: Budget, text: string): void => {
    budget.step(Math.ceil((text.length * instructions) / instructionsPerStep));
  };
  return {
    instructions,
    groupNames: re2.namedGroups,
    findAll: (budget, text, limit) => {
      charge(budget, text);
      return re2.findAllUTF8SubmatchIndex(bytesFromByteString(text), limit) ?? [];
    },
    matches: (budget, text) => {
      charge(budget, text);
      return re2.matchUTF8(bytesFromByteString(text));
    },
  };
}

function parsePattern(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException)
      throw new CallError('error parsing regexp: the pattern is malformed or too large');
    throw error;
  }
}

function matchTexts(text: string, matches: readonly MatchIndexes[]): string[] {
  return matches.map(([start = 0, end = 0]) => text.slice(start, end));
}

function findAll({ budget }: CallContext, pattern: string, text: string, limit: bigint): GoSlice {
  const regex = compileRegex(budget, pattern);
  const found = matchTexts(text, regex.findAll(budget, text, toLimit(limit)));
  // Go starts with room for ten.
  return found.length === 0 ? new GoSlice(types.stringSlice, undefined) : appendedStringSlice(found, 10);
}

function toLimit(limit: bigint): number {
  return limit < 0n ? -1 : Number(limit > 0x7fffffffn ? 0x7fffffffn : limit);
}

function find({ budget }: CallContext, pattern: string, text: string): string {
  const [first] = compileRegex(budget, pattern).findAll(budget, text, 1);
  return first === undefined ? '' : text.slice(first[0], first[1]);
}

/** Go's `Split`: at most `limit` parts; a text that is empty stays one part. */
function split({ budget }: CallContext, pattern: string, text: string, limit: bigint): GoSlice {
  const regex = compileRegex(budget, pattern);
  if (limit === 0n) return new GoSlice(types.stringSlice, undefined);
  if (pattern !== '' && text === '') return appendedStringSlice([''], 1);
  const matches = regex.findAll(budget, text, toLimit(limit));
  const parts: string[] = [];
  let begin = 0;
  let end = 0;
  for (const [start = 0, stop = 0] of matches) {
    if (limit > 0n && BigInt(parts.length) === limit - 1n) break;
    end = start;
    if (stop !== 0) parts.push(text.slice(begin, end));
    begin = stop;
  }
  if (end !== text.length) parts.push(text.slice(begin));
  return appendedStringSlice(parts, matches.length);
}

function replace(
  { budget }: CallContext,
  pattern: string,
  text: string,
  expand: (match: MatchIndexes, names: Regex['groupNames']) => string,
): string {
  const regex = compileRegex(budget, pattern);
  let result = '';
  let end = 0;
  for (const match of regex.findAll(budget, text, -1)) {
    const [start = 0, stop = 0] = match;
    const replacement = expand(match, regex.groupNames);
    budget.allocate(start - end + replacement.length);
    result += text.slice(end, start) + replacement;
    end = stop;
  }
  return result + text.slice(end);
}

/** A replacement with `$1`, `${1}`, `$name` and `${name}` filled in; `$$` is a dollar sign, an unknown group nothing. */
function expandTemplate(template: string, text: string, match: MatchIndexes, names: Regex['groupNames']): string {
  let result = '';
  let rest = template;
  for (;;) {
    const dollar = rest.indexOf('$');
    if (dollar < 0) return result + rest;
    result += rest.slice(0, dollar);
    rest = rest.slice(dollar);
    if (rest.startsWith('$$')) {
      result += '$';
      rest = rest.slice(2);
      continue;
    }
    const reference = groupReference(rest);
    if (reference === undefined) {
      result += '$';
      rest = rest.slice(1);
      continue;
    }
    result += groupText(reference.name, text, match, names);
    rest = rest.slice(reference.length);
  }
}

function groupReference(text: string): { name: string; length: number } | undefined {
  const isBraced = text[1] === '{';
  const start = isBraced ? 2 : 1;
  let end = start;
  while (end < text.length) {
    const { rune, size } = decodeRune(text, end);
    if (!isLetter(rune) && !isDigit(rune) && rune !== 0x5f) break;
    end += size;
  }
  if (end === start || (isBraced && text[end] !== '}')) return undefined;
  return { name: text.slice(start, end), length: isBraced ? end + 1 : end };
}

function groupText(name: string, text: string, match: MatchIndexes, names: Regex['groupNames']): string {
  const isNumber = /^[0-9]{1,9}$/.test(name) && !/^0[0-9]/.test(name);
  const decoded = textFromByteString(name);
  const group = isNumber ? Number(name) : Object.hasOwn(names, decoded) ? (names[decoded] ?? -1) : -1;
  const start = match[group * 2] ?? -1;
  return start < 0 ? '' : text.slice(start, match[group * 2 + 1]);
}

function isMatch({ budget }: CallContext, pattern: string, text: string): boolean {
  return compileRegex(budget, pattern).matches(budget, text);
}

function withMust(name: string, fn: TemplateFunction): TemplateFunction[] {
  return [fn, alias(`mustR${name.slice(1)}`, fn)];
}

export const regexFunctions: readonly TemplateFunction[] = [
  define('regexMatch', [param.string, param.string], (context, pattern, text) => {
    try {
      return isMatch(context, pattern, text);
    } catch (error) {
      if (error instanceof CallError) return false;
      throw error;
    }
  }),
  define('mustRegexMatch', [param.string, param.string], isMatch),
  ...withMust('regexFind', define('regexFind', [param.string, param.string], find)),
  ...withMust('regexFindAll', define('regexFindAll', [param.string, param.string, param.int], findAll)),
  ...withMust('regexSplit', define('regexSplit', [param.string, param.string, param.int], split)),
  ...withMust(
    'regexReplaceAll',
    define('regexReplaceAll', [param.string, param.string, param.string], (context, pattern, text, template) =>
      replace(context, pattern, text, (match, names) => expandTemplate(template, text, match, names)),
    ),
  ),
  ...withMust(
    'regexReplaceAllLiteral',
    define('regexReplaceAllLiteral', [param.string, param.string, param.string], (context, pattern, text, literal) =>
      replace(context, pattern, text, () => literal),
    ),
  ),
  define('regexQuoteMeta', [param.string], (_, text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
];
