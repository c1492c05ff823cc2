import type { KubeObject, OwnerReference } from './json.ts';
import { managersAfterUpdate } from './managed-fields.ts';
import { type Change, keyOf, type StoredVersion } from './store.ts';
import { type Cluster, deleteObject, hasFinalizers } from './writes.ts';

/** Where an object is: its collection and its key there. */
interface Place {
  readonly storage: string;
  readonly key: string;
}

type OwnerState = 'alive' | 'gone' | 'waiting' | 'unknown';

/**
 * Deletes dependents whose owners are gone, and carries out foreground deletion and orphaning, as kube-controller-manager
 * does: some time after the fact, and by uid, so that an owner of the same name does not count.
 */
export class GarbageCollector {
  readonly #cluster: Cluster;
  readonly #unsubscribe: () => void;
  readonly #dependents = new Map<string, Map<string, Place>>();
  readonly #suspects = new Map<string, Place>();
  #delayMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(cluster: Cluster, delayMs: number) {
    this.#cluster = cluster;
    this.#delayMs = delayMs;
    this.#unsubscribe = cluster.store.subscribe((storage, change) => this.#onChange(storage, change));
  }

  /** `Infinity` stops the collector; what it has to look at waits. */
  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#unsubscribe();
  }

  #onChange(storage: string, { type, current, previous }: Change): void {
    const place = { storage, key: current.key };
    const owners = current.object.metadata.ownerReferences;
    const before = previous?.object.metadata.ownerReferences;
    if (owners !== before || type === 'DELETED') {
      for (const owner of before ?? []) this.#dependents.get(owner.uid)?.delete(`${storage} ${current.key}`);
      if (type !== 'DELETED') for (const owner of owners ?? []) this.#index(owner, place);
      if (type !== 'DELETED' && owners !== undefined) this.#suspect(place);
    }
    const { uid = '', deletionTimestamp, finalizers } = current.object.metadata;
    if (type === 'DELETED') {
      for (const dependent of this.#dependents.get(uid)?.values() ?? []) this.#suspect(dependent);
      this.#dependents.delete(uid);
      for (const owner of before ?? []) this.#suspectOwner(owner, current.object.metadata.namespace);
    } else if (deletionTimestamp !== undefined && finalizers !== undefined) {
      this.#suspect(place);
      if (finalizers.includes('foregroundDeletion')) {
        for (const dependent of this.#dependents.get(uid)?.values() ?? []) this.#suspect(dependent);
      }
    }
  }

  #index(owner: OwnerReference, place: Place): void {
    let places = this.#dependents.get(owner.uid);
    if (places === undefined) {
      places = new Map();
      this.#dependents.set(owner.uid, places);
    }
    places.set(`${place.storage} ${place.key}`, place);
  }

  #suspect(place: Place): void {
    this.#suspects.set(`${place.storage} ${place.key}`, place);
    this.#schedule();
  }

  /** An owner that waits for its dependents has one less. */
  #suspectOwner(reference: OwnerReference, namespace: string | undefined): void {
    const type = this.#cluster.types.ofKind(reference.apiVersion, reference.kind);
    if (type === undefined) return;
    const key = keyOf(type.namespaced ? namespace : undefined, reference.name);
    const owner = this.#cluster.store.collection(type.storage).get(key)?.object;
    if (owner?.metadata.finalizers?.includes('foregroundDeletion')) this.#suspect({ storage: type.storage, key });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#suspects.size === 0 || !Number.isFinite(this.#delayMs)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const places = [...this.#suspects.values()];
      this.#suspects.clear();
      for (const place of places) this.#look(place);
    }, this.#delayMs).unref();
  }

  #look(place: Place): void {
    const version = this.#cluster.store.collection(place.storage).get(place.key);
    if (version === undefined) return;
    const { metadata } = version.object;
    if (metadata.deletionTimestamp !== undefined) {
      if (metadata.finalizers?.includes('orphan')) this.#orphanDependents(place, version);
      else if (metadata.finalizers?.includes('foregroundDeletion')) this.#finishForeground(place, version);
      return;
    }
    const references = metadata.ownerReferences ?? [];
    if (references.length > 0) this.#judge(place, version, references);
  }

  #judge(place: Place, version: StoredVersion, references: readonly OwnerReference[]): void {
    const { namespace, uid } = version.object.metadata;
    const states = references.map((reference) => this.#stateOf(reference, namespace));
    if (states.includes('unknown')) return;
    if (states.includes('alive')) {
      if (states.every((state) => state === 'alive')) return;
      const living = references.filter((_, index) => states[index] === 'alive');
      this.#writeOwners(place, version, living);
      return;
    }
    const type = this.#cluster.types.ofStorage(place.storage);
    if (type === undefined) return;
    deleteObject(this.#cluster, type, version, {
      uid,
      resourceVersion: undefined,
      propagation: states.includes('waiting') ? 'Foreground' : 'Background',
      dryRun: false,
    });
  }

  #stateOf(reference: OwnerReference, namespace: string | undefined): OwnerState {
    const type = this.#cluster.types.ofKind(reference.apiVersion, reference.kind);
    if (type === undefined) return 'unknown';
    const key = keyOf(type.namespaced ? namespace : undefined, reference.name);
    const owner = this.#cluster.store.collection(type.storage).get(key)?.object;
    if (owner === undefined || owner.metadata.uid !== reference.uid) return 'gone';
    const { deletionTimestamp, finalizers } = owner.metadata;
    return deletionTimestamp !== undefined && finalizers?.includes('foregroundDeletion') ? 'waiting' : 'alive';
  }

  #writeOwners(place: Place, version: StoredVersion, owners: readonly OwnerReference[]): void {
    const { ownerReferences: _, ...metadata } = version.object.metadata;
    const withOwners = owners.length === 0 ? metadata : { ...metadata, ownerReferences: owners };
    const next = { ...version.object, metadata: withOwners } as KubeObject;
    const type = this.#cluster.types.ofStorage(place.storage);
    if (type === undefined) return;
    const writer = { manager: 'kube-controller-manager', subresource: undefined, nowMs: this.#cluster.now() };
    const managedFields = managersAfterUpdate(next, version.object, type, writer);
    if (managedFields.length === 0) delete next.metadata.managedFields;
    else next.metadata.managedFields = managedFields;
    this.#cluster.store.write(place.storage, place.key, next);
  }

  #dependentsOf(uid: string | undefined): { place: Place; version: StoredVersion }[] {
    return [...(this.#dependents.get(uid ?? '')?.values() ?? [])].flatMap((place) => {
      const version = this.#cluster.store.collection(place.storage).get(place.key);
      return version === undefined ? [] : [{ place, version }];
    });
  }

  #orphanDependents(place: Place, version: StoredVersion): void {
    const { uid } = version.object.metadata;
    for (const dependent of this.#dependentsOf(uid)) {
      const owners = dependent.version.object.metadata.ownerReferences ?? [];
      this.#writeOwners(
        dependent.place,
        dependent.version,
        owners.filter((owner) => owner.uid !== uid),
      );
    }
    this.#removeFinalizer(place, version, 'orphan');
  }

  #finishForeground(place: Place, version: StoredVersion): void {
    const { uid } = version.object.metadata;
    const isBlocked = this.#dependentsOf(uid).some((dependent) =>
      dependent.version.object.metadata.ownerReferences?.some(
        (owner) => owner.uid === uid && owner.blockOwnerDeletion === true,
      ),
    );
    if (!isBlocked) this.#removeFinalizer(place, version, 'foregroundDeletion');
  }

  #removeFinalizer(place: Place, version: StoredVersion, finalizer: string): void {
    const { finalizers = [], ...metadata } = version.object.metadata;
    const left = finalizers.filter((entry) => entry !== finalizer);
    const next = {
      ...version.object,
      metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left },
    } as KubeObject;
    if (hasFinalizers(next)) this.#cluster.store.write(place.storage, place.key, next);
    else this.#cluster.store.remove(place.storage, place.key, next);
  }
}
