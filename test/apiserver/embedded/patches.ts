import { applyObject } from './apply.ts';
import { type FieldValidation, parseBody, readObject } from './bodies.ts';
import { ApiError, badRequest, invalid, invalidValue, notFound } from './errors.ts';
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
  const { value: patch } = parseBody(input.body);
  const existing = cluster.store
    .collection(type.storage)
    .get(keyOf(type.namespaced ? input.namespace : '', input.name));
  if (existing === undefined) throw notFound(type, input.name);
  const target = type.conversion?.fromStored(existing.object) ?? existing.object;
  let patched: unknown;
  if (mediaType === 'application/json-patch+json') patched = applyJsonPatch(target, patch);
  else {
    if (!isObject(patch))
      throw badRequest(
        'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
      );
    patched = isStrategic ? strategicMerge(target, patch, type.schema) : mergePatch(target, patch);
  }
  const given = readPatched(patched, input);
  assertSameName(given, target);
  return updateObject(cluster, {
    type: type.conversion?.stored() ?? type,
    existing,
    given: type.conversion?.toStored(given) ?? given,
    context: input.context,
    isPatch: true,
  });
}

/** The result of a patch that cannot be read is not a bad request but an invalid patch; unlike the real one we do not repeat it. */
function readPatched(patched: unknown, input: PatchInput): KubeObject {
  try {
    return readObject({ value: patched, duplicates: [] }, input.type, input.validation, input.warnings);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 400) throw error;
    throw invalid({ group: '', kind: '' }, '', [invalidValue('patch', '<patched object>', error.message)]);
  }
}

function assertSameName(given: KubeObject, target: KubeObject): void {
  if ((given.metadata.namespace ?? target.metadata.namespace) !== target.metadata.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (given.metadata.name !== target.metadata.name) {
    throw badRequest(
      `the name of the object (${given.metadata.name}) does not match the name on the URL (${target.metadata.name})`,
    );
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
