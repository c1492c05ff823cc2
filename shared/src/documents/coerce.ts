/** What Go's decoding does between a document and a typed field: finding the field, and turning numbers into strings. */
import { compareBytewise } from '../encoding.ts';
import { formatFloat32 } from './go-number.ts';
import type { DocumentMap, DocumentValue } from './value.ts';

/**
 * The key and value that Go's encoding/json would store in the field `name`: a key that is equal, or equal after folding (ASCII
 * letters by case, U+017F as `s`, U+212A as `k`). Undefined if there is none.
 *
 * Where several keys fit, the last one wins; "last" means source order in JSON and bytewise order of the keys in YAML, because
 * `sigs.k8s.io/yaml` goes through a sorted JSON text.
 */
export function goFieldLookup(
  map: DocumentMap,
  name: string,
  format: 'json' | 'yaml' = 'json',
): { readonly key: string; readonly value: DocumentValue } | undefined {
  const folded = foldFieldName(name);
  let found: string | undefined;
  for (const key of map.keys()) {
    if (key !== name && foldFieldName(key) !== folded) continue;
    if (found === undefined || format === 'json' || compareBytewise(key, found) > 0) found = key;
  }
  return found === undefined ? undefined : { key: found, value: map.get(found) ?? null };
}

/** Names that Go's encoding/json takes for the same field fold to the same text. */
export function foldFieldName(name: string): string {
  return name.replace(/[a-z\u017f\u212a]/g, (char) =>
    char === '\u017f' ? 'S' : char === '\u212a' ? 'K' : char.toUpperCase(),
  );
}

/**
 * A scalar where a string is expected, on the lenient path: numbers and booleans in Go's notation (`1.10` is "1.1", `1e6` is
 * "1e+06", `0123` is "83"; floats with the precision of float32, so `1.123456789` is "1.1234568"), null as the empty string. Undefined for objects and lists, which Go refuses.
 */
export function coerceToString(value: DocumentValue | undefined): string | undefined {
  if (value === null || value === undefined) return '';
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
    case 'bigint':
      return String(value);
    case 'number':
      return formatFloat32(value);
    default:
      return undefined;
  }
}
