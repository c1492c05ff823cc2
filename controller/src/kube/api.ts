import type { DocumentMap, Secret } from '@waxwing/shared';

// The outside world as the rest of the controller sees it. Every method rejects with a SealedSecretsError made by errors.ts:
// ApiForbidden, ApiUnavailable, ApiConflict, ApiRejected, ImmutableSecret, NamespaceTerminating, QuotaExceeded, NotFound.
// No message carries a value that was sent or received.

/** Where an object is. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** One state of one object: `updateStatus` and `delete` act on exactly that one or fail with ApiConflict. */
interface ObjectVersion extends ObjectKey {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** What the API server answered to a write. */
export interface Written {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
}

export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Of writes: called right before each attempt is sent, after every wait. What it throws is the call's failure; the signal breaks off the attempt,
   * and the call rejects with its reason.
   */
  readonly permit?: () => AbortSignal;
}

/** Who wrote which fields last, from `metadata.managedFields`; newest last. */
export interface FieldManager {
  readonly manager: string;
  readonly operation: string;
  /** RFC 3339; the empty text where absent. */
  readonly time: string;
}

export interface SecretsApi {
  /** The Secret, or undefined if there is none. */
  get(key: ObjectKey, options?: CallOptions): Promise<Secret | undefined>;
  /**
   * Creates; with `metadata.generateName` instead of a name the answer's name is the given one.
   * ApiConflict with `alreadyExists` (see ApiError in errors.ts) if the name is taken: look at the Secret again.
   */
  create(secret: Secret, options?: CallOptions): Promise<Written & ObjectKey>;
  /** Replaces (PUT). `metadata.resourceVersion` has to be set; ApiConflict if somebody was faster. */
  update(secret: Secret, options?: CallOptions, replaced?: Secret): Promise<Written>;
  /** Deletes exactly what was looked at. False if it was gone already; ApiConflict if it has changed, or is another one by now. */
  delete(key: ObjectKey & Pick<Written, 'uid' | 'resourceVersion'>, options?: CallOptions): Promise<boolean>;
  /** All Secrets of a namespace that fit the selector, undecoded, complete or not at all. */
  list(namespace: string, labelSelector: string, options?: CallOptions): Promise<readonly unknown[]>;
  /** Who wrote the Secret (metadata only). Undefined if there is none. */
  fieldManagers(key: ObjectKey, options?: CallOptions): Promise<readonly FieldManager[] | undefined>;
}

export interface SealedSecretsApi {
  /** The object undecoded (readSealedSecret and objectVersionOf read it), or undefined if there is none. */
  get(key: ObjectKey, options?: CallOptions): Promise<unknown>;
  /**
   * PUT on the status subresource with the resourceVersion of `target`. The answer's `status` is what the API server stored,
   * so that pruned fields show; ApiConflict if the object changed meanwhile, NotFound if it is gone.
   */
  updateStatus(
    target: ObjectVersion,
    status: DocumentMap,
    options?: CallOptions,
  ): Promise<Written & { readonly status: unknown }>;
}

/** A core v1 Event to create; `events.ts` makes it. */
export interface EventsApi {
  /** `exists`: an event of that name was there already, that is, it was posted before. */
  create(namespace: string, event: DocumentMap, options?: CallOptions): Promise<'created' | 'exists'>;
}

/** coordination.k8s.io/v1 Lease, the fields of leader election as client-go writes them. */
export interface LeaseRecord {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  /** RFC 3339 with microseconds. */
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

export interface Lease extends LeaseRecord {
  readonly resourceVersion: string;
}

export interface LeasesApi {
  get(key: ObjectKey, options?: CallOptions): Promise<Lease | undefined>;
  create(key: ObjectKey, record: LeaseRecord, options?: CallOptions): Promise<Lease>;
  update(key: ObjectKey, lease: Lease, options?: CallOptions): Promise<Lease>;
}

export interface NamespacesApi {
  /** Undefined if there is no such namespace. */
  get(name: string, options?: CallOptions): Promise<{ readonly terminating: boolean } | undefined>;
}

/** Attributes of an access review; empty namespace: all of them, or cluster-scoped. */
export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace: string;
  readonly name?: string;
}

/** A checked caller, from TokenReview. */
export interface UserInfo {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
}

export interface AccessApi {
  /** SelfSubjectAccessReview: may this controller do it? */
  selfMay(request: AccessRequest, options?: CallOptions): Promise<boolean>;
  /** SubjectAccessReview: may this user do it? */
  userMay(user: UserInfo, request: AccessRequest, options?: CallOptions): Promise<boolean>;
  /** TokenReview for one of the audiences; undefined if the token is not valid for any of them. */
  reviewToken(token: string, audiences: readonly string[], options?: CallOptions): Promise<UserInfo | undefined>;
}

/** ConfigMaps, as far as key backups need them. */
export interface ConfigMapsApi {
  /** @param metadata with name and namespace */
  create(
    key: ObjectKey,
    metadata: DocumentMap,
    data: ReadonlyMap<string, string>,
    options?: CallOptions,
  ): Promise<void>;
  /** The data, or undefined if there is no such ConfigMap. */
  get(key: ObjectKey, options?: CallOptions): Promise<ReadonlyMap<string, string> | undefined>;
}

/** Everything the controller asks of the API server. `close` ends idle connections. */
export interface KubeClient {
  readonly secrets: SecretsApi;
  readonly sealedSecrets: SealedSecretsApi;
  readonly events: EventsApi;
  readonly leases: LeasesApi;
  readonly namespaces: NamespacesApi;
  readonly access: AccessApi;
  readonly configMaps: ConfigMapsApi;
  /** What a reflector lists and watches with. */
  readonly resources: ResourceApi;
  close(): Promise<void>;
}

/** Which objects a reflector follows. */
export interface ResourceSelection {
  /** Path of the collection, for example `/api/v1/secrets` or `/apis/bitnami.com/v1alpha1/namespaces/a/sealedsecrets`. */
  readonly path: string;
  readonly labelSelector: string;
  /** Ask for PartialObjectMetadata only. */
  readonly metadataOnly: boolean;
}

export interface ListPage {
  readonly items: readonly unknown[];
  readonly resourceVersion: string;
  /** Empty on the last page. */
  readonly continueToken: string;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

interface WatchParameters {
  readonly resourceVersion: string;
  readonly timeoutSeconds: number;
  readonly idleTimeoutMs: number;
  /** The API server accepted the watch; events may be long in coming. */
  onOpen?(): void;
}

export interface ResourceApi {
  list(
    selection: ResourceSelection,
    page: { readonly limit: number; readonly continueToken: string },
    options?: CallOptions,
  ): Promise<ListPage>;
  /**
   * Opens a watch and calls `onEvent` for each event, in order and synchronously. Resolves when the server ends the watch;
   * rejects when it could not be opened, was cut, sent nothing for `idleTimeoutMs` (counted from the call), or was aborted.
   */
  watch(
    selection: ResourceSelection,
    watch: WatchParameters,
    onEvent: (event: WatchEvent) => void,
    options?: CallOptions,
  ): Promise<void>;
}

/** What happened to an object of a reflector's cache. `initial`: found by the first complete list, nobody changed it just now. */
export type Change<T> =
  | {
      readonly type: 'added';
      readonly key: string;
      readonly object: T;
      readonly raw: unknown;
      readonly initial: boolean;
    }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly object: T;
      readonly previous: T;
      readonly raw: unknown;
      readonly initial: boolean;
    }
  | { readonly type: 'deleted'; readonly key: string; readonly object: T };

/** How a reflector is doing. Times are milliseconds on the monotonic clock. */
export interface ReflectorState {
  /** True from the first complete list on, for ever. */
  readonly synced: boolean;
  readonly objects: number;
  /** The last time the API server said anything (event, bookmark, page). */
  readonly lastHeardMs: number;
  /**
   * By then the loop has to have made its next step, whatever the API server does: a later time means that the loop itself is stuck.
   * Infinite while it does not run.
   */
  readonly deadlineMs: number;
  /** The failure that is going on, if any: ApiForbidden and NotFound (no CRD, no namespace) included. */
  readonly failure: Error | undefined;
  /** Followed by listing again and again, because watching is forbidden. */
  readonly polling: boolean;
  readonly lists: number;
  readonly watches: number;
}

/**
 * A cache of one collection, kept up to date for ever: any failure is retried. Objects are keyed `namespace/name`.
 * Handlers run synchronously, in order, and must not throw.
 */
export interface Reflector<T> {
  readonly state: ReflectorState;
  start(): void;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
  /** Resolves after the first complete list; rejects with the signal's reason. */
  whenSynced(signal?: AbortSignal): Promise<void>;
  get(key: string): T | undefined;
  values(): IterableIterator<T>;
}

/** What the Secret cache keeps: never a value, never last-applied. Absence means unknown unless synced and without selector. */
export interface SecretMetadata {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The owner reference with `controller: true`. */
  readonly controller: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  readonly managed: boolean;
  readonly patch: boolean;
  readonly deleting: boolean;
}

/** What the SealedSecret cache keeps of each object, valid or not. */
export interface SealedSecretSummary {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly deleting: boolean;
  /** SHA-256, hex, over spec and the two scope annotations (`spec-hash.ts`). */
  readonly specHash: string;
  /** Of `metadata.labels`, for the metric of that name; empty where absent. */
  readonly instanceLabel: string;
  readonly observedGeneration: number | undefined;
  /** Status and reason of the Synced condition. */
  readonly synced: { readonly status: string; readonly reason: string } | undefined;
  /** Type and status of conditions that are not ours, for the metric. */
  readonly otherConditions: readonly { readonly type: string; readonly status: string }[];
  readonly record:
    | {
        readonly uid: string;
        readonly resourceVersion: string;
        readonly specHash: string;
        readonly rendererRevision: number;
      }
    | undefined;
  /** `status.controller`; empty where absent. */
  readonly controller: string;
}

/**
 * SealedSecrets by summary. The whole object is held only from a change until it is taken or released, so that a cold start
 * needs no GET per object and a converged cache holds no spec.
 */
export interface SealedSecretReflector extends Reflector<SealedSecretSummary> {
  /** The held object, undecoded, which is forgotten by this; undefined: GET it. */
  take(key: string): unknown;
  /** Forgets the held object because nothing is going to be done with it. Call it from the change handler if nothing is queued. */
  release(key: string): void;
}
