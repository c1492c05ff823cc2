import { ApiError, badRequest, expired, forbiddenField, invalid } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { ResourceType } from './resources.ts';
import { fieldPredicate, type ObjectPredicate, parseFieldSelector, parseLabelSelector } from './selectors.ts';
import type { Collection, Store, StoredVersion } from './store.ts';

/** A page of a list. */
interface Page {
  readonly versions: readonly StoredVersion[];
  /** `metadata` of the list: its resource version, and where the next page begins. */
  readonly metadata: JsonObject;
}

/** The conjunction of `labelSelector` and `fieldSelector`; `undefined` if everything fits. */
export function selectorOf(type: ResourceType, query: URLSearchParams): ObjectPredicate | undefined {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '');
  const { conversion } = type;
  const stored =
    conversion === undefined ? terms : terms.map((term) => ({ ...term, path: conversion.storedPath(term.path) }));
  const fields = fieldPredicate(stored, type.selectableFields);
  if (labels === undefined) return fields;
  return fields === undefined ? labels : (object) => labels(object) && fields(object);
}

interface ContinueToken {
  readonly revision: number;
  readonly after: string;
}

function encodeToken(token: ContinueToken): string {
  const text = JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: token.after });
  return Buffer.from(text).toString('base64url');
}

function decodeToken(text: string): ContinueToken {
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (Number.isInteger(rv) && typeof start === 'string') return { revision: rv, after: start };
  } catch {
    // Falls through: whatever it is, it is none of our tokens.
  }
  throw badRequest('invalid continue token: continue key is not valid: it is none of this server');
}

/** Answers LIST: the whole of it or a page, as it is now or as it was at a resource version. */
export function listPage(store: Store, type: ResourceType, namespace: string, query: URLSearchParams): Page {
  const collection = store.collection(type.storage);
  const prefix = type.namespaced && namespace !== '' ? `${namespace}/` : '';
  const selector = selectorOf(type, query);
  const limit = parseLimit(query.get('limit'));
  const continueText = query.get('continue') ?? '';
  const token = continueText === '' ? undefined : decodeToken(continueText);
  const revision = token === undefined ? requestedRevision(store, collection, query) : token.revision;
  if (token !== undefined) assertContinuable(collection, token, query);
  // -1 stands for "the rest as it is now": what a token offered by a 410 leads to.
  const versions =
    revision === undefined || revision === -1 || revision >= store.revision
      ? collection.sorted(prefix)
      : collection.sortedAt(revision, prefix);
  const listed = revision === undefined || revision === -1 ? store.revision : revision;
  const page: StoredVersion[] = [];
  let remaining = 0;
  for (const version of versions) {
    if (token !== undefined && version.key <= token.after) continue;
    if (limit > 0 && page.length === limit) {
      remaining++;
      // With a selector nobody knows how many of the rest fit; as with the real server the last page may be empty.
      if (selector !== undefined) break;
    } else if (selector === undefined || selector(version.object)) page.push(version);
  }
  const last = page.at(-1);
  if (remaining === 0 || last === undefined) return { versions: page, metadata: { resourceVersion: String(listed) } };
  const metadata: JsonObject = {
    resourceVersion: String(listed),
    continue: encodeToken({ revision: listed, after: last.key }),
  };
  if (selector === undefined) metadata['remainingItemCount'] = remaining;
  return { versions: page, metadata };
}

function parseLimit(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^[-+]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Math.max(0, Number(text));
}

function assertContinuable(collection: Collection, token: ContinueToken, query: URLSearchParams): void {
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  if (token.revision === -1 || token.revision >= collection.forgotten) return;
  throw expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
    encodeToken({ revision: -1, after: token.after }),
  );
}

/** The revision that a list has to show; `undefined` for the newest. */
function requestedRevision(store: Store, collection: Collection, query: URLSearchParams): number | undefined {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  assertMatch(text, match);
  if (text === '' || text === '0') return undefined;
  const revision = parseRevision(text);
  if (revision > store.revision) throw tooLarge(revision, store.revision);
  const isExact =
    match === 'Exact' || (match === '' && (query.get('limit') ?? '') !== '' && query.get('limit') !== '0');
  if (!isExact) return undefined;
  if (revision < collection.forgotten) throw expired('The resourceVersion for the provided list is too old.');
  return revision;
}

function assertMatch(resourceVersion: string, match: string): void {
  if (match === '') return;
  const errors = [];
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    errors.push({
      type: 'FieldValueNotSupported' as const,
      field: 'resourceVersionMatch',
      text: `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
    });
  } else if (resourceVersion === '') {
    errors.push(
      forbiddenField('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    );
  } else if (match === 'Exact' && resourceVersion === '0') {
    errors.push(
      forbiddenField('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}

/** Parses a resource version of a query. Throws 400. */
export function parseRevision(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(
    `invalid resource version ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

/** The answer to a resource version that the server has not reached. */
function tooLarge(requested: number, current: number): ApiError {
  return new ApiError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${requested}, current: ${current}`,
    { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
    { headers: { 'retry-after': '1' } },
  );
}
