import { keyIdAnnotation } from './api/annotations.ts';
import { scopeOf, withScope } from './api/scope.ts';
import type { ObjectMeta, SealedSecret } from './api/sealed-secret.ts';
import type { UnsealingKey } from './crypto/private-key.ts';
import { decryptItems } from './decrypt.ts';
import { SealedSecretsError } from './errors.ts';
import type { Sealer } from './seal.ts';
import { sealSecret, sealValue, templateMetadata } from './seal.ts';
import { assertDecryptable, openLegacy } from './unseal.ts';

export interface ReencryptOptions {
  readonly keys: readonly UnsealingKey[];
  readonly acceptV1: boolean;
  /** The newest certificate. */
  readonly sealer: Sealer;
}

/**
 * Seals a SealedSecret anew. Ciphertexts are replaced and nothing else: the template stays as written and is never rendered. Name, namespace
 * and scope of the result are those of the top level, so that a crafted template cannot widen the scope. Fields the API server sets are dropped.
 *
 * @throws SealedSecretsError when an item does not open.
 */
export async function reencryptSealedSecret(
  sealedSecret: SealedSecret,
  options: ReencryptOptions,
): Promise<SealedSecret> {
  if (sealedSecret.spec.data !== undefined) return reencryptLegacy(sealedSecret, options);
  const { metadata, spec } = sealedSecret;
  const scope = scopeOf(metadata.annotations);
  const { items, failures } = await decryptItems(sealedSecret, options.keys);
  if (failures.length > 0) {
    // Says why, which costs further decryptions.
    await assertDecryptable(sealedSecret, options);
    throw new SealedSecretsError('UnknownKey', 'no key could decrypt secret');
  }
  const place = { scope, namespace: metadata.namespace, name: metadata.name };
  const encryptedData = new Map<string, string>();
  for (const [item, plaintext] of items) encryptedData.set(item, sealValue(plaintext, place, options.sealer));
  return {
    apiVersion: sealedSecret.apiVersion,
    kind: sealedSecret.kind,
    metadata: withKeyIdHint(templateMetadata(metadata), options.sealer),
    spec: { ...spec, template: { ...spec.template, metadata: boundTemplateMetadata(sealedSecret) }, encryptedData },
  };
}

/** The hint is kept current where there is one, and never added. */
function withKeyIdHint(metadata: ObjectMeta, sealer: Sealer): ObjectMeta {
  if (sealer.keyId === undefined || !metadata.annotations.has(keyIdAnnotation)) return metadata;
  return { ...metadata, annotations: new Map(metadata.annotations).set(keyIdAnnotation, sealer.keyId) };
}

function boundTemplateMetadata({ metadata, spec }: SealedSecret): ObjectMeta {
  const template = templateMetadata(spec.template.metadata);
  return {
    ...template,
    name: metadata.name,
    namespace: metadata.namespace,
    annotations: withScope(template.annotations, scopeOf(metadata.annotations)),
  };
}

async function reencryptLegacy(sealedSecret: SealedSecret, options: ReencryptOptions): Promise<SealedSecret> {
  const { secret } = await openLegacy(sealedSecret, options);
  const { metadata } = sealedSecret;
  const bound = {
    ...secret.metadata,
    name: metadata.name,
    namespace: metadata.namespace,
    annotations: withScope(secret.metadata.annotations, scopeOf(metadata.annotations)),
  };
  // The format is older than the hint, which is never added.
  const { keyId: _, ...sealer } = options.sealer;
  return sealSecret({ ...secret, metadata: bound }, sealer);
}
