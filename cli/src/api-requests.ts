import type { OutgoingHttpHeaders } from 'node:http';
import { SealedSecretsError } from '@waxwing/shared';
import type { Connection } from './cluster.ts';

// Requests to the API server by the commands that look at the cluster itself, and what their failures are called.

const json = { Accept: 'application/json', 'Content-Type': 'application/json' };

/** What a request wants, for messages. */
export interface Action {
  readonly verb: string;
  /** As `kubectl auth can-i` takes it. */
  readonly resource: string;
  /** With the name, where there is one: `Secret key-1`. */
  readonly what: string;
  /** Absent for the whole cluster. */
  readonly namespace?: string;
}

/** How a list is asked for, where it differs from whole objects by the 500. */
interface ListOptions {
  readonly pageSize?: number;
  /** Another form of the objects, such as metadata alone. */
  readonly accept?: string;
}

/** A page of a list, or of a table. */
interface Page {
  readonly items?: readonly unknown[];
  readonly rows?: readonly unknown[];
  readonly columnDefinitions?: readonly { readonly name?: unknown }[];
  readonly metadata?: { readonly continue?: string };
}

/** All pages of a list. @param path with its query, or a `?` at its end */
export async function* listPages(
  connection: Connection,
  path: string,
  action: Action,
  { pageSize = 500, accept }: ListOptions = {},
): AsyncGenerator<Page> {
  const headers = accept === undefined ? {} : { Accept: accept };
  let token = '';
  do {
    const url = `${path}&limit=${pageSize}&continue=${encodeURIComponent(token)}`;
    const page = (await call(connection, 'GET', url, action, undefined, headers)) as Page;
    yield page;
    token = page.metadata?.continue ?? '';
  } while (token !== '');
}

/** All objects of a list. */
export async function* pages(connection: Connection, path: string, action: Action): AsyncGenerator<unknown> {
  for await (const { items = [] } of listPages(connection, path, action)) yield* items;
}

/** One request; an answer that is not 2xx becomes an error that names action and place, never what was sent. */
export async function call(
  connection: Connection,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  action: Action,
  body?: string,
  more: OutgoingHttpHeaders = {},
): Promise<unknown> {
  const type = method === 'PATCH' ? { 'Content-Type': 'application/merge-patch+json' } : {};
  const headers = { ...json, ...type, ...more };
  const response = await connection.request(method, path, headers, body);
  if (response.status >= 200 && response.status < 300) return JSON.parse(response.body.toString('utf8'));
  throw failureOf(response.status, action);
}

function failureOf(status: number, { verb, resource, what, namespace }: Action): SealedSecretsError {
  const place = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const failed = `cannot ${verb} ${what}${place}`;
  switch (status) {
    case 401:
      return new SealedSecretsError('ApiForbidden', `${failed}: the cluster does not accept your credentials`, {
        hint: 'See who you are to the cluster: kubectl auth whoami',
      });
    case 403: {
      const where = namespace === undefined ? '--all-namespaces' : `-n ${namespace}`;
      return new SealedSecretsError('ApiForbidden', `you may not ${verb} ${what}${place}`, {
        hint: `See what you may do: kubectl auth can-i ${verb} ${resource} ${where}`,
      });
    }
    case 404:
      return new SealedSecretsError('NotFound', `${failed}: not found`, {
        hint:
          namespace === undefined
            ? 'Is it installed? kubectl get crd sealedsecrets.bitnami.com'
            : `See: kubectl -n ${namespace} get secrets`,
      });
    case 409:
      return new SealedSecretsError('ApiConflict', `${failed}: it exists already, or was changed meanwhile`, {
        hint: 'Run the command again; it looks at everything anew.',
      });
    case 429:
      return new SealedSecretsError('RateLimited', `${failed}: the API server asks to be left alone for a while`, {
        hint: 'Try again in a minute.',
      });
    default:
      return new SealedSecretsError(
        status >= 500 ? 'ApiUnavailable' : 'ApiRejected',
        `${failed}: the API server answered ${status}`,
        { hint: 'See how it is: kubectl get --raw /readyz?verbose' },
      );
  }
}
