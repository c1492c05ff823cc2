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
  createSecret(secret: Secret, options: { readonly dryRun: boolean }): Promise<SecretVersion>;
  /** Deletes exactly that Secret. */
  deleteSecret(name: string, uid: string): Promise<void>;
  /** Changes labels and annotations of exactly that version of a Secret; returns the new version. Null removes. */
  patchMetadata(target: SecretVersion, change: MetadataChange): Promise<SecretVersion>;
}

export interface SecretVersion {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface MetadataChange {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly annotations?: Readonly<Record<string, string | null>>;
}

/** @throws SealedSecretsError `InvalidConfiguration`. */
export async function connectKeys(io: Io, options: ControllerOptions): Promise<ClusterKeys> {
  const connection = await connectApiServer(io, clusterOptionsOf(options));
  const namespace = options.controllerNamespace;
  const secrets = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets`;
  const inNamespace = { namespace, resource: 'secrets' };
  return {
    namespace,
    async listKeySecrets() {
      const path = `${secrets}?labelSelector=${encodeURIComponent(keyLabel)}`;
      const found: unknown[] = [];
      for await (const item of pages(connection, path, { ...inNamespace, verb: 'list', what: 'Secrets' }))
        found.push(item);
      return found;
    },
    listSealedSecrets: () =>
      pages(connection, '/apis/bitnami.com/v1alpha1/sealedsecrets?', {
        verb: 'list',
        resource: 'sealedsecrets.bitnami.com',
        what: 'SealedSecrets',
      }),
    async createSecret(secret, { dryRun }) {
      const path = `${secrets}?fieldManager=waxwing${dryRun ? '&dryRun=All' : ''}`;
      const { name } = secret.metadata;
      const action = { ...inNamespace, verb: 'create', what: name === '' ? 'a Secret' : `Secret ${name}` };
      return versionOf(await call(connection, 'POST', path, action, formatJsonCompact(secretDocument(secret))));
    },
    async deleteSecret(name, uid) {
      const body = JSON.stringify({ preconditions: { uid } });
      const action = { ...inNamespace, verb: 'delete', what: `Secret ${name}` };
      await call(connection, 'DELETE', `${secrets}/${name}`, action, body);
    },
    async patchMetadata({ name, uid, resourceVersion }, change) {
      const body = JSON.stringify({ metadata: { uid, resourceVersion, ...change } });
      const action = { ...inNamespace, verb: 'patch', what: `Secret ${name}` };
      return versionOf(await call(connection, 'PATCH', `${secrets}/${name}?fieldManager=waxwing`, action, body));
    },
  };
}

function versionOf(answer: unknown): SecretVersion {
  const { name, uid, resourceVersion } = (answer as { metadata: SecretVersion }).metadata;
  return { name, uid, resourceVersion };
}

/** What a request wants, for messages. */
interface Action {
  readonly verb: string;
  /** As `kubectl auth can-i` takes it. */
  readonly resource: string;
  /** With the name, where there is one: `Secret key-1`. */
  readonly what: string;
  /** Absent for the whole cluster. */
  readonly namespace?: string;
}

async function* pages(connection: Connection, path: string, action: Action): AsyncGenerator<unknown> {
  let token = '';
  do {
    const url = `${path}&limit=${pageSize}&continue=${encodeURIComponent(token)}`;
    const page = (await call(connection, 'GET', url, action)) as {
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
  action: Action,
  body?: string,
): Promise<unknown> {
  const headers = method === 'PATCH' ? { ...json, 'Content-Type': 'application/merge-patch+json' } : json;
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
