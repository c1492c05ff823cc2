import type { KeyObject } from 'node:crypto';
import { appliedConfigurationAnnotations, keyIdAnnotation } from './api/annotations.ts';
import type { Scope } from './api/scope.ts';
import { encryptionLabel, scopeAnnotations, scopeNeeds, scopeOf } from './api/scope.ts';
import type { ObjectMeta, SealedSecret, Secret } from './api/sealed-secret.ts';
import { emptyMetadata, sealedSecretResource } from './api/sealed-secret.ts';
import type { RandomBytes } from './crypto/hybrid.ts';
import { hybridEncrypt } from './crypto/hybrid.ts';
import { encodeBase64 } from './encoding.ts';
import { SealedSecretsError } from './errors.ts';

/** What it takes to seal: the public key of the cluster and a source of randomness. */
export interface Sealer {
  readonly publicKey: KeyObject;
  readonly randomBytes: RandomBytes;
  /** Written as a hint into the annotation `waxwing.dev/key-id`; leave it out to print what upstream prints. */
  readonly keyId?: string;
}

/** The place a value is sealed for. Namespace and name count only as far as the scope binds them. */
export interface SealPlace {
  readonly scope: Scope;
  readonly namespace: string;
  readonly name: string;
}

/** Seals one value; returns the base64 text that stands in `spec.encryptedData`. */
export function sealValue(plaintext: Uint8Array, place: SealPlace, sealer: Sealer): string {
  const label = encryptionLabel(place.scope, place.namespace, place.name);
  return encodeBase64(hybridEncrypt(plaintext, sealer.publicKey, label, sealer.randomBytes));
}

/**
 * Seals a whole Secret for the scope its annotations declare. Fields the API server sets, owner references, and the annotations in
 * which tools keep a copy of the values are left out.
 *
 * @throws SealedSecretsError `InvalidObject` when the scope needs a name or namespace and the Secret has none.
 */
export function sealSecret(secret: Secret, sealer: Sealer): SealedSecret {
  const { metadata } = secret;
  const scope = scopeOf(metadata.annotations);
  const needs = scopeNeeds(scope);
  if (metadata.name === '') {
    throw new SealedSecretsError('InvalidObject', 'missing metadata.name in input Secret');
  }
  if (needs.namespace && metadata.namespace === '') {
    throw new SealedSecretsError('InvalidObject', 'secret must declare a namespace', {
      hint: `Scope ${scope} binds the secret to its namespace: set metadata.namespace or give --namespace.`,
    });
  }
  const place: SealPlace = { scope, namespace: metadata.namespace, name: metadata.name };
  const encryptedData = new Map<string, string>();
  for (const [item, value] of secret.data) encryptedData.set(item, sealValue(value, place, sealer));
  const annotations = scopeAnnotations(scope);
  if (sealer.keyId !== undefined) annotations.set(keyIdAnnotation, sealer.keyId);
  return {
    apiVersion: sealedSecretResource.apiVersion,
    kind: sealedSecretResource.kind,
    metadata: { ...emptyMetadata, name: metadata.name, namespace: metadata.namespace, annotations },
    spec: {
      template: {
        metadata: templateMetadata(metadata),
        type: secret.type,
        ...(secret.immutable === undefined ? {} : { immutable: secret.immutable }),
        data: new Map(),
      },
      encryptedData,
    },
  };
}

/** The metadata of an input Secret that goes into the template. */
export function templateMetadata(metadata: ObjectMeta): ObjectMeta {
  const annotations = new Map(metadata.annotations);
  for (const name of appliedConfigurationAnnotations) annotations.delete(name);
  return {
    ...emptyMetadata,
    name: metadata.name,
    ...(metadata.generateName === undefined ? {} : { generateName: metadata.generateName }),
    namespace: metadata.namespace,
    labels: metadata.labels,
    annotations,
    finalizers: metadata.finalizers,
  };
}
