import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from './json.ts';
import { apiVersionOf, builtInSchemas, kubernetesRelease, type ResourceType, type TypeRegistry } from './resources.ts';

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const listMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta';
const info = { title: 'Kubernetes', version: kubernetesRelease };

interface Document {
  readonly value: JsonObject;
  readonly hash: string;
}

/** Documents are made when asked for and kept until the resources of their group version change. */
const documents = new WeakMap<ResourceType, Document>();

/** `/openapi/v2`, `/openapi/v3` and the documents below it. `undefined`: there is no such document. */
export function openApiDocument(types: TypeRegistry, path: string): JsonObject | undefined {
  if (path === '/openapi/v2') return versionTwo(types);
  const groupVersions = servedGroupVersions(types);
  if (path === '/openapi/v3') {
    const paths: JsonObject = {};
    for (const [groupVersion, served] of groupVersions) {
      paths[groupVersion] = { serverRelativeURL: `/openapi/v3/${groupVersion}?hash=${documentOf(served).hash}` };
    }
    return { paths };
  }
  const served = groupVersions.get(path.slice('/openapi/v3/'.length));
  return served === undefined ? undefined : documentOf(served).value;
}

/** `api/v1`, `apis/apps/v1` and so on, each with its resources. */
function servedGroupVersions(types: TypeRegistry): Map<string, ResourceType[]> {
  const served = new Map<string, ResourceType[]>();
  for (const type of types.all()) {
    const key = type.group === '' ? `api/${type.version}` : `apis/${type.group}/${type.version}`;
    const list = served.get(key);
    if (list === undefined) served.set(key, [type]);
    else list.push(type);
  }
  return served;
}

function documentOf(types: readonly ResourceType[]): Document {
  const key = types.at(-1) as ResourceType;
  let document = documents.get(key);
  if (document === undefined) {
    const schemas: JsonObject = {};
    for (const type of types) addSchemas(type, schemas);
    const paths: JsonObject = {};
    for (const type of types) Object.assign(paths, pathsOf(type));
    const value = { openapi: '3.0.0', info, paths, components: { schemas } };
    document = {
      value,
      hash: createHash('sha256').update(JSON.stringify(value)).digest('hex').toUpperCase().slice(0, 32),
    };
    documents.set(key, document);
  }
  return document;
}

function versionTwo(types: TypeRegistry): JsonObject {
  const schemas: JsonObject = {};
  const paths: JsonObject = {};
  for (const type of types.all()) {
    addSchemas(type, schemas);
    Object.assign(paths, pathsOf(type));
  }
  const text = JSON.stringify({ swagger: '2.0', info, paths, definitions: schemas });
  return JSON.parse(text.replaceAll('#/components/schemas/', '#/definitions/'));
}

function addSchemas(type: ResourceType, schemas: JsonObject): void {
  const name = schemaName(type);
  if (type.isCustom) {
    const { properties, ...rest } = type.customSchema ?? { type: 'object' };
    schemas[name] = {
      ...rest,
      properties: {
        ...(isObject(properties) ? properties : {}),
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: reference(objectMeta),
      },
      'x-kubernetes-group-version-kind': [gvk(type)],
    };
    schemas[`${name}List`] = {
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { type: 'string' },
        kind: { type: 'string' },
        metadata: reference(listMeta),
        items: { type: 'array', items: reference(name) },
      },
      'x-kubernetes-group-version-kind': [{ ...gvk(type), kind: type.listKind }],
    };
    addBuiltIn(objectMeta, schemas);
    addBuiltIn(listMeta, schemas);
    return;
  }
  addBuiltIn(name, schemas);
  addBuiltIn(`${name}List`, schemas);
}

function addBuiltIn(name: string, schemas: JsonObject): void {
  const schema = builtInSchemas.get(name);
  if (schema === undefined || Object.hasOwn(schemas, name)) return;
  schemas[name] = schema;
  for (const [, target] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (target !== undefined) addBuiltIn(target, schemas);
  }
}

const builtInNames = new Map<string, string>();
for (const [name, schema] of builtInSchemas) {
  const kinds = schema['x-kubernetes-group-version-kind'];
  for (const kind of Array.isArray(kinds) ? kinds : [])
    builtInNames.set(`${kind.group}/${kind.version}/${kind.kind}`, name);
}

/** `io.k8s.api.core.v1.Secret`, `com.bitnami.v1alpha1.SealedSecret`. */
function schemaName(type: ResourceType): string {
  const known = builtInNames.get(`${type.group}/${type.version}/${type.kind}`);
  return known ?? [...type.group.split('.').reverse(), type.version, type.kind].join('.');
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name}` };
}

function gvk(type: ResourceType): JsonObject {
  return { group: type.group, version: type.version, kind: type.kind };
}

function parameter(name: string, type: 'string' | 'boolean' | 'integer' = 'string'): JsonObject {
  return { name, in: 'query', schema: { type, uniqueItems: true } };
}

function pathParameter(name: string): JsonObject {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}

const writeParameters = [parameter('dryRun'), parameter('fieldManager'), parameter('fieldValidation')];
const listParameters = [
  parameter('allowWatchBookmarks', 'boolean'),
  parameter('continue'),
  parameter('fieldSelector'),
  parameter('labelSelector'),
  parameter('limit', 'integer'),
  parameter('resourceVersion'),
  parameter('resourceVersionMatch'),
  parameter('sendInitialEvents', 'boolean'),
  parameter('timeoutSeconds', 'integer'),
  parameter('watch', 'boolean'),
];

/** Paths of a resource, with the parameters by which clients learn what the server can do. */
function pathsOf(type: ResourceType): JsonObject {
  const root = type.group === '' ? '/api/v1' : `/apis/${apiVersionOf(type)}`;
  const scoped = type.namespaced ? `${root}/namespaces/{namespace}/${type.plural}` : `${root}/${type.plural}`;
  const schema = reference(schemaName(type));
  const operation = (action: string, parameters: readonly JsonObject[]): JsonObject => ({
    operationId: `${action}${type.namespaced ? 'Namespaced' : ''}${type.kind}`,
    parameters,
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(type),
  });
  const served = (verb: string, method: string, made: JsonObject): JsonObject =>
    type.verbs.includes(verb) ? { [method]: made } : {};
  const namespace = type.namespaced ? [pathParameter('namespace')] : [];
  const paths: JsonObject = {
    [scoped]: {
      parameters: namespace,
      ...served('list', 'get', operation('list', listParameters)),
      ...served('create', 'post', operation('post', writeParameters)),
      ...served('deletecollection', 'delete', operation('deletecollection', listParameters)),
    },
  };
  if (type.verbs.includes('get')) {
    paths[`${scoped}/{name}`] = {
      parameters: [pathParameter('name'), ...namespace],
      get: operation('get', []),
      ...served('update', 'put', operation('put', writeParameters)),
      ...served('patch', 'patch', operation('patch', [...writeParameters, parameter('force', 'boolean')])),
      ...served('delete', 'delete', operation('delete', [parameter('dryRun'), parameter('propagationPolicy')])),
    };
  }
  if (type.namespaced && type.verbs.includes('list')) {
    paths[`${root}/${type.plural}`] = { get: operation('list', listParameters) };
  }
  return paths;
}
