import { formatJsonCompact, keyLabel, SealedSecretsError, type Secret, secretDocument } from '@waxwing/shared';
import type { Connection } from '../cluster.ts';
import { connectApiServer } from '../cluster-access.ts';
import type { Io } from '../io.ts';
import { type ControllerOptions, clusterOptionsOf } from '../options.ts';

const pageSize = 500;
const json = { Accept: 'application/json', 'Content-Type': 'application/json' };

/** The key Secrets of a cluster, and the SealedSecrets that need them. Objects are handed out undecoded. */
export interface ClusterKeys {
  /** Of the controller, where key Secrets live. */
  readonly namespace: string;
  /** All Secrets with the key label, whatever its value. */
  listKeySecrets(): Promise<unknown[]>;
  listSealedSecrets(): AsyncGenerator<unknown>;
  /** @param options.dryRun asks the API server to check the Secret without storing it */
  createSecret(
    secret: Secret,
    options: { readonly dryRun: boolean },
  ): Promise<{ readonly name: string; readonly uid: string }>;
  /** Deletes exactly that Secret. */
  deleteSecret(name: string, uid: string): Promise<void>;
  /** Changes labels and annotations of exactly that version of a Secret. */
  patchMetadata(target: SecretVersion, change: MetadataChange): Promise<void>;
}

export interface SecretVersion {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface MetadataChange {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/** @throws SealedSecretsError `InvalidConfiguration`. */
export async function connectKeys(io: Io, options: ControllerOptions): Promise<ClusterKeys> {
  const connection = await connectApiServer(io, clusterOptionsOf(options));
  const namespace = options.controllerNamespace;
  const secrets = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
  return {
    namespace,
    async listKeySecrets() {
      const found: unknown[] = [];
      for await (const item of pages(
        connection,
        `${secrets}?labelSelector=${encodeURIComponent(keyLabel)}`,
        'list Secrets',
        namespace,
      )) {
        found.push(item);
      }
      return found;
    },
    listSealedSecrets: () =>
      pages(connection, '/apis/bitnami.com/v1alpha1/sealedsecrets?', 'list SealedSecrets', undefined),
    async createSecret(secret, { dryRun }) {
      const path = `${secrets}?fieldManager=waxwing${dryRun ? '&dryRun=All' : ''}`;
      const { metadata } = (await call(
        connection,
        'POST',
        path,
        'create Secrets',
        namespace,
        formatJsonCompact(secretDocument(secret)),
      )) as {
        metadata: { name: string; uid: string };
      };
      return { name: metadata.name, uid: metadata.uid };
    },
    async deleteSecret(name, uid) {
      await call(
        connection,
        'DELETE',
        `${secrets}/${name}`,
        'delete Secrets',
        namespace,
        JSON.stringify({ preconditions: { uid } }),
      );
    },
    async patchMetadata({ name, uid, resourceVersion }, change) {
      const body = JSON.stringify({ metadata: { uid, resourceVersion, ...change } });
      await call(connection, 'PATCH', `${secrets}/${name}?fieldManager=waxwing`, 'patch Secrets', namespace, body);
    },
  };
}

async function* pages(
  connection: Connection,
  path: string,
  action: string,
  namespace: string | undefined,
): AsyncGenerator<unknown> {
  let token = '';
  do {
    const page = (await call(
      connection,
      'GET',
      `${path}&limit=${pageSize}&continue=${encodeURIComponent(token)}`,
      action,
      namespace,
    )) as {
      items?: unknown[];
      metadata?: { continue?: string };
    };
    yield* page.items ?? [];
    token = page.metadata?.continue ?? '';
  } while (token !== '');
}

/** One request; an answer that is not 2xx becomes an error that names action and place, never what was sent. */
async function call(
  connection: Connection,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  action: string,
  namespace: string | undefined,
  body?: string,
): Promise<unknown> {
  const headers = method === 'PATCH' ? { ...json, 'Content-Type': 'application/merge-patch+json' } : json;
  const response = await connection.request(method, path, headers, body);
  if (response.status >= 200 && response.status < 300) return JSON.parse(response.body.toString('utf8'));
  const place = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const flag = namespace === undefined ? '--all-namespaces' : `-n ${namespace}`;
  const [verb = '', resource = ''] = action.toLowerCase().split(' ');
  switch (response.status) {
    case 401:
    case 403:
      throw new SealedSecretsError('ApiForbidden', `you may not ${action}${place}`, {
        hint: `See what you may do: kubectl auth can-i ${verb} ${resource} ${flag}`,
      });
    case 404:
      throw new SealedSecretsError('NotFound', `cannot ${action}${place}: not found`);
    case 409:
      throw new SealedSecretsError(
        'ApiConflict',
        `cannot ${action}${place}: it exists already, or was changed meanwhile`,
        {
          hint: 'Run the command again; it looks at everything anew.',
        },
      );
    default:
      throw new SealedSecretsError(
        'ApiRejected',
        `cannot ${action}${place}: the API server answered ${response.status}`,
      );
  }
}
