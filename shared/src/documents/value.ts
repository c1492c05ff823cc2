import { compareBytewise } from '../encoding.ts';

/**
 * One YAML or JSON value.
 *
 * - Every object is a `Map` in source order, so `__proto__`, `constructor` and `10` are ordinary keys.
 * - Integers are always `bigint` when they were read, floats always `number`: Go converts `1000000` to the string "1000000",
 *   but `1e6` to "1e+06", and a JavaScript number could not tell them apart. Writers accept both.
 */
export type DocumentValue = null | boolean | number | bigint | string | DocumentValue[] | DocumentMap;
export type DocumentMap = Map<string, DocumentValue>;

/** A place inside a document: keys of objects and indexes of lists, from the top. */
export type DocumentPath = readonly (string | number)[];

export function isDocumentMap(value: DocumentValue | undefined): value is DocumentMap {
  return value instanceof Map;
}

/** "a string", "a number", ...: what a value is, in words for messages. Never the value itself. */
export function describeKind(value: DocumentValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value instanceof Map) return 'an object';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'boolean') return 'a boolean';
  return typeof value === 'string' ? 'a string' : 'a number';
}

/** A copy with the keys in the order in which Go prints a map: bytewise by UTF-8. Values are not touched. */
export function sortedMap<T>(map: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...map].sort(([a], [b]) => compareBytewise(a, b)));
}

/** Deep equality. The order of keys means nothing; an integer read and a number of the same value are equal. */
export function equalValues(left: DocumentValue | undefined, right: DocumentValue | undefined): boolean {
  if (left === right) return true;
  if (typeof left === 'bigint' || typeof right === 'bigint') {
    return isNumeric(left) && isNumeric(right) && !(left < right) && !(left > right);
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => equalValues(item, right[i]));
  }
  if (left instanceof Map && right instanceof Map) {
    if (left.size !== right.size) return false;
    for (const [key, value] of left) if (!right.has(key) || !equalValues(value, right.get(key))) return false;
    return true;
  }
  return Number.isNaN(left) && Number.isNaN(right);
}

function isNumeric(value: DocumentValue | undefined): value is number | bigint {
  return typeof value === 'bigint' || typeof value === 'number';
}

/** The value at a path, or undefined where there is none. */
export function valueAt(value: DocumentValue | undefined, path: DocumentPath): DocumentValue | undefined {
  let current = value;
  for (const step of path) {
    if (current instanceof Map) current = current.get(String(step));
    else if (Array.isArray(current) && typeof step === 'number') current = current[step];
    else return undefined;
  }
  return current;
}

/** A path as people write it: `spec.encryptedData["tls.key"]`, `items[2].kind`. */
export function formatPath(path: DocumentPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
