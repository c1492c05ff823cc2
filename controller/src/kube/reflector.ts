import { textAt } from '@waxwing/shared';
import { delayAfterFailures } from '../backoff.ts';
import type { Logger } from '../logger.ts';
import type { Progress } from '../progress.ts';
import type { Change, Reflector, ReflectorState, ResourceApi, ResourceSelection, WatchEvent } from './api.ts';
import { ApiError } from './errors.ts';
import { sleep } from './gate.ts';

export interface ReflectorTiming {
  /** Objects per page of a list. */
  readonly pageSize: number;
  /**
   * A watch that is silent for this long is opened again. kube-apiserver sends a bookmark every minute, so 90 s never hits a living
   * one and heals a dead one well within 120 s.
   */
  readonly idleTimeoutMs: number;
  /** The longest pause between two attempts. */
  readonly reconnectMaxDelayMs: number;
  /** Where listing is allowed and watching is not: how often to list. Undefined: such a watch is a failure like any other. */
  readonly pollIntervalMs?: number | undefined;
  /** How long one request may take, for `deadlineMs`. */
  readonly requestTimeoutMs: number;
}

export interface ReflectorOptions<T> {
  /** For logs. */
  readonly name: string;
  readonly resources: ResourceApi;
  readonly selection: ResourceSelection;
  readonly timing: ReflectorTiming;
  /** What to keep of an object. May throw: then the object is logged and left as it was, and the others go on. */
  decode(raw: unknown): T;
  onChange(change: Change<T>): void;
  /** A failure of listing or watching is over: the API server is back. */
  onRecovered?(): void;
  readonly logger: Logger;
  /** By the signals of the requests: a list that waits for its turn is not stuck as long as others get theirs. */
  readonly progress: Pick<Progress, 'lastMs'>;
  /** Monotonic milliseconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

const reconnectBaseDelayMs = 100;
/** Server-side end of a watch, drawn anew each time so that many watches do not end together. */
const watchSeconds = { least: 300, most: 600 };
/** A watch that ends sooner by itself counts as a failure, or a broken proxy would be asked without a pause. */
const shortestWatchMs = 1000;
/** While polling, the watch is tried again once in so many lists. */
const pollsPerWatchAttempt = 12;
/** So many refusals of one resource version, and it is given up: after a restored backup it may lie in the server's future. */
const refusalsPerVersion = 3;

/** What a cache needs to know of its objects: two objects of one name are told apart by uid, two states by resourceVersion. */
export interface Identified {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** List and watch for ever; see {@link Reflector}. */
export function createReflector<T extends Identified>(options: ReflectorOptions<T>): Reflector<T> {
  const { resources, selection, timing, logger, now } = options;
  const objects = new Map<string, T>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const firstSync = Promise.withResolvers<void>();
  // Nobody may be waiting.
  firstSync.promise.catch(() => {});
  let running: Promise<void> | undefined;
  let resourceVersion: string | undefined;
  let failures = 0;
  let pollsLeft = 0;
  let stepDueMs = Number.POSITIVE_INFINITY;
  let isListing = false;
  const state: { -readonly [K in keyof ReflectorState]: ReflectorState[K] } = {
    synced: false,
    lastHeardMs: now(),
    get deadlineMs() {
      const heardMs = isListing ? options.progress.lastMs(signal) : Number.NEGATIVE_INFINITY;
      return Math.max(stepDueMs, heardMs + requestPatienceMs(timing));
    },
    failure: undefined,
    polling: false,
    lists: 0,
    watches: 0,
    get objects() {
      return objects.size;
    },
  };

  function heard(): void {
    state.lastHeardMs = now();
  }

  /** The next step is due within `ms`; the margin is for a busy event loop. */
  function expectStepWithin(ms: number): void {
    stepDueMs = now() + ms + 30_000;
  }

  function decode(key: string, raw: unknown): T | undefined {
    try {
      return options.decode(raw);
    } catch (error) {
      // The message may come from anywhere, so only its kind is said.
      const kind = error instanceof Error ? error.name : typeof error;
      logger.error('an object cannot be read and is left as it was', { reflector: options.name, key, error: kind });
      return undefined;
    }
  }

  function upsert(raw: unknown): string | undefined {
    const name = textAt(raw, 'metadata', 'name');
    if (name === '') return undefined;
    const key = `${textAt(raw, 'metadata', 'namespace')}/${name}`;
    const previous = objects.get(key);
    if (previous !== undefined && previous.resourceVersion === textAt(raw, 'metadata', 'resourceVersion')) return key;
    const object = decode(key, raw);
    if (object === undefined) return key;
    const initial = !state.synced;
    // The deletion in between was missed; whoever acts on deletions must not miss it.
    if (previous !== undefined && previous.uid !== object.uid) remove(key);
    objects.set(key, object);
    const isNew = previous === undefined || previous.uid !== object.uid;
    if (isNew) options.onChange({ type: 'added', key, object, raw, initial });
    else options.onChange({ type: 'updated', key, object, previous, raw, initial });
    return key;
  }

  function remove(key: string): void {
    const object = objects.get(key);
    if (object === undefined) return;
    objects.delete(key);
    options.onChange({ type: 'deleted', key, object });
  }

  /** Additions count page by page, deletions only when every page came. */
  async function list(): Promise<void> {
    state.lists++;
    const seen = new Set<string>();
    let continueToken = '';
    let version = '';
    do {
      expectStepWithin(requestPatienceMs(timing));
      isListing = true;
      const page = await resources
        .list(selection, { limit: timing.pageSize, continueToken }, { signal })
        .finally(() => {
          isListing = false;
        });
      heard();
      for (const raw of page.items) {
        const key = upsert(raw);
        if (key !== undefined) seen.add(key);
      }
      continueToken = page.continueToken;
      version = page.resourceVersion;
    } while (continueToken !== '');
    for (const key of [...objects.keys()]) if (!seen.has(key)) remove(key);
    resourceVersion = version;
    if (!state.synced) logger.info('cache is complete', { reflector: options.name, objects: objects.size });
    state.synced = true;
    firstSync.resolve();
  }

  function onEvent({ type, object }: WatchEvent): void {
    heard();
    expectStepWithin(timing.idleTimeoutMs);
    recovered();
    const version = textAt(object, 'metadata', 'resourceVersion');
    if (type === 'DELETED') remove(`${textAt(object, 'metadata', 'namespace')}/${textAt(object, 'metadata', 'name')}`);
    else if (type === 'ADDED' || type === 'MODIFIED') upsert(object);
    // Bookmarks carry nothing but the version.
    if (version !== '') resourceVersion = version;
  }

  async function watch(from: string): Promise<void> {
    state.watches++;
    const startMs = now();
    const { least, most } = watchSeconds;
    const timeoutSeconds = least + Math.floor(options.random() * (most - least));
    const { idleTimeoutMs } = timing;
    expectStepWithin(idleTimeoutMs);
    let settled: NodeJS.Timeout | undefined;
    // The first event may be a minute away, and what waits for the API server shall not wait for that.
    const onOpen = () => {
      heard();
      settled = setTimeout(recovered, shortestWatchMs);
    };
    const parameters = { resourceVersion: from, timeoutSeconds, idleTimeoutMs, onOpen };
    try {
      await resources.watch(selection, parameters, onEvent, { signal });
    } catch (error) {
      const lasted = settled !== undefined && now() - startMs >= shortestWatchMs;
      if (!lasted || !(error instanceof ApiError) || error.status !== 0) throw error;
      // Connections break, and silent ones are given up on purpose: only a watch that cannot be opened again is a failure.
      logger.debug('the watch broke and is opened again', { reflector: options.name, error: error.message });
      await pause(options.random() * reconnectBaseDelayMs);
      return;
    } finally {
      clearTimeout(settled);
    }
    if (now() - startMs < shortestWatchMs) {
      throw new ApiError('ApiUnavailable', `watch ${selection.path}: the API server ended it at once`, { status: 0 });
    }
  }

  function recovered(): void {
    failures = 0;
    if (state.failure === undefined) return;
    state.failure = undefined;
    logger.info('the API server answers again', { reflector: options.name });
    options.onRecovered?.();
  }

  /** Said once per failure, not once per attempt. */
  function failed(error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error));
    if (state.failure?.message !== failure.message) {
      const hint = error instanceof ApiError ? error.hint : undefined;
      const attributes = { reflector: options.name, error: failure.message, ...(hint === undefined ? {} : { hint }) };
      logger.warn('cannot follow objects, trying again until it works', attributes);
    }
    state.failure = failure;
    failures++;
  }

  async function pause(ms: number): Promise<void> {
    expectStepWithin(ms);
    await sleep(ms, signal);
  }

  function reconnectDelayMs(error: unknown): number {
    const backoff = { baseMs: reconnectBaseDelayMs, maxMs: timing.reconnectMaxDelayMs };
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(delayAfterFailures(failures, backoff, options.random), Math.min(asked, backoff.maxMs));
  }

  /** What a failed watch says about the version it began from. */
  function forgetVersionAfter(error: unknown): void {
    if (!(error instanceof ApiError) || error.status === 0) return;
    const refused = error.status < 500 && error.status !== 429;
    if (refused || failures >= refusalsPerVersion) resourceVersion = undefined;
  }

  function mayPoll(error: unknown): boolean {
    return timing.pollIntervalMs !== undefined && error instanceof ApiError && error.status === 403;
  }

  async function follow(): Promise<void> {
    if (resourceVersion === undefined) {
      await list();
      recoveredFromListing();
    }
    if (state.polling && pollsLeft-- > 0) {
      await pause(timing.pollIntervalMs ?? 0);
      resourceVersion = undefined;
      return;
    }
    try {
      await watch(resourceVersion ?? '');
      state.polling = false;
      recovered();
    } catch (error) {
      if (!mayPoll(error)) throw error;
      startPolling();
      await pause(timing.pollIntervalMs ?? 0);
      resourceVersion = undefined;
    }
  }

  /** A list that works ends a failure of listing; that of a watch ends with the watch's first sign of life. */
  function recoveredFromListing(): void {
    if (state.polling) recovered();
  }

  function startPolling(): void {
    if (!state.polling) {
      const everyMs = timing.pollIntervalMs;
      logger.warn('watching is forbidden, listing again and again instead', { reflector: options.name, everyMs });
    }
    state.polling = true;
    pollsLeft = pollsPerWatchAttempt;
    recovered();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow();
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof ApiError && error.gone) {
          // Normal after a long pause of the API server. Twice in a row it is a failure like any other.
          resourceVersion = undefined;
          if (failures++ === 0) continue;
        }
        failed(error);
        forgetVersionAfter(error);
        await pause(reconnectDelayMs(error)).catch(() => {});
      }
    }
    stepDueMs = Number.POSITIVE_INFINITY;
  }

  return {
    state,
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort(new Error('the reflector was stopped'));
      firstSync.reject(signal.reason);
      await running;
    },
    whenSynced(waiter) {
      return waiter === undefined ? firstSync.promise : orAborted(firstSync.promise, waiter);
    },
    get: (key) => objects.get(key),
    values: () => objects.values(),
  };
}

/** So long a request may hear nothing, of its own or of those before it: one attempt after the other, and the pauses that were asked for. */
function requestPatienceMs(timing: ReflectorTiming): number {
  return 6 * (timing.requestTimeoutMs + 30_000);
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
