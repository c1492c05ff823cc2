import type { ErrorCode } from '../errors.ts';

/** The resource as the API server knows it. */
export const sealedSecretResource = {
  group: 'bitnami.com',
  version: 'v1alpha1',
  apiVersion: 'bitnami.com/v1alpha1',
  kind: 'SealedSecret',
  listKind: 'SealedSecretList',
  plural: 'sealedsecrets',
} as const;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata of any object. Maps are empty when absent; an absent text is the empty text, as in Go. */
export interface ObjectMeta {
  readonly name: string;
  readonly generateName?: string;
  readonly namespace: string;
  readonly selfLink?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  readonly ownerReferences: readonly OwnerReference[];
  readonly finalizers: readonly string[];
}

/** `spec.template`: the shape of the Secret to create. */
export interface SecretTemplate {
  readonly metadata: ObjectMeta;
  /** The empty text where absent; the API server makes that `Opaque`. */
  readonly type: string;
  readonly immutable?: boolean;
  /** Name of an entry to its template text; `null` omits the decrypted item of that name. */
  readonly data: ReadonlyMap<string, string | null>;
}

export interface SealedSecretSpec {
  readonly template: SecretTemplate;
  /** The deprecated whole-Secret blob, base64. Present but empty counts as present. */
  readonly data?: string;
  /** Item name to base64 ciphertext. */
  readonly encryptedData: ReadonlyMap<string, string>;
}

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** One entry of `status.conditions`. Times are RFC 3339 in UTC with whole seconds. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly lastUpdateTime?: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
  /** Never written by us; kept in the conditions of others. */
  readonly observedGeneration?: number;
}

/** What we remember of the Secret as we wrote it, so that a restart need not decrypt anything. */
export interface SecretRecord {
  readonly uid: string;
  readonly resourceVersion: string;
  /** SHA-256, hex, over the spec and the two scope annotations: ciphertext only, never a digest of plaintext. */
  readonly specHash: string;
  /** Revision of our rendering rules; another one means the Secret has to be looked at again. */
  readonly rendererRevision: number;
  /** Names of the labels that we wrote, sorted: a spec change removes those and leaves what others added. */
  readonly labels?: readonly string[];
  /** Names of the annotations that we wrote, sorted. */
  readonly annotations?: readonly string[];
}

export interface SealedSecretStatus {
  readonly observedGeneration?: number;
  readonly conditions: readonly Condition[];
  readonly secret?: SecretRecord;
  /** The controller that wrote this status. */
  readonly controller?: string;
}

export interface SealedSecret {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: SealedSecretSpec;
  readonly status?: SealedSecretStatus;
}

/** A core v1 Secret; `data` holds plain bytes. `stringData` of an input is merged into `data` when it is read. */
export interface Secret {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: ObjectMeta;
  readonly immutable?: boolean;
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** The empty text where absent. */
  readonly type: string;
}

/** The only condition type the controller writes. */
export const syncedCondition = 'Synced';

/** Reasons of the `Synced` condition: success, or the code of the failure. */
export type SyncedReason = 'Unsealed' | ErrorCode;

/** Metadata with nothing in it, to be spread over. */
export const emptyMetadata: ObjectMeta = {
  name: '',
  namespace: '',
  labels: new Map(),
  annotations: new Map(),
  ownerReferences: [],
  finalizers: [],
};
