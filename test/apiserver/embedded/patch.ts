import jsonPatch, { type Operation } from 'fast-json-patch';
import { ApiError, badRequest } from './errors.ts';
import { isObject, type JsonObject, own, put } from './json.ts';

/** RFC 7386. Parts that the patch does not mention are shared with the target. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else put(result, key, mergePatch(own(result, key), value));
  }
  return result;
}

/** RFC 6902. Throws 400 for a patch that is none, and 422 for an operation that cannot be carried out. */
export function applyJsonPatch(target: JsonObject, patch: unknown): unknown {
  if (!Array.isArray(patch))
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  const operations = patch as Operation[];
  for (const operation of operations) {
    if (!isObject(operation) || typeof operation['op'] !== 'string' || typeof operation['path'] !== 'string') {
      throw badRequest('error decoding patch: an operation has no op or path');
    }
  }
  // The library changes its document in place; parsing again is the cheapest copy that keeps every key.
  let document: unknown = JSON.parse(JSON.stringify(target));
  for (const operation of operations) {
    try {
      document = jsonPatch.applyOperation(document, operation, true, true, true).newDocument;
    } catch (error) {
      throw new ApiError(
        422,
        'Invalid',
        'the server rejected our request due to an error in our request',
        {},
        { cause: error },
      );
    }
  }
  return document;
}
