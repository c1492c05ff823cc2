import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../apiserver/client.ts';
import { exposeAsService, podAddress } from '../apiserver/service-backend.ts';
import { refuse, startSuite, succeed } from './suite.ts';

const { server, admin, namespace } = await startSuite();

describe('the Service proxy', () => {
  let backend: Server;
  let targetPort = 0;
  let lastRequest: IncomingMessage | undefined;
  const proxy = `/api/v1/namespaces/${namespace}/services/http:controller:http/proxy`;

  beforeAll(async () => {
    backend = createServer(async (request, response) => {
      lastRequest = request;
      let body = '';
      for await (const chunk of request) body += chunk;
      if (request.url === '/teapot') {
        response.writeHead(418, { 'content-type': 'text/plain' }).end('short and stout');
      } else {
        response.setHeader('content-type', 'application/x-echo').end(`${request.method} ${request.url} ${body}`);
      }
    });
    await new Promise<void>((resolve) => backend.listen(0, podAddress(), resolve));
    targetPort = (backend.address() as AddressInfo).port;
    await exposeAsService(server, { namespace, service: 'controller', portName: 'http', port: 8080, targetPort });
  });
  afterAll(() => {
    backend.close();
    backend.closeAllConnections();
  });

  it('forwards method, path, query and body, and gives back status, type and body', async () => {
    const got = await admin.request('GET', `${proxy}/v1/cert.pem?a=b%20c`);
    expect(got).toMatchObject({ status: 200, body: 'GET /v1/cert.pem?a=b%20c ' });
    expect(got.headers.get('content-type')).toBe('application/x-echo');
    const posted = await admin.request('POST', `${proxy}/v1/verify`, 'sealed', { 'content-type': 'text/plain' });
    expect(posted.body).toBe('POST /v1/verify sealed');
    const teapot = await admin.request('GET', `${proxy}/teapot`);
    expect(teapot).toMatchObject({ status: 418, body: 'short and stout' });
  });

  it('removes the Authorization header and adds X-Forwarded-For and the other forwarding headers', async () => {
    await admin.request('GET', `${proxy}/x`, undefined, { 'x-waxwing-token': 'kept' });
    expect(lastRequest?.headers['authorization']).toBeUndefined();
    expect(lastRequest?.headers['x-waxwing-token']).toBe('kept');
    expect(lastRequest?.headers['x-forwarded-for']).toContain('127.0.0.1');
    expect(lastRequest?.headers['x-forwarded-uri']).toBe(`${proxy}/x`);
  });

  it.each(['controller:http', 'controller:8080', 'http:controller:8080', 'http:controller:http'])(
    'finds the Service as %s',
    async (name) => {
      const path = `/api/v1/namespaces/${namespace}/services/${name}/proxy/ping`;
      expect((await admin.request('GET', path)).body).toBe('GET /ping ');
    },
  );

  it('finds the only port of a Service by the name alone if the port has no name', async () => {
    const where = { namespace, service: 'nameless', portName: '', port: 80, targetPort };
    await exposeAsService(server, where);
    for (const name of ['nameless', 'http:nameless:', 'http:nameless:80']) {
      const path = `/api/v1/namespaces/${namespace}/services/${name}/proxy/ping`;
      expect((await admin.request('GET', path)).body).toBe('GET /ping ');
    }
    // A port with a name has to be named.
    const named = `/api/v1/namespaces/${namespace}/services/http:controller:/proxy/ping`;
    await refuse(admin.request('GET', named), 503, 'ServiceUnavailable');
  });

  it('of a Service that is not there is answered with 404', async () => {
    const path = `/api/v1/namespaces/${namespace}/services/nothing/proxy/ping`;
    const status = await refuse(admin.request('GET', path), 404, 'NotFound');
    expect(status.message).toBe('services "nothing" not found');
  });

  it('of a Service without a ready Pod is answered with 503', async () => {
    const core = `/api/v1/namespaces/${namespace}`;
    const metadata = { name: 'empty' };
    const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ port: 80 }] } };
    await succeed(admin.request('POST', `${core}/services`, service));
    await succeed(admin.request('POST', `${core}/endpoints`, { apiVersion: 'v1', kind: 'Endpoints', metadata }));
    const status = await refuse(admin.request('GET', `${core}/services/empty/proxy/ping`), 503, 'ServiceUnavailable');
    expect(status.message).toBe('no endpoints available for service "empty"');
  });

  it('to a Pod where nobody listens is answered with 503', async () => {
    const where = { namespace, service: 'silent', portName: 'http', port: 80, targetPort: 9 };
    await exposeAsService(server, where);
    const path = `/api/v1/namespaces/${namespace}/services/silent/proxy/ping`;
    await refuse(admin.request('GET', path), 503, 'ServiceUnavailable');
  });

  it('is a right of its own: services/proxy', async () => {
    const mallory = await connect(await server.kubeconfigFor({ user: 'mallory' }));
    const status = await refuse(mallory.request('GET', `${proxy}/ping`), 403, 'Forbidden');
    expect(status.message).toContain('cannot get resource "services/proxy"');
  });
});
