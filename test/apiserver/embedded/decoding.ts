import { type ApiError, badRequest } from './errors.ts';
import { isObject, type JsonObject, put } from './json.ts';
import { childPath, type SchemaNode } from './schema.ts';

/** What is left out while an object is read, as `fieldValidation` reports it. */
export interface DecodingProblems {
  /** Paths of fields that no schema knows, for example `spec.template.stringData`. */
  readonly unknown: string[];
}

/**
 * Reads a value of a built-in type as Kubernetes' own decoder does: unknown fields are dropped and recorded, `null` is the
 * same as absent, a value of the wrong type is refused. Parts without changes are shared with the input.
 */
export function decodeBuiltIn(value: unknown, node: SchemaNode, path: string, problems: DecodingProblems): unknown {
  if (value === null || value === undefined) return undefined;
  if (node.keepsUnknown && node.properties.size === 0) return value;
  if (node.intOrString) {
    if (typeof value === 'string' || Number.isInteger(value)) return value;
    throw wrongType(value, 'an integer or a string', path);
  }
  switch (node.type) {
    case 'object':
      return decodeObject(value, node, path, problems);
    case 'array':
      if (!Array.isArray(value)) throw wrongType(value, 'an array', path);
      return decodeArray(value, node, path, problems);
    case 'string':
      if (typeof value !== 'string') throw wrongType(value, 'a string', path);
      if (node.keywords['format'] === 'byte') return decodeBytes(value);
      return node.name === undefined ? value : decodeNamed(value, node.name);
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongType(value, 'a boolean', path);
      return value;
    case 'integer':
      if (!Number.isInteger(value)) throw wrongType(value, 'an integer', path);
      return value;
    case 'number':
      if (typeof value !== 'number') throw wrongType(value, 'a number', path);
      return value;
    default:
      return value;
  }
}

const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const microTimePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{6})(?:Z|[+-]\d\d:\d\d)$/;

/** Times are read strictly and kept in UTC: Time to the second, MicroTime to the microsecond. */
function decodeNamed(value: string, name: string): string {
  const isMicro = name.endsWith('.MicroTime');
  if (!isMicro && !name.endsWith('.v1.Time')) return value;
  const milliseconds = Date.parse(value);
  const pattern = isMicro ? microTimePattern : timePattern;
  const parts = pattern.exec(value);
  if (parts === null || Number.isNaN(milliseconds)) {
    const layout = isMicro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00';
    throw badRequest(`parsing time ${JSON.stringify(value)} as ${JSON.stringify(layout)}: cannot parse it`);
  }
  const seconds = new Date(Math.floor(milliseconds / 1000) * 1000).toISOString().slice(0, 19);
  return isMicro ? `${seconds}.${parts[1]}Z` : `${seconds}Z`;
}

function decodeObject(value: unknown, node: SchemaNode, path: string, problems: DecodingProblems): JsonObject {
  if (!isObject(value)) throw wrongType(value, 'an object', path);
  let copy: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    const entry = value[key];
    if (child === undefined) {
      if (node.keepsUnknown) continue;
      problems.unknown.push(childPath(path, key));
      copy ??= { ...value };
      delete copy[key];
      continue;
    }
    // In a map of strings Go reads null as the empty string; everywhere else it is "absent".
    const isMapValue = entry === null && !node.properties.has(key) && child.type === 'string';
    const read = isMapValue ? '' : decodeBuiltIn(entry, child, childPath(path, key), problems);
    const decoded = isOmittedWhenEmpty(node, key, child) && isEmptyContainer(read) ? undefined : read;
    if (decoded === entry) continue;
    copy ??= { ...value };
    if (decoded === undefined) delete copy[key];
    else put(copy, key, decoded);
  }
  return copy ?? value;
}

/** Go leaves empty lists and maps out, except where a field is required; an empty managedFields has a meaning. */
function isOmittedWhenEmpty(node: SchemaNode, key: string, child: SchemaNode): boolean {
  if (key === 'managedFields' || node.required.includes(key)) return false;
  return child.type === 'array' || (child.additional !== undefined && child.properties.size === 0);
}

function isEmptyContainer(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Bytes are decoded and encoded again, as Go does: line breaks and loose last bits disappear. Throws 400 without the value. */
function decodeBytes(text: string): string {
  const compact = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text;
  if (!base64Pattern.test(compact)) throw badRequest(`illegal base64 data at input byte ${problemAt(compact)}`);
  return compact.endsWith('=') ? Buffer.from(compact, 'base64').toString('base64') : compact;
}

/** Where Go's decoder stops: at a character that does not belong, or where an incomplete group of four begins. */
function problemAt(compact: string): number {
  const position = compact.search(/[^A-Za-z0-9+/]/);
  if (position === -1) return Math.floor(compact.length / 4) * 4;
  return compact[position] === '=' && position % 4 >= 2 ? position + 1 : position;
}

function decodeArray(value: unknown[], node: SchemaNode, path: string, problems: DecodingProblems): unknown[] {
  const { items } = node;
  if (items === undefined) return value;
  let changed = false;
  const decoded = value.map((entry, index) => {
    const next = decodeBuiltIn(entry, items, `${path}[${index}]`, problems) ?? emptyOf(items);
    changed ||= next !== entry;
    return next;
  });
  return changed ? decoded : value;
}

function emptyOf(node: SchemaNode): unknown {
  if (node.type === 'object') return {};
  return node.type === 'string' ? '' : null;
}

function wrongType(value: unknown, expected: string, path: string): ApiError {
  const actual = Array.isArray(value) ? 'array' : isObject(value) ? 'object' : typeof value;
  return badRequest(
    `json: cannot unmarshal ${actual === 'boolean' ? 'bool' : actual} into Go struct field ${path}: want ${expected}`,
  );
}

/** Removes what a structural schema of a CRD does not know; returns the same value if there is nothing to remove. */
export function prune(
  value: unknown,
  node: SchemaNode,
  path: string,
  problems: DecodingProblems,
  isRoot = false,
): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return value;
    let changed = false;
    const pruned = value.map((entry, index) => {
      const next = prune(entry, items, `${path}[${index}]`, problems);
      changed ||= next !== entry;
      return next;
    });
    return changed ? pruned : value;
  }
  if (!isObject(value)) return value;
  let copy: JsonObject | undefined;
  const carriesMeta = isRoot || node.embedded;
  for (const key of Object.keys(value)) {
    if (carriesMeta && (key === 'apiVersion' || key === 'kind' || key === 'metadata')) continue;
    const child = node.properties.get(key) ?? node.additional;
    if (child === undefined) {
      if (node.keepsUnknown) continue;
      problems.unknown.push(childPath(path, key));
      copy ??= { ...value };
      delete copy[key];
      continue;
    }
    const next = prune(value[key], child, childPath(path, key), problems);
    if (next === value[key]) continue;
    copy ??= { ...value };
    put(copy, key, next);
  }
  return copy ?? value;
}

/**
 * Removes `null` where a schema does not allow it and fills in defaults, in the API server's order: a null without default
 * counts as absent, one with a default as not given. Returns the same value if nothing changes. With `keepNulls`, as after
 * server-side apply, a null without default stays, for validation to refuse.
 */
export function applyDefaults(value: unknown, node: SchemaNode, keepNulls = false): unknown {
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return value;
    let changed = false;
    const filled = value.map((entry) => {
      const next =
        entry === null && !items.nullable && items.hasDefault ? items.default : applyDefaults(entry, items, keepNulls);
      changed ||= next !== entry;
      return next;
    });
    return changed ? filled : value;
  }
  if (!isObject(value)) return value;
  let copy: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (child === undefined) continue;
    const entry = value[key];
    if (entry === null && !child.nullable) {
      if (keepNulls && !child.hasDefault) continue;
      copy ??= { ...value };
      if (child.hasDefault) put(copy, key, child.default);
      else delete copy[key];
      continue;
    }
    const next = applyDefaults(entry, child, keepNulls);
    if (next === entry) continue;
    copy ??= { ...value };
    put(copy, key, next);
  }
  for (const [key, child] of node.properties) {
    if (!child.hasDefault || Object.hasOwn(value, key)) continue;
    copy ??= { ...value };
    // A default may itself be incomplete: `{}` is filled by the defaults below it.
    put(copy, key, applyDefaults(child.default, child, keepNulls));
  }
  return copy ?? value;
}
