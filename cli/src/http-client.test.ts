import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { isOpenToTampering } from './certificate-source.ts';
import { exchange, fetchUrl, withoutPassword } from './http-client.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

const fetchText = async (url: string, env = {}) => (await fetchUrl(url, { env, limitBytes: 1000 })).toString();

describe('downloading', () => {
  test('follows redirects', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/end') response.end('arrived');
      else response.writeHead(302, { location: '/end' }).end();
    });
    expect(await fetchText(`${url}/start`)).toBe('arrived');
  });

  test('ends a loop of redirects', async () => {
    const url = await serve((_request, response) => response.writeHead(301, { location: '/again' }).end());
    await expect(fetchText(url)).rejects.toThrow(/stopped after 10 redirects/);
  });

  test('tells another status', async () => {
    const url = await serve((_request, response) => response.writeHead(503).end());
    await expect(fetchText(`${url}/cert.pem`)).rejects.toThrow(
      `cannot fetch "${url}/cert.pem": 503 Service Unavailable`,
    );
  });

  test('refuses more than a certificate can have', async () => {
    const url = await serve((_request, response) => response.end('x'.repeat(2000)));
    await expect(fetchText(url)).rejects.toThrow(/larger than 1000 bytes/);
  });

  test('tells what the network says', async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const address = new URL(url).host;
    await expect(fetchText(`${url}/c`)).rejects.toThrow(
      `Get "${url}/c": dial tcp ${address}: connect: connection refused`,
    );
    await expect(fetchText('ftp://example.com/c')).rejects.toThrow('unsupported protocol scheme "ftp"');
    await expect(fetchText('http://')).rejects.toThrow('not a URL');
  });

  test('goes through the proxy of the environment', async () => {
    const proxy = await serve((request, response) => response.end(`proxied ${request.url}`));
    expect(await fetchText('http://example.invalid/cert.pem', { HTTP_PROXY: proxy })).toBe(
      'proxied http://example.invalid/cert.pem',
    );
    const url = await serve((_request, response) => response.end('direct'));
    expect(await fetchText(url, { HTTP_PROXY: proxy })).toBe('direct');
  });
});

test('an exchange ends when nothing comes', async () => {
  const url = new URL(await serve(() => {}));
  await expect(exchange({ method: 'GET', url, timeoutMs: 50, limitBytes: 10 })).rejects.toThrow(
    'no answer within 0.05 s',
  );
  await expect(exchange({ method: 'GET', url, idleTimeoutMs: 50, limitBytes: 10 })).rejects.toThrow(
    'no answer within 0.05 s',
  );
});

test('passwords are not shown', () => {
  expect(withoutPassword(new URL('https://user:secret@example.com/c'))).toBe('https://user:xxxxx@example.com/c');
});

test.for([
  ['http://example.com/c.pem', true],
  ['HTTP://10.0.0.1/c.pem', true],
  ['http://localhost:8080/c.pem', false],
  ['http://127.0.0.1/c.pem', false],
  ['http://[::1]:1/c.pem', false],
  ['https://example.com/c.pem', false],
  ['cert.pem', false],
] as const)('%s may be replaced on its way: %s', ([source, wanted]) => {
  expect(isOpenToTampering(source)).toBe(wanted);
});
