import { coerceToString, foldFieldName } from '../documents/coerce.ts';
import type { DocumentValue } from '../documents/value.ts';
import { compareBytewise } from '../encoding.ts';
import type { Violation } from '../errors.ts';

/**
 * Reads typed fields out of an untyped tree and notes everything that does not fit instead of stopping at the first. Objects may be
 * `Map`s (our documents) or plain objects (JSON of the API server): both keep a key named `__proto__` as an ordinary entry.
 */
export interface Decoder {
  readonly violations: Violation[];
  /**
   * How upstream's `kubeseal` reads its input: field names match without regard to case, and scalars become texts where a text is
   * expected. The format decides which of several spellings of a field wins. The controller and the strict decoder do neither.
   */
  readonly lenient: Leniency | undefined;
}

/** The format of a document that is read leniently. */
export type Leniency = 'json' | 'yaml';

/** A node of the tree together with its field path, for messages. */
export interface Field {
  readonly path: string;
  readonly value: unknown;
}

export function createDecoder(lenient?: Leniency): Decoder {
  return { violations: [], lenient };
}

export function isObject(value: unknown): value is ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>> {
  return value instanceof Map || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

/** The entries of an object in source order; none for anything else. */
export function entriesOf(value: unknown): Iterable<[string, unknown]> {
  if (value instanceof Map) return value as Map<string, unknown>;
  return isObject(value) ? Object.entries(value) : [];
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A field path as Kubernetes writes it: `spec.template`, `metadata.labels["app.kubernetes.io/name"]`, `finalizers[0]`. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (!identifier.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

/** The field of that name; its value is undefined where it is absent or the parent is no object. */
export function fieldOf(decoder: Decoder, parent: Field, name: string): Field {
  return { path: joinPath(parent.path, name), value: lookUp(decoder, parent.value, name) };
}

function lookUp(decoder: Decoder, value: unknown, name: string): unknown {
  if (value instanceof Map && decoder.lenient === undefined) return value.get(name);
  if (!isObject(value)) return undefined;
  if (decoder.lenient === undefined) {
    return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }
  // Go's encoding/json prefers nothing: every spelling of a field sets it, so the last one stays. YAML gets there as sorted JSON.
  const folded = foldFieldName(name);
  let foundKey: string | undefined;
  let found: unknown;
  for (const [key, candidate] of entriesOf(value)) {
    if (foldFieldName(key) !== folded) continue;
    if (decoder.lenient === 'yaml' && foundKey !== undefined && compareBytewise(key, foundKey) < 0) continue;
    foundKey = key;
    found = candidate;
  }
  return found;
}

export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? 'a string' : `a ${typeof value === 'bigint' ? 'number' : typeof value}`;
}

export function violate(decoder: Decoder, field: Field, message: string): void {
  decoder.violations.push({ path: field.path, message });
}

/** A text; `undefined` where absent or null. */
export function stringField(decoder: Decoder, parent: Field, name: string): string | undefined {
  return asString(decoder, fieldOf(decoder, parent, name));
}

export function asString(decoder: Decoder, field: Field): string | undefined {
  const { value } = field;
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  const coerced = decoder.lenient ? coerceToString(value as DocumentValue) : undefined;
  if (coerced !== undefined) return coerced;
  violate(decoder, field, `must be a string, not ${describe(value)}`);
  return undefined;
}

export function booleanField(decoder: Decoder, parent: Field, name: string): boolean | undefined {
  const field = fieldOf(decoder, parent, name);
  if (typeof field.value === 'boolean') return field.value;
  if (field.value !== undefined && field.value !== null)
    violate(decoder, field, `must be true or false, not ${describe(field.value)}`);
  return undefined;
}

export function integerField(decoder: Decoder, parent: Field, name: string): number | undefined {
  const field = fieldOf(decoder, parent, name);
  if (typeof field.value === 'number' && Number.isInteger(field.value)) return field.value;
  if (typeof field.value === 'bigint') return Number(field.value);
  if (field.value !== undefined && field.value !== null)
    violate(decoder, field, `must be an integer, not ${describe(field.value)}`);
  return undefined;
}

/** An object; absent and null read as an empty one. */
export function objectField(decoder: Decoder, parent: Field, name: string): Field {
  const field = fieldOf(decoder, parent, name);
  if (field.value !== undefined && field.value !== null && !isObject(field.value)) {
    violate(decoder, field, `must be an object, not ${describe(field.value)}`);
  }
  return field;
}

/** A map from names to texts; a null entry is the empty text, as in Go. */
export function stringMapField(decoder: Decoder, parent: Field, name: string): Map<string, string> {
  const field = objectField(decoder, parent, name);
  const result = new Map<string, string>();
  for (const [key, value] of entriesOf(field.value)) {
    result.set(key, asString(decoder, { path: joinPath(field.path, key), value }) ?? '');
  }
  return result;
}

/** A list; absent and null read as an empty one. */
export function listField(decoder: Decoder, parent: Field, name: string): Field[] {
  const field = fieldOf(decoder, parent, name);
  if (field.value === undefined || field.value === null) return [];
  if (!Array.isArray(field.value)) {
    violate(decoder, field, `must be a list, not ${describe(field.value)}`);
    return [];
  }
  return field.value.map((value: unknown, index) => ({ path: joinPath(field.path, index), value }));
}
