import { describe, expect, it } from 'vitest';
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

const { admin, namespace } = await startSuite();

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const wholeSeconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const samples = [
  { resource: 'secrets', path: corePath(namespace, 'secrets'), object: aSecret('sample') },
  { resource: 'configmaps', path: corePath(namespace, 'configmaps'), object: aConfigMap('sample') },
  {
    resource: 'services',
    path: corePath(namespace, 'services'),
    object: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'sample' }, spec: { ports: [{ port: 8080 }] } },
  },
  {
    resource: 'serviceaccounts',
    path: corePath(namespace, 'serviceaccounts'),
    object: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sample' } },
  },
  {
    resource: 'pods',
    path: corePath(namespace, 'pods'),
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'sample' },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    },
  },
  {
    resource: 'events',
    path: corePath(namespace, 'events'),
    object: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'sample' },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', name: 'sample', namespace },
      reason: 'Sampled',
      message: 'An event.',
      type: 'Normal',
    },
  },
  {
    resource: 'leases',
    path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`,
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'sample' },
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-02T03:04:05.678901Z' },
    },
  },
  { resource: 'sealedsecrets', path: sealedSecretPath(namespace), object: aSealedSecret('sample') },
];

describe.each(samples)('$resource', ({ path, object }) => {
  it('are created, read, listed, updated and deleted', async () => {
    const created = await succeed(admin.request('POST', path, object));
    expect(created).toMatchObject({ apiVersion: object.apiVersion, kind: object.kind });
    expect(created.metadata).toMatchObject({
      name: 'sample',
      namespace,
      uid: expect.stringMatching(uuid),
      resourceVersion: expect.stringMatching(/^[1-9]\d*$/),
      creationTimestamp: expect.stringMatching(wholeSeconds),
    });

    expect(await succeed(admin.request('GET', `${path}/sample`))).toEqual(created);

    const list = await succeed(admin.request('GET', path));
    expect(list).toMatchObject({ apiVersion: object.apiVersion, kind: `${object.kind}List` });
    expect(BigInt(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(BigInt(created.metadata.resourceVersion));
    // Items of a typed list carry no kind and apiVersion of their own, those of a custom resource do.
    const listed = list.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'sample');
    const { apiVersion, kind, ...rest } = created;
    expect(listed).toEqual(object.kind === 'SealedSecret' ? created : rest);

    const changed = { ...created, metadata: { ...created.metadata, labels: { changed: 'yes' } } };
    const updated = await succeed(admin.request('PUT', `${path}/sample`, changed));
    expect(updated.metadata.labels).toEqual({ changed: 'yes' });
    expect(updated.metadata.uid).toBe(created.metadata.uid);
    expect(BigInt(updated.metadata.resourceVersion)).toBeGreaterThan(BigInt(created.metadata.resourceVersion));

    const deletion = await succeed(admin.request('DELETE', `${path}/sample?gracePeriodSeconds=0`));
    // Small resources answer with a Status, those that may still be terminating or have more to say with the object.
    if (deletion.kind === 'Status') {
      expect(deletion).toMatchObject({ status: 'Success', details: { name: 'sample', uid: created.metadata.uid } });
    } else {
      expect(deletion).toMatchObject({ kind: object.kind, metadata: { uid: created.metadata.uid } });
    }
    await refuse(admin.request('GET', `${path}/sample`), 404, 'NotFound');
  });

  it('are refused with AlreadyExists when the name is taken', async () => {
    await succeed(admin.request('POST', path, object));
    const status = await refuse(admin.request('POST', path, object), 409, 'AlreadyExists');
    expect(status.message).toMatch(/"sample" already exists/);
    expect(status.details).toMatchObject({ name: 'sample' });
    await succeed(admin.request('DELETE', `${path}/sample?gracePeriodSeconds=0`));
  });
});

describe('names and paths', () => {
  it('generateName gives a fresh name of five more characters', async () => {
    const body = { ...aSecret(''), metadata: { generateName: 'made-' } };
    const first = await succeed(admin.request('POST', corePath(namespace, 'secrets'), body));
    const second = await succeed(admin.request('POST', corePath(namespace, 'secrets'), body));
    expect(first.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(first.metadata.generateName).toBe('made-');
    expect(second.metadata.name).not.toBe(first.metadata.name);
  });

  it('an object without a name is refused with 422', async () => {
    const nameless = { ...aSecret(''), metadata: {} };
    const status = await refuse(admin.request('POST', corePath(namespace, 'secrets'), nameless), 422, 'Invalid');
    expect(status.message).toContain('name or generateName is required');
    expect(status.details.causes).toEqual([
      expect.objectContaining({ field: 'metadata.name', reason: 'FieldValueRequired' }),
    ]);
  });

  it('a name that is no DNS subdomain is refused with the field in details.causes', async () => {
    for (const path of [corePath(namespace, 'secrets'), sealedSecretPath(namespace)]) {
      const object = path.includes('sealed') ? aSealedSecret('Not_A_Name') : aSecret('Not_A_Name');
      const status = await refuse(admin.request('POST', path, object), 422, 'Invalid');
      expect(status.details).toMatchObject({ name: 'Not_A_Name', kind: object.kind });
      expect(status.details.causes).toEqual([
        expect.objectContaining({
          field: 'metadata.name',
          reason: 'FieldValueInvalid',
          message: expect.stringContaining('RFC 1123 subdomain'),
        }),
      ]);
    }
  });

  it('a namespace in the body that differs from the one in the path is refused with 400', async () => {
    const elsewhere = aSecret('lost', { metadata: { name: 'lost', namespace: 'elsewhere' } });
    const status = await refuse(admin.request('POST', corePath(namespace, 'secrets'), elsewhere), 400, 'BadRequest');
    expect(status.message).toContain(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  });

  it('a name in the body that differs from the one in the path is refused with 400', async () => {
    await succeed(admin.request('POST', corePath(namespace, 'secrets'), aSecret('here')));
    const status = await refuse(
      admin.request('PUT', corePath(namespace, 'secrets', 'here'), aSecret('there')),
      400,
      'BadRequest',
    );
    expect(status.message).toContain('the name of the object (there) does not match the name on the URL (here)');
  });

  it('creating in a namespace that does not exist is refused with 404', async () => {
    const status = await refuse(
      admin.request('POST', corePath('no-such-place', 'secrets'), aSecret('x')),
      404,
      'NotFound',
    );
    expect(status.message).toBe('namespaces "no-such-place" not found');
    expect(status.details).toMatchObject({ name: 'no-such-place', kind: 'namespaces' });
  });

  it('listing in a namespace that does not exist gives an empty list', async () => {
    expect((await succeed(admin.request('GET', corePath('no-such-place', 'secrets')))).items).toEqual([]);
  });

  it('an object that is not there is answered with 404, its resource, group and name', async () => {
    const status = await refuse(admin.request('GET', sealedSecretPath(namespace, 'missing')), 404, 'NotFound');
    expect(status.message).toBe('sealedsecrets.bitnami.com "missing" not found');
    expect(status.details).toEqual({ name: 'missing', group: 'bitnami.com', kind: 'sealedsecrets' });
    await refuse(admin.request('DELETE', sealedSecretPath(namespace, 'missing')), 404, 'NotFound');
    await refuse(
      admin.request('PUT', sealedSecretPath(namespace, 'missing'), aSealedSecret('missing')),
      404,
      'NotFound',
    );
  });

  it('a path that is no resource is answered with 404', async () => {
    for (const path of [corePath(namespace, 'sekrets'), '/apis/bitnami.com/v1/sealedsecrets']) {
      const { status } = await admin.request('GET', path);
      expect(status).toBe(404);
    }
  });

  it('a method that a resource does not have is answered with 405', async () => {
    for (const [method, path] of [
      ['POST', corePath(namespace, 'secrets', 'here')],
      ['PUT', corePath(namespace, 'secrets')],
      ['PATCH', corePath(namespace, 'secrets')],
    ] as const) {
      await refuse(admin.request(method, path, aSecret('here')), 405, 'MethodNotAllowed');
    }
  });

  it('a body that is not JSON is refused with 400', async () => {
    await refuse(admin.request('POST', corePath(namespace, 'secrets'), '{"apiVersion":"v1",'), 400, 'BadRequest');
  });

  it('a body of another kind is refused with 400', async () => {
    await refuse(admin.request('POST', corePath(namespace, 'secrets'), aConfigMap('wrong')), 400, 'BadRequest');
    await refuse(admin.request('POST', sealedSecretPath(namespace), aConfigMap('wrong')), 400, 'BadRequest');
  });

  it('a body in an unknown format is refused with 415', async () => {
    await refuse(
      admin.request('POST', corePath(namespace, 'secrets'), 'x', { 'content-type': 'text/plain' }),
      415,
      'UnsupportedMediaType',
    );
  });

  it('a body of more than 3 MiB is refused with 413', async () => {
    const huge = { ...aConfigMap('huge'), data: { a: 'x'.repeat(3 * 1024 * 1024) } };
    await refuse(admin.request('POST', corePath(namespace, 'configmaps'), huge), 413, 'RequestEntityTooLarge');
  });

  it('null in a map of strings is the empty string', async () => {
    const object = { ...aConfigMap('nulls'), data: { a: null }, metadata: { name: 'nulls', labels: { b: null } } };
    const created = await succeed(admin.request('POST', corePath(namespace, 'configmaps'), object));
    expect(created.data).toEqual({ a: '' });
    expect(created.metadata.labels).toEqual({ b: '' });
  });

  it('of a key that stands twice the last value counts, unless asked for strictly', async () => {
    const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}';
    const created = await admin.request('POST', corePath(namespace, 'configmaps'), text);
    expect(created.body.data).toEqual({ a: '2' });
    const strict = corePath(namespace, 'configmaps?fieldValidation=Strict');
    const status = await refuse(admin.request('POST', strict, text.replace('twice', 'thrice')), 400, 'BadRequest');
    expect(status.message).toContain('duplicate field "data.a"');
  });

  it('a ConfigMap with the same key in data and binaryData is refused with 422', async () => {
    const object = { ...aConfigMap('both'), data: { a: 'b' }, binaryData: { a: 'eA==' } };
    await refuse(admin.request('POST', corePath(namespace, 'configmaps'), object), 422, 'Invalid');
  });

  it('a body in YAML is understood', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  answer: "42"\n';
    const created = await succeed(
      admin.request('POST', corePath(namespace, 'configmaps'), yaml, { 'content-type': 'application/yaml' }),
    );
    expect(created.data).toEqual({ answer: '42' });
  });

  it('keys that JavaScript treats as special are data like any other', async () => {
    const data = '{"__proto__":"YQ==","constructor":"Yg==","10":"Yw==","1":"ZA==","-a":"ZQ==",".x":"Zg=="}';
    const text = JSON.stringify(aSecret('special-keys')).replace('{"password":"c2VzYW1l"}', data);
    await succeed(admin.request('POST', corePath(namespace, 'secrets'), text));
    const stored = await succeed(admin.request('GET', corePath(namespace, 'secrets', 'special-keys')));
    expect(Object.entries(stored.data).sort()).toEqual(Object.entries(JSON.parse(data)).sort());
    expect(Object.keys(stored.data)).toContain('__proto__');

    const sealed = JSON.stringify(aSealedSecret('special-keys')).replace('{"password":"AgBsealed"}', data);
    await succeed(admin.request('POST', sealedSecretPath(namespace), sealed));
    const storedSealed = await succeed(admin.request('GET', sealedSecretPath(namespace, 'special-keys')));
    expect(Object.keys(storedSealed.spec.encryptedData).sort()).toEqual(Object.keys(JSON.parse(data)).sort());
  });
});

describe('resource versions', () => {
  const path = corePath(namespace, 'configmaps');

  it('an update with an old resource version is refused with 409 Conflict and changes nothing', async () => {
    const first = await succeed(admin.request('POST', path, aConfigMap('contested')));
    const second = await succeed(admin.request('PUT', `${path}/contested`, { ...first, data: { color: 'blue' } }));
    const status = await refuse(
      admin.request('PUT', `${path}/contested`, { ...first, data: { color: 'red' } }),
      409,
      'Conflict',
    );
    expect(status.message).toContain('the object has been modified; please apply your changes to the latest version');
    expect(status.details).toMatchObject({ name: 'contested', kind: 'configmaps' });
    expect(await succeed(admin.request('GET', `${path}/contested`))).toEqual(second);
  });

  it('the same holds for SealedSecrets and their status', async () => {
    const created = await succeed(admin.request('POST', sealedSecretPath(namespace), aSealedSecret('contested')));
    const item = sealedSecretPath(namespace, 'contested');
    await succeed(admin.request('PUT', `${item}/status`, { ...created, status: { observedGeneration: 1 } }));
    await refuse(admin.request('PUT', item, created), 409, 'Conflict');
    await refuse(admin.request('PUT', `${item}/status`, created), 409, 'Conflict');
  });

  it('an update without a resource version overwrites core objects and is refused with 422 for SealedSecrets', async () => {
    await succeed(admin.request('POST', path, aConfigMap('unconditional')));
    const replaced = await succeed(
      admin.request('PUT', `${path}/unconditional`, { ...aConfigMap('unconditional'), data: { color: 'red' } }),
    );
    expect(replaced.data).toEqual({ color: 'red' });

    await succeed(admin.request('POST', sealedSecretPath(namespace), aSealedSecret('unconditional')));
    const status = await refuse(
      admin.request('PUT', sealedSecretPath(namespace, 'unconditional'), aSealedSecret('unconditional')),
      422,
      'Invalid',
    );
    expect(status.details.causes).toEqual([expect.objectContaining({ field: 'metadata.resourceVersion' })]);
  });

  it('an update that changes nothing keeps the resource version', async () => {
    const created = await succeed(admin.request('POST', path, aConfigMap('same')));
    const again = await succeed(admin.request('PUT', `${path}/same`, created));
    expect(again.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  it('an update with the uid of another object is refused with 409', async () => {
    const created = await succeed(admin.request('POST', path, aConfigMap('reborn')));
    await succeed(admin.request('DELETE', `${path}/reborn`));
    await succeed(admin.request('POST', path, aConfigMap('reborn')));
    const { resourceVersion, ...metadata } = created.metadata;
    const status = await refuse(admin.request('PUT', `${path}/reborn`, { ...created, metadata }), 409, 'Conflict');
    expect(status.message).toMatch(/uid/i);
  });

  it('an object may not be created with a resource version', async () => {
    const object = aConfigMap('fresh');
    object.metadata.resourceVersion = '1';
    const { body } = await admin.request('POST', path, object);
    expect(body).toMatchObject({ kind: 'Status', status: 'Failure' });
    expect(body.message).toContain('resourceVersion should not be set on objects to be created');
  });

  it('what the server sets is not taken from the client', async () => {
    const object = aSealedSecret('claims');
    Object.assign(object.metadata, {
      uid: '11111111-2222-3333-4444-555555555555',
      creationTimestamp: '2001-01-01T00:00:00Z',
      generation: 77,
    });
    const created = await succeed(admin.request('POST', sealedSecretPath(namespace), object));
    expect(created.metadata.uid).not.toBe('11111111-2222-3333-4444-555555555555');
    expect(created.metadata.creationTimestamp).not.toMatch(/^2001/);
    expect(created.metadata.generation).toBe(1);
  });
});

describe('namespaces', () => {
  it('are active with the finalizer kubernetes and their own name as a label', async () => {
    const created = await succeed(
      admin.request('POST', '/api/v1/namespaces', {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { generateName: 'made-', labels: { team: 'a' } },
      }),
    );
    expect(created.spec.finalizers).toEqual(['kubernetes']);
    expect(created.status.phase).toBe('Active');
    expect(created.metadata.labels).toEqual({ team: 'a', 'kubernetes.io/metadata.name': created.metadata.name });
    expect((await succeed(admin.request('GET', '/api/v1/namespaces'))).items.length).toBeGreaterThan(1);
  });

  it('default, kube-system, kube-public and kube-node-lease are there', async () => {
    const { items } = await succeed(admin.request('GET', '/api/v1/namespaces'));
    const names = items.map((item: { metadata: { name: string } }) => item.metadata.name);
    expect(names).toEqual(expect.arrayContaining(['default', 'kube-system', 'kube-public', 'kube-node-lease']));
  });
});

describe('empty lists and maps in metadata', () => {
  it.each([
    ['secrets', corePath(namespace, 'secrets'), aSecret('emptied')],
    ['sealedsecrets', sealedSecretPath(namespace), aSealedSecret('emptied')],
  ])('of %s are left out, from the start and when they become empty', async (_resource, path, object) => {
    const empty = { labels: {}, annotations: {}, finalizers: [], ownerReferences: [] };
    const created = await succeed(admin.request('POST', path, { ...object, metadata: { name: 'emptied', ...empty } }));
    for (const field of Object.keys(empty)) expect(created.metadata).not.toHaveProperty(field);
    const full = { labels: { a: 'b' }, annotations: { a: 'b' }, finalizers: ['waxwing.dev/test'] };
    const filled = await succeed(
      admin.request('PUT', `${path}/emptied`, { ...created, metadata: { ...created.metadata, ...full } }),
    );
    expect(filled.metadata).toMatchObject(full);
    const emptied = await succeed(
      admin.request('PUT', `${path}/emptied`, { ...filled, metadata: { ...filled.metadata, ...empty } }),
    );
    for (const field of Object.keys(empty)) expect(emptied.metadata).not.toHaveProperty(field);
  });
});

describe('the namespace default', () => {
  it('cannot be deleted', async () => {
    const status = await refuse(admin.request('DELETE', '/api/v1/namespaces/default'), 403, 'Forbidden');
    expect(status.message).toContain('this namespace may not be deleted');
  });
});

describe('dry run', () => {
  it('answers as if it were done and does nothing', async () => {
    const path = corePath(namespace, 'secrets');
    const created = await succeed(admin.request('POST', `${path}?dryRun=All`, aSecret('rehearsed')));
    expect(created.metadata.uid).toMatch(uuid);
    await refuse(admin.request('GET', `${path}/rehearsed`), 404, 'NotFound');

    const real = await succeed(admin.request('POST', path, aSecret('rehearsed')));
    const updated = await succeed(
      admin.request('PUT', `${path}/rehearsed?dryRun=All`, { ...real, data: { password: 'bmV3' } }),
    );
    expect(updated.data).toEqual({ password: 'bmV3' });
    await succeed(admin.request('DELETE', `${path}/rehearsed?dryRun=All`));
    expect(await succeed(admin.request('GET', `${path}/rehearsed`))).toEqual(real);
  });

  it('another value than All is refused with 422', async () => {
    const path = corePath(namespace, 'secrets');
    const { status } = await admin.request('POST', `${path}?dryRun=Some`, aSecret('rehearsed-badly'));
    expect(status).toBe(422);
  });
});
