import { decodeRune } from '../byte-string.ts';
import { CallError } from '../errors.ts';
import { sprint, sprintf, sprintln } from '../format/printer.ts';
import { isPrint } from '../unicode.ts';
import { isTrue, kindOf, sameScalar, typeName, typeOf } from '../values/inspect.ts';
import { isSignedKind, isUnsignedKind, type Kind, types } from '../values/types.ts';
import { compareBytes, type Evaluated, GoInteger, GoMap, GoSlice, type GoValue, int } from '../values/value.ts';
import { type CallContext, define, defineVariadic, param, type TemplateFunction } from './definition.ts';
import { escapeQuery } from './url-syntax.ts';

/** The functions of Go's `text/template` itself. `slice` is sprig's. */

type BasicKind = 'bool' | 'complex' | 'int' | 'uint' | 'float' | 'string' | 'other';

function basicKind(value: Evaluated): BasicKind {
  const kind: Kind = kindOf(value);
  if (isSignedKind(kind)) return 'int';
  if (isUnsignedKind(kind)) return 'uint';
  switch (kind) {
    case 'bool':
    case 'string':
      return kind;
    case 'float64':
      return 'float';
    case 'complex128':
      return 'complex';
    default:
      return 'other';
  }
}

function incompatible(a: Evaluated, b: Evaluated): CallError {
  return new CallError(`incompatible types for comparison: ${typeName(a)} and ${typeName(b)}`);
}

function equal(a: Evaluated, b: Evaluated): boolean {
  const kindA = basicKind(a);
  const kindB = basicKind(b);
  if (kindA === 'other' && kindB === 'other') return equalOthers(a, b);
  if (a === undefined || b === undefined || a === null || b === null) return false;
  if (a instanceof GoInteger && b instanceof GoInteger) return a.value === b.value;
  if (kindA !== kindB) throw incompatible(a, b);
  return sameScalar(a, b);
}

/** Values of no basic kind are equal if both are nil, or the same structs or pointers; maps and lists cannot be compared. */
function equalOthers(a: Evaluated, b: Evaluated): boolean {
  const isMissing = (value: Evaluated): boolean => value === undefined || value === null;
  if (!isMissing(a) && !isMissing(b) && kindOf(a) !== kindOf(b)) {
    throw new CallError(`non-comparable types ${typeName(a)} and ${typeName(b)}`);
  }
  if (isNil(a) || isNil(b)) return isNil(a) === isNil(b);
  if (b instanceof GoSlice || b instanceof GoMap) throw new CallError(`non-comparable type ${typeName(b)}`);
  const isPointer = kindOf(a) === 'ptr';
  if (typeOf(a) !== typeOf(b)) return false;
  return isPointer ? a === b : sameScalar(a ?? null, b ?? null);
}

function isNil(value: Evaluated): boolean {
  if (value === undefined || value === null) return true;
  if (value instanceof GoSlice) return value.isNil;
  return value instanceof GoMap && value.entries === undefined;
}

function lessThan(a: Evaluated, b: Evaluated): boolean {
  const kindA = basicKind(a);
  const kindB = basicKind(b);
  if (kindA === 'other' || kindB === 'other') throw new CallError('invalid type for comparison');
  if (a instanceof GoInteger && b instanceof GoInteger) return a.value < b.value;
  if (kindA !== kindB) throw incompatible(a, b);
  if (typeof a === 'string' && typeof b === 'string') return compareBytes(a, b) < 0;
  if (typeof a === 'number' && typeof b === 'number') return a < b;
  throw new CallError('invalid type for comparison');
}

/** Go's definition, which makes `le` of NaN false and `gt` of NaN true. */
const lessOrEqual = (a: Evaluated, b: Evaluated): boolean => lessThan(a, b) || equal(a, b);

function indexOf(index: Evaluated, limit: number): number {
  if (!(index instanceof GoInteger)) {
    throw new CallError(
      index === undefined || index === null
        ? 'cannot index slice/array with nil'
        : `cannot index slice/array with type ${typeName(index)}`,
    );
  }
  // At the limit itself Go's check passes and the access fails.
  if (index.value < 0n || index.value >= BigInt(limit)) throw new CallError('index out of range');
  return Number(index.value);
}

function indexValue(item: Evaluated, indexes: readonly Evaluated[]): Evaluated {
  if (item === undefined || item === null) throw new CallError('index of untyped nil');
  let value: GoValue = item;
  for (const index of indexes) {
    if (value === null) throw new CallError('index of nil pointer');
    if (typeof value === 'string')
      value = new GoInteger(types.uint8, BigInt(value.charCodeAt(indexOf(index, value.length))));
    else if (value instanceof GoSlice) value = value.at(indexOf(index, value.length));
    else if (value instanceof GoMap) value = indexMap(value, index);
    else throw new CallError(`can't index item of type ${typeName(value)}`);
  }
  return value;
}

function indexMap(map: GoMap, index: Evaluated): GoValue {
  if (typeof index !== 'string') {
    throw new CallError(
      index === undefined || index === null
        ? 'value is nil; should be of type string'
        : `value has type ${typeName(index)}; should be string`,
    );
  }
  return map.get(index) ?? (map.type === types.stringMap ? '' : null);
}

function lengthOf(item: Evaluated): GoInteger {
  if (typeof item === 'string') return int(item.length);
  if (item instanceof GoSlice) return int(item.length);
  if (item instanceof GoMap) return int(item.size);
  throw new CallError(item === undefined || item === null ? 'len of nil pointer' : `len of type ${typeName(item)}`);
}

/** The text that escapers work on: one string as it is, anything else printed. */
function escaperInput({ budget }: CallContext, args: readonly GoValue[]): string {
  const [first] = args;
  if (args.length === 1 && typeof first === 'string') return first;
  return sprint(
    args.map((arg) => arg ?? '<no value>'),
    budget,
  );
}

const htmlEscapes: ReadonlyMap<string, string> = new Map([
  ['\0', '\xef\xbf\xbd'],
  ['"', '&#34;'],
  ["'", '&#39;'],
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
]);

function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => htmlEscapes.get(character) ?? character);
}

function escapeJs(text: string): string {
  let result = '';
  for (let i = 0; i < text.length; ) {
    const { rune, size } = decodeRune(text, i);
    result +=
      rune < 0x80 ? jsCharacter(text[i] ?? '') : isPrint(rune) ? text.slice(i, i + size) : `\\u${codeText(rune)}`;
    i += size;
  }
  return result;
}

const codeText = (rune: number): string => rune.toString(16).toUpperCase().padStart(4, '0');

function jsCharacter(character: string): string {
  if (character === '\\' || character === "'" || character === '"') return `\\${character}`;
  if (character < ' ' || '<>&='.includes(character)) return `\\u${codeText(character.charCodeAt(0))}`;
  return character;
}

export const builtinFunctions: readonly TemplateFunction[] = [
  // The executor evaluates `and` and `or` itself, since they stop early.
  defineVariadic('and', [param.reflect], param.reflect, (_, first) => first),
  defineVariadic('or', [param.reflect], param.reflect, (_, first) => first),
  define('not', [param.reflect], (_, value) => !isTrue(value)),
  define('len', [param.reflect], (_, item) => lengthOf(item)),
  defineVariadic('index', [param.reflect], param.reflect, (_, item, indexes) => indexValue(item, indexes)),
  defineVariadic('call', [param.reflect], param.reflect, (_, fn) => {
    // No value of a template is a function.
    throw new CallError(fn === undefined || fn === null ? 'call of nil' : `non-function of type ${typeName(fn)}`);
  }),
  defineVariadic('eq', [param.reflect], param.reflect, (_, first, others) => {
    if (others.length === 0) throw new CallError('missing argument for comparison');
    return others.some((other) => equal(first, other));
  }),
  define('ne', [param.reflect, param.reflect], (_, a, b) => !equal(a, b)),
  define('lt', [param.reflect, param.reflect], (_, a, b) => lessThan(a, b)),
  define('le', [param.reflect, param.reflect], (_, a, b) => lessOrEqual(a, b)),
  define('gt', [param.reflect, param.reflect], (_, a, b) => !lessOrEqual(a, b)),
  define('ge', [param.reflect, param.reflect], (_, a, b) => !lessThan(a, b)),
  defineVariadic('print', [], param.any, ({ budget }, args) => sprint(args, budget)),
  defineVariadic('println', [], param.any, ({ budget }, args) => sprintln(args, budget)),
  defineVariadic('printf', [param.string], param.any, ({ budget }, format, args) => sprintf(format, args, budget)),
  defineVariadic('html', [], param.any, (context, args) => escapeHtml(escaperInput(context, args))),
  defineVariadic('js', [], param.any, (context, args) => escapeJs(escaperInput(context, args))),
  defineVariadic('urlquery', [], param.any, (context, args) => escapeQuery(escaperInput(context, args))),
];
