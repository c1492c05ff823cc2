import type { KeyObject } from 'node:crypto';
import type { InvalidKeySecret, KeySecret, Secret } from '@waxwing/shared';
import {
  activeKeyLabelValue,
  activeKeySelector,
  isInvalid,
  keyLabel,
  keySecretOf,
  parseKeySecret,
  secretDocument,
} from '@waxwing/shared';
import type { SecretsApi } from '../kube/api.ts';
import type { KeyListing, KeyRing } from './registry.ts';

/** Sealing keys as Secrets, read and written. */
export interface KeyStore {
  /**
   * All key Secrets: the labelled ones and the legacy one named like the prefix.
   *
   * @param ring the keys held so far: of those that are not listed any more it is found out whether they were relabelled
   * @throws SealedSecretsError of the API: the list is complete or not there at all.
   */
  list(ring: KeyRing, signal?: AbortSignal): Promise<KeyListing>;
  /** Writes a new key as a labelled Secret, with annotations besides the configured ones; returns its name. */
  create(
    key: { readonly privateKey: KeyObject; readonly certificatePem: string },
    annotations?: ReadonlyMap<string, string>,
  ): Promise<string>;
}

export interface KeyStoreOptions {
  readonly secrets: Pick<SecretsApi, 'list' | 'get' | 'create'>;
  readonly namespace: string;
  readonly prefix: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

export function createKeyStore(options: KeyStoreOptions): KeyStore {
  const { secrets, namespace, prefix } = options;
  return {
    async list(ring, signal) {
      const call = signal === undefined ? {} : { signal };
      const labelled = (await secrets.list(namespace, activeKeySelector, call)).map(parseKeySecret);
      const legacy = await secrets.get({ namespace, name: prefix }, call);
      const parsed = labelled.toSorted(byCreation);
      if (legacy !== undefined && !parsed.some((secret) => secret.name === prefix)) {
        parsed.push(parseKeySecret(secretDocument(legacy)));
      }
      return { parsed, relabelledUids: await findRelabelled(ring, parsed, call) };
    },
    async create(key, annotations = new Map()) {
      const secret = keySecretOf({
        ...options,
        ...key,
        annotations: new Map([...options.annotations, ...annotations]),
      });
      return (await secrets.create(secret)).name;
    },
  };

  async function findRelabelled(
    ring: KeyRing,
    parsed: KeyListing['parsed'],
    call: { signal?: AbortSignal },
  ): Promise<Set<string>> {
    const listed = new Set(parsed.map((secret) => secret.uid));
    const result = new Set<string>();
    for (const { secret } of ring.keys) {
      if (listed.has(secret.uid) || secret.name === prefix) continue;
      const current = await secrets.get({ namespace, name: secret.name }, call);
      if (current?.metadata.uid === secret.uid && !isLabelled(current)) result.add(secret.uid);
    }
    return result;
  }
}

function isLabelled(secret: Secret): boolean {
  return secret.metadata.labels.get(keyLabel) === activeKeyLabelValue;
}

function byCreation(a: KeySecret | InvalidKeySecret, b: KeySecret | InvalidKeySecret): number {
  return (isInvalid(a) ? 0 : a.createdMs) - (isInvalid(b) ? 0 : b.createdMs);
}
