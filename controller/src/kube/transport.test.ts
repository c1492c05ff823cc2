import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createCredentials, inClusterSource } from './auth.ts';
import type { ApiCall } from './errors.ts';
import { kubeconfigSource } from './kubeconfig.ts';
import { authorities } from './tls-fixtures.ts';
import { type ApiTransport, createApiTransport, type TransportOptions } from './transport.ts';

// Connections themselves are tested here, with servers that break the rules in ways that no API server can be asked to.

const call: ApiCall = { verb: 'get', group: '', resource: 'secrets', namespace: 'a', name: 'x' };
const get = { method: 'GET', path: '/x', call } as const;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'waxwing-'));
  cleanups.push(() => rm(path, { recursive: true }));
  return path;
}

async function aTransport(handler: Handler, options: Partial<TransportOptions> = {}, checkIntervalMs = 60_000) {
  const server = createServer(handler);
  const port = await listen(server);
  const directory = await folder();
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'first\n');
  const config = join(directory, 'config');
  await writeFile(config, kubeconfig({ server: `http://127.0.0.1:${port}` }, { tokenFile: 'token' }));
  return { ...connect(kubeconfigSource(config, undefined), options, checkIntervalMs), server, tokenFile, config };
}

function kubeconfig(cluster: object, user: object): string {
  return JSON.stringify({
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
    clusters: [{ name: 'k', cluster }],
    users: [{ name: 'u', user }],
  });
}

function connect(
  source: ReturnType<typeof kubeconfigSource>,
  options: Partial<TransportOptions>,
  checkIntervalMs = 60_000,
) {
  const credentials = createCredentials(source, { checkIntervalMs, now: () => performance.now() });
  cleanups.push(() => credentials.close());
  const statuses: number[] = [];
  const transport: ApiTransport = createApiTransport(credentials, {
    userAgent: 'controller/test',
    maxConcurrentRequests: 8,
    requestTimeoutMs: 5000,
    qps: undefined,
    burst: 10,
    now: () => performance.now(),
    random: () => 0,
    onRequest: (_call, status) => statuses.push(status),
    ...options,
  });
  return { transport, statuses };
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

describe('requests', () => {
  test('carry the token, the user agent and the body', async () => {
    const seen: IncomingMessage[] = [];
    const { transport } = await aTransport((request, response) => {
      seen.push(request);
      request.pipe(response.writeHead(200, { 'content-type': 'application/json' }));
    });
    const body = JSON.stringify({ text: 'ü€', ['__proto__']: 1 });
    expect(await transport.request({ ...get, method: 'POST', body })).toEqual(JSON.parse(body));
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer first',
      'user-agent': 'controller/test',
      'content-type': 'application/json',
      accept: 'application/json',
    });
  });

  test('share connections', async () => {
    const sockets = new Set<Socket>();
    const { transport } = await aTransport((request, response) => {
      sockets.add(request.socket);
      answer(response, 200, {});
    });
    for (let i = 0; i < 5; i++) await transport.request(get);
    expect(sockets.size).toBe(1);
  });

  test('are never more at a time than allowed, urgent ones apart', async () => {
    let active = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const { transport } = await aTransport(
      (request, response) => {
        if (request.url === '/urgent') return answer(response, 200, {});
        most = Math.max(most, ++active);
        release.push(() => {
          active--;
          answer(response, 200, {});
        });
      },
      { maxConcurrentRequests: 2 },
    );
    const all = Promise.all(Array.from({ length: 6 }, () => transport.request(get)));
    while (active < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    // A third would be there by then.
    await transport.request({ ...get, path: '/urgent', urgent: true });
    for (let done = 0; done < 6; ) {
      if (release.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      for (; release.length > 0; done++) release.shift()?.();
    }
    await all;
    expect(most).toBe(2);
  });

  test('wait as long as the API server asks for when it is too busy', async () => {
    let count = 0;
    const { transport, statuses } = await aTransport((_request, response) => {
      if (++count <= 2) answer(response, 429, { message: 'slow down' }, { 'retry-after': '0.05' });
      else answer(response, 200, { ok: true });
    });
    const startMs = performance.now();
    expect(await transport.request(get)).toEqual({ ok: true });
    expect(performance.now() - startMs).toBeGreaterThan(90);
    expect(statuses).toEqual([429, 429, 200]);
  });

  test('give up being patient in the end, and urgent ones at once', async () => {
    let count = 0;
    const { transport } = await aTransport((_request, response) => {
      count++;
      answer(response, 503, undefined, { 'retry-after': '0' });
    });
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'ApiUnavailable', status: 503 });
    expect(count).toBe(5);
    await expect(transport.request({ ...get, urgent: true })).rejects.toMatchObject({ status: 503 });
    expect(count).toBe(6);
  });

  test("a 500 without Retry-After is the caller's to repeat", async () => {
    let count = 0;
    const { transport } = await aTransport((_request, response) => {
      count++;
      answer(response, 500, { message: 'boom' });
    });
    await expect(transport.request(get)).rejects.toMatchObject({ status: 500 });
    expect(count).toBe(1);
  });

  test('are sent again when a pooled connection turns out to be closed', async () => {
    let count = 0;
    const { transport } = await aTransport((request, response) => {
      if (++count === 2) request.socket.destroy();
      else answer(response, 200, { count });
    });
    await transport.request(get);
    expect(await transport.request(get)).toEqual({ count: 3 });
  });

  test('fail when a new connection breaks', async () => {
    const { transport } = await aTransport((request) => request.socket.destroy());
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'ApiUnavailable', status: 0 });
  });

  test.each([
    ['before the head', () => {}],
    ['in the middle of the body', (_request: IncomingMessage, response: ServerResponse) => response.write('{"a":')],
  ])('end after their time when the server falls silent %s', async (_when, handler) => {
    const { transport, statuses } = await aTransport(handler, { requestTimeoutMs: 50 });
    await expect(transport.request(get)).rejects.toMatchObject({
      code: 'ApiUnavailable',
      message: expect.stringContaining('no answer in time'),
    });
    expect(statuses).toEqual([0]);
  });

  test('fail when the server is not there', async () => {
    const { transport, server } = await aTransport(() => {});
    server.close();
    await expect(transport.request(get)).rejects.toMatchObject({
      message: expect.stringContaining('connection refused'),
    });
  });

  test('fail when somebody else answers, without repeating what was said', async () => {
    const { transport } = await aTransport((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>canary-value');
    });
    const failure = transport.request(get);
    await expect(failure).rejects.toMatchObject({ code: 'ApiUnavailable' });
    await expect(failure).rejects.not.toThrow('canary');
  });

  test('end with the reason of their signal, also while waiting for their turn or for patience', async () => {
    const { transport } = await aTransport(
      (request, response) => {
        if (request.url === '/busy') answer(response, 429, {}, { 'retry-after': '60' });
      },
      { maxConcurrentRequests: 2 },
    );
    const abort = new AbortController();
    const requests = ['/x', '/busy', '/queued'].map((path) =>
      transport.request({ ...get, path, signal: abort.signal }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    abort.abort(new Error('enough'));
    for (const { status } of await Promise.allSettled(requests)) expect(status).toBe('rejected');
    for (const request of requests) await expect(request).rejects.toThrow('enough');
  });

  test('obey a client-side rate if there is one', async () => {
    const { transport } = await aTransport((_request, response) => answer(response, 200, {}), { qps: 50, burst: 1 });
    const startMs = performance.now();
    for (let i = 0; i < 4; i++) await transport.request(get);
    expect(performance.now() - startMs).toBeGreaterThan(50);
  });
});

describe('credentials', () => {
  test('a token that was refused is read again at once', async () => {
    let valid = 'first';
    const { transport, tokenFile } = await aTransport((request, response) => {
      const isValid = request.headers.authorization === `Bearer ${valid}`;
      answer(response, isValid ? 200 : 401, isValid ? { ok: true } : { message: 'Unauthorized' });
    });
    await transport.request(get);
    valid = 'second';
    await writeFile(tokenFile, 'second\n');
    expect(await Promise.all([transport.request(get), transport.request(get)])).toEqual([{ ok: true }, { ok: true }]);
  });

  test('a token that is refused and did not change is an error, not a loop', async () => {
    let count = 0;
    const { transport } = await aTransport((_request, response) => {
      count++;
      answer(response, 401, { message: 'Unauthorized' });
    });
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'ApiForbidden', status: 401 });
    expect(count).toBe(1);
  });

  test('a replaced token is used after the check interval without a refusal', async () => {
    const seen: unknown[] = [];
    const { transport, tokenFile } = await aTransport(
      (request, response) => {
        seen.push(request.headers.authorization);
        answer(response, 200, {});
      },
      {},
      0,
    );
    await transport.request(get);
    await writeFile(tokenFile, 'second\n');
    await transport.request(get);
    expect(seen).toEqual(['Bearer first', 'Bearer second']);
  });

  test('a token file that vanishes for a moment stops nothing', async () => {
    const { transport, tokenFile } = await aTransport((_request, response) => answer(response, 200, {}), {}, 0);
    await transport.request(get);
    await rm(tokenFile);
    expect(await transport.request(get)).toEqual({});
  });

  test('a replaced authority of the API server is read at once, and open watches go on', async () => {
    const handler: Handler = (request, response) => {
      if (request.url === '/watch') {
        response.writeHead(200).flushHeaders();
        streams.push(response);
      } else {
        answer(response, 200, { ok: true });
      }
    };
    const streams: ServerResponse[] = [];
    const [old, current] = authorities;
    const server = createSecureServer({ cert: old.cert, key: old.key }, handler);
    const port = await listen(server);
    const directory = await folder();
    const write = (name: string, text: string) => writeFile(join(directory, name), text);
    await Promise.all([write('token', 't'), write('ca.crt', old.ca)]);
    const { transport } = connect(inClusterSource({ host: '127.0.0.1', port: String(port) }, directory), {});
    expect(await transport.request(get)).toEqual({ ok: true });
    const lines: string[] = [];
    const watching = transport.stream(
      { ...get, path: '/watch' },
      { idleTimeoutMs: 5000, onLine: (line) => lines.push(line) },
    );
    while (streams.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    server.setSecureContext({ cert: current.cert, key: current.key });
    server.closeIdleConnections();
    await write('ca.crt', current.ca);
    expect(await transport.request(get)).toEqual({ ok: true });
    streams[0]?.end('one\n');
    await watching;
    expect(lines).toEqual(['one']);
  });

  test('a client key that is half written changes nothing, and is named where there is no other', async () => {
    const [{ ca, cert, key }] = authorities;
    const server = createSecureServer({ cert, key }, (_request, response) => answer(response, 200, { ok: true }));
    const port = await listen(server);
    const directory = await folder();
    const config = join(directory, 'config');
    const write = (name: string, text: string) => writeFile(join(directory, name), text);
    const data = Buffer.from(ca).toString('base64');
    const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': data };
    const user = { 'client-certificate': 'tls.crt', 'client-key': 'tls.key' };
    await Promise.all([write('config', kubeconfig(cluster, user)), write('tls.crt', cert), write('tls.key', key)]);
    const { transport } = connect(kubeconfigSource(config, undefined), {}, 0);
    expect(await transport.request(get)).toEqual({ ok: true });
    await write('tls.key', key.slice(0, key.length / 2));
    expect(await transport.request(get)).toEqual({ ok: true });
    await expect(connect(kubeconfigSource(config, undefined), {}).transport.request(get)).rejects.toMatchObject({
      code: 'ApiUnavailable',
      message: expect.stringMatching(/the credentials cannot be read \(ERR_OSSL_/),
    });
  });

  test('a server of another authority is refused', async () => {
    const server = createSecureServer({ cert: authorities[0].cert, key: authorities[0].key }, (_request, response) => {
      answer(response, 200, {});
    });
    const port = await listen(server);
    const directory = await folder();
    await Promise.all([
      writeFile(join(directory, 'token'), 't'),
      writeFile(join(directory, 'ca.crt'), authorities[1].ca),
    ]);
    const { transport } = connect(inClusterSource({ host: '127.0.0.1', port: String(port) }, directory), {});
    await expect(transport.request(get)).rejects.toMatchObject({ code: 'ApiUnavailable', status: 0 });
  });

  test('an exec plugin is asked once, and again when its token is refused', async () => {
    let valid = 'token-1';
    const { transport, config } = await aTransport((request, response) => {
      const isValid = request.headers.authorization === `Bearer ${valid}`;
      answer(response, isValid ? 200 : 401, isValid ? { ok: true } : {});
    });
    const counter = join(await folder(), 'count');
    const script =
      `n=$(($(cat ${counter} 2>/dev/null || echo 0) + 1)); echo $n > ${counter}; ` +
      'echo "{\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"token-$n\\"}}"';
    const server = JSON.parse(await (await import('node:fs/promises')).readFile(config, 'utf8')).clusters[0].cluster
      .server;
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/bin/sh', args: ['-c', script] };
    await writeFile(config, kubeconfig({ server }, { exec }));
    await transport.request(get);
    await transport.request(get);
    valid = 'token-2';
    expect(await transport.request(get)).toEqual({ ok: true });
  });

  test('a proxy that the kubeconfig names is used, and the server behind it still checked', async () => {
    const [{ ca, cert, key }, other] = authorities;
    const server = createSecureServer({ cert, key }, (_request, response) => answer(response, 200, { ok: true }));
    const port = await listen(server);
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const upstream = connectSocket(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
      upstream.pipe(socket).pipe(upstream);
      for (const end of [upstream, socket]) end.on('error', () => {});
      cleanups.push(() => upstream.destroy());
    });
    const proxyUrl = `http://127.0.0.1:${await listen(proxy)}`;
    const path = join(await folder(), 'config');
    const write = (authority: string) => {
      const data = Buffer.from(authority).toString('base64');
      const cluster = {
        server: `https://127.0.0.1:${port}`,
        'certificate-authority-data': data,
        'proxy-url': proxyUrl,
      };
      return writeFile(path, kubeconfig(cluster, { token: 't' }));
    };
    await write(ca);
    const { transport } = connect(kubeconfigSource(path, undefined), {});
    // A write is sent once the connection is open, through the proxy as well.
    const permit = () => new AbortController().signal;
    const post = { ...get, method: 'POST', body: '{}', permit } as const;
    expect(await transport.request(post)).toEqual({ ok: true });
    expect(await transport.request(get)).toEqual({ ok: true });
    expect(asked).toEqual([`127.0.0.1:${port}`]);
    await write(other.ca);
    const failure = connect(kubeconfigSource(path, undefined), {}).transport.request(get);
    await expect(failure).rejects.toMatchObject({ code: 'ApiUnavailable' });
  });

  test('a kind of proxy that is not supported is named', async () => {
    const path = join(await folder(), 'config');
    await writeFile(path, kubeconfig({ server: 'https://127.0.0.1:1', 'proxy-url': 'socks5://127.0.0.1:2' }, {}));
    const failure = connect(kubeconfigSource(path, undefined), {}).transport.request(get);
    await expect(failure).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('socks5'),
    });
  });

  test.each([
    ['not there', undefined, 'cannot be read (ENOENT)'],
    ['no YAML', 'token: "s3cr3t-canary', 'is not valid YAML'],
    ['without a context', '{}', 'current-context'],
    ['with a wrong context', '{"current-context":"x"}', 'has no context "x"'],
  ])('a kubeconfig that is %s is named, and not quoted', async (_what, text, expected) => {
    const path = join(await folder(), 'config');
    if (text !== undefined) await writeFile(path, text);
    const failure = connect(kubeconfigSource(path, undefined), {}).transport.request(get);
    await expect(failure).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(expected),
    });
    await expect(failure).rejects.not.toThrow('canary');
  });
});

describe('streams', () => {
  test('give line after line until the server ends them', async () => {
    const { transport } = await aTransport((_request, response) => {
      response.writeHead(200);
      response.write('{"a":1}\n{"b"');
      setTimeout(() => response.end(':2}\n'), 5);
    });
    const lines: string[] = [];
    await transport.stream(get, { idleTimeoutMs: 5000, onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['{"a":1}', '{"b":2}']);
  });

  test('end when the server is silent for the idle time, from the first moment on', async () => {
    const { transport } = await aTransport(() => {});
    const startMs = performance.now();
    const failure = transport.stream(get, { idleTimeoutMs: 60, onLine() {} });
    await expect(failure).rejects.toMatchObject({ message: expect.stringContaining('no answer in time') });
    expect(performance.now() - startMs).toBeLessThan(3000);
  });

  test('anything that comes keeps them open, and silence afterwards ends them', async () => {
    const { transport } = await aTransport((_request, response) => {
      response.writeHead(200);
      let sent = 0;
      const timer = setInterval(() => {
        response.write(`${++sent}\n`);
        if (sent === 8) clearInterval(timer);
      }, 30);
    });
    const lines: string[] = [];
    await expect(
      transport.stream(get, { idleTimeoutMs: 800, onLine: (line) => lines.push(line) }),
    ).rejects.toMatchObject({
      message: expect.stringContaining('no answer in time'),
    });
    expect(lines).toHaveLength(8);
  });

  test('are not counted among the requests', async () => {
    const { transport } = await aTransport(
      (request, response) => {
        if (request.url === '/watch') response.writeHead(200).flushHeaders();
        else answer(response, 200, { ok: true });
      },
      { maxConcurrentRequests: 1 },
    );
    const abort = new AbortController();
    const watching = transport.stream(
      { ...get, path: '/watch', signal: abort.signal },
      { idleTimeoutMs: 5000, onLine() {} },
    );
    expect(await transport.request(get)).toEqual({ ok: true });
    abort.abort(new Error('enough'));
    await expect(watching).rejects.toThrow('enough');
  });

  test('pass on what the receiver of a line throws', async () => {
    const { transport } = await aTransport((_request, response) => {
      response.writeHead(200).write('x\n');
    });
    const gone = Object.assign(new Error('gone'), { code: 'EGONE' });
    const failure = transport.stream(get, {
      idleTimeoutMs: 5000,
      onLine() {
        throw gone;
      },
    });
    await expect(failure).rejects.toMatchObject({ cause: gone });
  });

  test('a broken one is a failure, not an end', async () => {
    const { transport } = await aTransport((request, response) => {
      response.writeHead(200);
      response.write('x\n', () => request.socket.destroy());
    });
    await expect(transport.stream(get, { idleTimeoutMs: 5000, onLine() {} })).rejects.toMatchObject({
      code: 'ApiUnavailable',
      status: 0,
    });
  });

  test('tell when they are accepted, before anything comes', async () => {
    const { transport } = await aTransport((_request, response) => {
      response.writeHead(200).flushHeaders();
    });
    const opened = Promise.withResolvers<void>();
    const abort = new AbortController();
    const receiver = { idleTimeoutMs: 5000, onOpen: () => opened.resolve(), onLine() {} };
    const streaming = transport.stream({ ...get, signal: abort.signal }, receiver);
    await opened.promise;
    abort.abort(new Error('enough'));
    await expect(streaming).rejects.toThrow('enough');
  });

  test('a refusal is an error with its status', async () => {
    const { transport } = await aTransport((_request, response) =>
      answer(response, 410, { reason: 'Expired', message: 'old' }),
    );
    await expect(transport.stream(get, { idleTimeoutMs: 5000, onLine() {} })).rejects.toMatchObject({
      status: 410,
      gone: true,
    });
  });
});
