import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { aSecret, corePath, refuse, startSuite, succeed } from './suite.ts';

const { admin, namespace } = await startSuite();
const events = corePath(namespace, 'events');
const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
const fieldsOf = (status: Json) => status.details.causes.map((cause: Json) => cause.field);

function anEvent(name: string, extra: object = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name: 'demo', namespace, uid: 'u-1' },
    reason: 'Unsealed',
    message: 'SealedSecret unsealed successfully',
    type: 'Normal',
    ...extra,
  };
}

function aLease(name: string, spec: object): Json {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
}

describe('an Event', () => {
  it('keeps what it was given, its times and its count included', async () => {
    const extra = {
      source: { component: 'sealed-secrets', host: 'h' },
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:06Z',
      count: 3,
    };
    const created = await succeed(admin.request('POST', events, anEvent('kept', extra)));
    expect(created).toMatchObject({ ...extra, involvedObject: { uid: 'u-1' }, reason: 'Unsealed', type: 'Normal' });
    expect(created.eventTime).toBeNull();
  });

  it('of an object in another namespace is refused with 422', async () => {
    const involvedObject = { kind: 'SealedSecret', name: 'demo', namespace: 'elsewhere' };
    const status = await refuse(
      admin.request('POST', events, anEvent('elsewhere', { involvedObject })),
      422,
      'Invalid',
    );
    expect(fieldsOf(status)).toEqual(['involvedObject.namespace']);
  });

  it('without eventTime may have a long message, with it at most 1024 characters', async () => {
    const modern = {
      eventTime: '2026-01-02T03:04:05.000006Z',
      reportingComponent: 'sealed-secrets',
      reportingInstance: 'pod-1',
      action: 'Unseal',
    };
    await succeed(admin.request('POST', events, anEvent('long', { message: 'x'.repeat(5000) })));
    await succeed(admin.request('POST', events, anEvent('modern', { ...modern, message: 'x'.repeat(1024) })));
    const status = await refuse(
      admin.request('POST', events, anEvent('modern-long', { ...modern, message: 'x'.repeat(1025) })),
      422,
      'Invalid',
    );
    expect(fieldsOf(status)).toEqual(['message']);
  });

  it('with eventTime has to say who reports it', async () => {
    const eventTime = '2026-01-02T03:04:05.000006Z';
    const status = await refuse(admin.request('POST', events, anEvent('hasty', { eventTime })), 422, 'Invalid');
    expect(fieldsOf(status)).toEqual(expect.arrayContaining(['reportingComponent', 'reportingInstance', 'action']));
  });

  it('is found by the object it is about', async () => {
    const about = { kind: 'SealedSecret', name: 'wanted', namespace, uid: 'u-2' };
    await succeed(admin.request('POST', events, anEvent('about-wanted', { involvedObject: about })));
    for (const selector of ['involvedObject.name=wanted', 'involvedObject.uid=u-2,involvedObject.kind=SealedSecret']) {
      const list = await succeed(admin.request('GET', `${events}?fieldSelector=${encodeURIComponent(selector)}`));
      expect(list.items.map((item: Json) => item.metadata.name)).toEqual(['about-wanted']);
    }
    const byReason = await succeed(admin.request('GET', `${events}?fieldSelector=reason%3DNoSuchReason`));
    expect(byReason.items).toEqual([]);
  });

  it('is the same object in the group events.k8s.io', async () => {
    await succeed(admin.request('POST', events, anEvent('two-faces')));
    const other = await succeed(
      admin.request('GET', `/apis/events.k8s.io/v1/namespaces/${namespace}/events/two-faces`),
    );
    expect(other).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      regarding: { name: 'demo', uid: 'u-1' },
      note: 'SealedSecret unsealed successfully',
      reason: 'Unsealed',
    });
  });
});

it('Events and Leases are created by PUT if they are not there, Secrets are not', async () => {
  const put = (path: string, object: Json) => admin.request('PUT', path, object);
  expect((await put(`${events}/by-put`, anEvent('by-put'))).status).toBe(201);
  expect((await put(`${leases}/by-put`, aLease('by-put', { holderIdentity: 'me' }))).status).toBe(201);
  await refuse(put(corePath(namespace, 'secrets', 'by-put'), aSecret('by-put')), 404, 'NotFound');
});

describe('a Lease', () => {
  it('keeps its times to the microsecond', async () => {
    const spec = {
      holderIdentity: 'pod-1',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.000006Z',
      renewTime: '2026-01-02T03:04:05.600000Z',
      leaseTransitions: 0,
    };
    const created = await succeed(admin.request('POST', leases, aLease('timed', spec)));
    expect(created.spec).toEqual(spec);
  });

  it('with a time that has no microseconds, or is none, is refused with 400', async () => {
    for (const renewTime of ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678Z', 'now']) {
      const status = await refuse(admin.request('POST', leases, aLease('untimed', { renewTime })), 400, 'BadRequest');
      expect(status.message).toContain('parsing time');
    }
  });

  it('with a duration of 0 or negative transitions is refused with 422', async () => {
    const spec = { leaseDurationSeconds: 0, leaseTransitions: -1 };
    const status = await refuse(admin.request('POST', leases, aLease('zero', spec)), 422, 'Invalid');
    expect(fieldsOf(status)).toEqual(['spec.leaseDurationSeconds', 'spec.leaseTransitions']);
  });

  it('is taken by one of two candidates that update the same version', async () => {
    const created = await succeed(admin.request('POST', leases, aLease('contested', { leaseDurationSeconds: 15 })));
    const take = (holderIdentity: string) =>
      admin.request('PUT', `${leases}/contested`, { ...created, spec: { ...created.spec, holderIdentity } });
    const outcomes = await Promise.all([take('one'), take('two')]);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual([200, 409]);
  });
});
