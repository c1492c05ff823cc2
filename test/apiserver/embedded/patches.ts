import { applyObject } from './apply.ts';
import { type FieldValidation, parseBody, readObject } from './bodies.ts';
import { ApiError, badRequest, notFound } from './errors.ts';
import { isObject, type KubeObject } from './json.ts';
import { applyJsonPatch, mergePatch } from './patch.ts';
import type { ResourceType } from './resources.ts';
import { keyOf } from './store.ts';
import { strategicMerge } from './strategic.ts';
import { type Cluster, updateObject, type WriteContext, type WriteResult } from './writes.ts';

const patchTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

export interface PatchInput {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly contentType: string;
  readonly body: Buffer;
  readonly validation: FieldValidation;
  readonly warnings: string[];
  readonly context: WriteContext;
  /** Of server-side apply: takes fields over from other managers. */
  readonly force: boolean;
}

/** Answers PATCH in each of its four formats. Throws 415 for any other. */
export function patchObject(cluster: Cluster, input: PatchInput): WriteResult {
  const { type } = input;
  const mediaType = input.contentType.split(';')[0]?.trim() ?? '';
  const isStrategic = mediaType === 'application/strategic-merge-patch+json';
  if (!patchTypes.includes(mediaType) || (isStrategic && type.isCustom)) throw unsupported(type);
  if (mediaType === 'application/apply-patch+yaml') {
    if (type.conversion !== undefined) throw unsupported(type);
    return applyObject(cluster, input);
  }
  if (input.force) throw badRequest('force is not allowed for patches other than server-side apply');
  const patch = parseBody(input.body);
  const existing = cluster.store.collection(type.storage).get(keyOf(type.namespaced ? input.namespace : '', input.name));
  if (existing === undefined) throw notFound(type, input.name);
  const target = type.conversion?.fromStored(existing.object) ?? existing.object;
  let patched: unknown;
  if (mediaType === 'application/json-patch+json') patched = applyJsonPatch(target, patch);
  else {
    if (!isObject(patch)) throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}');
    patched = isStrategic ? strategicMerge(target, patch, type.schema) : mergePatch(target, patch);
  }
  const given = readObject(patched, type, input.validation, input.warnings);
  assertSameName(given, target);
  return updateObject(cluster, {
    type: type.conversion?.stored() ?? type,
    existing,
    given: type.conversion?.toStored(given) ?? given,
    context: input.context,
    isPatch: true,
  });
}

function assertSameName(given: KubeObject, target: KubeObject): void {
  if (given.metadata.name !== target.metadata.name) {
    throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${target.metadata.name})`);
  }
}

function unsupported(type: ResourceType): ApiError {
  const accepted = patchTypes.filter((entry) => !(type.isCustom && entry.includes('strategic')));
  return new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}
