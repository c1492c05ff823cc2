import { deepEqual, isObject, type JsonObject, own, put } from './json.ts';
import { childOf, type SchemaNode } from './schema.ts';

/**
 * Strategic merge patch: a merge patch that merges lists by the key (or as the set) that the schema names, with the
 * directives `$patch`, `$deleteFromPrimitiveList`, `$retainKeys` and `$setElementOrder`.
 */
export function strategicMerge(target: unknown, patch: unknown, node: SchemaNode | undefined): unknown {
  if (!isObject(patch)) return patch;
  const directive = own(patch, '$patch');
  if (directive === 'delete') return {};
  const base = directive === 'replace' || !isObject(target) ? {} : target;
  const result: JsonObject = { ...base };
  const retained = own(patch, '$retainKeys');
  if (Array.isArray(retained)) for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  for (const key of Object.keys(patch)) {
    if (key === '$patch' || key === '$retainKeys' || key.startsWith('$setElementOrder/')) continue;
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice('$deleteFromPrimitiveList/'.length);
      const gone = patch[key];
      const current = own(result, list);
      if (Array.isArray(current) && Array.isArray(gone)) {
        put(
          result,
          list,
          current.filter((entry) => !gone.some((other) => deepEqual(entry, other))),
        );
      }
      continue;
    }
    const value = patch[key];
    if (value === null) {
      delete result[key];
      continue;
    }
    const child = node === undefined ? undefined : childOf(node, key);
    const current = own(result, key);
    const order = own(patch, `$setElementOrder/${key}`);
    put(
      result,
      key,
      Array.isArray(value) ? mergeList(current, value, child, order) : mergeValue(current, value, child),
    );
  }
  return result;
}

function mergeValue(current: unknown, value: unknown, node: SchemaNode | undefined): unknown {
  return isObject(value) ? strategicMerge(current, value, node) : value;
}

function mergeList(
  current: unknown,
  patch: readonly unknown[],
  node: SchemaNode | undefined,
  order: unknown,
): unknown[] {
  const isReplace = patch.some((entry) => isObject(entry) && own(entry, '$patch') === 'replace');
  const plain = patch.filter((entry) => !(isObject(entry) && own(entry, '$patch') === 'replace'));
  if (isReplace || node === undefined || !node.patchStrategy.includes('merge')) {
    return plain.map((entry) => mergeValue(undefined, entry, node?.items));
  }
  const before: readonly unknown[] = Array.isArray(current) ? current : [];
  const merged = [...before];
  const key = node.patchMergeKey;
  for (const entry of plain) {
    if (key === undefined || !isObject(entry)) {
      if (!merged.some((other) => deepEqual(other, entry))) merged.push(entry);
      continue;
    }
    const index = merged.findIndex((other) => isObject(other) && deepEqual(own(other, key), own(entry, key)));
    if (own(entry, '$patch') === 'delete') {
      if (index !== -1) merged.splice(index, 1);
    } else if (index === -1) merged.push(mergeValue(undefined, entry, node.items));
    else merged[index] = mergeValue(merged[index], entry, node.items);
  }
  return inOrder(merged, before, Array.isArray(order) ? order : plain, key);
}

/** Items that the patch names come in its order; the others keep theirs, each before what followed it in the old list. */
function inOrder(
  merged: readonly unknown[],
  before: readonly unknown[],
  wanted: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const identity = (entry: unknown) => JSON.stringify(key !== undefined && isObject(entry) ? own(entry, key) : entry);
  const ranks = new Map(wanted.map((entry, index) => [identity(entry), index]));
  const oldRanks = new Map(before.map((entry, index) => [identity(entry), index]));
  const rankOf = (entry: unknown) => ranks.get(identity(entry)) ?? -1;
  const named = merged.filter((entry) => rankOf(entry) >= 0).sort((left, right) => rankOf(left) - rankOf(right));
  const others = merged.filter((entry) => rankOf(entry) < 0);
  const ordered: unknown[] = [];
  for (const entry of named) {
    const oldRank = oldRanks.get(identity(entry));
    while (others.length > 0 && oldRank !== undefined && (oldRanks.get(identity(others[0])) ?? 0) < oldRank)
      ordered.push(others.shift());
    ordered.push(entry);
  }
  return [...ordered, ...others];
}
