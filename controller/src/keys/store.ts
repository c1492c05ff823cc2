import type { KeyObject } from 'node:crypto';
import type { InvalidKeySecret, KeySecret, Secret } from '@waxwing/shared';
import {
  activeKeyLabelValue,
  activeKeySelector,
  isInvalid,
  isSealedSecretsError,
  keyLabel,
  keySecretOf,
  parseKeySecret,
  secretDocument,
} from '@waxwing/shared';
import type { SecretsApi } from '../kube/api.ts';
import type { KeyListing, KeyRing, RingKey } from './registry.ts';

/** Sealing keys as Secrets, read and written. */
export interface KeyStore {
  /**
   * All key Secrets: the labelled ones and the legacy one named like the prefix.
   *
   * @param ring the keys held so far: of those that are not listed any more it is found out whether they were relabelled
   * @throws SealedSecretsError of the API: the list is complete or not there at all.
   */
  list(ring: KeyRing, signal?: AbortSignal): Promise<KeyListing>;
  /** Writes a new key as a labelled Secret, with annotations besides the configured ones; returns it as a list would have it. */
  create(
    key: { readonly privateKey: KeyObject; readonly certificatePem: string },
    annotations?: ReadonlyMap<string, string>,
  ): Promise<KeySecret | InvalidKeySecret>;
}

export interface KeyStoreOptions {
  readonly secrets: Pick<SecretsApi, 'list' | 'get' | 'create'>;
  readonly namespace: string;
  readonly prefix: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

export function createKeyStore(options: KeyStoreOptions): KeyStore {
  const { secrets, namespace, prefix } = options;
  return {
    async list(ring, signal) {
      const call = signal === undefined ? {} : { signal };
      const parsed = (await secrets.list(namespace, activeKeySelector, call)).map(parseKeySecret);
      const legacy = await secrets.get({ namespace, name: prefix }, call);
      if (legacy !== undefined && !parsed.some((secret) => secret.name === prefix)) {
        parsed.push(parseKeySecret(secretDocument(legacy)));
      }
      parsed.sort(byCreation);
      return { parsed, relabelledUids: await findRelabelled(ring, parsed, call) };
    },
    async create(key, annotations = new Map()) {
      const secret = keySecretOf({
        ...options,
        ...key,
        annotations: new Map([...options.annotations, ...annotations]),
      });
      const { name, uid, resourceVersion } = await secrets.create(secret);
      const creationTimestamp = `${new Date(options.nowMs()).toISOString().slice(0, 19)}Z`;
      const metadata = { ...secret.metadata, name, uid, resourceVersion, creationTimestamp };
      return parseKeySecret(secretDocument({ ...secret, metadata }));
    },
  };

  async function findRelabelled(
    ring: KeyRing,
    parsed: KeyListing['parsed'],
    call: { signal?: AbortSignal },
  ): Promise<Set<string>> {
    const listed = new Set(parsed.map((secret) => secret.uid));
    const missing = ring.keys.filter(({ secret }) => !listed.has(secret.uid) && secret.name !== prefix);
    try {
      const result = new Set<string>();
      for (const { secret } of missing) {
        const current = await secrets.get({ namespace, name: secret.name }, call);
        if (current?.metadata.uid === secret.uid && !isLabelled(current)) result.add(secret.uid);
      }
      return result;
    } catch (error) {
      if (!isSealedSecretsError(error) || error.code !== 'ApiForbidden') throw error;
      return findOtherwiseLabelled(missing, call);
    }
  }

  /**
   * Upstream's narrowest role may list Secrets here, but get no other than the legacy one. Then a key counts as relabelled if the label has another
   * value; one that lost the label altogether cannot be told from one that was deleted.
   */
  async function findOtherwiseLabelled(
    missing: readonly RingKey[],
    call: { signal?: AbortSignal },
  ): Promise<Set<string>> {
    const carriers = await secrets.list(namespace, keyLabel, call);
    const uids = new Set(carriers.map((raw) => parseKeySecret(raw).uid));
    return new Set(missing.map(({ secret }) => secret.uid).filter((uid) => uids.has(uid)));
  }
}

function isLabelled(secret: Secret): boolean {
  return secret.metadata.labels.get(keyLabel) === activeKeyLabelValue;
}

function byCreation(a: KeySecret | InvalidKeySecret, b: KeySecret | InvalidKeySecret): number {
  return (isInvalid(a) ? 0 : a.createdMs) - (isInvalid(b) ? 0 : b.createdMs);
}
