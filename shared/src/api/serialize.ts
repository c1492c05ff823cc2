import { type DocumentMap, type DocumentValue, sortedMap } from '../documents/value.ts';
import { encodeBase64 } from '../encoding.ts';
import type { Condition, ObjectMeta, SealedSecret, SealedSecretStatus, Secret, SecretRecord } from './sealed-secret.ts';

// Field order is that of upstream's Go structs (specification 1.3 and appendix A); user maps are sorted bytewise.

/** A SealedSecret as a document: `kind` first, status only if there is one. */
export function sealedSecretDocument(sealedSecret: SealedSecret): DocumentMap {
  const { spec } = sealedSecret;
  const template: DocumentMap = new Map();
  template.set('metadata', metadataDocument(spec.template.metadata));
  if (spec.template.type !== '') template.set('type', spec.template.type);
  if (spec.template.immutable !== undefined) template.set('immutable', spec.template.immutable);
  if (spec.template.data.size > 0) template.set('data', sortedDocument(spec.template.data));
  const specDocument: DocumentMap = new Map([['template', template]]);
  if (spec.data !== undefined) specDocument.set('data', spec.data);
  specDocument.set('encryptedData', sortedDocument(spec.encryptedData));
  const document: DocumentMap = new Map<string, DocumentValue>([
    ['kind', sealedSecret.kind],
    ['apiVersion', sealedSecret.apiVersion],
    ['metadata', metadataDocument(sealedSecret.metadata)],
    ['spec', specDocument],
  ]);
  if (sealedSecret.status !== undefined) document.set('status', statusDocument(sealedSecret.status));
  return document;
}

/** A Secret as a document. An empty value is written `""`. */
export function secretDocument(secret: Secret): DocumentMap {
  const document: DocumentMap = new Map<string, DocumentValue>([
    ['kind', secret.kind],
    ['apiVersion', secret.apiVersion],
    ['metadata', metadataDocument(secret.metadata)],
  ]);
  if (secret.immutable !== undefined) document.set('immutable', secret.immutable);
  if (secret.data.size > 0) {
    const data = new Map(Array.from(secret.data, ([name, value]) => [name, encodeBase64(value)]));
    document.set('data', sortedDocument(data));
  }
  if (secret.type !== '') document.set('type', secret.type);
  return document;
}

export function metadataDocument(metadata: ObjectMeta): DocumentMap {
  const document: DocumentMap = new Map();
  const set = (name: string, value: DocumentValue | undefined) => {
    if (value !== undefined && value !== '') document.set(name, value);
  };
  set('name', metadata.name);
  set('generateName', metadata.generateName);
  set('namespace', metadata.namespace);
  set('selfLink', metadata.selfLink);
  set('uid', metadata.uid);
  set('resourceVersion', metadata.resourceVersion);
  set('generation', metadata.generation);
  set('creationTimestamp', metadata.creationTimestamp);
  set('deletionTimestamp', metadata.deletionTimestamp);
  set('deletionGracePeriodSeconds', metadata.deletionGracePeriodSeconds);
  if (metadata.labels.size > 0) set('labels', sortedDocument(metadata.labels));
  if (metadata.annotations.size > 0) set('annotations', sortedDocument(metadata.annotations));
  if (metadata.ownerReferences.length > 0) {
    set(
      'ownerReferences',
      metadata.ownerReferences.map((reference) => new Map<string, DocumentValue>(Object.entries(reference))),
    );
  }
  if (metadata.finalizers.length > 0) set('finalizers', [...metadata.finalizers]);
  return document;
}

export function statusDocument(status: SealedSecretStatus): DocumentMap {
  const document: DocumentMap = new Map();
  if (status.observedGeneration !== undefined) document.set('observedGeneration', status.observedGeneration);
  if (status.conditions.length > 0) document.set('conditions', status.conditions.map(conditionDocument));
  if (status.secret !== undefined) document.set('secret', recordDocument(status.secret));
  if (status.controller !== undefined) document.set('controller', status.controller);
  return document;
}

function recordDocument(record: SecretRecord): DocumentMap {
  const document: DocumentMap = new Map<string, DocumentValue>([
    ['uid', record.uid],
    ['resourceVersion', record.resourceVersion],
    ['specHash', record.specHash],
    ['rendererRevision', record.rendererRevision],
  ]);
  if (record.labels !== undefined) document.set('labels', [...record.labels]);
  if (record.annotations !== undefined) document.set('annotations', [...record.annotations]);
  return document;
}

function conditionDocument(condition: Condition): DocumentMap {
  const order = ['type', 'status', 'lastUpdateTime', 'lastTransitionTime', 'reason', 'message'] as const;
  const document: DocumentMap = new Map();
  for (const name of order) {
    const value = condition[name];
    if (value !== undefined && value !== '') document.set(name, value);
  }
  if (condition.observedGeneration !== undefined) document.set('observedGeneration', condition.observedGeneration);
  return document;
}

function sortedDocument(map: ReadonlyMap<string, string | null>): DocumentMap {
  return sortedMap<DocumentValue>(map);
}
