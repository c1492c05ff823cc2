import { ApiError } from './errors.ts';
import type { JsonObject, KubeObject } from './json.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';
import type { StoredVersion } from './store.ts';
import { tableColumns, tableRow } from './tables.ts';

/** The form in which an answer shows objects, as negotiated by the Accept header. */
export type Form = 'object' | 'metadata' | 'table';

/** How much of each object a table carries: `includeObject`. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Reads an Accept header. Throws 406 if nothing in it can be served (protobuf alone, for example). */
export function negotiateForm(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === '') return 'object';
  for (const entry of accept.split(',')) {
    const [mediaType = '', ...parameters] = entry.split(';').map((part) => part.trim());
    if (mediaType !== 'application/json' && mediaType !== 'application/*' && mediaType !== '*/*') continue;
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3);
    if (as === undefined) return 'object';
    const isMeta = parameters.includes('g=meta.k8s.io') && parameters.includes('v=v1');
    if (as === 'Table' && isMeta) return 'table';
    if ((as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') && isMeta) return 'metadata';
  }
  throw notAcceptable();
}

/** The 406 for an Accept header with nothing in it that can be served. */
function notAcceptable(): ApiError {
  return new ApiError(
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/json;as=Table;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
    {},
  );
}

/** JSON of one object in a version of its resource. */
export function objectJson(version: StoredVersion, type: ResourceType): string {
  const apiVersion = apiVersionOf(type);
  if (version.object.apiVersion === apiVersion) return version.json;
  return cached(version, `as ${apiVersion}`, () =>
    JSON.stringify(type.conversion?.fromStored(version.object) ?? { ...version.object, apiVersion }),
  );
}

function cached(version: StoredVersion, form: string, make: () => string): string {
  let text = version.forms.get(form);
  if (text === undefined) {
    text = make();
    version.forms.set(form, text);
  }
  return text;
}

function metadataObject(object: KubeObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function metadataJson(version: StoredVersion): string {
  return cached(version, 'metadata', () => JSON.stringify(metadataObject(version.object)));
}

/** In lists of built-in types the items have no kind and version of their own; custom resources keep theirs. */
function itemJson(version: StoredVersion, type: ResourceType): string {
  const json = objectJson(version, type);
  if (type.isCustom) return json;
  const prefix = `{"kind":${JSON.stringify(type.kind)},"apiVersion":${JSON.stringify(apiVersionOf(type))},`;
  return json.startsWith(prefix) ? `{${json.slice(prefix.length)}` : json;
}

/** What one GET, create or update answers. */
export function singleJson(
  version: StoredVersion,
  type: ResourceType,
  form: Form,
  include: IncludeObject,
  nowMs: number,
): string {
  if (form === 'object') return objectJson(version, type);
  if (form === 'metadata') return metadataJson(version);
  return tableJson(
    [version],
    type,
    include,
    nowMs,
    { resourceVersion: version.object.metadata.resourceVersion ?? '' },
    true,
  );
}

/** What a LIST answers. */
export function listJson(
  versions: readonly StoredVersion[],
  type: ResourceType,
  form: Form,
  include: IncludeObject,
  nowMs: number,
  metadata: JsonObject,
): string {
  if (form === 'table') return tableJson(versions, type, include, nowMs, metadata, true);
  const [kind, apiVersion] =
    form === 'metadata' ? ['PartialObjectMetadataList', 'meta.k8s.io/v1'] : [type.listKind, apiVersionOf(type)];
  const items = versions.map((version) => (form === 'metadata' ? metadataJson(version) : itemJson(version, type)));
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}\n`;
}

/** A Table; `withColumns` is false for every event of a watch but the first. */
export function tableJson(
  versions: readonly StoredVersion[],
  type: ResourceType,
  include: IncludeObject,
  nowMs: number,
  metadata: JsonObject,
  withColumns: boolean,
): string {
  const rows = versions.map((version) => {
    const cells = JSON.stringify(tableRow(version.object, type, nowMs));
    const object =
      include === 'None' ? '' : `,"object":${include === 'Object' ? objectJson(version, type) : metadataJson(version)}`;
    return `{"cells":${cells}${object}}`;
  });
  const columns = withColumns ? JSON.stringify(tableColumns(type)) : 'null';
  return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(metadata)},"columnDefinitions":${columns},"rows":[${rows.join(',')}]}`;
}
