import { beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import {
  aConfigMap,
  aSealedSecret,
  aSecret,
  corePath,
  mediaTypes,
  refuse,
  sealedSecretPath,
  startSuite,
  succeed,
} from './suite.ts';

const { server, admin } = await startSuite();

const namesOf = (list: Json): string[] => list.items.map((item: Json) => item.metadata.name);
const query = (selector: string, value: string) => `?${selector}=${encodeURIComponent(value)}`;

describe.each([{ resource: 'configmaps' }, { resource: 'sealedsecrets' }])('paging of $resource', ({ resource }) => {
  let collection = '';
  beforeAll(async () => {
    const namespace = await createNamespace(server);
    const sealed = resource === 'sealedsecrets';
    collection = sealed ? sealedSecretPath(namespace) : corePath(namespace, resource);
    for (const name of ['e', 'b', 'd', 'a', 'c']) {
      await succeed(admin.request('POST', collection, sealed ? aSealedSecret(name) : aConfigMap(name)));
    }
  });

  it('gives pages in order of names, the number of what remains, and all of them from one state', async () => {
    const first = await succeed(admin.request('GET', `${collection}?limit=2`));
    expect(namesOf(first)).toEqual(['a', 'b']);
    expect(first.metadata.remainingItemCount).toBe(3);
    const token = encodeURIComponent(first.metadata.continue);
    const second = await succeed(admin.request('GET', `${collection}?limit=2&continue=${token}`));
    expect(namesOf(second)).toEqual(['c', 'd']);
    expect(second.metadata.remainingItemCount).toBe(1);
    const last = await succeed(
      admin.request('GET', `${collection}?limit=2&continue=${encodeURIComponent(second.metadata.continue)}`),
    );
    expect(namesOf(last)).toEqual(['e']);
    expect(last.metadata.continue ?? '').toBe('');
    expect(last.metadata.remainingItemCount).toBeUndefined();
    expect([second, last].map((page) => page.metadata.resourceVersion)).toEqual(
      Array(2).fill(first.metadata.resourceVersion),
    );
  });

  it('an object that comes between two pages is not in the later one', async () => {
    const sealed = resource === 'sealedsecrets';
    const first = await succeed(admin.request('GET', `${collection}?limit=2`));
    await succeed(admin.request('POST', collection, sealed ? aSealedSecret('cc') : aConfigMap('cc')));
    const rest = await succeed(
      admin.request('GET', `${collection}?continue=${encodeURIComponent(first.metadata.continue)}`),
    );
    expect(namesOf(rest)).toEqual(['c', 'd', 'e']);
    await succeed(admin.request('DELETE', `${collection}/cc`));
  });

  it('a page with a selector does not tell how many remain', async () => {
    const page = await succeed(admin.request('GET', `${collection}?limit=1&fieldSelector=metadata.name!%3Da`));
    expect(namesOf(page)).toEqual(['b']);
    expect(page.metadata.continue).toMatch(/./);
    expect(page.metadata.remainingItemCount).toBeUndefined();
  });

  it('a continue token that is none is refused with 400', async () => {
    await refuse(admin.request('GET', `${collection}?limit=2&continue=nonsense`), 400, 'BadRequest');
  });

  it('a continue token together with a resource version is refused', async () => {
    const first = await succeed(admin.request('GET', `${collection}?limit=2`));
    const { status } = await admin.request(
      'GET',
      `${collection}?continue=${encodeURIComponent(first.metadata.continue)}&resourceVersion=${first.metadata.resourceVersion}`,
    );
    expect(status).toBeGreaterThanOrEqual(400);
  });
});

describe('resource versions of a list', () => {
  it('0 and NotOlderThan are answered with a state at least as new', async () => {
    const namespace = await createNamespace(server);
    const collection = corePath(namespace, 'configmaps');
    const created = await succeed(admin.request('POST', collection, aConfigMap('a')));
    const version = created.metadata.resourceVersion;
    const list = await succeed(
      admin.request('GET', `${collection}?resourceVersion=${version}&resourceVersionMatch=NotOlderThan`),
    );
    expect(namesOf(list)).toEqual(['a']);
    expect(BigInt(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(version));
    expect((await succeed(admin.request('GET', `${collection}?resourceVersion=0`))).kind).toBe('ConfigMapList');
  });

  it('Exact gives the state of that version', async () => {
    const namespace = await createNamespace(server);
    const collection = corePath(namespace, 'configmaps');
    const created = await succeed(admin.request('POST', collection, aConfigMap('a')));
    await succeed(admin.request('POST', collection, aConfigMap('b')));
    const list = await succeed(
      admin.request(
        'GET',
        `${collection}?resourceVersion=${created.metadata.resourceVersion}&resourceVersionMatch=Exact`,
      ),
    );
    expect(namesOf(list)).toEqual(['a']);
    expect(list.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  it('a version that is not there yet is answered with 504 and when to try again', async () => {
    const namespace = await createNamespace(server);
    const collection = corePath(namespace, 'configmaps');
    const { metadata } = await succeed(admin.request('GET', collection));
    const future = BigInt(metadata.resourceVersion) + 1_000_000n;
    const answer = await admin.request('GET', `${collection}?resourceVersion=${future}`);
    expect(answer).toMatchObject({
      status: 504,
      body: {
        kind: 'Status',
        reason: 'Timeout',
        details: { causes: [{ reason: 'ResourceVersionTooLarge' }], retryAfterSeconds: 1 },
      },
    });
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.body.message).toContain('Too large resource version');
  });

  it('resourceVersionMatch without a version is refused with 422', async () => {
    const namespace = await createNamespace(server);
    await refuse(
      admin.request('GET', `${corePath(namespace, 'configmaps')}?resourceVersionMatch=Exact`),
      422,
      'Invalid',
    );
  });
});

describe('selectors', () => {
  let collection = '';
  let sealed = '';
  beforeAll(async () => {
    const namespace = await createNamespace(server);
    collection = corePath(namespace, 'secrets');
    sealed = sealedSecretPath(namespace);
    const labelled: Record<string, Record<string, string>> = {
      red: { color: 'red', size: '1' },
      green: { color: 'green' },
      plain: {},
    };
    for (const [name, labels] of Object.entries(labelled)) {
      const type = name === 'red' ? 'example.com/special' : 'Opaque';
      await succeed(admin.request('POST', collection, aSecret(name, { metadata: { name, labels }, type })));
      await succeed(admin.request('POST', sealed, { ...aSealedSecret(name), metadata: { name, labels } }));
    }
  });

  it.each([
    ['color=red', ['red']],
    ['color==red', ['red']],
    ['color!=red', ['green', 'plain']],
    ['color', ['green', 'red']],
    ['!color', ['plain']],
    ['color in (red,green)', ['green', 'red']],
    ['color notin (red)', ['green', 'plain']],
    ['color in (red,green),size=1', ['red']],
    ['size>0', ['red']],
    ['size<1', []],
    ['color=', []],
  ])('the label selector "%s" finds %j', async (selector, expected) => {
    for (const path of [collection, sealed]) {
      const list = await succeed(admin.request('GET', path + query('labelSelector', selector)));
      expect(namesOf(list)).toEqual(expected);
    }
  });

  it.each([
    ['metadata.name=red', ['red']],
    ['metadata.name!=red', ['green', 'plain']],
    ['type=example.com/special', ['red']],
    ['type!=Opaque,metadata.name=red', ['red']],
  ])('the field selector "%s" of Secrets finds %j', async (selector, expected) => {
    const list = await succeed(admin.request('GET', collection + query('fieldSelector', selector)));
    expect(namesOf(list)).toEqual(expected);
  });

  it('a selector that cannot be read, or names a field that is no index, is refused with 400', async () => {
    await refuse(admin.request('GET', collection + query('labelSelector', 'color in red')), 400, 'BadRequest');
    await refuse(admin.request('GET', collection + query('labelSelector', '-=x')), 400, 'BadRequest');
    const unknown = await refuse(
      admin.request('GET', collection + query('fieldSelector', 'data.x=1')),
      400,
      'BadRequest',
    );
    expect(unknown.message).toContain('field label not supported');
    await refuse(admin.request('GET', sealed + query('fieldSelector', 'spec.template.type=x')), 400, 'BadRequest');
  });
});

describe('other forms of the same objects', () => {
  let collection = '';
  let sealed = '';
  beforeAll(async () => {
    const namespace = await createNamespace(server);
    collection = corePath(namespace, 'secrets');
    sealed = sealedSecretPath(namespace);
    await succeed(
      admin.request('POST', collection, aSecret('form', { metadata: { name: 'form', labels: { a: 'b' } } })),
    );
    await succeed(admin.request('POST', sealed, aSealedSecret('form')));
  });

  const metadataList = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };
  const metadataOnly = { accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1' };
  const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

  it('metadata only: lists, single objects and watches carry no data', async () => {
    for (const path of [collection, sealed]) {
      const full = await succeed(admin.request('GET', `${path}/form`));
      const list = await succeed(admin.request('GET', path, undefined, metadataList));
      expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
      expect(list.items).toHaveLength(1);
      expect(list.items[0]).toEqual({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: full.metadata,
      });

      const single = await succeed(admin.request('GET', `${path}/form`, undefined, metadataOnly));
      expect(single).toEqual({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: full.metadata });

      await using watch = await admin.watch(`${path}?watch=true`, metadataOnly);
      const event = await watch.next();
      expect(event).toEqual({ type: 'ADDED', object: single });
    }
  });

  it('metadata only, in pages', async () => {
    await succeed(admin.request('POST', collection, aSecret('form-2')));
    const first = await succeed(admin.request('GET', `${collection}?limit=1`, undefined, metadataList));
    expect(namesOf(first)).toEqual(['form']);
    const next = `${collection}?limit=1&continue=${encodeURIComponent(first.metadata.continue)}`;
    expect(namesOf(await succeed(admin.request('GET', next, undefined, metadataList)))).toEqual(['form-2']);
    await succeed(admin.request('DELETE', `${collection}/form-2`));
  });

  it('as a table with the columns of Secrets', async () => {
    const answer = await succeed(admin.request('GET', collection, undefined, table));
    expect(answer).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(answer.columnDefinitions.map((column: Json) => column.name)).toEqual(['Name', 'Type', 'Data', 'Age']);
    expect(answer.rows[0].cells.slice(0, 3)).toEqual(['form', 'Opaque', 1]);
    expect(answer.rows[0].object).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'form' } });
  });

  it('as a table with the printer columns of the CRD', async () => {
    const stored = await succeed(admin.request('GET', `${sealed}/form`));
    const condition = { type: 'Synced', status: 'False', reason: 'UnknownKey', message: 'no key fits' };
    await succeed(admin.request('PUT', `${sealed}/form/status`, { ...stored, status: { conditions: [condition] } }));
    for (const path of [sealed, `${sealed}/form`]) {
      const answer = await succeed(admin.request('GET', path, undefined, table));
      expect(answer.columnDefinitions.map((column: Json) => [column.name, column.type, column.priority])).toEqual([
        ['Name', 'string', 0],
        ['Status', 'string', 0],
        ['Synced', 'string', 0],
        ['Age', 'date', 0],
        ['Reason', 'string', 1],
      ]);
      const { cells } = answer.rows[0];
      expect(cells.slice(0, 3)).toEqual(['form', 'no key fits', 'False']);
      expect(cells[3]).toMatch(/^\d+s$/);
      expect(cells[4]).toBe('UnknownKey');
    }
  });

  it('as a table, also in a watch: columns come with the first event only', async () => {
    await using watch = await admin.watch(`${sealed}?watch=true`, table);
    const first = await watch.next();
    expect(first).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ object: { metadata: { name: 'form' } } }] },
    });
    expect(first?.object.columnDefinitions).toHaveLength(5);
    await succeed(
      admin.request('PATCH', `${sealed}/form`, { metadata: { labels: { again: 'yes' } } }, mediaTypes.mergePatch),
    );
    const second = await watch.next();
    expect(second).toMatchObject({ type: 'MODIFIED', object: { kind: 'Table' } });
    expect(second?.object.columnDefinitions ?? []).toEqual([]);
    expect(second?.object.rows[0].cells[0]).toBe('form');
  });

  it('with whole objects in the rows of a table when asked for', async () => {
    const answer = await succeed(admin.request('GET', `${sealed}?includeObject=Object`, undefined, table));
    expect(answer.rows[0].object).toMatchObject({
      kind: 'SealedSecret',
      spec: { encryptedData: { password: 'AgBsealed' } },
    });
    const none = await succeed(admin.request('GET', `${sealed}?includeObject=None`, undefined, table));
    expect(none.rows[0].object ?? null).toBeNull();
  });

  it('a form that is not known is refused with 406', async () => {
    await refuse(admin.request('GET', collection, undefined, { accept: 'application/pdf' }), 406, 'NotAcceptable');
  });
});
