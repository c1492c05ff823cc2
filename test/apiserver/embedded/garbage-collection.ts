import type { KubeObject } from './json.ts';
import type { ResourceType } from './resources.ts';
import { type Change, type Collection, keyOf, type StoredVersion } from './store.ts';
import { type Cluster, deleteObject, hasFinalizers } from './writes.ts';

/**
 * Deletes dependents whose owners are gone, and carries out foreground deletion and orphaning, as kube-controller-manager
 * does: some time after the fact, by uid, so that an owner of the same name does not count.
 */
export class GarbageCollector {
  readonly #cluster: Cluster;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #followed = new Set<Collection>();
  #delayMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster, delayMs: number) {
    this.#cluster = cluster;
    this.#delayMs = delayMs;
    this.#follow();
  }

  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #follow(): void {
    for (const type of this.#cluster.types.all()) {
      const collection = this.#cluster.store.collection(type.storage);
      if (this.#followed.has(collection)) continue;
      this.#followed.add(collection);
      this.#unsubscribe.push(collection.subscribe((change) => this.#onChange(change)));
    }
  }

  #onChange({ type, current }: Change): void {
    const { metadata } = current.object;
    const concerns =
      type === 'DELETED' ||
      metadata.ownerReferences !== undefined ||
      (metadata.deletionTimestamp !== undefined && metadata.finalizers !== undefined);
    if (current.object.kind === 'CustomResourceDefinition') this.#follow();
    if (concerns) this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || !Number.isFinite(this.#delayMs)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#collect();
    }, this.#delayMs).unref();
  }

  #collect(): void {
    this.#follow();
    for (const type of this.#storedTypes()) {
      for (const version of [...this.#cluster.store.collection(type.storage).values()]) this.#look(type, version);
    }
  }

  #storedTypes(): ResourceType[] {
    const seen = new Set<string>();
    return this.#cluster.types.all().filter((type) => !seen.has(type.storage) && seen.add(type.storage) !== undefined);
  }

  #look(type: ResourceType, version: StoredVersion): void {
    const { metadata } = version.object;
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes('orphan')) this.#orphan(type, version);
      else if (metadata.finalizers?.includes('foregroundDeletion')) this.#deleteInForeground(type, version);
      return;
    }
    const references = metadata.ownerReferences ?? [];
    if (references.length === 0) return;
    const states = references.map((reference) => this.#ownerState(reference, metadata.namespace));
    if (states.some((state) => state === 'solid' || state === 'unknown')) return;
    const isWaitedFor = states.includes('foreground');
    deleteObject(this.#cluster, type, version, {
      uid: metadata.uid,
      resourceVersion: undefined,
      propagation: isWaitedFor ? 'Foreground' : 'Background',
      dryRun: false,
    });
    this.#schedule();
  }

  #ownerState(reference: { apiVersion: string; kind: string; name: string; uid: string }, namespace: string | undefined) {
    const type = this.#cluster.types.ofKind(reference.apiVersion, reference.kind);
    if (type === undefined) return 'unknown';
    const key = keyOf(type.namespaced ? namespace : undefined, reference.name);
    const owner = this.#cluster.store.collection(type.storage).get(key)?.object;
    if (owner === undefined || owner.metadata.uid !== reference.uid) return 'gone';
    const isForeground = owner.metadata.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes('foregroundDeletion');
    return isForeground === true ? 'foreground' : 'solid';
  }

  #dependentsOf(uid: string | undefined): { type: ResourceType; version: StoredVersion }[] {
    return this.#storedTypes().flatMap((type) =>
      [...this.#cluster.store.collection(type.storage).values()]
        .filter(({ object }) => object.metadata.ownerReferences?.some((reference) => reference.uid === uid))
        .map((version) => ({ type, version })),
    );
  }

  #orphan(type: ResourceType, version: StoredVersion): void {
    const { uid } = version.object.metadata;
    for (const dependent of this.#dependentsOf(uid)) {
      const { object } = dependent.version;
      const left = object.metadata.ownerReferences?.filter((reference) => reference.uid !== uid) ?? [];
      const { ownerReferences: _, ...metadata } = object.metadata;
      this.#write(dependent.type, dependent.version, { ...object, metadata: left.length === 0 ? metadata : { ...metadata, ownerReferences: left } } as KubeObject);
    }
    this.#removeFinalizer(type, version, 'orphan');
  }

  #deleteInForeground(type: ResourceType, version: StoredVersion): void {
    const { uid } = version.object.metadata;
    const blocking = this.#dependentsOf(uid).filter(({ version: { object } }) =>
      object.metadata.ownerReferences?.some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true),
    );
    if (blocking.length === 0) this.#removeFinalizer(type, version, 'foregroundDeletion');
  }

  #removeFinalizer(type: ResourceType, version: StoredVersion, finalizer: string): void {
    const { finalizers = [], ...metadata } = version.object.metadata;
    const left = finalizers.filter((entry) => entry !== finalizer);
    const next = { ...version.object, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } } as KubeObject;
    if (hasFinalizers(next)) this.#write(type, version, next);
    else this.#cluster.store.remove(type.storage, version.key, next);
    this.#schedule();
  }

  #write(type: ResourceType, version: StoredVersion, next: KubeObject): void {
    this.#cluster.store.write(type.storage, version.key, next);
  }
}

