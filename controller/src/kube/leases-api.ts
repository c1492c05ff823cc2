import { type DocumentMap, type DocumentValue, numberAt, property, textAt } from '@waxwing/shared';
import type { Lease, LeaseRecord, LeasesApi, ObjectKey } from './api.ts';
import type { ApiCall } from './errors.ts';
import { encodeJson } from './json.ts';
import { collectionPath, objectKeyOf, orUndefined } from './requests.ts';
import type { ApiTransport } from './transport.ts';

const leaseGroup = 'coordination.k8s.io';

export function leasesApi(transport: ApiTransport): LeasesApi {
  const leases = (namespace: string) => collectionPath(leaseGroup, 'v1', namespace, 'leases');
  const path = (key: ObjectKey) => `${leases(key.namespace)}/${encodeURIComponent(key.name)}`;
  const call = (verb: string, key: ObjectKey): ApiCall => ({
    verb,
    group: leaseGroup,
    resource: 'leases',
    ...objectKeyOf(key),
  });
  return {
    async get(key, options = {}) {
      const request = { method: 'GET', path: path(key), call: call('get', key), urgent: true } as const;
      const answer = await orUndefined(key.name, transport.request({ ...request, signal: options.signal }));
      return answer === undefined ? undefined : leaseFrom(answer);
    },
    async create(key, record, options = {}) {
      const request = { method: 'POST', path: leases(key.namespace), call: call('create', key), urgent: true } as const;
      const body = encodeJson(leaseDocument(key, record, ''));
      return leaseFrom(await transport.request({ ...request, body, signal: options.signal }));
    },
    async update(key, lease, options = {}) {
      const request = { method: 'PUT', path: path(key), call: call('update', key), urgent: true } as const;
      const body = encodeJson(leaseDocument(key, lease, lease.resourceVersion));
      return leaseFrom(await transport.request({ ...request, body, signal: options.signal }));
    },
  };
}

function leaseFrom(object: unknown): Lease {
  const spec = property(object, 'spec');
  return {
    resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
    holderIdentity: textAt(spec, 'holderIdentity'),
    leaseDurationSeconds: numberAt(spec, 'leaseDurationSeconds') ?? 0,
    acquireTime: textAt(spec, 'acquireTime'),
    renewTime: textAt(spec, 'renewTime'),
    leaseTransitions: numberAt(spec, 'leaseTransitions') ?? 0,
  };
}

function leaseDocument(key: ObjectKey, record: LeaseRecord, resourceVersion: string): DocumentMap {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = record;
  const spec = { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions };
  const metadata: DocumentMap = new Map(Object.entries(objectKeyOf(key)));
  if (resourceVersion !== '') metadata.set('resourceVersion', resourceVersion);
  return new Map<string, DocumentValue>([
    ['apiVersion', `${leaseGroup}/v1`],
    ['kind', 'Lease'],
    ['metadata', metadata],
    ['spec', new Map<string, DocumentValue>(Object.entries(spec))],
  ]);
}
