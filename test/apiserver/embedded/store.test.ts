import { expect, it } from 'vitest';
import type { KubeObject } from './json.ts';
import { keyOf, Store } from './store.ts';

function anObject(name: string, more: object = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'n' }, ...more };
}

function names(versions: Iterable<{ object: KubeObject }>): string[] {
  return [...versions].map(({ object }) => object.metadata.name);
}

it('lists in the order of keys, whatever the order of writes', () => {
  const store = new Store(10);
  for (const name of ['c', 'a', 'b']) store.write('x', keyOf('n', name), anObject(name));
  store.write('x', keyOf('n-2', 'a'), anObject('other'));
  expect(names(store.collection('x').sorted('n/'))).toEqual(['a', 'b', 'c']);
  // '-' sorts before '/', as in etcd.
  expect(names(store.collection('x').sorted())).toEqual(['other', 'a', 'b', 'c']);
});

it('shows the state at an earlier revision, additions, changes and deletions undone', () => {
  const store = new Store(10);
  const first = store.write('x', 'a', anObject('a', { data: { v: '1' } }));
  store.write('x', 'b', anObject('b'));
  const then = store.revision;
  store.write('x', 'a', anObject('a', { data: { v: '2' } }));
  store.remove('x', 'b', anObject('b'));
  store.write('x', 'c', anObject('c'));
  const before = store.collection('x').sortedAt(then);
  expect(names(before)).toEqual(['a', 'b']);
  expect(before[0]).toBe(first);
  expect(names(store.collection('x').sorted())).toEqual(['a', 'c']);
});

it('counts all resources with one counter and gives a deletion a revision of its own', () => {
  const store = new Store(10);
  const one = store.write('x', 'a', anObject('a'));
  const two = store.write('y', 'a', anObject('a'));
  const gone = store.remove('x', 'a', one.object);
  expect([two.revision - one.revision, gone.revision - two.revision]).toEqual([1, 1]);
  expect(gone.object.metadata.resourceVersion).toBe(String(gone.revision));
  expect(one.object.metadata.resourceVersion).toBe(String(one.revision));
});

it('remembers at least historySize changes of each resource, and says up to which revision it has forgotten', () => {
  const store = new Store(3);
  for (let index = 0; index < 20; index++) store.write('x', `k${index}`, anObject(`k${index}`));
  const collection = store.collection('x');
  const kept = collection.changesAfter(collection.forgotten);
  expect(kept.length).toBeGreaterThanOrEqual(3);
  expect(kept.length).toBeLessThanOrEqual(6);
  expect(kept[0]?.current.revision).toBe(collection.forgotten + 1);
});

it('forgets everything before now when compacted, in collections of later too', () => {
  const store = new Store(10);
  store.write('x', 'a', anObject('a'));
  store.compact();
  expect(store.collection('x').forgotten).toBe(store.revision);
  expect(store.collection('new').forgotten).toBe(store.revision);
  expect(names(store.collection('x').sorted())).toEqual(['a']);
});
