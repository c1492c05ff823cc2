import { numberAt, sealedSecretResource, textAt } from '@waxwing/shared';
import type { CallOptions, ObjectKey, Written } from './api.ts';
import { ApiError } from './errors.ts';

/** Only metadata comes back: less to send, and no value of a Secret in an answer that nobody reads. */
export const metadataAnswer = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json';

/** The path of a collection of resources (the API concepts of Kubernetes); an empty group is the core one, an empty namespace means all. */
export function collectionPath(group: string, version: string, namespace: string, plural: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === '' ? `${root}/${plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export function secretsPath(namespace: string): string {
  return collectionPath('', 'v1', namespace, 'secrets');
}

export function sealedSecretsPath(namespace: string): string {
  const { group, version, plural } = sealedSecretResource;
  return collectionPath(group, version, namespace, plural);
}

/** What the answer to a write says of the object; an answer with metadata alone is enough. */
export function writtenFrom(object: unknown): Written {
  const generation = numberAt(object, 'metadata', 'generation');
  return {
    uid: textAt(object, 'metadata', 'uid'),
    resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
    ...(generation === undefined ? {} : { generation }),
  };
}

/**
 * Undefined where the object itself does not exist. A 404 for anything else (the CRD is not installed, a proxy answers)
 * stays an error: taken for a deletion it would delete Secrets.
 */
export async function orUndefined<T>(name: string, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && error.objectName === name) return undefined;
    throw error;
  }
}

/** Namespace and name alone, of something that has more. */
export function objectKeyOf(key: { readonly namespace: string; readonly name: string }): ObjectKey {
  return { namespace: key.namespace, name: key.name };
}

/** What may end a write, or keep it from being sent. */
export function limitsOf({ signal, permit }: CallOptions) {
  return { signal, permit };
}
