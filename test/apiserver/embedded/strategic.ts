import { deepEqual, isObject, type JsonObject, own, put } from './json.ts';
import { childOf, type SchemaNode } from './schema.ts';

/**
 * Strategic merge patch: a merge patch that merges lists by the key (or as the set) that the schema names, with the
 * directives `$patch`, `$deleteFromPrimitiveList`, `$retainKeys`; `$setElementOrder` only reorders and is not followed.
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
    put(result, key, Array.isArray(value) ? mergeList(current, value, child) : mergeValue(current, value, child));
  }
  return result;
}

function mergeValue(current: unknown, value: unknown, node: SchemaNode | undefined): unknown {
  return isObject(value) ? strategicMerge(current, value, node) : value;
}

function mergeList(current: unknown, patch: readonly unknown[], node: SchemaNode | undefined): unknown[] {
  const isReplace = patch.some((entry) => isObject(entry) && own(entry, '$patch') === 'replace');
  const plain = patch.filter((entry) => !(isObject(entry) && own(entry, '$patch') === 'replace'));
  if (isReplace || node === undefined || !node.patchStrategy.includes('merge')) {
    return plain.map((entry) => mergeValue(undefined, entry, node?.items));
  }
  const merged = Array.isArray(current) ? [...current] : [];
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
  return merged;
}
