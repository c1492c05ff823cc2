import { once } from 'node:events';
import { Agent, createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SealedSecretsError } from '@waxwing/shared';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Credentials } from './auth.ts';
import type { ApiCall } from './errors.ts';
import { createApiTransport, type TransportOptions } from './transport.ts';

// When a request is sent, and when it is not; how it is sent is tested in `transport.test.ts`.

const call: ApiCall = { verb: 'get', group: '', resource: 'secrets', namespace: 'a', name: 'x' };
const get = { method: 'GET', path: '/x', call } as const;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aTransport(handler: RequestListener, options: Partial<TransportOptions> = {}) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent({ keepAlive: true });
  cleanups.push(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const credentials: Credentials = {
    current: async () => ({ server: new URL(`http://127.0.0.1:${port}`), headers: {}, agent }),
    renew: async () => false,
    close() {},
  };
  const transport = createApiTransport(credentials, {
    userAgent: 'controller/test',
    maxConcurrentRequests: 8,
    requestTimeoutMs: 5000,
    qps: undefined,
    burst: 10,
    now: () => performance.now(),
    random: () => 0,
    ...options,
  });
  return { transport };
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

describe('writes that need a permit', () => {
  const post = { ...get, method: 'POST', body: '{}' } as const;
  const refusal = new SealedSecretsError('ApiUnavailable', 'not any more');

  test('ask for it again before each attempt, after every pause', async () => {
    let count = 0;
    let isPermitted = true;
    const { transport } = await aTransport((_request, response) => {
      count++;
      isPermitted = false;
      answer(response, 429, {}, { 'retry-after': '0' });
    });
    const permit = () => {
      if (!isPermitted) throw refusal;
      return new AbortController().signal;
    };
    await expect(transport.request({ ...post, permit })).rejects.toBe(refusal);
    expect(count).toBe(1);
    await expect(transport.request({ ...post, permit })).rejects.toBe(refusal);
    expect(count).toBe(1);
  });

  test('ask for it last when the connection is open', async () => {
    let count = 0;
    const handler: RequestListener = (_request, response) => {
      count++;
      answer(response, 200, {});
    };
    let asked = 0;
    const permit = (last: number) => () => {
      if (++asked >= last) throw refusal;
      return new AbortController().signal;
    };
    await (await aTransport(handler)).transport.request({ ...post, permit: permit(Infinity) });
    const last = asked;
    asked = 0;
    const second = (await aTransport(handler)).transport.request({ ...post, permit: permit(last) });
    await expect(second).rejects.toBe(refusal);
    expect([count, asked]).toEqual([1, last]);
  });

  test('are broken off when it ends', async () => {
    const ending = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { transport } = await aTransport((request) => {
      request.socket.on('close', () => closed.resolve());
      ending.abort(refusal);
    });
    await expect(transport.request({ ...post, permit: () => ending.signal })).rejects.toBe(refusal);
    await closed.promise;
  });
});

describe('an API server that sheds load', () => {
  test('is waited for a minute at most by one call', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    cleanups.push(() => vi.useRealTimers());
    let count = 0;
    const { transport } = await aTransport((_request, response) => {
      count++;
      answer(response, 429, {}, { 'retry-after': '300' });
    });
    let failure: unknown;
    const startMs = Date.now();
    let waitedMs = 0;
    void transport.request(get).catch((error: unknown) => {
      failure = error;
    });
    while (failure === undefined && Date.now() - startMs < 10_000) {
      await new Promise((resolve) => setImmediate(resolve));
      if (vi.getTimerCount() === 0 || count === 0) continue;
      vi.advanceTimersByTime(10);
      waitedMs += 10;
    }
    expect(failure).toMatchObject({ status: 429 });
    expect(waitedMs).toBeLessThanOrEqual(65_000);
    expect(count).toBe(3);
  });

  test('is no standstill for those whose requests it puts off, nor for those who wait for their turn', async () => {
    const progress = new Map<AbortSignal, number>();
    let count = 0;
    const { transport } = await aTransport(
      (_request, response) => {
        if (++count <= 2) answer(response, 429, {}, { 'retry-after': '0.05' });
        else answer(response, 200, {});
      },
      { maxConcurrentRequests: 1, onProgress: (work) => progress.set(work, (progress.get(work) ?? 0) + 1) },
    );
    const [first, second, third] = [1, 2, 3].map(() => new AbortController().signal);
    await Promise.all([first, second, third].map((signal) => transport.request({ ...get, signal })));
    // Sent and answered, three times.
    expect(progress.get(first as AbortSignal)).toBe(6);
    expect(progress.get(second as AbortSignal)).toBe(2);
    // Once for the second, which it let go first.
    expect(progress.get(third as AbortSignal)).toBe(3);
  });
});
