import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  type FieldError,
  forbidden,
  invalid,
  modifiedMessage,
  notFound,
} from './errors.ts';
import { at, deepEqual, type JsonObject, type KubeObject, type ObjectMeta, own, without } from './json.ts';
import { managersAfterUpdate } from './managed-fields.ts';
import {
  generatedName,
  metadataErrors,
  metadataForCreate,
  metadataForUpdate,
  metadataUpdateErrors,
  sameSpec,
  timestamp,
} from './metadata.ts';
import type { ResourceType, TypeRegistry } from './resources.ts';
import { keyOf, type Store, StoredVersion } from './store.ts';
import type { Strategy } from './strategy.ts';
import { validateValue } from './validation.ts';

/** The state of the world and the rules of its resources. */
export interface Cluster {
  readonly store: Store;
  readonly types: TypeRegistry;
  readonly now: () => number;
  readonly strategyOf: (type: ResourceType) => Strategy;
  /** Refuses a new object for reasons that lie outside of it: terminating namespaces, quotas. Throws an ApiError. */
  readonly admitCreate: (type: ResourceType, object: KubeObject) => void;
}

/** Who writes, and how. */
export interface WriteContext {
  readonly manager: string;
  readonly dryRun: boolean;
  /** Of an update through a subresource: `status`. */
  readonly subresource: string | undefined;
}

/** Result of a write; after a dry run it was not stored. `removed`: the last finalizer is gone and so is the object. */
export interface WriteResult {
  readonly version: StoredVersion;
  readonly created: boolean;
}

export function createObject(
  cluster: Cluster,
  type: ResourceType,
  namespace: string | undefined,
  given: KubeObject,
  context: WriteContext,
  /** Replaces the entry that the creation would make in `managedFields`. */
  managedFields?: JsonObject[],
): WriteResult {
  if (given.metadata['resourceVersion'] !== undefined && given.metadata['resourceVersion'] !== '') {
    throw new ApiError(500, '', 'resourceVersion should not be set on objects to be created');
  }
  if (type.namespaced && given.metadata.namespace !== undefined && given.metadata.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  const metadata = metadataForCreate(given.metadata, type, type.namespaced ? namespace : undefined, cluster.now());
  const generates =
    (metadata.name ?? '') === '' && typeof metadata.generateName === 'string' && metadata.generateName !== '';
  if (generates) metadata.name = generatedName(metadata.generateName as string);
  const object = { ...(resetsStatus(type) ? without(given, 'status') : given), metadata } as KubeObject;
  const strategy = cluster.strategyOf(type);
  const prepared = strategy.prepare?.(object, undefined) ?? object;
  const next = ordered(strategy.complete?.(prepared, undefined) ?? prepared, type);
  throwIfInvalid(cluster, type, next, undefined);
  cluster.admitCreate(type, next);
  const key = keyOf(metadata.namespace, metadata.name);
  if (cluster.store.collection(type.storage).get(key) !== undefined) throw alreadyExists(type, metadata.name);
  const managers = managedFields ?? managersAfterUpdate(prepared, undefined, type, writerOf(context, cluster));
  if (managers.length > 0) next.metadata.managedFields = managers;
  return { version: commit(cluster, type, key, next, context), created: true };
}

/** `status` of a request to the main resource does not count when there is a status subresource. */
function resetsStatus(type: ResourceType): boolean {
  return type.subresources.has('status');
}

function writerOf(context: WriteContext, cluster: Cluster) {
  return { manager: context.manager, subresource: context.subresource, nowMs: cluster.now() };
}

/** Objects of built-in types begin with kind and apiVersion, so that lists can leave both out of their items cheaply. */
function ordered(object: KubeObject, type: ResourceType): KubeObject {
  const { kind, apiVersion, metadata, ...rest } = object;
  return type.isCustom ? { apiVersion, kind, metadata, ...rest } : { kind, apiVersion, metadata, ...rest };
}

function throwIfInvalid(
  cluster: Cluster,
  type: ResourceType,
  next: KubeObject,
  old: KubeObject | undefined,
  subresource?: string,
): void {
  const errors: FieldError[] = metadataErrors(next.metadata, type);
  if (old !== undefined) errors.push(...metadataUpdateErrors(next.metadata, old.metadata));
  if (type.isCustom) errors.push(...schemaErrors(next, type, subresource));
  errors.push(...(cluster.strategyOf(type).validate?.(next, old) ?? []));
  if (errors.length > 0) throw invalid(type, next.metadata.name ?? '', errors);
}

/** Of an update of the status only the status is checked, by itself: the texts name paths within it. */
function schemaErrors(next: KubeObject, type: ResourceType, subresource: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (subresource !== 'status') {
    validateValue(next, type.schema, '', errors);
    return errors;
  }
  const schema = type.schema.properties.get('status');
  if (schema !== undefined && own(next, 'status') !== undefined) validateValue(own(next, 'status'), schema, '', errors);
  return errors.map((error) => ({ ...error, field: `status.${error.field}` }));
}

function commit(
  cluster: Cluster,
  type: ResourceType,
  key: string,
  next: KubeObject,
  context: WriteContext,
): StoredVersion {
  if (!context.dryRun) return cluster.store.write(type.storage, key, next);
  return new StoredVersion(key, cluster.store.revision, next);
}

interface UpdateInput {
  readonly type: ResourceType;
  readonly existing: StoredVersion;
  readonly given: KubeObject;
  readonly context: WriteContext;
  /** A patch has no resource version of its own and is made from the newest object. */
  readonly isPatch: boolean;
  /** Replaces the bookkeeping of an update in `managedFields`: server-side apply does its own. */
  readonly managedFields?: JsonObject[];
}

export function updateObject(cluster: Cluster, input: UpdateInput): WriteResult {
  const { type, existing, context } = input;
  const old = existing.object;
  checkPreconditions(input);
  const carried =
    input.context.subresource === 'status' ? withNewStatus(input.given, old) : withOldStatus(input.given, old, type);
  const withMetadata = { ...carried, metadata: metadataForUpdate(carried.metadata, old.metadata) };
  const strategy = cluster.strategyOf(type);
  const prepared = strategy.prepare?.(withMetadata, old) ?? withMetadata;
  const next = ordered(strategy.complete?.(prepared, old) ?? prepared, type);
  const ignoresStatus = type.subresources.has('status') || !type.isCustom;
  if (type.countsGenerations && context.subresource !== 'status' && !sameSpec(next, old, ignoresStatus)) {
    next.metadata.generation = (old.metadata.generation ?? 0) + 1;
  }
  throwIfInvalid(cluster, type, next, old, context.subresource);
  const managedFields = nextManagers(cluster, input, next);
  if (managedFields.length === 0) delete next.metadata.managedFields;
  else next.metadata.managedFields = managedFields;
  if (old.metadata.resourceVersion !== undefined) next.metadata.resourceVersion = old.metadata.resourceVersion;
  if (isSame(next, old)) return { version: existing, created: false };
  if (next.metadata.deletionTimestamp !== undefined && !hasFinalizers(next)) {
    // Watchers see the object as it was before the change that ended it; the writer sees what it wrote.
    if (!context.dryRun) cluster.store.remove(type.storage, existing.key, old);
    return { version: new StoredVersion(existing.key, existing.revision, next), created: false };
  }
  return { version: commit(cluster, type, existing.key, next, context), created: false };
}

/** Times in `managedFields` alone are no reason to store a new version. */
function isSame(next: KubeObject, old: KubeObject): boolean {
  if (!deepEqual(without(next, 'metadata'), without(old, 'metadata'))) return false;
  if (!deepEqual(without(next.metadata, 'managedFields'), without(old.metadata, 'managedFields'))) return false;
  const untimed = (metadata: ObjectMeta) => (metadata.managedFields ?? []).map((entry) => without(entry, 'time'));
  return deepEqual(untimed(next.metadata), untimed(old.metadata));
}

function nextManagers(cluster: Cluster, input: UpdateInput, next: KubeObject): JsonObject[] {
  if (input.managedFields !== undefined) return input.managedFields;
  const given = input.given.metadata.managedFields;
  const isReset =
    given !== undefined && (given.length === 0 || (given.length === 1 && Object.keys(given[0] ?? {}).length === 0));
  if (isReset) return [];
  return managersAfterUpdate(next, input.existing.object, input.type, writerOf(input.context, cluster));
}

function checkPreconditions({ type, existing, given, isPatch }: UpdateInput): void {
  const { name, uid, resourceVersion } = existing.object.metadata;
  const givenUid = given.metadata.uid;
  if (!isPatch && givenUid !== undefined && givenUid !== '' && givenUid !== uid) {
    throw conflict(
      type,
      name,
      `StorageError: invalid object, Code: 4, Key: /registry/${type.storage.replace(/^\//, '')}/${existing.key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${givenUid}, UID in object meta: ${uid}`,
    );
  }
  const givenVersion = given.metadata.resourceVersion;
  if (givenVersion === undefined || givenVersion === '') {
    if (!type.isCustom || isPatch) return;
    throw invalid({ group: type.group, kind: type.plural }, name, [
      {
        type: 'FieldValueInvalid',
        field: 'metadata.resourceVersion',
        text: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  }
  if (!/^\d+$/.test(givenVersion)) {
    throw new ApiError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(givenVersion)}: invalid syntax`);
  }
  if (givenVersion !== resourceVersion) throw conflict(type, name, modifiedMessage);
}

/** An update of the status changes nothing else: everything but `status` stays. */
function withNewStatus(given: KubeObject, old: KubeObject): KubeObject {
  const status = own(given, 'status');
  const { managedFields: _, ...metadata } = old.metadata;
  const base = { ...without(old, 'status'), metadata } as KubeObject;
  return status === undefined ? base : ({ ...base, status } as KubeObject);
}

function withOldStatus(given: KubeObject, old: KubeObject, type: ResourceType): KubeObject {
  if (!resetsStatus(type)) return given;
  const status = own(old, 'status');
  const base = without(given, 'status') as KubeObject;
  return status === undefined ? base : ({ ...base, status } as KubeObject);
}

export function hasFinalizers(object: KubeObject): boolean {
  if ((object.metadata.finalizers?.length ?? 0) > 0) return true;
  return (
    object.kind === 'Namespace' &&
    object.apiVersion === 'v1' &&
    ((at(object, 'spec', 'finalizers') as unknown[] | undefined)?.length ?? 0) > 0
  );
}

export interface DeleteOptions {
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly propagation: 'Background' | 'Foreground' | 'Orphan' | undefined;
  readonly dryRun: boolean;
}

/** A CRD waits for its objects to be deleted. */
export const definitionFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Result of a deletion: the object is gone, or waits for its finalizers in the version given. */
interface DeleteResult {
  readonly version: StoredVersion;
  readonly removed: boolean;
}

export function deleteObject(
  cluster: Cluster,
  type: ResourceType,
  existing: StoredVersion,
  options: DeleteOptions,
): DeleteResult {
  const old = existing.object;
  const { name, uid, resourceVersion } = old.metadata;
  const record = { group: type.group, plural: type.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(
      record,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    throw conflict(
      record,
      name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
  }
  const isNamespace = type.storage === '/namespaces';
  if (isNamespace && ['default', 'kube-system', 'kube-public'].includes(name)) {
    throw forbidden(type, name, 'this namespace may not be deleted');
  }
  const next: KubeObject = { ...old, metadata: withPropagation(old.metadata, options.propagation) };
  const isDefinition = type.storage === 'apiextensions.k8s.io/customresourcedefinitions';
  if (isDefinition) next.metadata.finalizers = [...new Set([...(next.metadata.finalizers ?? []), definitionFinalizer])];
  if (isNamespace) next['status'] = { ...(at(old, 'status') as JsonObject | undefined), phase: 'Terminating' };
  if (!hasFinalizers(next)) {
    if (options.dryRun) return { version: existing, removed: true };
    return { version: cluster.store.remove(type.storage, existing.key, old), removed: true };
  }
  if (next.metadata.deletionTimestamp === undefined) {
    next.metadata.deletionTimestamp = timestamp(cluster.now());
    if (!isNamespace && !isDefinition) next.metadata.deletionGracePeriodSeconds = 0;
    if (next.metadata.generation !== undefined && !isDefinition) next.metadata.generation++;
  }
  if (isSame(next, old) || options.dryRun) return { version: existing, removed: false };
  return { version: cluster.store.write(type.storage, existing.key, next), removed: false };
}

function withPropagation(metadata: ObjectMeta, propagation: DeleteOptions['propagation']): ObjectMeta {
  if (propagation === undefined) return { ...metadata };
  const finalizers = new Set(metadata.finalizers);
  finalizers.delete('orphan');
  finalizers.delete('foregroundDeletion');
  if (propagation === 'Orphan') finalizers.add('orphan');
  if (propagation === 'Foreground') finalizers.add('foregroundDeletion');
  const { finalizers: _, ...rest } = metadata;
  return finalizers.size === 0 ? (rest as ObjectMeta) : ({ ...rest, finalizers: [...finalizers] } as ObjectMeta);
}

/** The newest version of an object. Throws the 404 that the API answers. */
export function existingObject(
  cluster: Cluster,
  type: ResourceType,
  namespace: string | undefined,
  name: string,
): StoredVersion {
  const version = cluster.store.collection(type.storage).get(keyOf(type.namespaced ? namespace : undefined, name));
  if (version === undefined) throw notFound(type, name);
  return version;
}
