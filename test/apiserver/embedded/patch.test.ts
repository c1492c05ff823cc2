import { describe, expect, it } from 'vitest';
import { applyJsonPatch, mergePatch } from './patch.ts';
import { TypeRegistry } from './resources.ts';
import { strategicMerge } from './strategic.ts';

describe('a merge patch', () => {
  it.each([
    // Appendix A of RFC 7386.
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j and %j make %j', (target, patch, expected) => {
    const before = JSON.stringify(target);
    expect(mergePatch(target, patch)).toEqual(expected);
    expect(JSON.stringify(target)).toBe(before);
  });

  it('writes a key __proto__ as any other', () => {
    const patched = mergePatch({}, JSON.parse('{"__proto__":{"a":"b"}}'));
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"a":"b"}}');
    expect(({} as Record<string, unknown>)['a']).toBeUndefined();
  });
});

describe('a JSON patch', () => {
  it('leaves the target alone', () => {
    const target = { a: { b: [1, 2] } };
    expect(applyJsonPatch(target, [{ op: 'remove', path: '/a/b/0' }])).toEqual({ a: { b: [2] } });
    expect(target).toEqual({ a: { b: [1, 2] } });
  });

  it.each([
    [[{ op: 'test', path: '/a', value: 2 }], 422],
    [[{ op: 'remove', path: '/b' }], 422],
    [[{ op: 'dance', path: '/a' }], 422],
    [[{ path: '/a' }], 400],
    [{ op: 'test' }, 400],
  ])('%j is refused with %i', (patch, code) => {
    expect(() => applyJsonPatch({ a: 1 }, patch)).toThrow(expect.objectContaining({ code }));
  });
});

describe('a strategic merge patch', () => {
  const deployment = new TypeRegistry().find('apps', 'v1', 'deployments')?.schema;
  const withContainers = (...containers: object[]) => ({ spec: { template: { spec: { containers } } } });
  const merge = (target: object, patch: object) => strategicMerge(target, patch, deployment);

  it('merges items by their key and keeps the others', () => {
    const target = withContainers(
      { name: 'a', image: '1', env: [{ name: 'X', value: '1' }] },
      { name: 'b', image: '2' },
    );
    const patch = withContainers({ name: 'a', env: [{ name: 'Y', value: '2' }] });
    // What the patch adds comes first, as with kube-apiserver.
    const env = [
      { name: 'Y', value: '2' },
      { name: 'X', value: '1' },
    ];
    expect(merge(target, patch)).toEqual(withContainers({ name: 'a', image: '1', env }, { name: 'b', image: '2' }));
  });

  it('puts items into the order that kubectl apply sends along', () => {
    const target = withContainers({ name: 'a' }, { name: 'b' }, { name: 'c' });
    const spec = {
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'd' }, { name: 'a' }],
      containers: [{ name: 'd' }],
    };
    const merged = merge(target, { spec: { template: { spec } } });
    expect(merged).toEqual(withContainers({ name: 'b' }, { name: 'c' }, { name: 'd' }, { name: 'a' }));
  });

  it('follows $patch: delete and replace, $retainKeys and $deleteFromPrimitiveList', () => {
    const target = withContainers({ name: 'a', image: '1' }, { name: 'b', image: '2' });
    expect(merge(target, withContainers({ name: 'a', $patch: 'delete' }))).toEqual(
      withContainers({ name: 'b', image: '2' }),
    );
    expect(merge(target, withContainers({ $patch: 'replace' }, { name: 'c' }))).toEqual(withContainers({ name: 'c' }));
    const strategy = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
    const recreate = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    expect(merge(strategy, recreate)).toEqual({ spec: { strategy: { type: 'Recreate' } } });
    const finalizers = { metadata: { finalizers: ['a', 'b'] } };
    expect(merge(finalizers, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } })).toEqual({
      metadata: { finalizers: ['b'] },
    });
  });
});
