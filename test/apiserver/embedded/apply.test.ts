import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../client.ts';
import { type EmbeddedApiServer, startEmbeddedApiServer } from './index.ts';

/** What is expected here was seen of kube-apiserver 1.36.3 for the same requests. */

const foos = '/apis/ex.io/v1/namespaces/default/foos';
const mergePatch = { 'content-type': 'application/merge-patch+json' };
const applyPatch = { 'content-type': 'application/apply-patch+yaml' };
let server: EmbeddedApiServer;

const spec = {
  type: 'object',
  properties: {
    n: { type: 'integer', default: 3 },
    atomic: { type: 'array', items: { type: 'string' } },
    set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
    list: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: {
        type: 'object',
        required: ['k'],
        properties: { k: { type: 'string' }, v: { type: 'string', default: 'dv' } },
      },
    },
    nested: { type: 'object', properties: { deep: { type: 'object', additionalProperties: { type: 'string' } } } },
  },
};

beforeAll(async () => {
  server = await startEmbeddedApiServer({ installCrd: false });
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
  };
  const crd = {
    metadata: { name: 'foos.ex.io' },
    spec: { group: 'ex.io', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo' }, versions: [version] },
  };
  const created = await server.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  if (created.status !== 201) throw new Error(JSON.stringify(created.body));
});
afterAll(() => server.stop());

async function apply(name: string, manager: string, wanted: object, force = false): Promise<Json> {
  const object = { apiVersion: 'ex.io/v1', kind: 'Foo', metadata: { name }, spec: wanted };
  const path = `${foos}/${name}?fieldManager=${manager}${force ? '&force=true' : ''}`;
  return (await server.request('PATCH', path, object, applyPatch)).body;
}

function owned(object: Json, manager: string): Json {
  return object.metadata.managedFields?.find((entry: Json) => entry.manager === manager)?.fieldsV1;
}

describe('server-side apply', () => {
  it('owns what it was given, not what defaults added', async () => {
    const object = await apply('defaults', 'm', { list: [{ k: '1' }] });
    expect(object.spec).toEqual({ n: 3, list: [{ k: '1', v: 'dv' }] });
    expect(owned(object, 'm')).toEqual({ 'f:spec': { 'f:list': { 'k:{"k":"1"}': { '.': {}, 'f:k': {} } } } });
  });

  it('merges lists by key and as sets: wanted order, with what others have in its place', async () => {
    await apply('ordered', 'm1', { list: [{ k: '1' }, { k: '2' }], set: ['x', 'y'] });
    const object = await apply('ordered', 'm2', { list: [{ k: '3' }], set: ['z', 'x'] });
    expect(object.spec.list.map((item: Json) => item.k)).toEqual(['1', '2', '3']);
    expect(object.spec.set).toEqual(['z', 'x', 'y']);
    // x belongs to both, so it stays; item 1 was m1's alone.
    const less = await apply('ordered', 'm1', { list: [{ k: '2' }], set: ['y'] });
    expect(less.spec.list.map((item: Json) => item.k)).toEqual(['2', '3']);
    expect(less.spec.set).toEqual(['z', 'x', 'y']);
  });

  it('removes containers that become empty by it', async () => {
    await apply('emptied', 'm', { n: 1, nested: { deep: { a: 'b' } } });
    expect((await apply('emptied', 'm', { n: 1 })).spec).toEqual({ n: 1 });
  });

  it('makes a container null that is still wanted but lost all it held, which the schema refuses', async () => {
    await apply('voided', 'm', { nested: { deep: { a: 'b' } } });
    expect((await apply('voided', 'm', { nested: { deep: {} } })).message).toBe(
      'Foo.ex.io "voided" is invalid: spec.nested.deep: Invalid value: "null": spec.nested.deep in body must be of type object: "null"',
    );
  });

  it('names the other manager and the field in a conflict, and takes the field over with force', async () => {
    await apply('contested', 'm1', { n: 1, atomic: ['a'] });
    await server.request(
      'PATCH',
      `${foos}/contested?fieldManager=editor`,
      { spec: { n: 2, atomic: ['b'] } },
      mergePatch,
    );
    const refused = await apply('contested', 'm1', { n: 1, atomic: ['a'] });
    expect(refused).toMatchObject({ code: 409, reason: 'Conflict' });
    expect(refused.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "editor" using ex.io/v1:\n- .spec.atomic\n- .spec.n',
    );
    const forced = await apply('contested', 'm1', { n: 1, atomic: ['a'] }, true);
    expect(forced.spec).toEqual({ n: 1, atomic: ['a'] });
    expect(owned(forced, 'editor')).toBeUndefined();
  });

  it('shares a field that several managers want alike, and drops it with the last of them', async () => {
    await apply('shared', 'm1', { n: 7 });
    const both = await apply('shared', 'm2', { n: 7 });
    expect([owned(both, 'm1'), owned(both, 'm2')]).toEqual([{ 'f:spec': { 'f:n': {} } }, { 'f:spec': { 'f:n': {} } }]);
    expect((await apply('shared', 'm1', { atomic: [] })).spec.n).toBe(7);
    expect((await apply('shared', 'm2', { atomic: [] })).spec.n).toBe(3);
  });

  it('refuses what the schema does not have, with its path', async () => {
    expect((await apply('odd', 'm', { invented: 1 })).message).toContain(
      '.spec.invented: field not declared in schema',
    );
    expect((await apply('odd', 'm', { atomic: 'a' })).message).toContain('.spec.atomic: expected list, got &{a}');
  });
});

it('an update takes the fields it changes from everybody, and those it removes belong to nobody', async () => {
  await apply('updated', 'm', { n: 1, atomic: ['a'] });
  const path = `${foos}/updated?fieldManager=editor`;
  const changed = (await server.request('PATCH', path, { spec: { n: 2, atomic: null } }, mergePatch)).body;
  expect(owned(changed, 'm')).toBeUndefined();
  expect(owned(changed, 'editor')).toEqual({ 'f:spec': { 'f:n': {} } });
});
