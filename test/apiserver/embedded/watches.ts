import type { ServerResponse } from 'node:http';
import { ApiError, forbiddenField, invalid, unsupportedValue } from './errors.ts';
import { type Form, type IncludeObject, objectJson, singleJson, tableJson } from './forms.ts';
import type { JsonObject } from './json.ts';
import { parseRevision, selectorOf } from './lists.ts';
import type { RequestInfo } from './requests.ts';
import { isTrue } from './requests.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';
import type { ObjectPredicate } from './selectors.ts';
import type { Change, Collection, Store, StoredVersion } from './store.ts';

/** A client that reads slower than this buffer fills is cut off, as a real server does. */
const maximumBufferedBytes = 64 * 1024 * 1024;

const bookmarkBeforeEndMs = 2000;

interface WatchOptions {
  readonly store: Store;
  readonly type: ResourceType;
  readonly request: RequestInfo;
  readonly user: string;
  readonly userAgent: string;
  readonly form: Form;
  readonly include: IncludeObject;
  readonly bookmarkIntervalMs: number;
  readonly now: () => number;
}

/** One open watch connection. */
export class WatchConnection {
  readonly request: RequestInfo;
  readonly user: string;
  readonly userAgent: string;
  readonly type: ResourceType;
  /** Nothing is sent any more while true, though the connection stays: a half-open connection as clients see it. */
  silent = false;
  /** Delay of every event. */
  delayMs = 0;
  readonly #options: WatchOptions;
  readonly #response: ServerResponse;
  readonly #collection: Collection;
  readonly #prefix: string;
  readonly #selector: ObjectPredicate | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  #unsubscribe: () => void = () => {};
  #pending = '';
  #flushing = false;
  #sentColumns = false;
  #closed = false;

  constructor(options: WatchOptions, response: ServerResponse) {
    this.#options = options;
    this.#response = response;
    this.request = options.request;
    this.user = options.user;
    this.userAgent = options.userAgent;
    this.type = options.type;
    this.#collection = options.store.collection(options.type.storage);
    this.#prefix = options.type.namespaced && options.request.namespace !== '' ? `${options.request.namespace}/` : '';
    this.#selector = selectorOf(options.type, options.request.query);
  }

  /** Sends the headers and what has happened, then every change as it comes. `onClose` is called once. */
  start(onClose: () => void): void {
    const { query } = this.request;
    assertWatchOptions(query);
    const text = query.get('resourceVersion') ?? '';
    const since = text === '' || text === '0' ? undefined : parseRevision(text);
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.#response.flushHeaders();
    this.#response.on('close', () => {
      this.#dispose();
      onClose();
    });
    if (isTrue(query.get('sendInitialEvents'))) this.#sendState(true);
    else if (since === undefined) {
      if (query.get('sendInitialEvents') === null) this.#sendState(false);
    } else if (since < this.#collection.forgotten) {
      this.#sendError(
        new ApiError(410, 'Expired', `too old resource version: ${since} (${this.#collection.forgotten})`),
      );
      this.end();
      return;
    } else {
      for (const change of this.#collection.changesAfter(since)) this.#onChange(change);
    }
    this.#unsubscribe = this.#collection.subscribe((change) => {
      if (since === undefined || change.current.revision > since) this.#onChange(change);
    });
    this.#startTimers(query);
  }

  /** Ends the watch in good order. */
  end(): void {
    this.#flush();
    this.#dispose();
    this.#response.end();
  }

  /** Breaks the connection. */
  drop(): void {
    this.#dispose();
    this.#response.destroy();
  }

  /** Ends the watch with an ERROR event. */
  fail(error: ApiError): void {
    this.#sendError(error);
    this.end();
  }

  #startTimers(query: URLSearchParams): void {
    const timeoutMs = Number(query.get('timeoutSeconds') ?? '0') * 1000;
    const timeout = () => {
      // A connection that is half open does not even end.
      if (!this.silent) this.end();
    };
    if (timeoutMs > 0) this.#timers.add(setTimeout(timeout, timeoutMs).unref());
    const { bookmarkIntervalMs } = this.#options;
    if (!isTrue(query.get('allowWatchBookmarks')) || bookmarkIntervalMs === 0) return;
    this.#timers.add(setInterval(() => this.#sendBookmark(false), bookmarkIntervalMs).unref());
    // And one shortly before the end, so that the next watch begins late.
    const lastMs = timeoutMs - bookmarkBeforeEndMs;
    if (lastMs > 0) this.#timers.add(setTimeout(() => this.#sendBookmark(false), lastMs).unref());
  }

  #sendState(withBookmark: boolean): void {
    for (const version of this.#collection.sorted(this.#prefix)) {
      if (this.#selector === undefined || this.#selector(version.object)) this.#sendObject('ADDED', version);
    }
    if (withBookmark) this.#sendBookmark(true);
  }

  /** With a selector, an object that begins to fit was ADDED for this watcher, and one that ceases to was DELETED. */
  #onChange({ type, current, previous }: Change): void {
    if (!current.key.startsWith(this.#prefix)) return;
    if (this.#selector === undefined) {
      this.#sendObject(type, current);
      return;
    }
    const fits = type !== 'DELETED' && this.#selector(current.object);
    const didFit = previous !== undefined && this.#selector(previous.object);
    if (fits) this.#sendObject(didFit ? 'MODIFIED' : 'ADDED', current);
    else if (didFit) this.#sendDeleted(type, current, previous);
  }

  #sendDeleted(type: Change['type'], current: StoredVersion, previous: StoredVersion): void {
    if (type === 'DELETED') {
      this.#sendObject('DELETED', current);
      return;
    }
    // The watcher sees the last state that did fit, at the revision of the change.
    const { object } = previous;
    const text = JSON.stringify({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(current.revision) },
    });
    this.#send(
      `{"type":"DELETED","object":${this.#options.form === 'object' ? text : singleJson(current, this.type, this.#options.form, this.#options.include, this.#options.now())}}\n`,
    );
  }

  #sendObject(type: Change['type'], version: StoredVersion): void {
    const { form, include, now } = this.#options;
    if (form === 'object') {
      this.#send(`{"type":"${type}","object":${objectJson(version, this.type)}}\n`);
      return;
    }
    if (form === 'metadata') {
      this.#send(`{"type":"${type}","object":${singleJson(version, this.type, form, include, now())}}\n`);
      return;
    }
    const metadata = { resourceVersion: version.object.metadata.resourceVersion };
    this.#send(
      `{"type":"${type}","object":${tableJson([version], this.type, include, now(), metadata, !this.#sentColumns)}}\n`,
    );
    this.#sentColumns = true;
  }

  #sendBookmark(isEndOfInitialEvents: boolean): void {
    const { form, store } = this.#options;
    const metadata: JsonObject = { resourceVersion: String(store.revision) };
    if (isEndOfInitialEvents) metadata['annotations'] = { 'k8s.io/initial-events-end': 'true' };
    const [kind, apiVersion] =
      form === 'metadata' ? ['PartialObjectMetadata', 'meta.k8s.io/v1'] : [this.type.kind, apiVersionOf(this.type)];
    const object =
      form === 'table'
        ? { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows: [] }
        : { kind, apiVersion, metadata };
    this.#send(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #sendError(error: ApiError): void {
    this.#send(`${JSON.stringify({ type: 'ERROR', object: error.status() })}\n`);
  }

  #send(line: string): void {
    if (this.#closed || this.silent) return;
    if (this.delayMs === 0) {
      this.#enqueue(line);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#enqueue(line);
    }, this.delayMs);
    this.#timers.add(timer);
  }

  /** Lines of one turn of the event loop leave in one write. */
  #enqueue(line: string): void {
    this.#pending += line;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#pending === '' || this.#closed || this.silent) return;
    const text = this.#pending;
    this.#pending = '';
    this.#response.write(text);
    if (this.#response.writableLength > maximumBufferedBytes) this.drop();
  }

  #dispose(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

function assertWatchOptions(query: URLSearchParams): void {
  const match = query.get('resourceVersionMatch');
  const initial = query.get('sendInitialEvents');
  const errors = [];
  if (initial !== null && match !== 'NotOlderThan') {
    errors.push(
      forbiddenField('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'),
    );
  }
  if (initial === null && match !== null) {
    errors.push(
      forbiddenField(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      ),
    );
  }
  if (match !== null && match !== 'NotOlderThan')
    errors.push(unsupportedValue('resourceVersionMatch', match, ['NotOlderThan']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
}
