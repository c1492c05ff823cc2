import { parseFieldSelector } from './selectors.ts';

/** What a request asks for, as authorization and the audit trail see it. */
export interface RequestInfo {
  readonly isResource: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the lower-case method outside of resources. */
  readonly verb: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** What follows the subresource: the path behind a proxy, with its slash. */
  readonly rest: string;
}

const methodVerbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

const namespaceSubresources = new Set(['status', 'finalize']);

export function parseRequest(method: string, target: string): RequestInfo {
  const questionMark = target.indexOf('?');
  const rawPath = questionMark === -1 ? target : target.slice(0, questionMark);
  const query = new URLSearchParams(questionMark === -1 ? '' : target.slice(questionMark + 1));
  const path = decodeSafely(rawPath);
  const parts = rawPath.split('/').slice(1);
  if (parts.at(-1) === '') parts.pop();
  const nonResource: RequestInfo = {
    isResource: false,
    verb: method.toLowerCase(),
    path,
    query,
    group: '',
    version: '',
    namespace: '',
    resource: '',
    subresource: '',
    name: '',
    rest: '',
  };
  const isCore = parts[0] === 'api';
  if (!isCore && parts[0] !== 'apis') return nonResource;
  const resourceAt = isCore ? 2 : 3;
  if (parts.length <= resourceAt) return nonResource;
  const group = isCore ? '' : decodeSafely(parts[1] as string);
  const version = decodeSafely(parts[resourceAt - 1] as string);
  return { ...nonResource, isResource: true, group, version, ...resourceParts(method, parts.slice(resourceAt), query) };
}

function resourceParts(method: string, segments: string[], query: URLSearchParams) {
  let parts = segments;
  let verb = methodVerbs[method] ?? method.toLowerCase();
  // The old form /api/v1/watch/...; parameters say the same today.
  const isOldWatch = parts[0] === 'watch' && parts.length > 1;
  if (isOldWatch) parts = parts.slice(1);
  let namespace = '';
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = decodeSafely(parts[1] as string);
    if (parts.length > 2 && !namespaceSubresources.has(parts[2] as string)) parts = parts.slice(2);
  }
  const resource = decodeSafely(parts[0] as string);
  let name = decodeSafely(parts[1] ?? '');
  const subresource = decodeSafely(parts[2] ?? '');
  const rest = parts.length > 3 ? `/${parts.slice(3).join('/')}` : '';
  if (name === '') {
    if (verb === 'get') verb = isOldWatch || isTrue(query.get('watch')) ? 'watch' : 'list';
    if (verb === 'delete') verb = 'deletecollection';
    // A list restricted to one name may be allowed by resourceNames.
    name = nameOfSelector(query.get('fieldSelector') ?? '');
  }
  return { verb, namespace, resource, subresource, name, rest };
}

export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}

function nameOfSelector(selector: string): string {
  if (!selector.includes('metadata.name')) return '';
  try {
    return parseFieldSelector(selector).find((term) => term.path === 'metadata.name' && term.equal)?.value ?? '';
  } catch {
    return '';
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
