import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:http';
import { request } from 'node:http';
import type { SealedSecret } from '@waxwing/shared';
import {
  importUnsealingKey,
  isInvalid,
  parseKeySecret,
  readSealedSecret,
  scopeOf,
  secretDocument,
  unsealSecret,
} from '@waxwing/shared';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createCryptoService } from '../crypto-service.ts';
import { createDecryptionQueue } from '../decryption-queue.ts';
import type { KeyRing } from '../keys/registry.ts';
import { createKeyRegistry, emptyKeyRing, newestKey } from '../keys/registry.ts';
import { formatBody, parseBody } from './body.ts';
import { createBudget, createMemoryBudget, createRateLimiter } from './limits.ts';
import type { RunningServer, ServerOptions } from './server.ts';
import { createApp, listen, listenPatiently } from './server.ts';

const vectors = new URL('../../../test/vectors/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, vectors), 'utf8');

interface Vector {
  readonly name: string;
  readonly keys: string[];
  readonly newest: string;
  readonly body: string;
  readonly verifyStatus: number;
  readonly rotateStatus: number;
  readonly rotated?: Record<string, unknown>;
  readonly unsealed?: { readonly data?: Record<string, string>; readonly type?: string; readonly immutable?: boolean };
}

const cases = JSON.parse(read('objects/verify-rotate.json')) as Vector[];
const { verifyRotateWaivers: waivers } = (await import(new URL('waivers.ts', vectors).href)) as {
  verifyRotateWaivers: Record<string, { verifyStatus?: number; rotateStatus?: number; reason: string }>;
};

async function ringOf(ids: readonly string[]): Promise<KeyRing> {
  const registry = createKeyRegistry({ order: 'CertNotBefore', copies: 1 });
  const encode = (path: string) => Buffer.from(read(`test-keys/${path}`)).toString('base64');
  const parsed = ids.map((id) =>
    parseKeySecret({
      metadata: { name: id, namespace: 'kube-system', uid: id },
      data: { 'tls.crt': encode(`${id}.crt.pem`), 'tls.key': encode(`${id}.key.pem`) },
    }),
  );
  expect(parsed.filter(isInvalid)).toEqual([]);
  await registry.apply({ parsed, relabelledUids: new Set() });
  return registry.ring;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

function send(port: number, path: string, body?: string, options: RequestOptions = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request({ port, host: '127.0.0.1', path, method: body === undefined ? 'GET' : 'POST', ...options });
  outgoing.on('error', reject);
  outgoing.on('response', async (response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() });
  });
  outgoing.end(body);
  return promise;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const unlimited = createRateLimiter({ perSecond: 1e6, burst: 1e6, maxKeys: 10, nowMs: () => 0 });

function serverOptions(parts: Partial<ServerOptions> & { readonly ring?: () => KeyRing } = {}): ServerOptions {
  const service = createCryptoService({
    keyRing: parts.ring ?? (() => emptyKeyRing),
    decryptions: createDecryptionQueue(2),
    acceptDeprecatedData: true,
    randomBytes,
    nowMs: () => Date.UTC(2026, 0, 1),
  });
  return {
    ...service,
    parseBody,
    formatBody,
    ready: () => true,
    stuck: () => undefined,
    maxBodyBytes: 8 * 1024 * 1024,
    clientLimiter: unlimited,
    peerLimiter: unlimited,
    cryptoBudget: createBudget({ concurrent: 4, waiting: 1000 }),
    bodyMemory: createMemoryBudget(64 * 1024 * 1024),
    authenticate: undefined,
    metrics: { httpRequest() {} },
    logger: quiet,
    nowMs: () => 0,
    ...parts,
  };
}

const address = { host: '127.0.0.1', port: 0 };
const start = (parts: Parameters<typeof serverOptions>[0] = {}) =>
  listen(createApp(serverOptions(parts)), { address, readTimeoutMs: 10_000, writeTimeoutMs: 10_000 });

async function withServer(
  parts: Parameters<typeof serverOptions>[0],
  use: (port: number) => Promise<void>,
): Promise<void> {
  const server = await start(parts);
  try {
    await use(server.port);
  } finally {
    await server.stop(1000);
  }
}

describe('verify and rotate, the vectors of upstream', () => {
  let ring: KeyRing = emptyKeyRing;
  const rings = new Map<string, KeyRing>();
  let server: RunningServer;

  beforeAll(async () => {
    for (const { keys } of cases) rings.set(keys.join(), await ringOf(keys));
    server = await start({ ring: () => ring });
  });
  afterAll(() => server.stop(1000));

  it('waives nothing that is not there', () => {
    const names = new Set(cases.map(({ name }) => name));
    expect(Object.keys(waivers).filter((name) => !names.has(name))).toEqual([]);
  });

  it.each(cases)('$name', async (vector) => {
    ring = rings.get(vector.keys.join()) as KeyRing;
    expect(newestKey(ring)?.secret.name ?? '').toBe(vector.newest);
    const waived = waivers[vector.name];
    const verified = await send(server.port, '/v1/verify', vector.body);
    expect(verified).toMatchObject({ status: waived?.verifyStatus ?? vector.verifyStatus, body: '' });
    const rotated = await send(server.port, '/v1/rotate', vector.body);
    expect(rotated.status).toBe(waived?.rotateStatus ?? vector.rotateStatus);
    if (rotated.status !== 200) return expect(rotated.body).toBe('');
    expect(rotated.headers['content-type']).toMatch(/^application\/json/);
    await expectSameValues(parseBody(Buffer.from(rotated.body), { single: true }), vector);
  });

  /** What upstream's answer unseals to is what ours does, but for what upstream loses: template metadata and `template.data`. */
  async function expectSameValues(
    rotated: SealedSecret,
    { newest, unsealed, body, rotated: upstream }: Vector,
  ): Promise<void> {
    const key = await importUnsealingKey(createPrivateKey(read(`test-keys/${newest}.key.pem`)));
    const values = { ...rotated, spec: { ...rotated.spec, template: { ...rotated.spec.template, data: new Map() } } };
    const render = () => new Map();
    const { secret } = await unsealSecret(values, { keys: [key], render, acceptV1: false });
    const document = secretDocument(secret);
    expect(Object.fromEntries((document.get('data') as Map<string, string> | undefined) ?? [])).toEqual(
      withoutNulls(unsealed?.data),
    );
    expect(secret.type).toBe(unsealed?.type ?? '');
    expect(secret.immutable).toBe(unsealed?.immutable);
    const expected = readSealedSecret(upstream);
    expect(scopeOf(rotated.metadata.annotations)).toBe(scopeOf(expected.metadata.annotations));
    expect(scopeOf(rotated.spec.template.metadata.annotations)).toBe(scopeOf(expected.metadata.annotations));
    expect(rotated.metadata).toMatchObject({ name: expected.metadata.name, namespace: expected.metadata.namespace });
    const input = parseBody(Buffer.from(body), { single: false });
    // The v1 format has no template data; what stands there means nothing.
    if (input.spec.data === undefined) expect(rotated.spec.template.data).toEqual(input.spec.template.data);
  }

  const withoutNulls = (data: Record<string, string | null> = {}) =>
    Object.fromEntries(Object.entries(data).map(([name, value]) => [name, value ?? '']));
});

describe('HTTP API', () => {
  it('says ok while nothing is stuck', () =>
    withServer({}, async (port) => {
      expect(await send(port, '/healthz')).toMatchObject({
        status: 200,
        body: 'ok\n',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
      });
    }));

  it('names what is stuck', () =>
    withServer({ stuck: () => 'worker: a/b' }, async (port) => {
      expect(await send(port, '/healthz')).toMatchObject({ status: 500, body: 'worker: a/b\n' });
    }));

  it('tells whether it is ready', () =>
    withServer({ ready: () => false }, async (port) => {
      expect(await send(port, '/readyz')).toMatchObject({ status: 503, body: 'not ready\n' });
    }));

  it('serves the newest certificate', async () => {
    const ring = await ringOf(['alpha']);
    await withServer({ ring: () => ring }, async (port) => {
      const answer = await send(port, '/v1/cert.pem');
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/x-pem-file' } });
      expect(answer.body.trim()).toBe(read('test-keys/alpha.crt.pem').trim());
    });
  });

  it('says that it has no certificate', () =>
    withServer({}, async (port) => {
      expect(await send(port, '/v1/cert.pem')).toMatchObject({ status: 500, body: 'cannot get certificate\n' });
    }));

  it('knows no other path', () =>
    withServer({}, async (port) => {
      for (const path of ['/', '/v1/verify/', '/V1/verify', '/metrics']) {
        expect(await send(port, path)).toMatchObject({ status: 404, body: '404 page not found\n' });
      }
    }));

  it('refuses a body that is too long, announced or not', () =>
    withServer({ maxBodyBytes: 10 }, async (port) => {
      expect(await send(port, '/v1/verify', 'x'.repeat(11))).toMatchObject({ status: 413 });
      const chunked = { headers: { 'transfer-encoding': 'chunked' } };
      expect(await send(port, '/v1/rotate', 'x'.repeat(11), chunked)).toMatchObject({ status: 413 });
    }));

  it('limits each path and client apart, and says so in headers', () => {
    const clientLimiter = createRateLimiter({ perSecond: 2, burst: 2, maxKeys: 10, nowMs: () => 0 });
    return withServer({ clientLimiter }, async (port) => {
      const verify = (client: string) => send(port, '/v1/verify', '', { headers: { 'x-forwarded-for': client } });
      expect((await verify('A')).headers).toMatchObject({
        'x-ratelimit-limit': '3',
        'x-ratelimit-remaining': '2',
        'x-ratelimit-reset': '1',
      });
      await verify('a');
      await verify('a');
      expect(await verify('a')).toMatchObject({
        status: 429,
        body: 'limit exceeded\n',
        headers: { 'retry-after': '1' },
      });
      expect((await verify('b')).status).toBe(500);
      expect((await send(port, '/v1/rotate', '', { headers: { 'x-forwarded-for': 'a' } })).status).toBe(500);
    });
  });

  it('limits what one peer may ask in the names of many', () => {
    const peerLimiter = createRateLimiter({ perSecond: 1, burst: 1, maxKeys: 10, nowMs: () => 0 });
    return withServer({ peerLimiter }, async (port) => {
      const ask = (client: number) =>
        send(port, '/v1/verify', '', { headers: { 'x-forwarded-for': `10.0.0.${client}` } });
      expect([(await ask(1)).status, (await ask(2)).status, (await ask(3)).status]).toEqual([500, 500, 429]);
    });
  });

  it('asks for patience when too many requests decrypt', async () => {
    const gate = Promise.withResolvers<boolean>();
    const [{ body } = { body: '' }] = cases;
    await withServer(
      { cryptoBudget: createBudget({ concurrent: 1, waiting: 0 }), verify: () => gate.promise },
      async (port) => {
        const first = send(port, '/v1/verify', body);
        await expect.poll(async () => (await send(port, '/v1/verify', body)).status).toBe(429);
        gate.resolve(true);
        expect((await first).status).toBe(200);
      },
    );
  });

  it('remembers no client of a peer that has used up its budget, and spends no budget on a client that has', () => {
    const taken: string[] = [];
    const limiter = createRateLimiter({ perSecond: 1, burst: 1, maxKeys: 10, nowMs: () => 0 });
    const clientLimiter = {
      ...limiter,
      take(key: string) {
        taken.push(key);
        return limiter.take(key);
      },
    };
    const peerLimiter = createRateLimiter({ perSecond: 1, burst: 3, maxKeys: 10, nowMs: () => 0 });
    return withServer({ clientLimiter, peerLimiter }, async (port) => {
      const long = 'a'.repeat(8000);
      const ask = async (client: string) => {
        const { status, headers } = await send(port, '/v1/verify', '', { headers: { 'x-forwarded-for': client } });
        return [status, headers['x-ratelimit-remaining']];
      };
      expect(await ask(`${long}1`)).toEqual([500, '1']);
      expect(await ask(`${long.toUpperCase()}1`)).toEqual([500, '0']);
      for (let i = 0; i < 3; i++) expect(await ask(`${long}1`)).toEqual([429, '0']);
      expect(await ask(`${long}2`)).toEqual([500, '1']);
      expect(await ask('b')).toEqual([500, '1']);
      expect(await ask('c')).toEqual([429, '1']);
      expect(new Set(taken).size).toBe(3);
      expect(Math.max(...taken.map(({ length }) => length))).toBeLessThan(100);
    });
  });

  it('holds no more bodies in memory than it has for them', async () => {
    const gate = Promise.withResolvers<boolean>();
    const [{ body } = { body: '' }] = cases;
    const bodyMemory = createMemoryBudget(body.length + 10);
    await withServer({ bodyMemory, verify: () => gate.promise }, async (port) => {
      const first = send(port, '/v1/verify', body);
      await expect
        .poll(async () => send(port, '/v1/verify', body))
        .toMatchObject({ status: 429, headers: { 'retry-after': '1', connection: 'close' } });
      gate.resolve(true);
      expect((await first).status).toBe(200);
      expect((await send(port, '/v1/verify', body)).status).toBe(200);
    });
  });

  it('gives the memory of a body back whose sender goes away', async () => {
    const bodyMemory = createMemoryBudget(100);
    await withServer({ bodyMemory }, async (port) => {
      const outgoing = request({ port, host: '127.0.0.1', path: '/v1/verify', method: 'POST' });
      outgoing.on('error', () => {});
      outgoing.write('x'.repeat(90));
      const other = () => send(port, '/v1/verify', 'y'.repeat(50));
      await expect.poll(async () => (await other()).status).toBe(429);
      outgoing.destroy();
      await expect.poll(async () => (await other()).status).toBe(500);
    });
  });

  it('parses as many bodies at once as may be decrypted, one to a turn of the event loop', async () => {
    let turn = 0;
    const counter = setInterval(() => turn++, 0);
    const turnsOfParsing: number[] = [];
    const parse: ServerOptions['parseBody'] = (body, options) => {
      turnsOfParsing.push(turn);
      // So long that the timer is due in the next turn.
      const endMs = performance.now() + 5;
      while (performance.now() < endMs);
      return parseBody(body, options);
    };
    await withServer({ parseBody: parse }, async (port) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => send(port, '/v1/verify', 'kind: x')));
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(500));
    });
    clearInterval(counter);
    expect(turnsOfParsing).toHaveLength(20);
    expect(new Set(turnsOfParsing).size).toBe(20);
  });

  it('parses nothing while too many requests decrypt', async () => {
    const gate = Promise.withResolvers<boolean>();
    const [{ body } = { body: '' }] = cases;
    let parsed = 0;
    const parts: Parameters<typeof withServer>[0] = {
      cryptoBudget: createBudget({ concurrent: 1, waiting: 0 }),
      verify: () => gate.promise,
      parseBody(text, options) {
        parsed++;
        return parseBody(text, options);
      },
    };
    await withServer(parts, async (port) => {
      const first = send(port, '/v1/verify', body);
      await expect.poll(() => parsed).toBe(1);
      expect((await send(port, '/v1/verify', 'kind: x')).status).toBe(429);
      expect(parsed).toBe(1);
      gate.resolve(true);
      await first;
    });
  });

  it('asks who somebody is before it reads what they send, and what they may do with it afterwards', () => {
    const authenticate: ServerOptions['authenticate'] = async (token) => ({
      ...(token === undefined ? { status: 401, message: 'no token' } : {}),
      refusalFor: async (endpoint, target) =>
        token === 'good' ? undefined : { status: 403, message: `no ${endpoint} of ${target.metadata.name}` },
    });
    const [{ body } = { body: '' }] = cases;
    const parts = { authenticate, verify: async () => true, maxBodyBytes: body.length };
    return withServer(parts, async (port) => {
      const ask = (text: string, token?: string) =>
        send(port, '/v1/verify', text, { headers: token === undefined ? {} : { 'X-Waxwing-Token': token } });
      for (const text of [body, 'no document', `${body} `]) {
        expect(await ask(text)).toMatchObject({ status: 401, body: 'no token\n' });
      }
      expect(await ask(`${body} `, 'bad')).toMatchObject({ status: 413 });
      expect(await ask('no document', 'bad')).toMatchObject({ status: 500, body: '' });
      expect(await ask(body, 'bad')).toMatchObject({ status: 403, body: 'no verify of db-credentials\n' });
      expect(await ask(body, 'good')).toMatchObject({ status: 200 });
    });
  });
});

describe('an address that somebody else holds', () => {
  it('is tried again until it can be had, or the process is to end', async () => {
    const holder = await start();
    const said: string[] = [];
    const tryFor = (signal: AbortSignal) =>
      listenPatiently(createApp(serverOptions()), {
        address: { host: '127.0.0.1', port: holder.port },
        readTimeoutMs: 1000,
        writeTimeoutMs: 1000,
        retryIntervalMs: 5,
        signal,
        onListening: (port) => said.push(`listening on ${port}`),
        onFailure: (error) => said.push((error as NodeJS.ErrnoException).code ?? ''),
      });
    const given = new AbortController();
    const inVain = await tryFor(given.signal);
    given.abort();
    await inVain.stop(1000);
    expect(new Set(said)).toEqual(new Set(['EADDRINUSE']));
    const server = await tryFor(new AbortController().signal);
    await holder.stop(1000);
    await vi.waitFor(() => expect(said.at(-1)).toBe(`listening on ${holder.port}`));
    await server.stop(1000);
  });
});

describe('headers', () => {
  it('may be as long as with Go', async () => {
    const server = await start();
    const answer = await fetch(`http://127.0.0.1:${server.port}/healthz`, {
      headers: { 'x-long': 'x'.repeat(500_000) },
    });
    expect(answer.status).toBe(200);
    await server.stop(1000);
  });
});

describe('a body', () => {
  it.each(['kind', 'apiVersion'])('needs %s, and null is none', (field) => {
    const object = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', metadata: {}, [field]: null };
    expect(() => parseBody(Buffer.from(JSON.stringify(object)), { single: true })).toThrow(`body: ${field} is missing`);
  });
});
