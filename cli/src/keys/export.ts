import { createHash } from 'node:crypto';
import {
  activeKeyLabelValue,
  appliedConfigurationAnnotations,
  type DocumentMap,
  type DocumentValue,
  emptyMetadata,
  encodeHex,
  formatJson,
  keyLabel,
  managedAnnotation,
  type RandomBytes,
  type SealedSecret,
  type SealingCertificate,
  type Secret,
  sealSecret,
  secretDocument,
  skipSetOwnerReferencesAnnotation,
} from '@waxwing/shared';
import type { KeyEntry } from './key-ring.ts';

/** What an exported key Secret tells of where it comes from. */
export const exportAnnotations = {
  keyId: 'waxwing.dev/exported-key-id',
  checksum: 'waxwing.dev/exported-sha256',
  cluster: 'waxwing.dev/exported-from',
  time: 'waxwing.dev/exported-at',
} as const;

export interface ExportOrigin {
  readonly cluster: string;
  readonly now: Date;
}

/** A key Secret as it is exported: nothing the API server sets, no copies of itself, and where it comes from. */
export function exportedSecret(entry: KeyEntry, origin: ExportOrigin): Secret {
  const { metadata, data } = entry.secret;
  const annotations = new Map(metadata.annotations);
  for (const name of appliedConfigurationAnnotations) annotations.delete(name);
  annotations.set(exportAnnotations.keyId, entry.id);
  annotations.set(exportAnnotations.checksum, checksumOf(data));
  annotations.set(exportAnnotations.cluster, origin.cluster);
  annotations.set(exportAnnotations.time, `${origin.now.toISOString().slice(0, 19)}Z`);
  return {
    ...entry.secret,
    metadata: {
      ...emptyMetadata,
      name: metadata.name,
      namespace: metadata.namespace,
      labels: metadata.labels,
      annotations,
    },
  };
}

/** SHA-256 over the items of a key Secret, hex: a file that was cut or mixed up is noticed. */
export function checksumOf(data: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash('sha256');
  for (const [item, value] of [...data].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${item}\0${value.length}\0`).update(value);
  }
  return encodeHex(hash.digest());
}

/** An ordinary List, so that `kubectl create -f -` restores it. */
export function exportedList(secrets: readonly Secret[]): string {
  const document: DocumentMap = new Map<string, DocumentValue>([
    ['kind', 'List'],
    ['apiVersion', 'v1'],
    ['items', secrets.map(secretDocument)],
  ]);
  return `${formatJson(document)}\n`;
}

/**
 * A key Secret sealed for another cluster: strict scope, so that it opens nowhere else. The Secret made of it has no owner, so deleting
 * the SealedSecret never takes the key with it, and is managed, so that applying it again works.
 */
export function sealedForCluster(
  secret: Secret,
  target: { readonly certificate: SealingCertificate; readonly namespace: string },
  randomBytes: RandomBytes,
): SealedSecret {
  const annotations = new Map(secret.metadata.annotations);
  annotations.set(managedAnnotation, 'true');
  annotations.set(skipSetOwnerReferencesAnnotation, 'true');
  // A key that is out of use here stays so there.
  const { labels: own } = secret.metadata;
  const labels = new Map(own).set(keyLabel, own.get(keyLabel) ?? activeKeyLabelValue);
  const metadata = { ...emptyMetadata, name: secret.metadata.name, namespace: target.namespace, labels, annotations };
  return sealSecret(
    { ...secret, metadata, type: 'kubernetes.io/tls' },
    { publicKey: target.certificate.publicKey, randomBytes, keyId: target.certificate.keyId },
  );
}
