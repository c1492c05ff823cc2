// The value of the annotation `waxwing.dev/key-id`: the id of the key everything was sealed with, or `item=id` pairs with commas between,
// where several keys were used or that of some items is not known. A hint, never evidence.

/** The key ids of items, as far as a hint tells them. */
export function parseKeyIdHint(hint: string, items: Iterable<string>): Map<string, string> {
  const ids = new Map<string, string>();
  if (!hint.includes('=')) {
    if (hint !== '') for (const item of items) ids.set(item, hint);
    return ids;
  }
  for (const pair of hint.split(',')) {
    const equals = pair.indexOf('=');
    if (equals > 0) ids.set(pair.slice(0, equals), pair.slice(equals + 1));
  }
  return ids;
}

/** The hint for items whose keys are known as far as given; undefined when nothing is known. */
export function formatKeyIdHint(ids: ReadonlyMap<string, string>, items: Iterable<string>): string | undefined {
  const known = [...items].map((item) => [item, ids.get(item)] as const);
  const distinct = new Set(known.map(([, id]) => id));
  const [only] = distinct;
  if (distinct.size === 1) return only;
  const pairs = known.filter(([, id]) => id !== undefined).map(([item, id]) => `${item}=${id}`);
  return pairs.length === 0 ? undefined : pairs.join(',');
}

/**
 * The hint of an object into which items sealed under another key were put.
 *
 * @param before the hint so far
 * @param items all items of the object afterwards
 * @param added the items that were sealed anew
 * @param keyId the key of those
 */
export function updateKeyIdHint(
  before: string,
  items: Iterable<string>,
  added: ReadonlySet<string>,
  keyId: string,
): string | undefined {
  const all = [...items];
  const ids = parseKeyIdHint(before, all);
  for (const item of added) ids.set(item, keyId);
  return formatKeyIdHint(ids, all);
}
