import { property, textAt } from '@waxwing/shared';
import type { CallOptions, ListPage, ResourceApi, ResourceSelection } from './api.ts';
import { type ApiCall, ApiError, apiErrorFromStatus } from './errors.ts';
import type { ApiTransport } from './transport.ts';

/** Without the plain type at its end: a server that does not know it must refuse instead of sending whole Secrets. */
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const metadataWatch = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const listPageSize = 500;

/** Lists and watches of any resource, by its path. */
export function resourceApi(transport: ApiTransport): ResourceApi {
  return {
    async list(selection, page, options = {}) {
      const query = new URLSearchParams({ limit: String(page.limit) });
      if (selection.labelSelector !== '') query.set('labelSelector', selection.labelSelector);
      if (page.continueToken !== '') query.set('continue', page.continueToken);
      const answer = await transport.request({
        method: 'GET',
        path: `${selection.path}?${query}`,
        accept: selection.metadataOnly ? metadataList : 'application/json',
        call: callOf('list', selection),
        signal: options.signal,
      });
      return pageFrom(answer, selection);
    },
    async watch(selection, watch, onEvent, options = {}) {
      const { resourceVersion, timeoutSeconds, idleTimeoutMs } = watch;
      const query = new URLSearchParams({
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
      });
      if (selection.labelSelector !== '') query.set('labelSelector', selection.labelSelector);
      const call = callOf('watch', selection);
      const onLine = (line: string) => {
        const event: unknown = parseLine(line, call);
        const type = textAt(event, 'type');
        const object = property(event, 'object');
        if (type === 'ERROR') throw apiErrorFromStatus(call, object);
        onEvent({ type, object });
      };
      const accept = selection.metadataOnly ? metadataWatch : 'application/json';
      const request = {
        method: 'GET',
        path: `${selection.path}?${query}`,
        accept,
        call,
        signal: options.signal,
      } as const;
      await transport.stream(request, { idleTimeoutMs, onLine, onOpen: () => watch.onOpen?.() });
    },
  };
}

function parseLine(line: string, call: ApiCall): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ApiError('ApiUnavailable', `${call.verb} ${call.resource}: an event is not JSON`, { status: 0 });
  }
}

/** Group, resource and namespace of a collection's path, for messages. */
function callOf(verb: string, selection: ResourceSelection): ApiCall {
  const segments = selection.path.split('/').filter((segment) => segment !== '');
  const group = segments[0] === 'apis' ? (segments[1] ?? '') : '';
  const at = segments.indexOf('namespaces');
  const namespace = at !== -1 && at < segments.length - 2 ? decodeURIComponent(segments[at + 1] ?? '') : '';
  return { verb, group, resource: segments.at(-1) ?? '', namespace, name: '' };
}

function pageFrom(answer: unknown, selection: ResourceSelection): ListPage {
  const items = property(answer, 'items');
  // An absent list is an empty one only if this is a list at all: anything else would look like "everything was deleted".
  if (!Array.isArray(items) && (items !== null || !textAt(answer, 'kind').endsWith('List'))) {
    const what = `list ${selection.path}: the answer is not a list`;
    throw new ApiError('ApiUnavailable', what, { status: 0 });
  }
  return {
    items: Array.isArray(items) ? items : [],
    resourceVersion: textAt(answer, 'metadata', 'resourceVersion'),
    continueToken: textAt(answer, 'metadata', 'continue'),
  };
}

/** Every page of a list, from the beginning once more if the history was compacted in between. Throws `ApiError`. */
export async function listAll(
  transport: ApiTransport,
  selection: ResourceSelection,
  options: CallOptions,
): Promise<unknown[]> {
  const { list } = resourceApi(transport);
  for (let restarted = false; ; restarted = true) {
    const items: unknown[] = [];
    let continueToken = '';
    try {
      do {
        const page = await list(selection, { limit: listPageSize, continueToken }, options);
        items.push(...page.items);
        continueToken = page.continueToken;
      } while (continueToken !== '');
      return items;
    } catch (error) {
      // The continue token got too old between two pages.
      if (!(error instanceof ApiError && error.gone) || restarted) throw error;
    }
  }
}
