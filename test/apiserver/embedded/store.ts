import type { KubeObject } from './json.ts';

/** One version of one object, as it was stored. Its JSON is written once and shared by every answer. */
export class StoredVersion {
  readonly key: string;
  readonly revision: number;
  readonly object: KubeObject;
  /** Other forms of this version (metadata only, table rows), by form. */
  readonly forms = new Map<unknown, string>();
  #json: string | undefined;

  constructor(key: string, revision: number, object: KubeObject) {
    this.key = key;
    this.revision = revision;
    this.object = object;
  }

  /** Gives back the memory of everything that can be made again. */
  releaseText(): void {
    this.#json = undefined;
    this.forms.clear();
  }

  get json(): string {
    this.#json ??= JSON.stringify(this.object);
    return this.#json;
  }
}

/** What happened at one revision. Of a deletion `current` is the last state, carrying the revision of the deletion. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly current: StoredVersion;
  readonly previous: StoredVersion | undefined;
}

/** `namespace/name`, or only the name of a cluster-scoped object. Keys sort as etcd's do. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** All objects of one resource, sorted by key, with the recent changes. */
export class Collection {
  readonly #versions = new Map<string, StoredVersion>();
  readonly #keys: string[] = [];
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #historySize: number;
  #changes: Change[] = [];
  #forgotten = 0;

  constructor(historySize: number, forgotten: number) {
    this.#historySize = historySize;
    this.#forgotten = forgotten;
  }

  /** The newest revision whose change is no longer known: a watch or an exact list has to start at it or later. */
  get forgotten(): number {
    return this.#forgotten;
  }

  get size(): number {
    return this.#versions.size;
  }

  get(key: string): StoredVersion | undefined {
    return this.#versions.get(key);
  }

  values(): IterableIterator<StoredVersion> {
    return this.#versions.values();
  }

  /** Versions whose key starts with `prefix`, in the order of keys. */
  *sorted(prefix = ''): Generator<StoredVersion> {
    for (let index = this.#position(prefix); index < this.#keys.length; index++) {
      const key = this.#keys[index] as string;
      if (!key.startsWith(prefix)) return;
      yield this.#versions.get(key) as StoredVersion;
    }
  }

  /** The state at an earlier revision: today's, with the changes since then undone. In the order of keys. */
  sortedAt(revision: number, prefix = ''): StoredVersion[] {
    const undone = new Map<string, StoredVersion | undefined>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const change = this.#changes[index] as Change;
      if (change.current.revision <= revision) break;
      if (change.current.key.startsWith(prefix)) undone.set(change.current.key, change.previous);
    }
    if (undone.size === 0) return [...this.sorted(prefix)];
    const versions = [...this.sorted(prefix)].filter((version) => !undone.has(version.key));
    for (const version of undone.values()) if (version !== undefined) versions.push(version);
    return versions.sort((left, right) => (left.key < right.key ? -1 : 1));
  }

  changesAfter(revision: number): Change[] {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#changes[middle] as Change).current.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#changes.slice(low);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called by the store only. */
  record(change: Change): void {
    const { key } = change.current;
    if (change.type === 'DELETED') {
      this.#versions.delete(key);
      this.#keys.splice(this.#position(key), 1);
    } else {
      if (!this.#versions.has(key)) this.#keys.splice(this.#position(key), 0, key);
      this.#versions.set(key, change.current);
    }
    this.#changes.push(change);
    // History keeps objects; the text of a replaced version is made again in the rare case that it is asked for.
    change.previous?.releaseText();
    // Trimmed in batches: shifting at every write would copy the history each time.
    if (this.#changes.length > 2 * this.#historySize) this.#forget(this.#changes.length - this.#historySize);
    for (const listener of this.#listeners) listener(change);
  }

  forgetAll(revision: number): void {
    this.#changes = [];
    this.#forgotten = revision;
  }

  #forget(count: number): void {
    const last = this.#changes[count - 1];
    if (last === undefined) return;
    this.#forgotten = last.current.revision;
    this.#changes = this.#changes.slice(count);
  }

  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Every collection, and the one counter that all resource versions come from. */
export class Store {
  readonly #collections = new Map<string, Collection>();
  readonly #listeners = new Set<(resource: string, change: Change) => void>();
  readonly #historySize: number;
  #revision = 1;
  #compacted = 0;

  /** `historySize`: changes that each resource remembers at least. */
  constructor(historySize: number) {
    this.#historySize = historySize;
  }

  get revision(): number {
    return this.#revision;
  }

  collection(resource: string): Collection {
    let collection = this.#collections.get(resource);
    if (collection === undefined) {
      collection = new Collection(this.#historySize, this.#compacted);
      this.#collections.set(resource, collection);
    }
    return collection;
  }

  collections(): IterableIterator<[string, Collection]> {
    return this.#collections.entries();
  }

  /** Stores `object`, which becomes the store's own and gets its resource version here. */
  write(resource: string, key: string, object: KubeObject): StoredVersion {
    const collection = this.collection(resource);
    const previous = collection.get(key);
    const current = this.#version(key, object);
    this.#record(resource, { type: previous === undefined ? 'ADDED' : 'MODIFIED', current, previous });
    return current;
  }

  /** Removes an object; `last` is its final state, which watchers see. */
  remove(resource: string, key: string, last: KubeObject): StoredVersion {
    const previous = this.collection(resource).get(key);
    const current = this.#version(key, { ...last, metadata: { ...last.metadata } });
    this.#record(resource, { type: 'DELETED', current, previous });
    return current;
  }

  /** Calls `listener` after every change of any resource. Returns how to end that. */
  subscribe(listener: (resource: string, change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets all history: every older resource version is answered with 410 from now on. */
  compact(): void {
    this.#compacted = this.#revision;
    for (const collection of this.#collections.values()) collection.forgetAll(this.#compacted);
  }

  #record(resource: string, change: Change): void {
    this.collection(resource).record(change);
    for (const listener of this.#listeners) listener(resource, change);
  }

  #version(key: string, object: KubeObject): StoredVersion {
    this.#revision++;
    object.metadata.resourceVersion = String(this.#revision);
    return new StoredVersion(key, this.#revision, object);
  }
}
