import { listAt, readSecret, type Secret, secretDocument, textAt } from '@waxwing/shared';
import type { CallOptions, FieldManager, ObjectKey, ResourceSelection, SecretsApi } from './api.ts';
import { listAll } from './collections-api.ts';
import { type ApiCall, ApiError } from './errors.ts';
import { encodeJson } from './json.ts';
import { limitsOf, metadataAnswer, objectKeyOf, orUndefined, secretsPath, writtenFrom } from './requests.ts';
import type { ApiTransport } from './transport.ts';

export function secretsApi(transport: ApiTransport): SecretsApi {
  const call = (verb: string, key: ObjectKey): ApiCall => ({
    verb,
    group: '',
    resource: 'secrets',
    ...objectKeyOf(key),
  });
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

function managersFrom(object: unknown): FieldManager[] {
  const managers = listAt(object, 'metadata', 'managedFields').map((entry) => ({
    manager: textAt(entry, 'manager'),
    operation: textAt(entry, 'operation'),
    time: textAt(entry, 'time'),
  }));
  return managers.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}
