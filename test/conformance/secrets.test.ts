import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { aSecret, corePath, mediaTypes, refuse, startSuite, succeed } from './suite.ts';

const { admin, namespace } = await startSuite();
const secrets = corePath(namespace, 'secrets');

const base64 = (text: string) => Buffer.from(text).toString('base64');
const causes = (status: Json) => status.details.causes.map((cause: Json) => [cause.field, cause.reason]);

describe('the data of a Secret', () => {
  it('stringData is merged into data, wins over it and is not kept', async () => {
    const created = await succeed(
      admin.request('POST', secrets, aSecret('written', { stringData: { password: 'from text', extra: 'ü' } })),
    );
    expect(created.stringData).toBeUndefined();
    expect(created.data).toEqual({ password: base64('from text'), extra: base64('ü') });
    const patched = await succeed(
      admin.request('PATCH', `${secrets}/written`, { stringData: { extra: 'x' } }, mediaTypes.mergePatch),
    );
    expect(patched.data).toEqual({ password: base64('from text'), extra: base64('x') });
  });

  it('a Secret without a type is Opaque', async () => {
    const { type, ...untyped } = aSecret('untyped');
    expect((await succeed(admin.request('POST', secrets, untyped))).type).toBe('Opaque');
  });

  it('may be absent or empty; an empty value is kept', async () => {
    const { data, ...bare } = aSecret('bare');
    expect((await succeed(admin.request('POST', secrets, bare))).data).toBeUndefined();
    const hollow = await succeed(admin.request('POST', secrets, aSecret('hollow', { data: {} })));
    expect(hollow).not.toHaveProperty('data');
    const empty = await succeed(admin.request('POST', secrets, aSecret('empty-value', { data: { nothing: '' } })));
    expect(empty.data).toEqual({ nothing: '' });
  });

  it('that is not base64 is refused with 400, and the refusal does not repeat it', async () => {
    const status = await refuse(
      admin.request('POST', secrets, aSecret('broken', { data: { password: '*hunter2*' } })),
      400,
      'BadRequest',
    );
    expect(status.message).toContain('illegal base64 data at input byte 0');
    expect(status.message).not.toContain('hunter2');
  });

  it('is stored as bytes: other spellings of the same base64 come back in the usual one', async () => {
    const data = { bits: 'eB==', lines: 'eHh4\neHh4\r\n' };
    const created = await succeed(admin.request('POST', secrets, aSecret('spelled', { data })));
    expect(created.data).toEqual({ bits: 'eA==', lines: 'eHh4eHh4' });
    for (const value of ['eA', '__8=', 'eA= =']) {
      await refuse(admin.request('POST', secrets, aSecret('misspelled', { data: { value } })), 400, 'BadRequest');
    }
  });

  it('that is not base64 is refused with 422 in a merge patch', async () => {
    await succeed(admin.request('POST', secrets, aSecret('patched-wrong')));
    const patch = { data: { password: '*' } };
    const status = await refuse(
      admin.request('PATCH', `${secrets}/patched-wrong`, patch, mediaTypes.mergePatch),
      422,
      'Invalid',
    );
    // kube-apiserver repeats the whole object here, other values included: such a message must never reach a log.
    expect(status.message).toContain('illegal base64 data at input byte 0');
  });

  it('that is not a string is refused with 400', async () => {
    await refuse(admin.request('POST', secrets, aSecret('number', { data: { port: 8080 } })), 400, 'BadRequest');
  });

  it('with a key that no file could have is refused with 422', async () => {
    for (const key of ['a/b', 'with space', '..', 'k'.repeat(254)]) {
      const status = await refuse(
        admin.request('POST', secrets, aSecret('odd', { data: { [key]: '' } })),
        422,
        'Invalid',
      );
      expect(causes(status)).toEqual([[`data[${key}]`, expect.stringMatching(/^FieldValue(Invalid|TooLong)$/)]]);
    }
  });

  it('of more than 1 MiB is refused with 422', async () => {
    const large = aSecret('large', { data: { a: Buffer.alloc(1024 * 1024 + 1).toString('base64') } });
    const status = await refuse(admin.request('POST', secrets, large), 422, 'Invalid');
    expect(causes(status)).toEqual([['data', 'FieldValueTooLong']]);
  });

  it('fields that a Secret does not have are dropped with a warning, and refused when asked for strictly', async () => {
    const odd = aSecret('odd-field', { dat: { typo: 'eA==' } });
    const created = await admin.request('POST', secrets, odd);
    expect(created.status).toBe(201);
    expect(created.body.dat).toBeUndefined();
    expect(created.headers.get('warning')).toContain('unknown field \\"dat\\"');
    const status = await refuse(
      admin.request('POST', `${secrets}?fieldValidation=Strict`, { ...odd, metadata: { name: 'odd-field-2' } }),
      400,
      'BadRequest',
    );
    expect(status.message).toContain('unknown field "dat"');
  });
});

describe('metadata', () => {
  it('with labels that are none is refused with 422, naming the entry', async () => {
    const object = aSecret('labelled', { metadata: { name: 'labelled', labels: { 'bad key': 'x', ok: 'not ok!' } } });
    const status = await refuse(admin.request('POST', secrets, object), 422, 'Invalid');
    expect(status.details.causes.map((cause: Json) => cause.field)).toEqual(['metadata.labels', 'metadata.labels']);
    expect(status.message).toContain('bad key');
  });

  it('with an annotation key that is none is refused with 422', async () => {
    const object = aSecret('annotated', { metadata: { name: 'annotated', annotations: { 'bad key': 'x' } } });
    expect(causes(await refuse(admin.request('POST', secrets, object), 422, 'Invalid'))).toEqual([
      ['metadata.annotations', 'FieldValueInvalid'],
    ]);
  });

  it('with more than 256 KiB of annotations is refused with 422', async () => {
    const annotations = { large: 'x'.repeat(256 * 1024) };
    const object = aSecret('annotated', { metadata: { name: 'annotated', annotations } });
    expect(causes(await refuse(admin.request('POST', secrets, object), 422, 'Invalid'))).toEqual([
      ['metadata.annotations', 'FieldValueTooLong'],
    ]);
  });

  it('with a label whose value is no string is refused with 400', async () => {
    const object = aSecret('labelled', { metadata: { name: 'labelled', labels: { a: 1 } } });
    await refuse(admin.request('POST', secrets, object), 400, 'BadRequest');
  });

  it('with two controlling owners, or an owner without a uid, is refused with 422', async () => {
    const owner = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'o', uid: 'u', controller: true };
    for (const ownerReferences of [[owner, { ...owner, uid: 'v' }], [{ ...owner, uid: '' }]]) {
      const object = aSecret('owned', { metadata: { name: 'owned', ownerReferences } });
      await refuse(admin.request('POST', secrets, object), 422, 'Invalid');
    }
  });
});

describe('the type of a Secret', () => {
  it('cannot be changed', async () => {
    await succeed(admin.request('POST', secrets, aSecret('typed')));
    const status = await refuse(
      admin.request('PUT', `${secrets}/typed`, aSecret('typed', { type: 'example.com/other' })),
      422,
      'Invalid',
    );
    expect(causes(status)).toEqual([['type', 'FieldValueInvalid']]);
    expect(status.message).toContain('field is immutable');
  });

  const cases: { type: string; missing: string; data: Record<string, string> }[] = [
    { type: 'kubernetes.io/tls', missing: 'data[tls.key]', data: { 'tls.crt': 'eA==' } },
    { type: 'kubernetes.io/tls', missing: 'data[tls.crt]', data: { 'tls.key': 'eA==' } },
    { type: 'kubernetes.io/dockerconfigjson', missing: 'data[.dockerconfigjson]', data: {} },
    { type: 'kubernetes.io/dockercfg', missing: 'data[.dockercfg]', data: {} },
    { type: 'kubernetes.io/ssh-auth', missing: 'data[ssh-privatekey]', data: {} },
    { type: 'kubernetes.io/basic-auth', missing: 'data[username]', data: {} },
  ];
  it.each(cases)('$type needs $missing', async ({ type, missing, data }) => {
    const status = await refuse(admin.request('POST', secrets, aSecret('known', { type, data })), 422, 'Invalid');
    expect(causes(status)).toContainEqual([missing, 'FieldValueRequired']);
  });

  it('kubernetes.io/dockerconfigjson needs JSON, and the refusal does not repeat what was there', async () => {
    const object = aSecret('docker', {
      type: 'kubernetes.io/dockerconfigjson',
      data: { '.dockerconfigjson': base64('{hunter2') },
    });
    const status = await refuse(admin.request('POST', secrets, object), 422, 'Invalid');
    expect(causes(status)).toEqual([['data[.dockerconfigjson]', 'FieldValueInvalid']]);
    expect(JSON.stringify(status)).not.toContain('hunter2');
  });

  it('kubernetes.io/service-account-token needs the annotation that names the account', async () => {
    const type = 'kubernetes.io/service-account-token';
    const status = await refuse(admin.request('POST', secrets, aSecret('token', { type })), 422, 'Invalid');
    expect(causes(status)).toEqual([
      ['metadata.annotations[kubernetes.io/service-account.name]', 'FieldValueRequired'],
    ]);
  });

  it('of others is free', async () => {
    const created = await succeed(
      admin.request('POST', secrets, aSecret('own-type', { type: 'example.com/anything' })),
    );
    expect(created.type).toBe('example.com/anything');
  });
});

describe('an immutable Secret', () => {
  it('refuses changed data and becoming mutable with 422, and accepts metadata', async () => {
    const created = await succeed(admin.request('POST', secrets, aSecret('frozen', { immutable: true })));
    expect(created.immutable).toBe(true);
    const data = await refuse(
      admin.request('PATCH', `${secrets}/frozen`, { data: { password: 'bmV3' } }, mediaTypes.mergePatch),
      422,
      'Invalid',
    );
    expect(causes(data)).toEqual([['data', 'FieldValueForbidden']]);
    expect(data.message).toContain('field is immutable when `immutable` is set');
    const thaw = await refuse(
      admin.request('PATCH', `${secrets}/frozen`, { immutable: null }, mediaTypes.mergePatch),
      422,
      'Invalid',
    );
    expect(causes(thaw)).toEqual([['immutable', 'FieldValueForbidden']]);
    const labelled = await succeed(
      admin.request('PATCH', `${secrets}/frozen`, { metadata: { labels: { a: 'b' } } }, mediaTypes.mergePatch),
    );
    expect(labelled.metadata.labels).toEqual({ a: 'b' });
    await succeed(admin.request('DELETE', `${secrets}/frozen`));
  });
});
