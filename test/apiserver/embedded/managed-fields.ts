import { arrayAt, deepEqual, isObject, type JsonObject, type KubeObject, own, stringAt } from './json.ts';
import { timestamp } from './metadata.ts';
import { apiVersionOf, objectMetaSchema, type ResourceType } from './resources.ts';
import { anything, childOf, type SchemaNode } from './schema.ts';

/**
 * A set of field paths in the form of `fieldsV1`: `f:` is a field, `k:` a list item by its keys, `v:` an item of a set.
 * An empty node is a member itself; a node with children is one only if it has `.`.
 */
export interface FieldSet {
  [step: string]: FieldSet;
}

export interface ManagerEntry {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  /** Absent for a manager whose apply changed nothing but who owns what. */
  readonly time: string | undefined;
  readonly subresource: string | undefined;
  readonly fields: FieldSet;
}

/** Fields that nobody owns: the identity of the object and what the server itself sets. */
const unownedMetadata = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
];

/** The schema of an object's root: of a custom resource too `metadata` is the ObjectMeta of every object. */
export function rootSchema(type: ResourceType): SchemaNode {
  if (!type.isCustom) return type.schema;
  let root = rootSchemas.get(type);
  if (root === undefined) {
    const properties = new Map(type.schema.properties)
      .set('metadata', objectMetaSchema)
      .set('apiVersion', anything)
      .set('kind', anything);
    root = { ...type.schema, properties };
    rootSchemas.set(type, root);
  }
  return root;
}

const rootSchemas = new WeakMap<ResourceType, SchemaNode>();

function isMember(set: FieldSet): boolean {
  for (const step in set) return step === '.' || set['.'] !== undefined;
  return true;
}

function normal(children: FieldSet, member: boolean): FieldSet | undefined {
  let empty = true;
  for (const _ in children) {
    empty = false;
    break;
  }
  if (empty) return member ? {} : undefined;
  if (member) children['.'] = {};
  return children;
}

export function difference(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const rest: FieldSet = {};
  for (const step in left) {
    if (step === '.') continue;
    const own = left[step] as FieldSet;
    const other = right[step];
    const remaining = other === undefined ? own : difference(own, other);
    if (remaining !== undefined) rest[step] = remaining;
  }
  return normal(rest, isMember(left) && !isMember(right));
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  const both: FieldSet = {};
  for (const step in left) if (step !== '.') both[step] = left[step] as FieldSet;
  for (const step in right) {
    if (step === '.') continue;
    const known = both[step];
    both[step] = known === undefined ? (right[step] as FieldSet) : union(known, right[step] as FieldSet);
  }
  return normal(both, isMember(left) || isMember(right)) ?? {};
}

/** The step of an item in a list that is merged by keys or as a set; `undefined` for atomic lists and odd items. */
export function itemStep(entry: unknown, list: SchemaNode): string | undefined {
  if (list.listType === 'set') return `v:${JSON.stringify(entry)}`;
  if (list.listType !== 'map' || !isObject(entry)) return undefined;
  const keys: JsonObject = {};
  for (const key of [...list.mapKeys].sort()) {
    const value = own(entry, key) ?? list.items?.properties.get(key)?.default;
    if (value !== undefined) keys[key] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : `k:${JSON.stringify(keys)}`;
}

function isGranularMap(value: unknown, node: SchemaNode): value is JsonObject {
  return isObject(value) && !node.atomicMap;
}

function isGranularList(value: unknown, node: SchemaNode): value is unknown[] {
  return Array.isArray(value) && node.listType !== 'atomic';
}

/**
 * Every field of a value. With `containers` maps and lists are members too, as they are when an update adds them; `isMember`
 * says it of the value itself.
 */
export function fieldsOf(value: unknown, node: SchemaNode, containers: boolean, isMember = containers): FieldSet {
  const set: FieldSet = {};
  if (isGranularMap(value, node)) {
    for (const key of Object.keys(value)) {
      if (value[key] === undefined) continue;
      const child = childOf(node, key) ?? anything;
      set[`f:${key}`] = fieldsOf(value[key], child, containers, containers && !isAlwaysThere(node, key, child));
    }
    return normal(set, isMember) ?? {};
  }
  if (isGranularList(value, node)) {
    for (const entry of value) {
      const step = itemStep(entry, node);
      if (step === undefined) return {};
      const item = node.listType === 'set' ? {} : fieldsOf(entry, node.items ?? anything, containers);
      set[step] = normal(item, true) ?? {};
    }
    return normal(set, isMember) ?? {};
  }
  return set;
}

/** Structs that Go embeds by value exist without being set, so nobody adds them. */
function isAlwaysThere(node: SchemaNode, key: string, child: SchemaNode): boolean {
  if (node.name === undefined) return false;
  return node.required.includes(key) || (isObject(child.default) && Object.keys(child.default).length === 0);
}

/** Fields that `next` has and `old` has not, or has with another value. `undefined` if there are none. */
export function changedFields(next: unknown, old: unknown, node: SchemaNode): FieldSet | undefined {
  if (next === old) return undefined;
  const set: FieldSet = {};
  if (isGranularMap(next, node) && isObject(old)) {
    for (const key of Object.keys(next)) {
      const value = next[key];
      if (value === undefined) continue;
      const child = childOf(node, key) ?? anything;
      const before = own(old, key);
      if (value === before) continue;
      const changed =
        before === undefined || before === null
          ? fieldsOf(value, child, true, !isAlwaysThere(node, key, child))
          : changedFields(value, before, child);
      if (changed !== undefined) set[`f:${key}`] = changed;
    }
    return normal(set, false);
  }
  if (isGranularList(next, node) && Array.isArray(old)) {
    const before = new Map(old.map((entry) => [itemStep(entry, node), entry]));
    for (const entry of next) {
      const step = itemStep(entry, node);
      if (step === undefined) return deepEqual(next, old) ? undefined : {};
      const items = node.items ?? anything;
      const changed = before.has(step)
        ? changedFields(entry, before.get(step), items)
        : (normal(fieldsOf(entry, items, true), true) ?? {});
      if (changed !== undefined) set[step] = changed;
    }
    return normal(set, false);
  }
  return deepEqual(next, old) ? undefined : {};
}

/** Fields that `old` has and `next` has not. `undefined` if there are none. */
function removedFields(next: unknown, old: unknown, node: SchemaNode): FieldSet | undefined {
  if (next === old) return undefined;
  const set: FieldSet = {};
  if (isGranularMap(old, node)) {
    for (const key of Object.keys(old)) {
      if (old[key] === undefined) continue;
      const child = childOf(node, key) ?? anything;
      const after = isObject(next) ? own(next, key) : undefined;
      const removed =
        after === undefined ? fieldsOf(old[key], child, true, true) : removedFields(after, old[key], child);
      if (removed !== undefined) set[`f:${key}`] = removed;
    }
  } else if (isGranularList(old, node)) {
    const after = new Map(Array.isArray(next) ? next.map((entry) => [itemStep(entry, node), entry]) : []);
    const items = node.items ?? anything;
    for (const entry of old) {
      const step = itemStep(entry, node);
      if (step === undefined) return undefined;
      const removed = after.has(step)
        ? removedFields(after.get(step), entry, items)
        : (normal(fieldsOf(entry, items, true), true) ?? {});
      if (removed !== undefined) set[step] = removed;
    }
  }
  return normal(set, false);
}

/** Leaves out what nobody can own. */
export function ownable(set: FieldSet): FieldSet | undefined {
  const { 'f:apiVersion': _version, 'f:kind': _kind, '.': _self, ...rest } = set;
  const metadata = rest['f:metadata'];
  if (metadata !== undefined) {
    const kept: FieldSet = { ...metadata };
    for (const name of unownedMetadata) delete kept[`f:${name}`];
    delete kept['.'];
    if (Object.keys(kept).length === 0) delete rest['f:metadata'];
    else rest['f:metadata'] = kept;
  }
  return normal(rest, false);
}

export function decodeManagers(object: KubeObject | undefined): ManagerEntry[] {
  return arrayAt(object, 'metadata', 'managedFields').map((entry) => ({
    manager: stringAt(entry, 'manager') ?? '',
    operation: stringAt(entry, 'operation') === 'Apply' ? 'Apply' : 'Update',
    apiVersion: stringAt(entry, 'apiVersion') ?? '',
    time: stringAt(entry, 'time'),
    subresource: stringAt(entry, 'subresource'),
    fields: (isObject(entry) ? (own(entry, 'fieldsV1') as FieldSet | undefined) : undefined) ?? {},
  }));
}

export function encodeManagers(entries: readonly ManagerEntry[]): JsonObject[] {
  const rank = (entry: ManagerEntry) =>
    `${entry.operation} ${entry.time ?? ''} ${entry.manager} ${entry.subresource ?? ''}`;
  return [...entries]
    .sort((left, right) => (rank(left) < rank(right) ? -1 : 1))
    .map((entry) => ({
      apiVersion: entry.apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: entry.fields,
      manager: entry.manager,
      operation: entry.operation,
      ...(entry.subresource === undefined ? {} : { subresource: entry.subresource }),
      ...(entry.time === undefined ? {} : { time: entry.time }),
    }));
}

export interface Writer {
  readonly manager: string;
  readonly subresource: string | undefined;
  readonly nowMs: number;
}

/** The entry of `managedFields` that a writer has for an operation. */
export function isEntryOf(
  entry: ManagerEntry,
  writer: Writer,
  operation: 'Apply' | 'Update',
  apiVersion: string,
): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === operation &&
    entry.apiVersion === apiVersion &&
    entry.subresource === writer.subresource
  );
}

/**
 * `managedFields` after an update by PUT, POST or a patch: what changed belongs to the writer alone, what is gone to nobody.
 * Without a change of any field the old entries stay as they are.
 */
export function managersAfterUpdate(
  next: KubeObject,
  old: KubeObject | undefined,
  type: ResourceType,
  writer: Writer,
): JsonObject[] {
  // Whoever cleared the bookkeeping of an object does not want it back with the next update.
  if (old !== undefined && old.metadata.managedFields === undefined) return [];
  const node = rootSchema(type);
  const removed = old === undefined ? undefined : removedFields(next, old, node);
  const left = (fields: FieldSet) => (removed === undefined ? fields : difference(fields, removed));
  const changed = ownable((old === undefined ? fieldsOf(next, node, true) : changedFields(next, old, node)) ?? {});
  const apiVersion = apiVersionOf(type);
  const entries: ManagerEntry[] = [];
  let mine: FieldSet | undefined = changed;
  for (const entry of decodeManagers(old)) {
    if (isEntryOf(entry, writer, 'Update', apiVersion)) {
      const kept = left(entry.fields);
      if (changed === undefined) {
        if (kept !== undefined) entries.push({ ...entry, fields: kept });
      } else mine = kept === undefined ? changed : union(kept, changed);
      continue;
    }
    const remaining = changed === undefined ? entry.fields : difference(entry.fields, changed);
    const kept = remaining === undefined ? undefined : left(remaining);
    if (kept !== undefined) entries.push({ ...entry, fields: kept });
  }
  if (changed !== undefined && mine !== undefined) {
    entries.push({
      manager: writer.manager,
      operation: 'Update',
      apiVersion,
      time: timestamp(writer.nowMs),
      subresource: writer.subresource,
      fields: mine,
    });
  }
  return encodeManagers(entries);
}
