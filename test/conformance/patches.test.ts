import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
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

const { admin, namespace } = await startSuite();

const configMaps = corePath(namespace, 'configmaps');
const secrets = corePath(namespace, 'secrets');
const sealedSecrets = sealedSecretPath(namespace);

describe('a merge patch', () => {
  it('sets, replaces and, with null, removes', async () => {
    await succeed(
      admin.request('POST', configMaps, {
        ...aConfigMap('merged', { a: '1', b: '2' }),
        data: { keep: 'k', drop: 'd' },
      }),
    );
    const patch = { metadata: { labels: { a: null, c: '3' } }, data: { drop: null, add: 'x' } };
    const patched = await succeed(admin.request('PATCH', `${configMaps}/merged`, patch, mediaTypes.mergePatch));
    expect(patched.metadata.labels).toEqual({ b: '2', c: '3' });
    expect(patched.data).toEqual({ keep: 'k', add: 'x' });
  });

  it('replaces lists as a whole', async () => {
    const finalizers = (names: string[]) => ({ metadata: { finalizers: names } });
    await succeed(admin.request('POST', sealedSecrets, aSealedSecret('listed')));
    const item = `${sealedSecrets}/listed`;
    await succeed(admin.request('PATCH', item, finalizers(['waxwing.dev/a', 'waxwing.dev/b']), mediaTypes.mergePatch));
    const patched = await succeed(admin.request('PATCH', item, finalizers(['waxwing.dev/c']), mediaTypes.mergePatch));
    expect(patched.metadata.finalizers).toEqual(['waxwing.dev/c']);
    await succeed(admin.request('PATCH', item, finalizers([]), mediaTypes.mergePatch));
  });

  it('with an old resource version is refused with 409, without one it is not', async () => {
    const created = await succeed(admin.request('POST', configMaps, aConfigMap('raced')));
    await succeed(admin.request('PATCH', `${configMaps}/raced`, { data: { color: 'red' } }, mediaTypes.mergePatch));
    const stale = { metadata: { resourceVersion: created.metadata.resourceVersion }, data: { color: 'blue' } };
    await refuse(admin.request('PATCH', `${configMaps}/raced`, stale, mediaTypes.mergePatch), 409, 'Conflict');
  });

  it('that changes nothing keeps the resource version', async () => {
    const created = await succeed(admin.request('POST', configMaps, aConfigMap('unmoved')));
    const patched = await succeed(
      admin.request('PATCH', `${configMaps}/unmoved`, { data: { color: 'green' } }, mediaTypes.mergePatch),
    );
    expect(patched.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  it('whose result is not valid is refused with 422', async () => {
    await succeed(admin.request('POST', sealedSecrets, aSealedSecret('patched-badly')));
    const bad = { spec: { encryptedData: null } };
    const status = await refuse(
      admin.request('PATCH', `${sealedSecrets}/patched-badly`, bad, mediaTypes.mergePatch),
      422,
      'Invalid',
    );
    expect(status.details.causes[0].field).toBe('spec.encryptedData');
  });

  it('that changes name or namespace is refused with 400, the uid with 422', async () => {
    await succeed(admin.request('POST', secrets, aSecret('rooted')));
    const patch = (metadata: object) =>
      admin.request('PATCH', `${secrets}/rooted`, { metadata }, mediaTypes.mergePatch);
    await refuse(patch({ name: 'uprooted' }), 400, 'BadRequest');
    await refuse(patch({ namespace: 'elsewhere' }), 400, 'BadRequest');
    const status = await refuse(patch({ uid: '11111111-2222-3333-4444-555555555555' }), 422, 'Invalid');
    expect(status.details.causes[0].field).toBe('metadata.uid');
    const kept = await succeed(patch({ uid: null, creationTimestamp: null }));
    expect(kept.metadata.uid).toMatch(/-/);
  });

  it('of an object that is not there is answered with 404', async () => {
    await refuse(admin.request('PATCH', `${configMaps}/absent`, {}, mediaTypes.mergePatch), 404, 'NotFound');
  });

  it('that is no JSON object is refused with 400', async () => {
    await refuse(admin.request('PATCH', `${configMaps}/merged`, '{"data":', mediaTypes.mergePatch), 400, 'BadRequest');
  });
});

describe('a JSON patch', () => {
  it('tests, adds, replaces and removes in order', async () => {
    await succeed(admin.request('POST', configMaps, aConfigMap('scripted', { 'a/b': '1' })));
    const patched = await succeed(
      admin.request(
        'PATCH',
        `${configMaps}/scripted`,
        [
          { op: 'test', path: '/data/color', value: 'green' },
          { op: 'add', path: '/data/size', value: 'big' },
          { op: 'replace', path: '/data/color', value: 'red' },
          { op: 'remove', path: '/metadata/labels/a~1b' },
        ],
        mediaTypes.jsonPatch,
      ),
    );
    expect(patched.data).toEqual({ color: 'red', size: 'big' });
    expect(patched.metadata.labels ?? {}).toEqual({});
  });

  it('whose test does not hold changes nothing and is refused with 422', async () => {
    const created = await succeed(admin.request('POST', configMaps, aConfigMap('tested')));
    const patch = [
      { op: 'replace', path: '/data/color', value: 'red' },
      { op: 'test', path: '/data/color', value: 'green' },
    ];
    await refuse(admin.request('PATCH', `${configMaps}/tested`, patch, mediaTypes.jsonPatch), 422, 'Invalid');
    expect(await succeed(admin.request('GET', `${configMaps}/tested`))).toEqual(created);
  });

  it('that removes what is not there is refused with 422', async () => {
    const patch = [{ op: 'remove', path: '/data/absent' }];
    await refuse(admin.request('PATCH', `${configMaps}/tested`, patch, mediaTypes.jsonPatch), 422, 'Invalid');
  });
});

describe('a strategic merge patch', () => {
  it('merges lists by their key, where a merge patch would replace them', async () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'ported' },
      spec: {
        ports: [
          { name: 'http', port: 80 },
          { name: 'metrics', port: 8081 },
        ],
      },
    };
    const path = corePath(namespace, 'services');
    await succeed(admin.request('POST', path, service));
    const patch = { spec: { ports: [{ port: 8081, name: 'renamed' }] } };
    const patched = await succeed(admin.request('PATCH', `${path}/ported`, patch, mediaTypes.strategicMerge));
    expect(patched.spec.ports.map((port: Json) => port.name).sort()).toEqual(['http', 'renamed']);
  });

  it('merges finalizers and owner references', async () => {
    const owner = (uid: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid });
    const path = corePath(namespace, 'serviceaccounts');
    const object = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'strategic', finalizers: ['waxwing.dev/a'], ownerReferences: [owner('1')] },
    };
    await succeed(admin.request('POST', `${path}?dryRun=All`, object));
    await succeed(admin.request('POST', path, { ...object, metadata: { ...object.metadata, ownerReferences: [] } }));
    const patched = await succeed(
      admin.request(
        'PATCH',
        `${path}/strategic?dryRun=All`,
        { metadata: { finalizers: ['waxwing.dev/b'] } },
        mediaTypes.strategicMerge,
      ),
    );
    expect(patched.metadata.finalizers.sort()).toEqual(['waxwing.dev/a', 'waxwing.dev/b']);
    await succeed(
      admin.request('PATCH', `${path}/strategic`, { metadata: { finalizers: null } }, mediaTypes.strategicMerge),
    );
  });

  it('changes single entries of maps', async () => {
    await succeed(admin.request('POST', secrets, aSecret('strategic', { data: { a: 'YQ==', b: 'Yg==' } })));
    const patch = { data: { a: null, c: 'Yw==' } };
    const patched = await succeed(admin.request('PATCH', `${secrets}/strategic`, patch, mediaTypes.strategicMerge));
    expect(patched.data).toEqual({ b: 'Yg==', c: 'Yw==' });
  });

  it('is refused with 415 for SealedSecrets, which have no such patch', async () => {
    await succeed(admin.request('POST', sealedSecrets, aSealedSecret('not-strategic')));
    await refuse(
      admin.request('PATCH', `${sealedSecrets}/not-strategic`, { metadata: {} }, mediaTypes.strategicMerge),
      415,
      'UnsupportedMediaType',
    );
  });
});

describe('server-side apply', () => {
  const apply = (path: string, body: Json, manager: string, force = false) =>
    admin.request('PATCH', `${path}?fieldManager=${manager}${force ? '&force=true' : ''}`, body, mediaTypes.apply);

  it('creates with 201, and changes with 200', async () => {
    const created = await apply(`${secrets}/applied`, aSecret('applied'), 'first');
    expect(created.status).toBe(201);
    const changed = await apply(`${secrets}/applied`, aSecret('applied', { data: { other: 'eA==' } }), 'first');
    expect(changed.status).toBe(200);
    // What the manager no longer says is removed, since nobody else said it.
    expect(changed.body.data).toEqual({ other: 'eA==' });
    expect(changed.body.metadata.managedFields[0]).toMatchObject({
      manager: 'first',
      operation: 'Apply',
      fieldsType: 'FieldsV1',
    });
  });

  it('removes what becomes empty by it, up to what others have', async () => {
    const object = (template: object) => aSealedSecret('emptied', { template });
    const path = `${sealedSecrets}/emptied`;
    await succeed(apply(path, object({ type: 'Opaque', metadata: { labels: { a: 'b' } } }), 'first'));
    expect((await succeed(apply(path, object({ type: 'Opaque' }), 'first'))).spec.template).toEqual({ type: 'Opaque' });
  });

  it('leaves the fields of others alone', async () => {
    const path = `${secrets}/shared`;
    await succeed(apply(path, aSecret('shared', { data: { a: 'YQ==' } }), 'first'));
    await succeed(apply(path, { ...aSecret('shared'), data: { b: 'Yg==' } }, 'second'));
    const result = await succeed(apply(path, aSecret('shared', { data: { c: 'Yw==' } }), 'first'));
    expect(result.data).toEqual({ b: 'Yg==', c: 'Yw==' });
  });

  it('is refused with 409 when another manager has the field, unless forced', async () => {
    for (const [path, object, value] of [
      [`${secrets}/fought-over`, (data: Json) => aSecret('fought-over', { data }), ['YQ==', 'Yg==']],
      [
        `${sealedSecrets}/fought-over`,
        (data: Json) => aSealedSecret('fought-over', { encryptedData: data }),
        ['AgA', 'AgB'],
      ],
    ] as const) {
      await succeed(apply(path, object({ a: value[0] }), 'first'));
      const status = await refuse(apply(path, object({ a: value[1] }), 'second'), 409, 'Conflict');
      expect(status.message).toMatch(/^Apply failed with 1 conflict: conflict with "first"/);
      expect(status.details.causes).toEqual([
        expect.objectContaining({ reason: 'FieldManagerConflict', field: expect.stringMatching(/\.a$/) }),
      ]);
      const forced = await succeed(apply(path, object({ a: value[1] }), 'second', true));
      expect(JSON.stringify(forced)).toContain(value[1]);
    }
  });

  it('of the same again keeps the resource version', async () => {
    const first = await succeed(apply(`${sealedSecrets}/again`, aSealedSecret('again'), 'me'));
    const second = await succeed(apply(`${sealedSecrets}/again`, aSealedSecret('again'), 'me'));
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it('without a field manager is refused with 422', async () => {
    const { status } = await admin.request('PATCH', `${secrets}/applied`, aSecret('applied'), mediaTypes.apply);
    expect(status).toBe(422);
  });

  it('of a field that the schema does not have, or of a wrong type, is refused and names it', async () => {
    for (const [spec, field] of [
      [{ invented: 1 }, '.spec.invented: field not declared in schema'],
      [{ template: { type: 3 } }, '.spec.template.type: expected string'],
    ] as const) {
      const answer = await apply(`${sealedSecrets}/odd`, aSealedSecret('odd', spec), 'me');
      expect(answer).toMatchObject({ status: 500, body: { kind: 'Status', status: 'Failure', code: 500 } });
      expect(answer.body.message).toContain(field);
    }
    await refuse(admin.request('GET', `${sealedSecrets}/odd`), 404, 'NotFound');
  });

  it('accepts YAML', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied-yaml\ndata:\n  a: b\n';
    expect((await succeed(apply(`${configMaps}/applied-yaml`, yaml, 'me'))).data).toEqual({ a: 'b' });
  });

  it('keeps null entries of a SealedSecret template', async () => {
    const object = aSealedSecret('nulls', { template: { data: { password: null, url: 'x' } } });
    const applied = await succeed(apply(`${sealedSecrets}/nulls`, object, 'me'));
    expect(applied.spec.template.data).toEqual({ password: null, url: 'x' });
  });
});

describe('field management', () => {
  it('records who changed what with create, update and patch, by user agent or by name', async () => {
    await succeed(admin.request('POST', `${configMaps}?fieldManager=creator`, aConfigMap('tracked')));
    const patch = { data: { size: 'big' } };
    const patched = await succeed(
      admin.request('PATCH', `${configMaps}/tracked`, patch, { ...mediaTypes.mergePatch, 'user-agent': 'patcher/1.0' }),
    );
    expect(patched.metadata.managedFields).toEqual([
      expect.objectContaining({
        manager: 'creator',
        operation: 'Update',
        apiVersion: 'v1',
        fieldsV1: expect.objectContaining({ 'f:data': expect.objectContaining({ 'f:color': {} }) }),
      }),
      expect.objectContaining({
        manager: 'patcher',
        operation: 'Update',
        fieldsV1: { 'f:data': { 'f:size': {} } },
      }),
    ]);
  });

  it('does not count what the server adds', async () => {
    const namespaces = '/api/v1/namespaces?fieldManager=creator';
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'managed-', labels: { a: 'b' } } };
    const created = await succeed(admin.request('POST', namespaces, body));
    expect(created.metadata.managedFields).toHaveLength(1);
    const { fieldsV1 } = created.metadata.managedFields[0];
    expect(Object.keys(fieldsV1)).toEqual(['f:metadata']);
    expect(fieldsV1['f:metadata']['f:labels']).toMatchObject({ 'f:a': {} });
  });

  it('is tracked apart for the status subresource', async () => {
    const created = await succeed(
      admin.request('POST', `${sealedSecrets}?fieldManager=person`, aSealedSecret('tracked')),
    );
    const updated = await succeed(
      admin.request('PUT', `${sealedSecrets}/tracked/status?fieldManager=controller`, {
        ...created,
        status: { observedGeneration: 1 },
      }),
    );
    expect(updated.metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'controller', operation: 'Update', subresource: 'status' }),
    );
  });
});

it('a patch in an unknown format is refused with 415', async () => {
  await succeed(admin.request('POST', configMaps, aConfigMap('any')));
  await refuse(
    admin.request('PATCH', `${configMaps}/any`, {}, { 'content-type': 'application/json' }),
    415,
    'UnsupportedMediaType',
  );
});
