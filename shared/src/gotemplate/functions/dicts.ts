import { CallError } from '../errors.ts';
import { appendedAnySlice, appendedStringSlice } from '../values/growth.ts';
import { checkNesting, deepCopy, deepEqual, isEmpty, type StepCounter, typeName } from '../values/inspect.ts';
import { types } from '../values/types.ts';
import { anyMap, GoComplex, GoInteger, GoMap, GoSlice, type GoValue, GoVersion } from '../values/value.ts';
import { toText } from './conversion.ts';
import { type CallContext, define, defineVariadic, param, type TemplateFunction } from './definition.ts';

/** sprig's functions on dicts, which are `map[string]interface {}`: the context of a template itself is none of them. */

function entriesForWriting(dict: GoMap): Map<string, GoValue> {
  if (dict.entries === undefined) throw new CallError('assignment to entry in nil map');
  return dict.entries;
}

function dictOf({ budget }: CallContext, values: readonly GoValue[]): GoMap {
  const entries = new Map<string, GoValue>();
  for (let i = 0; i < values.length; i += 2) {
    const value = values[i + 1];
    // A key without a value has the empty string.
    entries.set(toText(values[i] ?? null, budget), value === undefined ? '' : value);
  }
  return anyMap(entries);
}

/** Follows keys into nested dicts; the default stands in for a key that is missing. */
function dig(args: readonly GoValue[]): GoValue {
  if (args.length < 3) throw new CallError('dig needs at least three arguments');
  const keys = args.slice(0, -2);
  const fallback = args.at(-2) ?? null;
  let current: GoValue = args.at(-1) ?? null;
  for (const key of keys)
    if (typeof key !== 'string') throw new CallError(`interface conversion: not a string: ${typeName(key)}`);
  for (const key of keys) {
    if (!(current instanceof GoMap) || current.type !== types.anyMap) {
      throw new CallError(`interface conversion: not a map[string]interface {}: ${typeName(current)}`);
    }
    const next: GoValue | undefined = current.get(String(key));
    if (next === undefined) return fallback;
    current = next;
  }
  return current;
}

/** mergo refuses to merge values of different kinds; `merge` then gives the empty string, `mustMerge` fails. */
class MergeConflict extends Error {}

interface MergeOptions {
  readonly overwrite: boolean;
  readonly counter: StepCounter;
}

/** Merges `source` into `target` with the rules of mergo 1.0: only empty values are replaced, unless `overwrite` is set. */
function mergeInto(target: GoMap, source: GoMap, options: MergeOptions, depth = 0): void {
  checkNesting(depth);
  const entries = entriesForWriting(target);
  for (const key of source.sortedKeys()) {
    options.counter.step();
    const value = source.get(key) ?? null;
    const existing = entries.get(key);
    if (value === null) {
      if (options.overwrite) store(target, key, null, source);
      continue;
    }
    if (value instanceof GoSlice) mergeList(target, key, value, options);
    else mergeNested(existing, value, options, depth);
    if (existing !== undefined && !isEmptyForMerge(existing)) {
      if (value instanceof GoSlice) continue;
      if (value instanceof GoMap && existing instanceof GoMap) continue;
    }
    if (options.overwrite || existing === undefined || isEmptyForMerge(existing)) store(target, key, value, source);
  }
}

/** mergo's idea of empty: nil and zero values; structs, pointers and complex numbers never are. */
function isEmptyForMerge(value: GoValue): boolean {
  return value === null || (!(value instanceof GoComplex) && isEmpty(value));
}

function store(target: GoMap, key: string, value: GoValue, source: GoMap): void {
  // A map of strings, as `split` gives it, takes nothing from a map of anything, not even strings.
  if (target.type === types.stringMap && source.type !== types.stringMap)
    throw new CallError('value of type interface {} is not assignable to type string');
  entriesForWriting(target).set(key, value);
}

function mergeList(target: GoMap, key: string, value: GoSlice, { overwrite }: MergeOptions): void {
  const existing = target.get(key);
  if (target.type === types.stringMap)
    throw new CallError('value of type []interface {} is not assignable to type string');
  if (overwrite || target.size === 0) entriesForWriting(target).set(key, value);
  else if (existing === undefined || existing === null) entriesForWriting(target).set(key, new GoSlice(value.type, []));
}

/** Maps merge into maps; a version does not merge with another kind of value. */
function mergeNested(existing: GoValue | undefined, value: GoValue, options: MergeOptions, depth: number): void {
  if (existing instanceof GoMap && value instanceof GoMap) {
    if (existing.entries !== undefined) mergeInto(existing, value, options, depth + 1);
    return;
  }
  const isStructured = typeof value === 'object' && !(value instanceof GoInteger) && !(value instanceof GoComplex);
  if (existing instanceof GoVersion && isStructured && !(value instanceof GoVersion) && !options.overwrite) {
    throw new MergeConflict();
  }
}

function mergeAll(target: GoMap, sources: readonly GoMap[], options: MergeOptions): GoMap {
  let merged = target;
  for (const source of sources) {
    if (merged.entries === undefined && source.entries !== undefined) merged = anyMap(new Map());
    if (source.entries !== undefined) mergeInto(merged, source, options);
  }
  return merged;
}

function mergeFunctions(name: 'merge' | 'mergeOverwrite', overwrite: boolean): TemplateFunction[] {
  const mustName = `must${name[0]?.toUpperCase()}${name.slice(1)}`;
  return [
    defineVariadic(name, [param.dict], param.dict, ({ budget }, target, sources) => {
      try {
        return mergeAll(target, sources, { overwrite, counter: budget });
      } catch (error) {
        if (error instanceof MergeConflict) return '';
        throw error;
      }
    }),
    defineVariadic(mustName, [param.dict], param.dict, ({ budget }, target, sources) => {
      try {
        return mergeAll(target, sources, { overwrite, counter: budget });
      } catch (error) {
        if (error instanceof MergeConflict) throw new CallError('src and dst must be of same type');
        throw error;
      }
    }),
  ];
}

/** Nothing cannot be copied. */
function copyOf({ budget }: CallContext, value: GoValue): GoValue {
  if (value === null) throw new CallError('nothing to copy');
  return deepCopy(value, budget);
}

export const dictFunctions: readonly TemplateFunction[] = [
  defineVariadic('dict', [], param.any, dictOf),
  define('get', [param.dict, param.string], (_, dict, key) => {
    const value = dict.get(key);
    return value === undefined ? '' : value;
  }),
  define('set', [param.dict, param.string, param.any], (_, dict, key, value) => {
    entriesForWriting(dict).set(key, value);
    return dict;
  }),
  define('unset', [param.dict, param.string], (_, dict, key) => {
    dict.entries?.delete(key);
    return dict;
  }),
  define('hasKey', [param.dict, param.string], (_, dict, key) => dict.entries?.has(key) ?? false),
  defineVariadic('pluck', [param.string], param.dict, (_, key, dicts) => {
    const values: GoValue[] = [];
    for (const dict of dicts) {
      const value = dict.get(key);
      if (value !== undefined) values.push(value);
    }
    return appendedAnySlice(values);
  }),
  // Go gives keys and values in random order; here they are sorted, so that a template renders the same every time.
  defineVariadic('keys', [], param.dict, (_, dicts) => appendedStringSlice(dicts.flatMap((dict) => dict.sortedKeys()))),
  define('values', [param.dict], (_, dict) =>
    appendedAnySlice(dict.sortedKeys().map((key): GoValue => dict.get(key) ?? null)),
  ),
  defineVariadic('pick', [param.dict], param.string, (_, dict, keys) => {
    const picked = new Map<string, GoValue>();
    for (const key of keys) {
      const value = dict.get(key);
      if (value !== undefined) picked.set(key, value);
    }
    return anyMap(picked);
  }),
  defineVariadic('omit', [param.dict], param.string, (_, dict, keys) => {
    const omitted = new Set(keys);
    return anyMap(new Map([...(dict.entries ?? [])].filter(([key]) => !omitted.has(key))));
  }),
  ...mergeFunctions('merge', false),
  ...mergeFunctions('mergeOverwrite', true),
  defineVariadic('dig', [], param.any, (_, args) => dig(args)),
  define('deepCopy', [param.any], copyOf),
  define('mustDeepCopy', [param.any], copyOf),
  define('deepEqual', [param.any, param.any], ({ budget }, a, b) => deepEqual(a, b, budget)),
];
