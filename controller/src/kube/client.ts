import {
  type DocumentMap,
  type DocumentValue,
  listAt,
  numberAt,
  property,
  readSecret,
  type Secret,
  sealedSecretResource,
  secretDocument,
  textAt,
} from '@waxwing/shared';
import type {
  AccessApi,
  AccessRequest,
  CallOptions,
  ConfigMapsApi,
  EventsApi,
  FieldManager,
  KubeClient,
  Lease,
  LeaseRecord,
  LeasesApi,
  ListPage,
  NamespacesApi,
  ObjectKey,
  ResourceApi,
  ResourceSelection,
  SealedSecretsApi,
  SecretsApi,
  UserInfo,
  Written,
} from './api.ts';
import type { Credentials } from './auth.ts';
import { type ApiCall, ApiError, apiErrorFromStatus } from './errors.ts';
import { encodeJson } from './json.ts';
import { type ApiTransport, createApiTransport, type TransportOptions } from './transport.ts';

/** Only metadata comes back: less to send, and no value of a Secret in an answer that nobody reads. */
const metadataAnswer = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json';
/** Without the plain type at its end: a server that does not know it must refuse instead of sending whole Secrets. */
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const metadataWatch = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const listPageSize = 500;

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

function collection(group: string, version: string, namespace: string, plural: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === '' ? `${root}/${plural}` : `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

/** The path of a collection, as a reflector follows it; an empty namespace means all. */
export function secretsPath(namespace: string): string {
  return collection('', 'v1', namespace, 'secrets');
}

export function sealedSecretsPath(namespace: string): string {
  const { group, version, plural } = sealedSecretResource;
  return collection(group, version, namespace, plural);
}

function writtenFrom(object: unknown): Written {
  const generation = numberAt(object, 'metadata', 'generation');
  return {
    uid: textAt(object, 'metadata', 'uid'),
    resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
    ...(generation === undefined ? {} : { generation }),
  };
}

/**
 * Undefined where the object itself does not exist. A 404 for anything else (the CRD is not installed, a proxy answers)
 * stays an error: taken for a deletion it would delete Secrets.
 */
async function orUndefined<T>(name: string, answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && error.objectName === name) return undefined;
    throw error;
  }
}

function secretsApi(transport: ApiTransport): SecretsApi {
  const call = (verb: string, key: ObjectKey): ApiCall => ({ verb, group: '', resource: 'secrets', ...pick(key) });
  const path = (key: ObjectKey) => `${secretsPath(key.namespace)}/${encodeURIComponent(key.name)}`;

  function write(
    verb: 'create' | 'update',
    method: 'POST' | 'PUT',
    target: string,
    secret: Secret,
    options: CallOptions,
    replaced?: Secret,
  ) {
    return transport.request({
      method,
      path: target,
      body: encodeJson(secretDocument(secret)),
      accept: metadataAnswer,
      call: { ...call(verb, secret.metadata), secretValues: () => valuesOf(secret, replaced) },
      ...limitsOf(options),
    });
  }

  return {
    async get(key, options = {}) {
      const request = { method: 'GET', path: path(key), call: call('get', key), signal: options.signal } as const;
      const answer = await orUndefined(key.name, transport.request(request));
      return answer === undefined ? undefined : readSecret(answer, { source: `${key.namespace}/${key.name}` });
    },
    async create(secret, options = {}) {
      const { namespace } = secret.metadata;
      const answer = await write('create', 'POST', secretsPath(namespace), secret, options);
      return { ...writtenFrom(answer), namespace, name: textAt(answer, 'metadata', 'name') };
    },
    async update(secret, options = {}, replaced) {
      if (secret.metadata.resourceVersion === undefined) throw new TypeError('update needs a resourceVersion');
      return writtenFrom(await write('update', 'PUT', path(secret.metadata), secret, options, replaced));
    },
    async delete(key, options = {}) {
      const body = JSON.stringify({
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: key.uid, resourceVersion: key.resourceVersion },
        propagationPolicy: 'Background',
      });
      const request = { method: 'DELETE', path: path(key), body, accept: metadataAnswer } as const;
      try {
        await transport.request({ ...request, call: call('delete', key), ...limitsOf(options) });
        return true;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.status === 404 && error.objectName === key.name) return false;
        throw error;
      }
    },
    async list(namespace, labelSelector, options = {}) {
      const selection: ResourceSelection = { path: secretsPath(namespace), labelSelector, metadataOnly: false };
      return listAll(transport, selection, options);
    },
    async fieldManagers(key, options = {}) {
      const request = { method: 'GET', path: path(key), accept: metadataAnswer, call: call('get', key) } as const;
      const answer = await orUndefined(key.name, transport.request({ ...request, signal: options.signal }));
      return answer === undefined ? undefined : managersFrom(answer);
    },
  };
}

/** Whoever refuses an update may quote the old values as well, and those are still in use then. */
function* valuesOf(secret: Secret, replaced: Secret | undefined): Iterable<Uint8Array> {
  yield* secret.data.values();
  for (const [name, value] of replaced?.data ?? []) {
    const next = secret.data.get(name);
    if (next === undefined || Buffer.compare(next, value) !== 0) yield value;
  }
}

function pick(key: { readonly namespace: string; readonly name: string }): ObjectKey {
  return { namespace: key.namespace, name: key.name };
}

/** What may end a write, or keep it from being sent. */
function limitsOf({ signal, permit }: CallOptions) {
  return { signal, permit };
}

function managersFrom(object: unknown): FieldManager[] {
  const managers = listAt(object, 'metadata', 'managedFields').map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: textAt(entry, 'operation'),
    time: textAt(entry, 'time'),
  }));
  return managers.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

async function listAll(
  transport: ApiTransport,
  selection: ResourceSelection,
  options: CallOptions,
): Promise<unknown[]> {
  const { list } = resourceApi(transport);
  for (let restarted = false; ; restarted = true) {
    const items: unknown[] = [];
    let continueToken = '';
    try {
      do {
        const page = await list(selection, { limit: listPageSize, continueToken }, options);
        items.push(...page.items);
        continueToken = page.continueToken;
      } while (continueToken !== '');
      return items;
    } catch (error) {
      // The continue token got too old between two pages.
      if (!(error instanceof ApiError && error.gone) || restarted) throw error;
    }
  }
}

function sealedSecretsApi(transport: ApiTransport): SealedSecretsApi {
  const { group, plural, apiVersion, kind } = sealedSecretResource;
  const path = (key: ObjectKey) => `${sealedSecretsPath(key.namespace)}/${encodeURIComponent(key.name)}`;
  return {
    async get(key, options = {}) {
      const call: ApiCall = { verb: 'get', group, resource: plural, ...pick(key) };
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
        call: { verb: 'update', group, resource: `${plural}/status`, ...pick(target) },
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
          path: collection('', 'v1', namespace, 'events'),
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

const leaseGroup = 'coordination.k8s.io';

function leasesApi(transport: ApiTransport): LeasesApi {
  const leases = (namespace: string) => collection(leaseGroup, 'v1', namespace, 'leases');
  const path = (key: ObjectKey) => `${leases(key.namespace)}/${encodeURIComponent(key.name)}`;
  const call = (verb: string, key: ObjectKey): ApiCall => ({
    verb,
    group: leaseGroup,
    resource: 'leases',
    ...pick(key),
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
  const metadata: DocumentMap = new Map(Object.entries(pick(key)));
  if (resourceVersion !== '') metadata.set('resourceVersion', resourceVersion);
  return new Map<string, DocumentValue>([
    ['apiVersion', `${leaseGroup}/v1`],
    ['kind', 'Lease'],
    ['metadata', metadata],
    ['spec', new Map<string, DocumentValue>(Object.entries(spec))],
  ]);
}

function configMapsApi(transport: ApiTransport): ConfigMapsApi {
  const call = (verb: string, key: ObjectKey): ApiCall => ({ verb, group: '', resource: 'configmaps', ...pick(key) });
  const path = (namespace: string) => collection('', 'v1', namespace, 'configmaps');
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

const authorizationGroup = 'authorization.k8s.io';
const authenticationGroup = 'authentication.k8s.io';

function accessApi(transport: ApiTransport): AccessApi {
  function review(
    group: string,
    plural: string,
    kind: string,
    spec: unknown,
    options: CallOptions,
    secret = '',
  ): Promise<unknown> {
    return transport.request({
      method: 'POST',
      path: collection(group, 'v1', '', plural),
      body: JSON.stringify({ apiVersion: `${group}/v1`, kind, spec }),
      call: {
        verb: 'create',
        group,
        resource: plural,
        namespace: '',
        name: '',
        ...(secret === '' ? {} : { secretValues: () => [Buffer.from(secret)] }),
      },
      signal: options.signal,
    });
  }
  const allowed = (answer: unknown) => property(property(answer, 'status'), 'allowed') === true;

  return {
    async selfMay(request, options = {}) {
      const spec = { resourceAttributes: attributesOf(request) };
      return allowed(
        await review(authorizationGroup, 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', spec, options),
      );
    },
    async userMay(user, request, options = {}) {
      const extra = Object.create(null) as Record<string, readonly string[]>;
      for (const [key, values] of user.extra) extra[key] = values;
      const spec = {
        user: user.username,
        uid: user.uid,
        groups: user.groups,
        extra,
        resourceAttributes: attributesOf(request),
      };
      return allowed(await review(authorizationGroup, 'subjectaccessreviews', 'SubjectAccessReview', spec, options));
    },
    async reviewToken(token, audiences, options = {}) {
      const answer = await review(
        authenticationGroup,
        'tokenreviews',
        'TokenReview',
        { token, audiences },
        options,
        token,
      );
      return userFrom(property(answer, 'status'), audiences);
    },
  };
}

function attributesOf(request: AccessRequest): Record<string, string> {
  const { verb, group, resource, subresource = '', namespace, name = '' } = request;
  return { verb, group, resource, subresource, namespace, name };
}

/** An authenticator that knows nothing of audiences answers without any: then the token is for the API server alone, not for us. */
function userFrom(status: unknown, audiences: readonly string[]): UserInfo | undefined {
  if (property(status, 'authenticated') !== true) return undefined;
  if (!listAt(status, 'audiences').some((audience) => audiences.includes(String(audience)))) return undefined;
  const user = property(status, 'user');
  const extra = property(user, 'extra');
  const names = typeof extra === 'object' && extra !== null ? Object.keys(extra) : [];
  const texts = (values: readonly unknown[]) => values.filter((value) => typeof value === 'string');
  return {
    username: textAt(user, 'username'),
    uid: textAt(user, 'uid'),
    groups: texts(listAt(user, 'groups')),
    extra: new Map(names.map((name) => [name, texts(listAt(extra, name))])),
  };
}

function resourceApi(transport: ApiTransport): ResourceApi {
  return {
    async list(selection, page, options = {}) {
      const query = new URLSearchParams({ limit: String(page.limit) });
      if (selection.labelSelector !== '') query.set('labelSelector', selection.labelSelector);
      if (page.continueToken !== '') query.set('continue', page.continueToken);
      const answer = await transport.request({
        method: 'GET',
        path: `${selection.path}?${query}`,
        accept: selection.metadataOnly ? metadataList : 'application/json',
        call: callOf('list', selection),
        signal: options.signal,
      });
      return pageFrom(answer, selection);
    },
    async watch(selection, watch, onEvent, options = {}) {
      const { resourceVersion, timeoutSeconds, idleTimeoutMs } = watch;
      const query = new URLSearchParams({
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(timeoutSeconds),
      });
      if (selection.labelSelector !== '') query.set('labelSelector', selection.labelSelector);
      const call = callOf('watch', selection);
      const onLine = (line: string) => {
        const event: unknown = parseLine(line, call);
        const type = textAt(event, 'type');
        const object = property(event, 'object');
        if (type === 'ERROR') throw apiErrorFromStatus(call, object);
        onEvent({ type, object });
      };
      const accept = selection.metadataOnly ? metadataWatch : 'application/json';
      const request = {
        method: 'GET',
        path: `${selection.path}?${query}`,
        accept,
        call,
        signal: options.signal,
      } as const;
      await transport.stream(request, { idleTimeoutMs, onLine, onOpen: () => watch.onOpen?.() });
    },
  };
}

function parseLine(line: string, call: ApiCall): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ApiError('ApiUnavailable', `${call.verb} ${call.resource}: an event is not JSON`, { status: 0 });
  }
}

/** Group, resource and namespace of a collection's path, for messages. */
function callOf(verb: string, selection: ResourceSelection): ApiCall {
  const segments = selection.path.split('/').filter((segment) => segment !== '');
  const group = segments[0] === 'apis' ? (segments[1] ?? '') : '';
  const at = segments.indexOf('namespaces');
  const namespace = at !== -1 && at < segments.length - 2 ? decodeURIComponent(segments[at + 1] ?? '') : '';
  return { verb, group, resource: segments.at(-1) ?? '', namespace, name: '' };
}

function pageFrom(answer: unknown, selection: ResourceSelection): ListPage {
  const items = property(answer, 'items');
  // An absent list is an empty one only if this is a list at all: anything else would look like "everything was deleted".
  if (!Array.isArray(items) && (items !== null || !textAt(answer, 'kind').endsWith('List'))) {
    const what = `list ${selection.path}: the answer is not a list`;
    throw new ApiError('ApiUnavailable', what, { status: 0 });
  }
  return {
    items: Array.isArray(items) ? items : [],
    resourceVersion: textAt(answer, 'metadata', 'resourceVersion'),
    continueToken: textAt(answer, 'metadata', 'continue'),
  };
}
