import { textAt } from '@waxwing/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { createTestLogger } from '../testing.ts';
import type { Change, ListPage, Reflector, ResourceApi, WatchEvent } from './api.ts';
import { ApiError } from './errors.ts';
import { createReflector, type Identified, type ReflectorTiming } from './reflector.ts';

interface Open {
  readonly resourceVersion: string;
  readonly idleTimeoutMs: number;
  send(type: string, object: unknown): void;
  end(error?: Error): void;
}

/** A collection that answers lists from what it holds, and watches that the test feeds. Failures are queued per kind of call. */
function aCollection() {
  let version = 100;
  const objects = new Map<string, Record<string, unknown>>();
  const lists: { limit: number; continueToken: string }[] = [];
  const opened: Open[] = [];
  const listFailures: Error[] = [];
  const watchFailures: Error[] = [];
  const resources: ResourceApi = {
    async list(_selection, page): Promise<ListPage> {
      lists.push(page);
      const failure = listFailures.shift();
      if (failure !== undefined) throw failure;
      const all = [...objects.values()];
      const from = Number(page.continueToken === '' ? 0 : page.continueToken);
      const to = from + page.limit;
      const continueToken = to < all.length ? String(to) : '';
      return { items: all.slice(from, to), resourceVersion: String(version), continueToken };
    },
    watch(_selection, { resourceVersion, idleTimeoutMs, onOpen }, onEvent, options = {}) {
      const failure = watchFailures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      onOpen?.();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason));
      opened.push({
        resourceVersion,
        idleTimeoutMs,
        send(type, object) {
          try {
            onEvent({ type, object } satisfies WatchEvent);
          } catch (error) {
            reject(error);
          }
        },
        end: (error) => (error === undefined ? resolve() : reject(error)),
      });
      return promise;
    },
  };
  const object = (name: string, uid = `uid-${name}`) => {
    version++;
    return { metadata: { namespace: 'a', name, uid, resourceVersion: String(version) } };
  };
  return {
    resources,
    lists,
    opened,
    listFailures,
    watchFailures,
    object,
    put(name: string, uid?: string) {
      const made = object(name, uid);
      objects.set(name, made);
      return made;
    },
    drop(name: string) {
      const dropped = objects.get(name);
      objects.delete(name);
      version++;
      return { ...dropped, metadata: { ...(dropped?.['metadata'] as object), resourceVersion: String(version) } };
    },
  };
}

const timing: ReflectorTiming = {
  pageSize: 2,
  idleTimeoutMs: 5000,
  reconnectMaxDelayMs: 5,
  requestTimeoutMs: 1000,
};

const running: Reflector<Identified>[] = [];

function follow(
  collection: ReturnType<typeof aCollection>,
  parts: { timing?: Partial<ReflectorTiming>; clock?: { extraMs: number }; progressMs?: () => number } = {},
) {
  const changes: string[] = [];
  const logger = createTestLogger();
  let recoveries = 0;
  const reflector = createReflector<Identified>({
    name: 'things',
    resources: collection.resources,
    selection: { path: '/api/v1/things', labelSelector: '', metadataOnly: false },
    timing: { ...timing, ...parts.timing },
    decode(raw) {
      if (textAt(raw, 'metadata', 'name') === 'poison') throw new TypeError('secret-text');
      return { uid: textAt(raw, 'metadata', 'uid'), resourceVersion: textAt(raw, 'metadata', 'resourceVersion') };
    },
    onChange(change: Change<Identified>) {
      const initial = change.type !== 'deleted' && change.initial ? ' initially' : '';
      changes.push(`${change.type} ${change.key}${initial}`);
    },
    onRecovered() {
      recoveries++;
    },
    logger,
    progress: { lastMs: () => parts.progressMs?.() ?? Number.NEGATIVE_INFINITY },
    now: () => performance.now() + (parts.clock?.extraMs ?? 0),
    random: Math.random,
  });
  running.push(reflector);
  reflector.start();
  return { reflector, changes, logger, recoveries: () => recoveries };
}

/** Waits until something is so; a test that waits in vain fails by its own assertion afterwards. */
async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 3000;
  while (!isSo() && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 1));
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((reflector) => reflector.stop()));
});

describe('the reflector', () => {
  test('lists in pages, then watches from the version of the list', async () => {
    const collection = aCollection();
    for (const name of ['x', 'y', 'z']) collection.put(name);
    const { reflector, changes } = follow(collection);
    await reflector.whenSynced();
    await until(() => collection.opened.length === 1);
    expect(changes).toEqual(['added a/x initially', 'added a/y initially', 'added a/z initially']);
    expect(collection.lists.map(({ continueToken }) => continueToken)).toEqual(['', '2']);
    expect(collection.opened[0]?.resourceVersion).toBe('103');
    expect(collection.opened[0]?.idleTimeoutMs).toBe(5000);
    expect(reflector.state).toMatchObject({ synced: true, objects: 3, failure: undefined });
  });

  test('reports what the watch says, and goes on from the last version, bookmarks included', async () => {
    const collection = aCollection();
    const { reflector, changes } = follow(collection);
    await until(() => collection.opened.length === 1);
    const watch = collection.opened[0];
    watch?.send('ADDED', collection.put('x'));
    watch?.send('MODIFIED', collection.put('x'));
    watch?.send('DELETED', collection.drop('x'));
    watch?.send('BOOKMARK', { metadata: { resourceVersion: '900' } });
    expect(changes).toEqual(['added a/x', 'updated a/x', 'deleted a/x']);
    watch?.end(new ApiError('ApiUnavailable', 'no answer in time', { status: 0 }));
    await until(() => collection.opened.length === 2);
    expect(collection.opened[1]?.resourceVersion).toBe('900');
    expect(collection.lists).toHaveLength(1);
    expect(reflector.state.objects).toBe(0);
  });

  test('lists again after 410 and reports what was deleted meanwhile', async () => {
    const collection = aCollection();
    for (const name of ['x', 'y', 'z']) collection.put(name);
    const { changes } = follow(collection);
    await until(() => collection.opened.length === 1);
    collection.drop('y');
    collection.put('w');
    collection.opened[0]?.end(new ApiError('ApiConflict', 'too old', { status: 410 }));
    await until(() => collection.opened.length === 2);
    expect(changes.slice(3)).toEqual(['added a/w', 'deleted a/y']);
  });

  test('a list that fails halfway deletes nothing', async () => {
    const collection = aCollection();
    for (const name of ['v', 'w', 'x', 'y', 'z']) collection.put(name);
    const { changes } = follow(collection);
    await until(() => collection.opened.length === 1);
    collection.drop('v');
    let pages = 0;
    const list = collection.resources.list;
    const failing: ResourceApi['list'] = async (...args) => {
      if (++pages === 2) throw new ApiError('ApiUnavailable', 'away', { status: 503 });
      return list(...args);
    };
    collection.resources.list = failing;
    collection.opened[0]?.end(new ApiError('ApiConflict', 'too old', { status: 410 }));
    await until(() => pages >= 2);
    expect(changes.filter((change) => change.startsWith('deleted'))).toEqual([]);
    await until(() => collection.opened.length === 2);
    expect(changes.filter((change) => change.startsWith('deleted'))).toEqual(['deleted a/v']);
  });

  test('an object made anew under its old name is a deletion and an addition', async () => {
    const collection = aCollection();
    collection.put('x', 'uid-1');
    const { changes } = follow(collection);
    await until(() => collection.opened.length === 1);
    collection.put('x', 'uid-2');
    collection.opened[0]?.end(new ApiError('ApiConflict', 'too old', { status: 410 }));
    await until(() => collection.opened.length === 2);
    expect(changes.slice(1)).toEqual(['deleted a/x', 'added a/x']);
  });

  test('an unchanged object is not reported again by another list', async () => {
    const collection = aCollection();
    collection.put('x');
    const { changes } = follow(collection);
    await until(() => collection.opened.length === 1);
    collection.opened[0]?.end(new ApiError('ApiConflict', 'too old', { status: 410 }));
    await until(() => collection.opened.length === 2);
    expect(changes).toEqual(['added a/x initially']);
  });

  test('an object that cannot be read stops neither list nor watch, and its text is not logged', async () => {
    const collection = aCollection();
    for (const name of ['poison', 'x']) collection.put(name);
    const { changes, logger } = follow(collection);
    await until(() => collection.opened.length === 1);
    collection.opened[0]?.send('MODIFIED', collection.put('poison'));
    collection.opened[0]?.send('ADDED', collection.put('y'));
    collection.opened[0]?.send('ADDED', { metadata: 'nonsense' });
    collection.opened[0]?.send('ADDED', null);
    expect(changes).toEqual(['added a/x initially', 'added a/y']);
    const errors = logger.records.filter(({ level }) => level === 'error');
    expect(errors[0]?.attributes).toMatchObject({ key: 'a/poison', error: 'TypeError' });
    expect(JSON.stringify(logger.records)).not.toContain('secret-text');
  });

  test('keeps trying while it is refused, says so once, reports it in its state, and tells when it is over', async () => {
    const collection = aCollection();
    const forbidden = () => new ApiError('ApiForbidden', 'may not list things', { status: 403, hint: 'grant list' });
    for (let i = 0; i < 6; i++) collection.listFailures.push(forbidden());
    const { reflector, logger, recoveries } = follow(collection);
    await until(() => collection.lists.length >= 4);
    expect(reflector.state.failure?.message).toBe('may not list things');
    expect(reflector.state.synced).toBe(false);
    await reflector.whenSynced();
    await until(() => collection.opened.length === 1);
    collection.opened[0]?.send('BOOKMARK', { metadata: { resourceVersion: '500' } });
    expect(reflector.state.failure).toBeUndefined();
    expect(recoveries()).toBe(1);
    const warnings = logger.records.filter(({ level }) => level === 'warn');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.attributes).toMatchObject({ error: 'may not list things', hint: 'grant list' });
  });

  test('an accepted watch ends a failure though no event comes', async () => {
    const collection = aCollection();
    collection.watchFailures.push(new ApiError('ApiUnavailable', 'connection refused', { status: 0 }));
    const { reflector, recoveries } = follow(collection);
    await until(() => collection.opened.length === 1);
    expect(reflector.state.failure?.message).toBe('connection refused');
    await until(() => recoveries() === 1);
    expect(reflector.state.failure).toBeUndefined();
  });

  test('a watch that breaks after a while is opened again without a word', async () => {
    const collection = aCollection();
    const clock = { extraMs: 0 };
    const { reflector, logger, recoveries } = follow(collection, { clock });
    await until(() => collection.opened.length === 1);
    clock.extraMs = 90_000;
    collection.opened[0]?.end(new ApiError('ApiUnavailable', 'no answer in time', { status: 0 }));
    await until(() => collection.opened.length === 2);
    expect(logger.records.filter(({ level }) => level === 'warn')).toEqual([]);
    expect([reflector.state.failure, recoveries()]).toEqual([undefined, 0]);
  });

  test('where watching is forbidden and polling is allowed it lists again and again', async () => {
    const collection = aCollection();
    collection.put('x');
    for (let i = 0; i < 100; i++)
      collection.watchFailures.push(new ApiError('ApiForbidden', 'no watch', { status: 403 }));
    const { reflector, changes } = follow(collection, { timing: { pollIntervalMs: 2 } });
    await reflector.whenSynced();
    await until(() => reflector.state.polling);
    collection.put('y');
    collection.drop('x');
    await until(() => changes.length === 3);
    expect(changes).toEqual(['added a/x initially', 'added a/y', 'deleted a/x']);
    expect(reflector.state).toMatchObject({ polling: true, failure: undefined });
    collection.watchFailures.length = 0;
    await until(() => collection.opened.length === 1);
    collection.opened[0]?.send('ADDED', collection.put('z'));
    expect(changes.at(-1)).toBe('added a/z');
  });

  test('where watching is forbidden and polling is not allowed it lists before each attempt', async () => {
    const collection = aCollection();
    for (let i = 0; i < 3; i++)
      collection.watchFailures.push(new ApiError('ApiForbidden', 'no watch', { status: 403 }));
    follow(collection);
    await until(() => collection.opened.length === 1);
    expect(collection.lists.length).toBe(4);
  });

  test('gives up a version that the API server keeps refusing', async () => {
    const collection = aCollection();
    for (let i = 0; i < 3; i++)
      collection.watchFailures.push(new ApiError('ApiUnavailable', 'too large', { status: 504 }));
    follow(collection);
    await until(() => collection.opened.length === 1);
    expect(collection.lists.length).toBe(2);
  });

  test('tells until when its next step is due', async () => {
    const collection = aCollection();
    const { reflector } = follow(collection);
    await until(() => collection.opened.length === 1);
    const dueMs = reflector.state.deadlineMs - performance.now();
    expect(dueMs).toBeGreaterThan(5000);
    expect(dueMs).toBeLessThan(60_000);
    await reflector.stop();
    expect(reflector.state.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test('is not late with a list as long as it comes nearer to its turn', async () => {
    const collection = aCollection();
    let isWaiting = false;
    const list: ResourceApi['list'] = (_selection, _page, { signal } = {}) => {
      isWaiting = true;
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    };
    const clock = { extraMs: 0 };
    let progressMs = 0;
    const { reflector } = follow(
      { ...collection, resources: { ...collection.resources, list } },
      { clock, progressMs: () => progressMs },
    );
    await until(() => isWaiting);
    clock.extraMs = 900_000;
    const nowMs = () => performance.now() + clock.extraMs;
    expect(reflector.state.deadlineMs).toBeLessThan(nowMs());
    progressMs = nowMs() - 60_000;
    expect(reflector.state.deadlineMs).toBeGreaterThan(nowMs());
  });

  test('stopping ends the watch and whoever waits for the first list', async () => {
    const collection = aCollection();
    for (let i = 0; i < 1000; i++) collection.listFailures.push(new ApiError('ApiUnavailable', 'away', { status: 0 }));
    const { reflector } = follow(collection);
    const waiting = reflector.whenSynced();
    await reflector.stop();
    await expect(waiting).rejects.toThrow('stopped');
    expect(collection.opened).toHaveLength(0);
  });

  test('waiting for the first list ends with its signal', async () => {
    const collection = aCollection();
    for (let i = 0; i < 1000; i++) collection.listFailures.push(new ApiError('ApiUnavailable', 'away', { status: 0 }));
    const { reflector } = follow(collection);
    await expect(reflector.whenSynced(AbortSignal.timeout(5))).rejects.toThrow();
  });
});
