import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, connect, type Watch, type WatchEvent } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import {
  aConfigMap,
  aSealedSecret,
  aSecret,
  corePath,
  refuse,
  sealedSecretPath,
  startSuite,
  succeed,
} from './suite.ts';

const { server, admin } = await startSuite();

const isBookmark = (event: WatchEvent) => event.type === 'BOOKMARK';
const named = (name: string) => (event: WatchEvent) => event.object.metadata?.name === name;
const summary = (events: WatchEvent[]) => events.map((event) => `${event.type} ${event.object.metadata.name}`);

async function allEvents(watch: Watch): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for (let event = await watch.next(); event !== undefined; event = await watch.next()) events.push(event);
  return events;
}

describe.concurrent.each([
  { resource: 'secrets', path: corePath, anObject: aSecret },
  {
    resource: 'sealedsecrets',
    path: (namespace: string, _resource: string, name?: string) => sealedSecretPath(namespace, name),
    anObject: aSealedSecret,
  },
])('a watch of $resource', ({ resource, path, anObject }) => {
  it('from the version of a list sends every later change once and in order', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    await succeed(admin.request('POST', collection, anObject('before')));
    const list = await succeed(admin.request('GET', collection));

    const created = await succeed(admin.request('POST', collection, anObject('one')));
    const changed = { ...created, metadata: { ...created.metadata, labels: { changed: 'yes' } } };
    const updated = await succeed(admin.request('PUT', path(namespace, resource, 'one'), changed));
    await using watch = await admin.watch(`${collection}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
    await succeed(admin.request('DELETE', path(namespace, resource, 'one')));
    await succeed(admin.request('POST', collection, anObject('two')));

    expect(watch.status).toBe(200);
    const events = await watch.until(named('two'));
    expect(summary(events)).toEqual(['ADDED one', 'MODIFIED one', 'DELETED one', 'ADDED two']);
    expect(events[0]?.object).toEqual(created);
    expect(events[1]?.object).toEqual(updated);
    const versions = events.map((event) => BigInt(event.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => (a < b ? -1 : 1)));
    // A deletion carries the last state under the version of the deletion, so that a watch can go on from it.
    expect(versions[2]).toBeGreaterThan(versions[1] ?? 0n);
    expect(events[2]?.object.metadata.labels).toEqual({ changed: 'yes' });
  });

  it('without a version starts with what is there', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    await succeed(admin.request('POST', collection, anObject('a')));
    await succeed(admin.request('POST', collection, anObject('b')));
    await using watch = await admin.watch(`${collection}?watch=true`);
    const found = [await watch.next(), await watch.next()].map(
      (event) => `${event?.type} ${event?.object.metadata.name}`,
    );
    expect(found.sort()).toEqual(['ADDED a', 'ADDED b']);
    await succeed(admin.request('DELETE', path(namespace, resource, 'a')));
    expect(summary(await watch.until(named('a')))).toEqual(['DELETED a']);
  });

  it('from version 0 starts with what is there, too', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    await succeed(admin.request('POST', collection, anObject('a')));
    await using watch = await admin.watch(`${collection}?watch=true&resourceVersion=0`);
    expect(summary(await watch.until(named('a')))).toEqual(['ADDED a']);
  });

  it('of all namespaces sees all of them, one of a single object only that', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    const everywhere = collection.replace(`/namespaces/${namespace}`, '');
    const list = await succeed(admin.request('GET', `${everywhere}?limit=1`));
    await using all = await admin.watch(`${everywhere}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
    await using single = await admin.watch(
      `${collection}?watch=true&fieldSelector=metadata.name%3Dwanted&resourceVersion=${list.metadata.resourceVersion}`,
    );
    await succeed(admin.request('POST', collection, anObject('other')));
    await succeed(admin.request('POST', collection, anObject('wanted')));
    const mine = (event: WatchEvent) => event.object.metadata.namespace === namespace;
    const seen = (await all.until((event) => mine(event) && named('wanted')(event))).filter(mine);
    expect(summary(seen)).toEqual(['ADDED other', 'ADDED wanted']);
    expect(summary(await single.until(named('wanted')))).toEqual(['ADDED wanted']);
  });

  it('with a label selector turns gaining and losing the label into ADDED and DELETED', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    const list = await succeed(admin.request('GET', collection));
    await using watch = await admin.watch(
      `${collection}?watch=true&labelSelector=team%3Da&resourceVersion=${list.metadata.resourceVersion}`,
    );
    const item = path(namespace, resource, 'moving');
    let object = await succeed(admin.request('POST', collection, anObject('moving')));
    for (const labels of [{ team: 'a' }, { team: 'a', more: 'yes' }, { team: 'b' }]) {
      object = await succeed(admin.request('PUT', item, { ...object, metadata: { ...object.metadata, labels } }));
    }
    const events = await watch.until((event) => event.type === 'DELETED');
    expect(summary(events)).toEqual(['ADDED moving', 'MODIFIED moving', 'DELETED moving']);
    expect(events[2]?.object.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
  });

  it('ends cleanly after timeoutSeconds', async () => {
    const namespace = await createNamespace(server);
    await using watch = await admin.watch(`${path(namespace, resource)}?watch=true&timeoutSeconds=1`);
    expect(await allEvents(watch)).toEqual([]);
  });

  it('that allows bookmarks learns by one, before its timeout, of versions whose changes it does not see', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    const list = await succeed(admin.request('GET', collection));
    await using watch = await admin.watch(
      `${collection}?watch=true&allowWatchBookmarks=true&timeoutSeconds=4&resourceVersion=${list.metadata.resourceVersion}`,
    );
    const elsewhere = await createNamespace(server);
    const unseen = await succeed(admin.request('POST', path(elsewhere, resource), anObject('unseen')));
    const events = await allEvents(watch);
    expect(events.filter((event) => !isBookmark(event))).toEqual([]);
    const bookmark = events.at(-1)?.object;
    expect(bookmark.kind).toBe(resource === 'secrets' ? 'Secret' : 'SealedSecret');
    expect(BigInt(bookmark.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(unseen.metadata.resourceVersion));
    expect(bookmark.metadata.name ?? '').toBe('');
  });

  it('with sendInitialEvents sends what is there, then a bookmark that says so, then changes', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    const created = await succeed(admin.request('POST', collection, anObject('first')));
    await using watch = await admin.watch(
      `${collection}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    const initial = await watch.until(isBookmark);
    expect(initial.map((event) => event.type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(initial[0]?.object).toEqual(created);
    expect(initial[1]?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    await succeed(admin.request('POST', collection, anObject('second')));
    expect(summary(await watch.until(named('second')))).toEqual(['ADDED second']);
  });

  it('from a version that is not a number is refused, as is such a list', async () => {
    const namespace = await createNamespace(server);
    const collection = path(namespace, resource);
    await using watch = await admin.watch(`${collection}?watch=true&resourceVersion=yesterday`);
    expect(await watch.next()).toMatchObject({ kind: 'Status', status: 'Failure' });
    expect(watch.status).toBeGreaterThanOrEqual(400);
    await refuse(admin.request('GET', `${collection}?resourceVersion=yesterday`), 400, 'BadRequest');
  });

  it('sendInitialEvents without resourceVersionMatch is refused with 422', async () => {
    const namespace = await createNamespace(server);
    await refuse(
      admin.request('GET', `${path(namespace, resource)}?watch=true&sendInitialEvents=true`),
      422,
      'Invalid',
    );
  });
});

it('a slow reader gets every event', async () => {
  const namespace = await createNamespace(server);
  const collection = corePath(namespace, 'configmaps');
  const list = await succeed(admin.request('GET', collection));
  await using watch = await admin.watch(`${collection}?watch=true&resourceVersion=${list.metadata.resourceVersion}`);
  const names = Array.from({ length: 200 }, (_, index) => `many-${String(index).padStart(3, '0')}`);
  for (const name of names) await succeed(admin.request('POST', collection, aConfigMap(name)));
  expect(summary(await watch.until(named('many-199')))).toEqual(names.map((name) => `ADDED ${name}`));
});

describe('a server of its own', () => {
  let own: ApiServer;
  let client: ApiClient;
  beforeAll(async () => {
    own = await leaseApiServer({ kind: server.kind });
    client = await connect(own.kubeconfig);
  });
  afterAll(() => own.stop());

  it('goes away: open watches end; it comes back: the data is the same and watches go on from a new list', async () => {
    const collection = corePath(await createNamespace(own), 'configmaps');
    const created = await succeed(own.request('POST', collection, aConfigMap('kept')));
    const watchFrom = (version: string) => client.watch(`${collection}?watch=true&resourceVersion=${version}`);
    await using watch = await watchFrom(created.metadata.resourceVersion);
    await own.pause();
    expect(await watch.next()).toBeUndefined();
    await expect(own.request('GET', collection)).rejects.toThrow(/ECONNREFUSED/);
    await own.resume();

    expect(await succeed(own.request('GET', `${collection}/kept`))).toEqual(created);
    // From a new list: a server that has just started may answer with 410 to versions of before.
    const list = await succeed(own.request('GET', collection));
    await using again = await watchFrom(list.metadata.resourceVersion);
    await succeed(own.request('POST', collection, aConfigMap('later')));
    expect(summary(await again.until(named('later')))).toEqual(['ADDED later']);
  });

  it('has forgotten its history: watches, exact lists and continue tokens of before are answered with 410', async () => {
    const collection = corePath(await createNamespace(own), 'configmaps');
    for (const name of ['a', 'b', 'c']) await succeed(own.request('POST', collection, aConfigMap(name)));
    const page = await succeed(own.request('GET', `${collection}?limit=1`));
    const before = page.metadata.resourceVersion;
    await succeed(own.request('POST', collection, aConfigMap('d')));
    await own.compact();

    await using watch = await client.watch(`${collection}?watch=true&resourceVersion=${before}`);
    const first = await watch.next();
    expect(first).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' },
    });
    expect(first?.object.message).toContain('too old resource version');

    const exact = `${collection}?resourceVersion=${before}&resourceVersionMatch=Exact`;
    await refuse(client.request('GET', exact), 410, 'Expired');

    const token = encodeURIComponent(page.metadata.continue);
    const expired = await refuse(client.request('GET', `${collection}?limit=1&continue=${token}`), 410, 'Expired');
    // The refusal offers a token that goes on at the same place in the state of now.
    const rest = await succeed(
      client.request('GET', `${collection}?continue=${encodeURIComponent(expired.metadata.continue)}`),
    );
    expect(rest.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['b', 'c', 'd']);
  });
});
