import { parseBody, readObject } from './bodies.ts';
import { ApiError, badRequest, invalid, requiredField } from './errors.ts';
import { deepEqual, isObject, type JsonObject, type KubeObject, own, put } from './json.ts';
import {
  changedFields,
  decodeManagers,
  difference,
  encodeManagers,
  type FieldSet,
  fieldsOf,
  isEntryOf,
  itemStep,
  type ManagerEntry,
  ownable,
  rootSchema,
  union,
  type Writer,
} from './managed-fields.ts';
import { timestamp } from './metadata.ts';
import type { PatchInput } from './patches.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';
import { anything, childOf, type SchemaNode } from './schema.ts';
import { keyOf } from './store.ts';
import { type Cluster, createObject, updateObject, type WriteResult } from './writes.ts';

/**
 * Server-side apply: the manager's wishes are merged into the object, fields it no longer wishes for (and nobody else
 * owns) go away, and a field that another manager owns with another value is a conflict unless `force` is given.
 */
export function applyObject(cluster: Cluster, input: PatchInput): WriteResult {
  const { type, context } = input;
  if (context.manager === '') {
    const error = requiredField('fieldManager', 'is required for apply patch');
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [error]);
  }
  const wanted = readWishes(input);
  if (wanted.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  if ((wanted.metadata.name ?? '') === '') {
    throw badRequest(`the name of the object (${input.name} based on URL) was undeterminable: name must be provided`);
  }
  if (wanted.metadata.name !== input.name) {
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${input.name})`,
    );
  }
  const writer: Writer = { manager: context.manager, subresource: context.subresource, nowMs: cluster.now() };
  const node = rootSchema(type);
  const wishes = ownable(relevantFields(fieldsOf(wanted, node, false), context.subresource, type)) ?? {};
  const existing = cluster.store
    .collection(type.storage)
    .get(keyOf(type.namespaced ? input.namespace : '', input.name));
  if (existing === undefined) {
    if (context.subresource !== undefined)
      throw new ApiError(404, 'NotFound', `${type.plural} "${input.name}" not found`);
    if ((wanted.metadata.uid ?? '') !== '')
      throw badRequest('uid mismatch: the provided object specified uid, and no existing object was found');
    const entry = applyEntry(writer, type, wishes, timestamp(writer.nowMs));
    const created = readObject({ value: wanted, duplicates: [], keepsNulls: true }, type, 'Ignore', []);
    const managers = Object.keys(wishes).length === 0 ? [] : encodeManagers([entry]);
    return createObject(cluster, type, type.namespaced ? input.namespace : undefined, created, context, managers);
  }
  const live = existing.object;
  const managers = decodeManagers(live);
  const changed = ownable(changedFields(wanted, live, node) ?? {}) ?? {};
  const contested = conflictsOf(managers, writer, type, intersectionOf(changed, wishes));
  if (contested.length > 0 && !input.force) throw conflictError(contested);
  const mine = managers.find((entry) => isEntryOf(entry, writer, 'Apply', apiVersionOf(type)));
  const others = managers
    .filter((entry) => entry !== mine)
    .map((entry) => without(entry, contested.find((other) => other.entry === entry)?.fields));
  const dropped = droppedFields(mine, wishes, others);
  const entries = others.filter((entry) => entry !== undefined);
  const named = entries.reduce((fields, entry) => union(fields, entry.fields), wishes);
  const merged = removeFields(mergeWishes(live, wanted, node), dropped, named, node) as KubeObject;
  const given = readObject({ value: merged, duplicates: [], keepsNulls: true }, type, 'Ignore', []);
  const keepsOwnership = mine !== undefined && deepEqual(mine.fields, wishes);
  const entry = keepsOwnership
    ? mine
    : applyEntry(writer, type, wishes, deepEqual(given, live) ? mine?.time : timestamp(writer.nowMs));
  const managedFields = encodeManagers(Object.keys(wishes).length === 0 ? entries : [...entries, entry]);
  const metadata = { ...given.metadata };
  if (wanted.metadata.resourceVersion === undefined) delete metadata.resourceVersion;
  else metadata.resourceVersion = wanted.metadata.resourceVersion;
  return updateObject(cluster, {
    type,
    existing,
    given: { ...given, metadata },
    context,
    isPatch: true,
    managedFields,
  });
}

/** What is applied, as it was given: defaults are nobody's wish. Throws 500, as the real server, for what the schema does not know. */
function readWishes({ type, name, body, validation, warnings }: PatchInput): KubeObject {
  const parsed = parseBody(body);
  const read = readObject(parsed, type, validation === 'Strict' ? 'Strict' : 'Ignore', warnings);
  if (!type.isCustom) return read;
  const wanted = { ...(parsed.value as KubeObject), metadata: read.metadata };
  const problem = schemaProblem(wanted, rootSchema(type), '');
  if (problem !== undefined) {
    const what = `failed to create typed patch object (${wanted.metadata.namespace ?? ''}/${name}; ${apiVersionOf(type)}, Kind=${type.kind})`;
    throw new ApiError(500, '', `${what}: ${problem}`);
  }
  return wanted;
}

/** What a value should be, in the words of server-side apply; `undefined` if it is. */
function expectedKind(value: unknown, node: SchemaNode): string | undefined {
  if (node.intOrString) return undefined;
  switch (node.type) {
    case 'array':
      return Array.isArray(value) ? undefined : 'list';
    case 'object':
      return isObject(value) ? undefined : 'map';
    case 'string':
      return typeof value === 'string' ? undefined : 'string';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'boolean';
    case 'integer':
    case 'number':
      return typeof value === 'number' ? undefined : 'numeric (int or float)';
    default:
      return undefined;
  }
}

function schemaProblem(value: unknown, node: SchemaNode, path: string): string | undefined {
  if (value === null || value === undefined) return undefined;
  const expected = expectedKind(value, node);
  if (expected !== undefined) {
    return `${path}: expected ${expected}, got &{${typeof value === 'object' ? JSON.stringify(value) : String(value)}}`;
  }
  if (Array.isArray(value)) {
    for (const [index, entry] of value.entries()) {
      const problem = node.items === undefined ? undefined : schemaProblem(entry, node.items, `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
  } else if (isObject(value) && node !== anything) {
    for (const key of Object.keys(value)) {
      const child = childOf(node, key);
      const problem =
        child === undefined
          ? `${path}.${key}: field not declared in schema`
          : schemaProblem(value[key], child, `${path}.${key}`);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

/** Through the status subresource only the status counts; otherwise everything but the status, if there is such a subresource. */
function relevantFields(fields: FieldSet, subresource: string | undefined, type: ResourceType): FieldSet {
  if (subresource === 'status') return fields['f:status'] === undefined ? {} : { 'f:status': fields['f:status'] };
  if (!type.subresources.has('status')) return fields;
  const { 'f:status': _, ...rest } = fields;
  return rest;
}

function applyEntry(writer: Writer, type: ResourceType, fields: FieldSet, time: string | undefined): ManagerEntry {
  return {
    manager: writer.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(type),
    time,
    subresource: writer.subresource,
    fields,
  };
}

function intersectionOf(left: FieldSet, right: FieldSet): FieldSet {
  const rest = difference(left, right);
  return rest === undefined ? left : (difference(left, rest) ?? {});
}

interface Contest {
  readonly entry: ManagerEntry;
  readonly fields: FieldSet;
}

/** Fields among the changed ones that other managers own. */
function conflictsOf(
  managers: readonly ManagerEntry[],
  writer: Writer,
  type: ResourceType,
  changed: FieldSet,
): Contest[] {
  if (Object.keys(changed).length === 0) return [];
  return managers.flatMap((entry): Contest[] => {
    if (isEntryOf(entry, writer, 'Apply', apiVersionOf(type))) return [];
    const fields = intersectionOf(changed, entry.fields);
    return pathsOf(fields).length === 0 ? [] : [{ entry, fields }];
  });
}

function without(entry: ManagerEntry, fields: FieldSet | undefined): ManagerEntry | undefined {
  if (fields === undefined) return entry;
  const rest = difference(entry.fields, fields);
  return rest === undefined ? undefined : { ...entry, fields: rest };
}

/** What this manager wished for before and does not any more, as far as nobody else owns it. */
function droppedFields(
  mine: ManagerEntry | undefined,
  wishes: FieldSet,
  others: readonly (ManagerEntry | undefined)[],
): FieldSet | undefined {
  let dropped = mine === undefined ? undefined : difference(mine.fields, wishes);
  for (const other of others)
    if (dropped !== undefined && other !== undefined) dropped = difference(dropped, other.fields);
  return dropped;
}

function conflictError(contests: readonly Contest[]): ApiError {
  const causes = contests.flatMap(({ entry, fields }) =>
    pathsOf(fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${printedManager(entry)}`,
      field,
    })),
  );
  const lines = [...Map.groupBy(causes, (cause) => cause.message)].map(([message, group]) =>
    group.length === 1
      ? `${message}: ${group[0]?.field}`
      : `${message.replace('conflict', 'conflicts')}:\n${group.map((cause) => `- ${cause.field}`).join('\n')}`,
  );
  const count = `${causes.length} conflict${causes.length === 1 ? '' : 's'}`;
  return new ApiError(409, 'Conflict', `Apply failed with ${count}: ${lines.join('\n')}`, { causes });
}

function printedManager(entry: ManagerEntry): string {
  const subresource = entry.subresource === undefined ? '' : ` with subresource ${JSON.stringify(entry.subresource)}`;
  return (
    JSON.stringify(entry.manager) + subresource + (entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '')
  );
}

/** The member paths of a set as Kubernetes prints them: `.spec.template.data`, `.spec.ports[port=80]`. */
function pathsOf(set: FieldSet, prefix = ''): string[] {
  const paths: string[] = [];
  const steps = Object.keys(set).sort();
  if (prefix !== '' && (steps.length === 0 || set['.'] !== undefined)) paths.push(prefix);
  for (const step of steps) {
    if (step === '.') continue;
    paths.push(...pathsOf(set[step] as FieldSet, prefix + printedStep(step)));
  }
  return paths;
}

function printedStep(step: string): string {
  if (step.startsWith('f:')) return `.${step.slice(2)}`;
  if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
  const keys = Object.entries(JSON.parse(step.slice(2)) as JsonObject);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}

/**
 * A copy of a value without the fields of a set. A container that only held such fields goes too, unless somebody names it:
 * then it becomes null, which its schema has to allow, just as with the real server.
 */
function removeFields(
  value: unknown,
  set: FieldSet | undefined,
  named: FieldSet | undefined,
  node: SchemaNode,
): unknown {
  if (set === undefined) return value;
  if (isObject(value)) {
    const copy = { ...value };
    for (const step of Object.keys(set)) {
      const key = step.slice(2);
      if (!step.startsWith('f:') || !Object.hasOwn(copy, key)) continue;
      const below = set[step] as FieldSet;
      const rest = isWhole(below)
        ? null
        : removeFields(own(copy, key), below, named?.[step], childOf(node, key) ?? anything);
      if (rest !== null && !isEmptyContainer(rest)) put(copy, key, rest);
      else if (named?.[step] === undefined) delete copy[key];
      else put(copy, key, null);
    }
    return copy;
  }
  if (!Array.isArray(value)) return value;
  return value.flatMap((entry) => {
    const step = itemStep(entry, node);
    const below = step === undefined ? undefined : set[step];
    if (step === undefined || below === undefined) return [entry];
    return isWhole(below) ? [] : [removeFields(entry, below, named?.[step], node.items ?? anything)];
  });
}

function isEmptyContainer(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function isWhole(set: FieldSet): boolean {
  return Object.keys(set).length === 0 || set['.'] !== undefined;
}

/** Merges what is wanted into what is there, by the merge rules of the schema. */
function mergeWishes(live: unknown, wanted: unknown, node: SchemaNode): unknown {
  if (isObject(wanted) && isObject(live) && !node.atomicMap) {
    const merged = { ...live };
    for (const key of Object.keys(wanted)) {
      put(merged, key, mergeWishes(own(live, key), wanted[key], childOf(node, key) ?? anything));
    }
    return merged;
  }
  if (Array.isArray(wanted) && Array.isArray(live) && node.listType !== 'atomic') return mergeItems(live, wanted, node);
  return wanted;
}

/** Wanted items come in their order, and what only the live list has keeps its place before what follows it there. */
function mergeItems(live: readonly unknown[], wanted: readonly unknown[], node: SchemaNode): unknown[] {
  const liveByStep = new Map(live.map((entry) => [itemStep(entry, node), entry]));
  const wantedSteps = new Set(wanted.map((entry) => itemStep(entry, node)));
  const merged: unknown[] = [];
  let next = 0;
  const addLiveOnly = () => {
    for (; next < live.length && !wantedSteps.has(itemStep(live[next], node)); next++) merged.push(live[next]);
  };
  for (const entry of wanted) {
    const step = itemStep(entry, node);
    addLiveOnly();
    const current = liveByStep.get(step);
    const isPair = node.listType === 'map' && current !== undefined;
    merged.push(isPair ? mergeWishes(current, entry, node.items ?? anything) : entry);
    if (next < live.length && itemStep(live[next], node) === step) next++;
  }
  for (; next < live.length; next++) if (!wantedSteps.has(itemStep(live[next], node))) merged.push(live[next]);
  return merged;
}
