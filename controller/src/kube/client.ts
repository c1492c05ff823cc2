import { type DocumentMap, type DocumentValue, property, sealedSecretResource, textAt } from '@waxwing/shared';
import { accessApi } from './access-api.ts';
import type { ConfigMapsApi, EventsApi, KubeClient, NamespacesApi, ObjectKey, SealedSecretsApi } from './api.ts';
import type { Credentials } from './auth.ts';
import { resourceApi } from './collections-api.ts';
import { type ApiCall, ApiError } from './errors.ts';
import { encodeJson } from './json.ts';
import { leasesApi } from './leases-api.ts';
import {
  collectionPath,
  limitsOf,
  metadataAnswer,
  objectKeyOf,
  orUndefined,
  sealedSecretsPath,
  writtenFrom,
} from './requests.ts';
import { secretsApi } from './secrets-api.ts';
import { type ApiTransport, createApiTransport, type TransportOptions } from './transport.ts';

/** Name before the slash: what the API server records as field manager, the same as upstream's. */
export function userAgent(version: string): string {
  return `controller/${version} (waxwing)`;
}

export function createKubeClient(credentials: Credentials, options: TransportOptions): KubeClient {
  const transport = createApiTransport(credentials, options);
  return {
    secrets: secretsApi(transport),
    sealedSecrets: sealedSecretsApi(transport),
    events: eventsApi(transport),
    leases: leasesApi(transport),
    namespaces: namespacesApi(transport),
    access: accessApi(transport),
    configMaps: configMapsApi(transport),
    resources: resourceApi(transport),
    async close() {
      credentials.close();
    },
  };
}

function sealedSecretsApi(transport: ApiTransport): SealedSecretsApi {
  const { group, plural, apiVersion, kind } = sealedSecretResource;
  const path = (key: ObjectKey) => `${sealedSecretsPath(key.namespace)}/${encodeURIComponent(key.name)}`;
  return {
    async get(key, options = {}) {
      const call: ApiCall = { verb: 'get', group, resource: plural, ...objectKeyOf(key) };
      return orUndefined(key.name, transport.request({ method: 'GET', path: path(key), call, signal: options.signal }));
    },
    async updateStatus(target, status, options = {}) {
      // The API server takes nothing but the status from this body, so the spec need not travel.
      const { namespace, name, uid, resourceVersion } = target;
      const metadata: DocumentMap = new Map(Object.entries({ namespace, name, uid, resourceVersion }));
      const document = new Map<string, DocumentValue>(
        Object.entries({ apiVersion, kind, metadata, spec: emptySpec(), status }),
      );
      const answer = await transport.request({
        method: 'PUT',
        path: `${path(target)}/status`,
        body: encodeJson(document),
        call: { verb: 'update', group, resource: `${plural}/status`, ...objectKeyOf(target) },
        ...limitsOf(options),
      });
      return { ...writtenFrom(answer), status: property(answer, 'status') };
    },
  };
}

/** The schema wants a spec with encryptedData; what is in it is not looked at. */
function emptySpec(): DocumentMap {
  return new Map<string, DocumentValue>([['encryptedData', new Map<string, DocumentValue>()]]);
}

function eventsApi(transport: ApiTransport): EventsApi {
  return {
    async create(namespace, event, options = {}) {
      try {
        await transport.request({
          method: 'POST',
          path: collectionPath('', 'v1', namespace, 'events'),
          body: encodeJson(event),
          accept: metadataAnswer,
          call: { verb: 'create', group: '', resource: 'events', namespace, name: '' },
          signal: options.signal,
        });
        return 'created';
      } catch (error) {
        if (error instanceof ApiError && error.alreadyExists) return 'exists';
        throw error;
      }
    },
  };
}

function configMapsApi(transport: ApiTransport): ConfigMapsApi {
  const call = (verb: string, key: ObjectKey): ApiCall => ({
    verb,
    group: '',
    resource: 'configmaps',
    ...objectKeyOf(key),
  });
  const path = (namespace: string) => collectionPath('', 'v1', namespace, 'configmaps');
  return {
    async create(key, metadata, data, options = {}) {
      const document = new Map<string, DocumentValue>([
        ['apiVersion', 'v1'],
        ['kind', 'ConfigMap'],
        ['metadata', metadata],
        ['data', new Map(data)],
      ]);
      const request = {
        method: 'POST',
        path: path(key.namespace),
        accept: metadataAnswer,
        call: call('create', key),
      } as const;
      await transport.request({ ...request, body: encodeJson(document), ...limitsOf(options) });
    },
    async get(key, options = {}) {
      const target = `${path(key.namespace)}/${encodeURIComponent(key.name)}`;
      const request = { method: 'GET', path: target, call: call('get', key), signal: options.signal } as const;
      const answer = await orUndefined(key.name, transport.request(request));
      if (answer === undefined) return undefined;
      const data = property(answer, 'data');
      const names = typeof data === 'object' && data !== null ? Object.keys(data) : [];
      return new Map(names.map((name) => [name, textAt(data, name)]));
    },
  };
}

function namespacesApi(transport: ApiTransport): NamespacesApi {
  return {
    async get(name, options = {}) {
      const call: ApiCall = { verb: 'get', group: '', resource: 'namespaces', namespace: '', name };
      const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
      const request = { method: 'GET', path, call, signal: options.signal } as const;
      const answer = await orUndefined(name, transport.request(request));
      if (answer === undefined) return undefined;
      const deleting = textAt(answer, 'metadata', 'deletionTimestamp') !== '';
      return { terminating: deleting || textAt(answer, 'status', 'phase') === 'Terminating' };
    },
  };
}
