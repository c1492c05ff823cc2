import { type FieldValidation, parseFieldValidation, parseTypedBody, readObject } from './bodies.ts';
import {
  badRequest,
  invalid,
  invalidValue,
  methodNotAllowed,
  notFound,
  successStatus,
  unknownResource,
  unsupportedValue,
} from './errors.ts';
import { type Form, type IncludeObject, listJson, singleJson } from './forms.ts';
import { isObject, type JsonObject, type KubeObject, own, stringAt } from './json.ts';
import { listPage, selectorOf } from './lists.ts';
import { patchObject } from './patches.ts';
import { isTrue, type RequestInfo } from './requests.ts';
import type { ResourceType } from './resources.ts';
import { keyOf, type StoredVersion } from './store.ts';
import {
  type Cluster,
  createObject,
  type DeleteOptions,
  deleteObject,
  existingObject,
  updateObject,
  type WriteContext,
} from './writes.ts';

/** A request for objects of a resource, read and allowed. */
export interface ResourceCall {
  readonly request: RequestInfo;
  readonly type: ResourceType;
  readonly form: Form;
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly userAgent: string;
  /** Receives what the answer carries in `Warning` headers. */
  readonly warnings: string[];
  /** Learns the name of an object that is to be created; the path of the request does not tell. */
  readonly onName: (name: string) => void;
}

export interface Answer {
  readonly status: number;
  readonly json: string;
}

/** Carries out everything but watches. Throws an ApiError for refusals. */
export function answerResource(cluster: Cluster, call: ResourceCall): Answer {
  const { request, type } = call;
  assertServed(type, request);
  switch (request.verb) {
    case 'get':
      return single(cluster, call, existingObject(cluster, type, request.namespace, request.name), 200);
    case 'list':
      return list(cluster, call);
    case 'create':
      return create(cluster, call);
    case 'update':
      return update(cluster, call);
    case 'patch':
      return patch(cluster, call);
    case 'delete':
      return remove(cluster, call);
    case 'deletecollection':
      return removeCollection(cluster, call);
    default:
      throw methodNotAllowed();
  }
}

/** Throws 405 for a verb that the resource does not have, 404 for a subresource. */
export function assertServed(type: ResourceType, request: RequestInfo): void {
  const { verb, subresource, name } = request;
  const verbs = subresource === '' ? type.verbs : (type.subresources.get(subresource)?.verbs ?? []);
  if (subresource !== '' && !type.subresources.has(subresource))
    throw type.isCustom ? notFound(type, name) : unknownResource();
  const needsName = subresource !== '' || ['get', 'update', 'patch', 'delete'].includes(verb);
  const hasName = name !== '' && !['list', 'watch', 'deletecollection'].includes(verb);
  const isMisaddressed = verb === 'create' && subresource === '' ? hasName : needsName && !hasName;
  const isNowhere = type.namespaced && request.namespace === '' && verb !== 'list' && verb !== 'watch';
  if (!verbs.includes(verb) || isMisaddressed || isNowhere) throw methodNotAllowed();
}

function include(request: RequestInfo): IncludeObject {
  const text = request.query.get('includeObject') ?? '';
  if (text === '') return 'Metadata';
  if (text === 'None' || text === 'Metadata' || text === 'Object') return text;
  throw badRequest(
    `includeObject: Unsupported value: ${JSON.stringify(text)}: supported values: "", "Metadata", "None", "Object"`,
  );
}

function single(cluster: Cluster, call: ResourceCall, version: StoredVersion, status: number): Answer {
  return { status, json: singleJson(version, call.type, call.form, include(call.request), cluster.now()) };
}

function list(cluster: Cluster, call: ResourceCall): Answer {
  const { request, type, form } = call;
  const page = listPage(cluster.store, type, request.namespace, request.query);
  const metadata = type.isCustom && form === 'object' ? { continue: '', ...page.metadata } : page.metadata;
  return { status: 200, json: listJson(page.versions, type, form, include(request), cluster.now(), metadata) };
}

function isDryRun(values: readonly string[], kind: string): boolean {
  for (const value of values) {
    if (value !== 'All' && value !== '') {
      throw invalid({ group: 'meta.k8s.io', kind }, '', [unsupportedValue('dryRun', values, ['All'])]);
    }
  }
  return values.includes('All');
}

/** The name under which a writer's fields are kept: as asked, or the first word of its user agent. */
function managerOf(call: ResourceCall): string {
  const given = call.request.query.get('fieldManager') ?? '';
  if (given.length > 128) throw badRequest('fieldManager: Invalid value: must be no more than 128 bytes');
  return given === '' ? (call.userAgent.split('/')[0] ?? '').slice(0, 128) || 'unknown' : given;
}

function writing(call: ResourceCall, optionsKind: string): { context: WriteContext; validation: FieldValidation } {
  const { query, subresource } = call.request;
  return {
    validation: parseFieldValidation(query.get('fieldValidation'), optionsKind),
    context: {
      manager: managerOf(call),
      dryRun: isDryRun(query.getAll('dryRun'), optionsKind),
      subresource: subresource === '' ? undefined : subresource,
    },
  };
}

function readBody(call: ResourceCall, validation: FieldValidation): KubeObject {
  return readObject(parseTypedBody(call.body, call.contentType), call.type, validation, call.warnings);
}

function storedType(type: ResourceType): ResourceType {
  return type.conversion?.stored() ?? type;
}

function toStored(type: ResourceType, given: KubeObject): KubeObject {
  return type.conversion?.toStored(given) ?? given;
}

function create(cluster: Cluster, call: ResourceCall): Answer {
  const { context, validation } = writing(call, 'CreateOptions');
  const namespace = call.type.namespaced ? call.request.namespace : undefined;
  const given = readBody(call, validation);
  call.onName(given.metadata.name ?? '');
  const { version } = createObject(cluster, storedType(call.type), namespace, toStored(call.type, given), context);
  return single(cluster, call, version, 201);
}

function update(cluster: Cluster, call: ResourceCall): Answer {
  const { type, request } = call;
  const { context, validation } = writing(call, 'UpdateOptions');
  const given = readBody(call, validation);
  if ((given.metadata.name ?? '') === '') throw badRequest('name must be provided');
  if (given.metadata.name !== request.name) {
    throw badRequest(
      `the name of the object (${given.metadata.name}) does not match the name on the URL (${request.name})`,
    );
  }
  if (type.namespaced) {
    if (given.metadata.namespace !== undefined && given.metadata.namespace !== request.namespace) {
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    }
  }
  const existing = cluster.store
    .collection(type.storage)
    .get(keyOf(type.namespaced ? request.namespace : undefined, request.name));
  if (existing === undefined && type.createsOnUpdate && request.subresource === '') {
    const namespace = type.namespaced ? request.namespace : undefined;
    const { version } = createObject(cluster, storedType(type), namespace, toStored(type, given), context);
    return single(cluster, call, version, 201);
  }
  const target = existing ?? existingObject(cluster, type, request.namespace, request.name);
  const { version } = updateObject(cluster, {
    type: storedType(type),
    existing: target,
    given: toStored(type, given),
    context,
    isPatch: false,
  });
  return single(cluster, call, version, 200);
}

function patch(cluster: Cluster, call: ResourceCall): Answer {
  const { context, validation } = writing(call, 'PatchOptions');
  const { request, type, body, warnings } = call;
  const isApply = (call.contentType ?? '').startsWith('application/apply-patch+yaml');
  const given = request.query.get('fieldManager') ?? '';
  const { version, created } = patchObject(cluster, {
    type,
    namespace: request.namespace,
    name: request.name,
    contentType: call.contentType ?? '',
    body,
    validation,
    warnings,
    context: isApply ? { ...context, manager: given } : context,
    force: isTrue(request.query.get('force')),
  });
  return single(cluster, call, version, created ? 201 : 200);
}

/** DeleteOptions from the body, or from the query as old clients send them. */
function deleteOptions(call: ResourceCall): DeleteOptions {
  const { query } = call.request;
  let body: JsonObject = {};
  if (call.body.length > 0) {
    const { value: parsed } = parseTypedBody(call.body, call.contentType);
    if (!isObject(parsed)) throw badRequest("couldn't get version/kind; json parse error");
    const kind = own(parsed, 'kind') ?? 'DeleteOptions';
    if (kind !== 'DeleteOptions') throw badRequest(`expected DeleteOptions, got ${String(kind)}`);
    body = parsed;
  }
  const propagation = stringAt(body, 'propagationPolicy') ?? query.get('propagationPolicy') ?? undefined;
  if (
    propagation !== undefined &&
    propagation !== 'Background' &&
    propagation !== 'Foreground' &&
    propagation !== 'Orphan'
  ) {
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      unsupportedValue('propagationPolicy', propagation, ['Foreground', 'Background', 'Orphan', 'nil']),
    ]);
  }
  const orphan =
    own(body, 'orphanDependents') ??
    (query.has('orphanDependents') ? isTrue(query.get('orphanDependents')) : undefined);
  if (orphan !== undefined && propagation !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
      invalidValue('propagationPolicy', propagation, why),
    ]);
  }
  const dryRun = Array.isArray(own(body, 'dryRun')) ? (own(body, 'dryRun') as string[]) : query.getAll('dryRun');
  return {
    uid: stringAt(body, 'preconditions', 'uid'),
    resourceVersion: stringAt(body, 'preconditions', 'resourceVersion'),
    propagation: propagation ?? (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined),
    dryRun: isDryRun(dryRun, 'DeleteOptions'),
  };
}

/** Resources whose deletion is answered with the object instead of a Status. */
const answersWithObject = new Set([
  '/services',
  '/serviceaccounts',
  '/pods',
  '/persistentvolumes',
  '/persistentvolumeclaims',
  '/podtemplates',
  '/resourcequotas',
  '/nodes',
]);

function remove(cluster: Cluster, call: ResourceCall): Answer {
  const { type, request } = call;
  const options = deleteOptions(call);
  const existing = existingObject(cluster, type, request.namespace, request.name);
  const { version, removed } = deleteObject(cluster, type, existing, options);
  if (!removed || answersWithObject.has(type.storage)) return single(cluster, call, removed ? existing : version, 200);
  const { name, uid } = existing.object.metadata;
  const group = type.group === '' ? {} : { group: type.group };
  return { status: 200, json: JSON.stringify(successStatus({ name, ...group, kind: type.plural, uid })) };
}

function removeCollection(cluster: Cluster, call: ResourceCall): Answer {
  const { type, request, form } = call;
  const options = deleteOptions(call);
  const selector = selectorOf(type, request.query);
  const prefix = type.namespaced && request.namespace !== '' ? `${request.namespace}/` : '';
  const versions = [...cluster.store.collection(type.storage).sorted(prefix)].filter(
    (version) => selector === undefined || selector(version.object),
  );
  const left = versions.map((version) => deleteObject(cluster, type, version, options).version);
  const metadata = { resourceVersion: String(cluster.store.revision) };
  return { status: 200, json: listJson(left, type, form, include(request), cluster.now(), metadata) };
}
