import { formatJsonCompact, keyLabel, type Secret, secretDocument } from '@waxwing/shared';
import { call, pages } from '../api-requests.ts';
import { connectApiServer } from '../cluster-access.ts';
import type { Io } from '../io.ts';
import { type ControllerOptions, clusterOptionsOf } from '../options.ts';

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
