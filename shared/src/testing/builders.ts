import type { ObjectMeta, SealedSecret, Secret } from '../api/sealed-secret.ts';
import { emptyMetadata, sealedSecretResource } from '../api/sealed-secret.ts';
import { encodeUtf8 } from '../encoding.ts';

interface MetadataParts extends Partial<Omit<ObjectMeta, 'labels' | 'annotations'>> {
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

function metadataOf({ labels = {}, annotations = {}, ...rest }: MetadataParts): ObjectMeta {
  return {
    ...emptyMetadata,
    name: 'db-credentials',
    namespace: 'payments',
    ...rest,
    labels: new Map(Object.entries(labels)),
    annotations: new Map(Object.entries(annotations)),
  };
}

/** A Secret `payments/db-credentials` with one item, but for what is given. */
export function aSecret(
  parts: { metadata?: MetadataParts; data?: Record<string, string>; type?: string; immutable?: boolean } = {},
): Secret {
  const { metadata = {}, data = { username: 'app_user' }, type = 'Opaque', immutable } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: metadataOf(metadata),
    ...(immutable === undefined ? {} : { immutable }),
    data: new Map(Object.entries(data).map(([name, text]) => [name, encodeUtf8(text)])),
    type,
  };
}

/** A SealedSecret `payments/db-credentials` without items, but for what is given. */
export function aSealedSecret(
  parts: {
    metadata?: MetadataParts;
    template?: { metadata?: MetadataParts; type?: string; immutable?: boolean; data?: Record<string, string | null> };
    data?: string;
    encryptedData?: Record<string, string>;
    status?: SealedSecret['status'];
  } = {},
): SealedSecret {
  const { metadata = {}, template = {}, data, encryptedData = {}, status } = parts;
  return {
    apiVersion: sealedSecretResource.apiVersion,
    kind: sealedSecretResource.kind,
    metadata: metadataOf({ uid: 'a-uid', generation: 1, resourceVersion: '1', ...metadata }),
    spec: {
      template: {
        metadata: metadataOf(template.metadata ?? {}),
        type: template.type ?? '',
        ...(template.immutable === undefined ? {} : { immutable: template.immutable }),
        data: new Map(Object.entries(template.data ?? {})),
      },
      ...(data === undefined ? {} : { data }),
      encryptedData: new Map(Object.entries(encryptedData)),
    },
    ...(status === undefined ? {} : { status }),
  };
}
