import { isSealedSecretsError, SealedSecretsError, sealedSecretResource } from '@waxwing/shared';
import { rbacRule } from '@waxwing/shared/settings';
import { type Action, call, listPages } from '../api-requests.ts';
import type { Connection } from '../cluster.ts';
import { connectApiServer } from '../cluster-access.ts';
import type { Io } from '../io.ts';
import type { ClusterOptions } from '../kubeconfig.ts';
import { tableOfMetadata } from './secrets.ts';

/** Something that could not be read, so that nothing is known of it. */
export interface Gap {
  readonly what: string;
  readonly reason: string;
  /** The rule that would let it be read, where permission is what is missing. */
  readonly rule?: string;
}

/** What a read came to: what is there, that there is nothing, or that it could not be read. */
export type Read<T = unknown> = { readonly found: T } | 'absent' | 'unread';

/** Reads from the API server. What may not be read becomes a gap, and everything else goes on. */
export interface ClusterReader {
  /** Address of the API server. */
  readonly server: string;
  readonly gaps: readonly Gap[];
  addGap(gap: Gap): void;
  get(path: string, action: Action): Promise<Read>;
  /** Stores nothing: for access reviews. */
  post(path: string, action: Action, body: unknown): Promise<Read>;
  /** Hands out all objects, page by page. `absent`: the resource is not known. */
  list(path: string, action: Action, onObject: (object: unknown) => Promise<void> | void): Promise<Read>;
  /** Hands out all Secrets as rows of tables, so that no value is sent. */
  listSecretRows(namespace: string, onRow: (row: unknown, columns: readonly unknown[]) => void): Promise<Read>;
}

/** Large objects in small pages: 10,000 of them need not be in memory at once. */
const pageSize = 100;
const rowsPerPage = 500;

/**
 * Connects to the cluster.
 *
 * @throws SealedSecretsError `InvalidConfiguration`, `ControllerUnreachable`, or `ApiForbidden` where the credentials are refused.
 */
export async function openCluster(io: Io, options: ClusterOptions): Promise<ClusterReader> {
  const connection = await connectApiServer(io, options);
  await assertReachable(connection);
  const gaps: Gap[] = [];
  const addGap = (gap: Gap) => {
    if (!gaps.some(({ what, rule }) => what === gap.what && rule === gap.rule)) gaps.push(gap);
  };
  const attempt = async (action: Action, read: () => Promise<unknown>): Promise<Read> => {
    try {
      return { found: await read() };
    } catch (error) {
      if (isSealedSecretsError(error, 'NotFound')) return 'absent';
      addGap(gapOf(error, action));
      return 'unread';
    }
  };
  return {
    server: connection.server,
    gaps,
    addGap,
    get: (path, action) => attempt(action, () => call(connection, 'GET', path, action)),
    post: (path, action, body) => attempt(action, () => call(connection, 'POST', path, action, JSON.stringify(body))),
    list: (path, action, onObject) =>
      attempt(action, async () => {
        for await (const { items = [] } of listPages(connection, path, action, { pageSize })) {
          for (const item of items) await onObject(item);
        }
      }),
    listSecretRows(namespace, onRow) {
      const path = namespace === '' ? '/api/v1/secrets?' : `/api/v1/namespaces/${namespace}/secrets?`;
      const action: Action = { verb: 'list', resource: 'secrets', ...whatOf('Secrets', namespace) };
      const options = { pageSize: rowsPerPage, accept: tableOfMetadata };
      return attempt(action, async () => {
        for await (const { rows = [], columnDefinitions = [] } of listPages(connection, path, action, options)) {
          for (const row of rows) onRow(row, columnDefinitions);
        }
      });
    },
  };
}

/** Objects of a namespace, or of all of them, as an action names them. */
function whatOf(what: string, namespace: string): Pick<Action, 'what' | 'namespace'> {
  return namespace === '' ? { what: `${what} of all namespaces` } : { what, namespace };
}

/** SealedSecrets of a namespace, or of all of them. */
export function sealedSecretsAt(namespace: string, selector: string): readonly [path: string, action: Action] {
  const { group, version, plural } = sealedSecretResource;
  const where = namespace === '' ? '' : `/namespaces/${namespace}`;
  const path = `/apis/${group}/${version}${where}/${plural}?labelSelector=${encodeURIComponent(selector)}`;
  return [path, { verb: 'list', resource: `${plural}.${group}`, ...whatOf('SealedSecrets', namespace) }];
}

/** Without an API server, or with credentials that it refuses, every request fails in the same way: there is nothing to go on with. */
async function assertReachable(connection: Connection): Promise<void> {
  if ((await statusOf(connection)) !== 401) return;
  throw new SealedSecretsError('ApiForbidden', 'the cluster does not accept your credentials', {
    hint: 'See who you are to the cluster: kubectl auth whoami',
  });
}

async function statusOf(connection: Connection): Promise<number> {
  try {
    return (await connection.request('GET', '/version', { Accept: 'application/json' })).status;
  } catch (cause) {
    if (!isSealedSecretsError(cause)) throw cause;
    throw new SealedSecretsError(cause.code, cause.message, {
      cause,
      hint: cause.hint ?? 'See whether the cluster answers: kubectl version',
    });
  }
}

/** @throws what is no answer of the API server about this one thing. */
function gapOf(error: unknown, action: Action): Gap {
  if (!isSealedSecretsError(error) || error.code === 'ControllerUnreachable') throw error;
  if (error.code === 'InvalidConfiguration') throw error;
  const what = describe(action);
  if (error.code !== 'ApiForbidden') return { what, reason: error.message };
  return { what, reason: 'forbidden', rule: ruleOf(action) };
}

function describe({ what, namespace }: Action): string {
  return namespace === undefined ? what : `${what} in namespace ${namespace}`;
}

function ruleOf({ verb, resource }: Action): string {
  const [name = '', ...group] = resource.split('.');
  return rbacRule({ verb, group: group.join('.'), resource: name });
}
