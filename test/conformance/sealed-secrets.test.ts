import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { aSealedSecret, mediaTypes, refuse, sealedSecretPath, startSuite, succeed } from './suite.ts';

const { admin, namespace } = await startSuite();
const collection = sealedSecretPath(namespace);
const create = (object: Json) => admin.request('POST', collection, object);
const causes = (status: Json) => status.details.causes.map((cause: Json) => [cause.field, cause.reason]);

describe('the CRD keeps', () => {
  it('null entries of template.data with POST, PUT and merge patch', async () => {
    const template = { data: { password: null, url: '{{ .password }}' } };
    const created = await succeed(create(aSealedSecret('nulls', { template })));
    expect(created.spec.template.data).toEqual(template.data);
    const put = await succeed(
      admin.request('PUT', `${collection}/nulls`, {
        ...created,
        metadata: { ...created.metadata, labels: { a: 'b' } },
      }),
    );
    expect(put.spec.template.data).toEqual(template.data);
    const listed = (await succeed(admin.request('GET', `${collection}?fieldSelector=metadata.name%3Dnulls`))).items[0];
    expect(listed.spec.template.data).toEqual(template.data);
    const patched = await succeed(
      admin.request('PATCH', `${collection}/nulls`, { spec: { template: { type: 'Opaque' } } }, mediaTypes.mergePatch),
    );
    expect(patched.spec.template.data).toEqual(template.data);
  });

  it('null for the whole of template.data and template.metadata', async () => {
    const created = await succeed(create(aSealedSecret('whole-nulls', { template: { data: null, metadata: null } })));
    expect(created.spec.template).toEqual({ data: null, metadata: null });
  });

  it('unknown fields of template.metadata, and values of encryptedData as they are', async () => {
    const metadata = {
      name: 'x',
      labels: { a: 'b' },
      ownerReferences: [{ name: 'o' }],
      creationTimestamp: null,
      odd: 1,
    };
    const created = await succeed(create(aSealedSecret('unknown', { template: { metadata } })));
    expect(created.spec.template.metadata).toEqual(metadata);
  });

  it('an empty encryptedData, and the deprecated data', async () => {
    const created = await succeed(create(aSealedSecret('empty', { encryptedData: {}, data: 'AAAA' })));
    expect(created.spec).toEqual({ encryptedData: {}, data: 'AAAA' });
  });
});

describe('the CRD prunes', () => {
  it('unknown fields of spec, template, status and the object itself', async () => {
    const object = aSealedSecret('pruned', { extra: 1, template: { stringData: { a: 'b' }, type: 'Opaque' } });
    const created = await succeed(create({ ...object, extra: 1 }));
    expect(created.extra).toBeUndefined();
    expect(created.spec).toEqual({ encryptedData: object.spec.encryptedData, template: { type: 'Opaque' } });
    const withStatus = await succeed(
      admin.request('PUT', `${collection}/pruned/status`, {
        ...created,
        status: { observedGeneration: 1, invented: true, conditions: [{ type: 'Synced', status: 'True', odd: 'x' }] },
      }),
    );
    expect(withStatus.status).toEqual({ observedGeneration: 1, conditions: [{ type: 'Synced', status: 'True' }] });
  });

  it('with a warning that names the field, or a refusal when asked for strictly', async () => {
    const answer = await create(aSealedSecret('warned', { extra: 1 }));
    expect(answer.headers.get('warning')).toContain('unknown field \\"spec.extra\\"');
    const status = await refuse(
      admin.request('POST', `${collection}?fieldValidation=Strict`, aSealedSecret('strict', { extra: 1 })),
      400,
      'BadRequest',
    );
    expect(status.message).toContain('unknown field "spec.extra"');
    const silent = await admin.request(
      'POST',
      `${collection}?fieldValidation=Ignore`,
      aSealedSecret('silent', { extra: 1 }),
    );
    expect(silent.headers.get('warning')).toBeNull();
  });
});

describe('the CRD refuses with 422', () => {
  it('an object without spec or without encryptedData', async () => {
    const { spec, ...hollow } = aSealedSecret('hollow');
    expect(causes(await refuse(create(hollow), 422, 'Invalid'))).toEqual([['spec', 'FieldValueRequired']]);
    expect(causes(await refuse(create({ ...hollow, spec: {} }), 422, 'Invalid'))).toEqual([
      ['spec.encryptedData', 'FieldValueRequired'],
    ]);
  });

  it.each([
    ['spec.template.type', { template: { type: 7 } }],
    ['spec.template.immutable', { template: { immutable: 'yes' } }],
    ['spec.template.data.a', { template: { data: { a: 7 } } }],
    ['spec.template.metadata.labels.a', { template: { metadata: { labels: { a: true } } } }],
    ['spec.template.metadata.finalizers', { template: { metadata: { finalizers: 'x' } } }],
    ['spec.encryptedData.a', { encryptedData: { a: 7 } }],
    ['spec.data', { data: { a: 'x' } }],
  ])('%s of a wrong type', async (field, spec) => {
    const status = await refuse(create(aSealedSecret('wrong-type', spec)), 422, 'Invalid');
    expect(causes(status)).toEqual([[field, 'FieldValueTypeInvalid']]);
    expect(status.message).toContain(`${field}: Invalid value`);
    expect(status.message).toContain('must be of type');
  });

  it('several violations at once, all of them named', async () => {
    const spec = { encryptedData: { a: 1 }, template: { type: 2, immutable: 'x' } };
    const status = await refuse(create(aSealedSecret('many', spec)), 422, 'Invalid');
    expect(
      causes(status)
        .map(([field]: string[]) => field)
        .sort(),
    ).toEqual(['spec.encryptedData.a', 'spec.template.immutable', 'spec.template.type']);
  });

  it('a status that does not fit', async () => {
    const created = await succeed(create(aSealedSecret('bad-status')));
    for (const [field, status] of [
      ['status.observedGeneration', { observedGeneration: 'one' }],
      ['status.conditions[0].type', { conditions: [{ status: 'True' }] }],
      [
        'status.conditions[0].lastUpdateTime',
        { conditions: [{ type: 'Synced', status: 'True', lastUpdateTime: 'now' }] },
      ],
      ['status.secret.specHash', { secret: { specHash: 1 } }],
    ] as const) {
      const refusal = await refuse(
        admin.request('PUT', `${collection}/bad-status/status`, { ...created, status }),
        422,
        'Invalid',
      );
      expect(causes(refusal).map(([name]: string[]) => name)).toContain(field);
    }
  });
});

describe('the status subresource', () => {
  const status = {
    observedGeneration: 1,
    controller: 'waxwing/one',
    conditions: [
      {
        type: 'Synced',
        status: 'True',
        reason: 'Unsealed',
        message: '',
        observedGeneration: 1,
        lastUpdateTime: '2026-01-02T03:04:05Z',
        lastTransitionTime: '2026-01-02T03:04:05Z',
      },
    ],
    secret: {
      uid: 'u-1',
      resourceVersion: '42',
      specHash: 'ab'.repeat(32),
      rendererRevision: 3,
      labels: ['team'],
      annotations: ['example.com/note'],
    },
  };

  it('changes the status alone, keeps all our fields and does not move the generation', async () => {
    const created = await succeed(create(aSealedSecret('statused')));
    expect(created.metadata.generation).toBe(1);
    const updated = await succeed(
      admin.request('PUT', `${collection}/statused/status`, {
        ...created,
        metadata: { ...created.metadata, labels: { not: 'taken' } },
        spec: { encryptedData: { other: 'AgX' } },
        status,
      }),
    );
    expect(updated.status).toEqual(status);
    expect(updated.spec).toEqual(created.spec);
    expect(updated.metadata.labels).toBeUndefined();
    expect(updated.metadata.generation).toBe(1);
    expect(await succeed(admin.request('GET', `${collection}/statused/status`))).toEqual(updated);
  });

  it('is not changed through the object itself, neither at creation nor later', async () => {
    const created = await succeed(create({ ...aSealedSecret('unstatused'), status }));
    expect(created.status).toBeUndefined();
    const updated = await succeed(
      admin.request('PUT', `${collection}/unstatused`, {
        ...created,
        status,
        metadata: { ...created.metadata, labels: { a: 'b' } },
      }),
    );
    expect(updated.status).toBeUndefined();
    expect(updated.metadata.labels).toEqual({ a: 'b' });
  });

  it('takes merge patches', async () => {
    await succeed(create(aSealedSecret('patched')));
    const patched = await succeed(
      admin.request('PATCH', `${collection}/patched/status`, { status: { controller: 'me' } }, mediaTypes.mergePatch),
    );
    expect(patched.status).toEqual({ controller: 'me' });
  });

  it('the generation counts changes of the spec only', async () => {
    let object = await succeed(create(aSealedSecret('generations')));
    const item = `${collection}/generations`;
    object = await succeed(
      admin.request('PUT', item, { ...object, metadata: { ...object.metadata, annotations: { a: 'b' } } }),
    );
    expect(object.metadata.generation).toBe(1);
    object = await succeed(admin.request('PUT', item, { ...object, spec: { encryptedData: { a: 'AgY' } } }));
    expect(object.metadata.generation).toBe(2);
    object = await succeed(admin.request('PUT', item, { ...object, metadata: { ...object.metadata, generation: 99 } }));
    expect(object.metadata.generation).toBe(2);
  });
});
