import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { aSecret } from '@waxwing/shared/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { createCredentials } from './auth.ts';
import { createKubeClient } from './client.ts';
import { sealedSecretsPath, secretsPath } from './requests.ts';

// How answers are understood; that the requests are right, the integration suite shows on real API servers.

interface Request {
  readonly method: string;
  readonly url: string;
  readonly accept: string;
  readonly body: unknown;
}

type Answer = { readonly status: number; readonly body?: unknown; readonly text?: string };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A client of a server that gives the answers one after the other, the last one for ever. */
async function aClient(...answers: readonly Answer[]) {
  const requests: Request[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '' } = request;
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({
      method,
      url,
      accept: request.headers.accept ?? '',
      body: text === '' ? undefined : JSON.parse(text),
    });
    reply(response, answer ?? { status: 500 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const source = { load: async () => ({ server: `http://127.0.0.1:${port}`, headers: {} }) };
  const now = () => performance.now();
  const client = createKubeClient(createCredentials(source, { checkIntervalMs: 60_000, now }), {
    userAgent: 'controller/test',
    maxConcurrentRequests: 4,
    requestTimeoutMs: 5000,
    qps: undefined,
    burst: 1,
    now,
    random: () => 0,
  });
  cleanups.push(() => client.close());
  return { client, requests };
}

function reply(response: ServerResponse, { status, body, text }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text ?? JSON.stringify(body ?? {}));
}

const key = { namespace: 'payments', name: 'db' };
const notFound = {
  status: 404,
  body: { kind: 'Status', reason: 'NotFound', message: 'not found', details: { name: 'db' } },
};
const noSuchResource = {
  status: 404,
  body: {
    kind: 'Status',
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  },
};
const version = { metadata: { name: 'db', uid: 'u', resourceVersion: '8', generation: 2 } };

describe('reading objects', () => {
  test('an object that does not exist is no failure', async () => {
    const { client } = await aClient(notFound);
    expect(await client.secrets.get(key)).toBeUndefined();
    expect(await client.sealedSecrets.get(key)).toBeUndefined();
    expect(await client.secrets.fieldManagers(key)).toBeUndefined();
  });

  test.each([
    ['the resource is not known', noSuchResource],
    ['something else answers', { status: 404, text: '404 page not found\n' }],
  ])('but it is one when %s: nothing was deleted', async (_why, answer) => {
    const { client } = await aClient(answer);
    await expect(client.sealedSecrets.get(key)).rejects.toMatchObject({ code: 'NotFound', status: 404 });
    await expect(client.namespaces.get('db')).rejects.toMatchObject({ code: 'NotFound' });
  });

  test('field managers come oldest first, without any data being asked for', async () => {
    const managedFields = [
      { manager: 'argocd', operation: 'Apply', time: '2026-01-02T00:00:00Z' },
      { manager: 'controller', operation: 'Update', time: '2026-01-01T00:00:00Z' },
    ];
    const { client, requests } = await aClient({ status: 200, body: { metadata: { managedFields } } });
    const managers = await client.secrets.fieldManagers(key);
    expect(managers?.map(({ manager }) => manager)).toEqual(['controller', 'argocd']);
    expect(requests[0]?.accept).toMatch(/^application\/json;as=PartialObjectMetadata;/);
  });

  test.each([
    [{ status: { phase: 'Active' } }, false],
    [{ status: { phase: 'Terminating' } }, true],
    [{ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, true],
  ])('the namespace %j', async (body, terminating) => {
    const { client } = await aClient({ status: 200, body });
    expect(await client.namespaces.get('payments')).toEqual({ terminating });
  });
});

describe('lists', () => {
  const page = (names: string[], next: string) => ({
    status: 200,
    body: { kind: 'SecretList', metadata: { resourceVersion: '9', continue: next }, items: names },
  });
  const expired = { status: 410, body: { kind: 'Status', reason: 'Expired', message: 'too old' } };

  test('are complete', async () => {
    const { client, requests } = await aClient(page(['a', 'b'], 'next page'), page(['c'], ''));
    expect(await client.secrets.list('kube-system', 'a=b,c')).toEqual(['a', 'b', 'c']);
    expect(requests.map(({ url }) => url.split('?')[0])).toEqual(
      Array(2).fill('/api/v1/namespaces/kube-system/secrets'),
    );
    expect(new URLSearchParams(requests[1]?.url.split('?')[1]).get('continue')).toBe('next page');
    expect(new URLSearchParams(requests[0]?.url.split('?')[1]).get('labelSelector')).toBe('a=b,c');
  });

  test('begin again once when they took too long', async () => {
    const { client } = await aClient(page(['a'], 'x'), expired, page(['a'], 'y'), page(['b'], ''));
    expect(await client.secrets.list('kube-system', '')).toEqual(['a', 'b']);
  });

  test.each([[{}], [{ kind: 'Status' }], [{ items: 'x' }], ['text']])(
    'an answer that is no list is not an empty one: %j',
    async (body) => {
      const { client } = await aClient({ status: 200, body });
      await expect(client.secrets.list('kube-system', '')).rejects.toMatchObject({ code: 'ApiUnavailable' });
    },
  );

  test('a list without items is an empty one', async () => {
    const { client } = await aClient({ status: 200, body: { kind: 'SecretList', metadata: {}, items: null } });
    expect(await client.secrets.list('kube-system', '')).toEqual([]);
  });

  test('metadata alone is asked for in a way that cannot fall back to whole Secrets', async () => {
    const { client, requests } = await aClient(page([], ''));
    const selection = { path: secretsPath(''), labelSelector: '', metadataOnly: true };
    await client.resources.list(selection, { limit: 5, continueToken: '' });
    expect(requests[0]).toMatchObject({
      url: '/api/v1/secrets?limit=5',
      accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
    });
  });
});

describe('watches', () => {
  const selection = { path: sealedSecretsPath('payments'), labelSelector: '', metadataOnly: false };
  const parameters = { resourceVersion: '7', timeoutSeconds: 300, idleTimeoutMs: 5000 };

  test('give events until one says that something is wrong', async () => {
    const lines = [
      { type: 'ADDED', object: version },
      { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' } },
      { type: 'ADDED', object: version },
    ];
    const { client, requests } = await aClient({
      status: 200,
      text: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    const seen: string[] = [];
    const watching = client.resources.watch(selection, parameters, ({ type }) => seen.push(type));
    await expect(watching).rejects.toMatchObject({ status: 410, gone: true });
    expect(seen).toEqual(['ADDED']);
    const query = new URLSearchParams(requests[0]?.url.split('?')[1]);
    expect(Object.fromEntries(query)).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
      timeoutSeconds: '300',
    });
  });

  test('an event that is no JSON ends them', async () => {
    const { client } = await aClient({ status: 200, text: '{"type":\n' });
    await expect(client.resources.watch(selection, parameters, () => {})).rejects.toMatchObject({
      code: 'ApiUnavailable',
    });
  });
});

describe('writing', () => {
  test('a Secret goes out with every key, and only metadata comes back', async () => {
    const { client, requests } = await aClient({ status: 201, body: version });
    const secret = aSecret({ metadata: key, data: JSON.parse('{"__proto__":"a","10":"b"}') });
    expect(await client.secrets.create(secret)).toEqual({ ...key, uid: 'u', resourceVersion: '8', generation: 2 });
    const body = requests[0]?.body as { data: Record<string, string> };
    expect(Object.keys(body.data).sort()).toEqual(['10', '__proto__']);
    expect(requests[0]?.accept).toMatch(/^application\/json;as=PartialObjectMetadata;/);
  });

  test('a refusal does not repeat what was sent', async () => {
    const message = `admission webhook "w" denied the request: ${Buffer.from('canary-value-4711').toString('base64')}`;
    const { client } = await aClient({ status: 403, body: { kind: 'Status', message } });
    const failure = client.secrets.create(aSecret({ metadata: key, data: { password: 'canary-value-4711' } }));
    await expect(failure).rejects.toMatchObject({
      code: 'ApiRejected',
      message: expect.stringContaining('<redacted>'),
    });
  });

  test('a PUT without a version is refused here: it would overwrite whatever is there', async () => {
    const { client, requests } = await aClient({ status: 200 });
    await expect(client.secrets.update(aSecret({ metadata: key }))).rejects.toThrow(TypeError);
    expect(requests).toEqual([]);
  });

  test.each([
    [{ status: 200, body: {} }, true],
    [notFound, false],
  ])('deleting exactly what was looked at: %j', async (answer, deleted) => {
    const { client, requests } = await aClient(answer);
    expect(await client.secrets.delete({ ...key, uid: 'u', resourceVersion: '7' })).toBe(deleted);
    expect(requests[0]?.body).toMatchObject({ preconditions: { uid: 'u', resourceVersion: '7' } });
  });

  test('what has changed since, or is another one by now, is not deleted', async () => {
    const { client } = await aClient({
      status: 409,
      body: { kind: 'Status', reason: 'Conflict', message: 'the UID in the precondition does not match' },
    });
    const deletion = client.secrets.delete({ ...key, uid: 'u', resourceVersion: '7' });
    await expect(deletion).rejects.toMatchObject({ code: 'ApiConflict' });
  });

  test('a status travels without the spec and shows what was stored', async () => {
    const { client, requests } = await aClient({
      status: 200,
      body: { ...version, status: { observedGeneration: 2 } },
    });
    const target = { ...key, uid: 'u', resourceVersion: '7' };
    const written = await client.sealedSecrets.updateStatus(target, new Map([['observedGeneration', 2]]));
    expect(written).toEqual({ uid: 'u', resourceVersion: '8', generation: 2, status: { observedGeneration: 2 } });
    expect(requests[0]).toMatchObject({
      method: 'PUT',
      url: '/apis/bitnami.com/v1alpha1/namespaces/payments/sealedsecrets/db/status',
      body: {
        metadata: { resourceVersion: '7', uid: 'u' },
        spec: { encryptedData: {} },
        status: { observedGeneration: 2 },
      },
    });
  });

  test('an event that is there already was posted before', async () => {
    const { client } = await aClient({
      status: 409,
      body: { kind: 'Status', reason: 'AlreadyExists', message: 'exists' },
    });
    expect(await client.events.create('payments', new Map())).toBe('exists');
  });
});

describe('reviews', () => {
  const user = { username: 'alice', uid: '1', groups: ['dev'], extra: { scopes: ['a', 'b'] } };

  test('a token counts only for an audience of ours', async () => {
    const answers = [
      { authenticated: true, audiences: ['waxwing'], user },
      { authenticated: true, audiences: ['other'], user },
      { authenticated: true, user },
      { authenticated: false, audiences: ['waxwing'], user },
    ].map((status) => ({ status: 201, body: { status } }));
    const { client } = await aClient(...answers);
    const review = () => client.access.reviewToken('a-token', ['waxwing']);
    expect(await review()).toEqual({
      username: 'alice',
      uid: '1',
      groups: ['dev'],
      extra: new Map([['scopes', ['a', 'b']]]),
    });
    for (let i = 1; i < answers.length; i++) expect(await review()).toBeUndefined();
  });

  test('a failed review does not repeat the token', async () => {
    const body = { kind: 'Status', message: 'bad token canary-token-4711' };
    const { client } = await aClient({ status: 400, body });
    await expect(client.access.reviewToken('canary-token-4711', ['x'])).rejects.not.toThrow('canary');
  });

  test('only a plain yes is a yes', async () => {
    const answers = [{ allowed: true }, { allowed: false }, { allowed: 'true' }, {}].map((status) => ({
      status: 201,
      body: { status },
    }));
    const { client } = await aClient(...answers);
    const request = { verb: 'watch', group: '', resource: 'secrets', namespace: '' };
    const results: boolean[] = [];
    for (let i = 0; i < 4; i++) results.push(await client.access.selfMay(request));
    expect(results).toEqual([true, false, false, false]);
  });
});
