import { CallError } from '../errors.ts';
import { appendedAnySlice, grownCapacity } from '../values/growth.ts';
import { deepEqual, isEmpty, typeName } from '../values/inspect.ts';
import { types } from '../values/types.ts';
import { anySlice, compareBytes, GoSlice, type GoValue, stringSlice } from '../values/value.ts';
import { toInt64, toText, toTextList } from './conversion.ts';
import { alias, type CallContext, define, defineVariadic, param, type TemplateFunction } from './definition.ts';

/** sprig's functions on lists. They take slices of any element type and mostly give `[]interface {}`. */

/** The list, or an error for any other value. */
function listOf(value: GoValue, action: string): GoSlice {
  if (value instanceof GoSlice) return value;
  throw new CallError(`Cannot ${action} on type ${typeName(value)}`);
}

const nilList = new GoSlice(types.anySlice, undefined);

function withElementAppended(list: GoSlice, element: GoValue): GoSlice {
  const elements = [...list.elements(), element];
  return new GoSlice(types.anySlice, elements, 0, elements.length, grownCapacity(elements.length, list.length, 16));
}

function withElementPrepended(list: GoSlice, element: GoValue): GoSlice {
  const elements = [element, ...list.elements()];
  const capacity = elements.length === 1 ? 1 : grownCapacity(elements.length, 1, 16);
  return new GoSlice(types.anySlice, elements, 0, elements.length, capacity);
}

/** Pieces of `size` elements. The arithmetic is floating point, which shows for sizes that make no sense. */
function chunksOf({ budget }: CallContext, size: bigint, list: GoSlice): GoSlice {
  const length = list.length;
  const chunkSize = Number(size);
  const count = Math.floor((length - 1) / chunkSize) + 1;
  if (!Number.isFinite(count) || count < 0) throw new CallError('makeslice: len out of range');
  const chunks: GoValue[] = [];
  for (let i = 0; i < count; i++) {
    const isLast = i === count - 1;
    const rest = Math.floor(length % chunkSize);
    const chunkLength = isLast && rest !== 0 ? rest : chunkSize;
    if (chunkLength < 0) throw new CallError('makeslice: len out of range');
    const start = i * chunkSize;
    if (start < 0 || start + chunkLength > length) throw new CallError('slice index out of range');
    budget.allocate(chunkLength * 8);
    chunks.push(anySlice(list.elements().slice(start, start + chunkLength)));
  }
  return new GoSlice(types.anySliceSlice, chunks);
}

/** `slice list from to`; the end may lie beyond the length, up to the capacity. */
function subList(list: GoSlice, indices: readonly GoValue[]): GoValue {
  if (list.length === 0) return null;
  const [from, to] = indices;
  const start = from === undefined ? 0n : toInt64(from);
  const end = to === undefined ? BigInt(list.length) : toInt64(to);
  if (start < 0n || end < start || end > BigInt(list.capacity)) throw new CallError('slice bounds out of range');
  return list.window(Number(start), Number(end));
}

function includes({ budget }: CallContext, list: readonly GoValue[], element: GoValue): boolean {
  return list.some((candidate) => deepEqual(element, candidate, budget));
}

function uniqueElements(context: CallContext, list: GoSlice): GoSlice {
  const kept: GoValue[] = [];
  for (const element of list.elements()) if (!includes(context, kept, element)) kept.push(element);
  return appendedAnySlice(kept);
}

/** Strings in byte order. A `[]string` is sorted in place, as in Go: the list given shows the new order too. */
function sorted(context: CallContext, value: GoValue): GoSlice {
  if (!(value instanceof GoSlice)) return stringSlice([toText(value, context.budget)]);
  const list = toTextList(value, context.budget);
  context.budget.step(list.length);
  const elements = list.elements().sort((a, b) => compareBytes(String(a), String(b)));
  for (const [index, element] of elements.entries()) list.backing[list.offset + index] = element;
  return list;
}

function concatenated({ budget }: CallContext, lists: readonly GoValue[]): GoSlice {
  const elements: GoValue[] = [];
  for (const value of lists) {
    if (!(value instanceof GoSlice)) throw new CallError(`Cannot concat type ${typeName(value)} as list`);
    budget.allocate(value.length * 8);
    elements.push(...value.elements());
  }
  return elements.length === 0 ? nilList : appendedAnySlice(elements);
}

/** A function and its `must` twin, which differ only in how Go reports the error. */
function withMust(name: string, fn: TemplateFunction): TemplateFunction[] {
  return [fn, alias(`must${name[0]?.toUpperCase()}${name.slice(1)}`, fn)];
}

const list = defineVariadic('list', [], param.any, (_, elements) => anySlice(elements));
const append = define('append', [param.any, param.any], (_, value, element) =>
  withElementAppended(listOf(value, 'push'), element),
);

export const listFunctions: readonly TemplateFunction[] = [
  list,
  alias('tuple', list),
  ...withMust('append', append),
  ...withMust('push', alias('push', append)),
  ...withMust(
    'prepend',
    define('prepend', [param.any, param.any], (_, value, element) =>
      withElementPrepended(listOf(value, 'prepend'), element),
    ),
  ),
  ...withMust(
    'first',
    define('first', [param.any], (_, value) => {
      const elements = listOf(value, 'find first');
      return elements.length === 0 ? null : elements.at(0);
    }),
  ),
  ...withMust(
    'last',
    define('last', [param.any], (_, value) => {
      const elements = listOf(value, 'find last');
      return elements.length === 0 ? null : elements.at(elements.length - 1);
    }),
  ),
  ...withMust(
    'rest',
    define('rest', [param.any], (_, value) => {
      const elements = listOf(value, 'find rest');
      return elements.length === 0 ? nilList : anySlice(elements.elements().slice(1));
    }),
  ),
  ...withMust(
    'initial',
    define('initial', [param.any], (_, value) => {
      const elements = listOf(value, 'find initial');
      return elements.length === 0 ? nilList : anySlice(elements.elements().slice(0, -1));
    }),
  ),
  ...withMust(
    'reverse',
    define('reverse', [param.any], (_, value) => anySlice(listOf(value, 'find reverse').elements().reverse())),
  ),
  ...withMust(
    'uniq',
    define('uniq', [param.any], (context, value) => uniqueElements(context, listOf(value, 'find uniq'))),
  ),
  ...withMust(
    'without',
    defineVariadic('without', [param.any], param.any, (context, value, omitted) =>
      appendedAnySlice(
        listOf(value, 'find without')
          .elements()
          .filter((element) => !includes(context, omitted, element)),
      ),
    ),
  ),
  ...withMust(
    'has',
    define('has', [param.any, param.any], (context, needle, value) =>
      value === null ? false : includes(context, listOf(value, 'find has').elements(), needle),
    ),
  ),
  ...withMust(
    'compact',
    define('compact', [param.any], (_, value) =>
      appendedAnySlice(
        listOf(value, 'compact')
          .elements()
          .filter((element) => !isEmpty(element)),
      ),
    ),
  ),
  ...withMust(
    'slice',
    defineVariadic('slice', [param.any], param.any, (_, value, indices) => subList(listOf(value, 'slice'), indices)),
  ),
  ...withMust(
    'chunk',
    define('chunk', [param.int, param.any], (context, size, value) => chunksOf(context, size, listOf(value, 'chunk'))),
  ),
  defineVariadic('concat', [], param.any, concatenated),
  define('sortAlpha', [param.any], sorted),
];
