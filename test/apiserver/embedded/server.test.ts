import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { connect } from '../client.ts';
import { startEmbeddedApiServer } from './index.ts';

const secrets = '/api/v1/namespaces/default/secrets';

describe('the embedded API server', () => {
  it('speaks plain HTTP if asked to', async () => {
    const server = await startEmbeddedApiServer({ http: true });
    try {
      const answer = await fetch(`${server.url}/version`);
      expect(await answer.json()).toMatchObject({ major: '1' });
      expect((await server.request('POST', secrets, { metadata: { name: 'plain' } })).status).toBe(201);
    } finally {
      await server.stop();
    }
  });

  it('answers 410 for versions that fell out of its history', async () => {
    const server = await startEmbeddedApiServer({ historySize: 5 });
    try {
      const first = await server.request('POST', secrets, { metadata: { name: 'first' } });
      for (let index = 0; index < 20; index++)
        await server.request('POST', secrets, { metadata: { name: `s${index}` } });
      const admin = await connect(server.kubeconfig);
      const since = first.body.metadata.resourceVersion;
      await using watch = await admin.watch(`${secrets}?watch=true&resourceVersion=${since}`);
      expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410 } });
    } finally {
      await server.stop();
    }
  });

  it('keeps data keys that JavaScript objects reorder or lose, in answers and in watches', async () => {
    const server = await startEmbeddedApiServer();
    try {
      const body =
        '{"metadata":{"name":"odd"},"data":{"__proto__":"YQ==","10":"Yg==","1":"Yw==","constructor":"ZA=="}}';
      expect((await server.request('POST', secrets, body)).status).toBe(201);
      const patch = { 'content-type': 'application/merge-patch+json' };
      const patched = await server.request(
        'PATCH',
        `${secrets}/odd`,
        '{"data":{"__proto__":null,"toString":"ZQ=="}}',
        patch,
      );
      expect(Object.keys(patched.body.data).sort()).toEqual(['1', '10', 'constructor', 'toString']);
      const again = await server.request('PATCH', `${secrets}/odd`, '{"data":{"__proto__":"YQ=="}}', patch);
      expect(JSON.stringify(again.body.data)).toContain('"__proto__":"YQ=="');
      const table = { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' };
      expect((await server.request('GET', `${secrets}/odd`, undefined, table)).body.rows[0].cells[2]).toBe(5);
    } finally {
      await server.stop();
    }
  });

  it('answers 413 to a body beyond its limit and serves the next request on the same connection', async () => {
    const server = await startEmbeddedApiServer();
    try {
      const huge = { metadata: { name: 'huge' }, stringData: { a: 'x'.repeat(3_500_000) } };
      expect((await server.request('POST', secrets, huge)).body).toMatchObject({
        code: 413,
        reason: 'RequestEntityTooLarge',
      });
      expect((await server.request('GET', secrets)).status).toBe(200);
    } finally {
      await server.stop();
    }
  });

  it('records sizes and times of requests in the audit trail', async () => {
    const server = await startEmbeddedApiServer();
    try {
      const body = JSON.stringify({ metadata: { name: 'counted' } });
      await server.request('POST', secrets, body);
      const record = (await server.auditEvents()).find(
        (event) => event.verb === 'create' && event.resource === 'secrets',
      );
      expect(record).toMatchObject({ requestBytes: body.length, groups: ['system:masters', 'system:authenticated'] });
      expect(Date.parse(record?.stageTimestamp ?? '')).toBeGreaterThanOrEqual(
        Date.parse(record?.requestReceivedTimestamp ?? ''),
      );
    } finally {
      await server.stop();
    }
  });

  it('shows one consistent list in pages while it changes', async () => {
    const server = await startEmbeddedApiServer();
    try {
      const admin = await connect(server.kubeconfig);
      let next = 0;
      const worker = async () => {
        for (let index = next++; index < 3000; index = next++) {
          const { status } = await admin.request('POST', secrets, {
            metadata: { name: `s${index}` },
            data: { a: 'YQ==' },
          });
          if (status !== 201) throw new Error(`Refused with ${status}.`);
        }
      };
      await Promise.all(Array.from({ length: 16 }, worker));
      const names = new Set<string>();
      let token = '';
      do {
        const page = await admin.request('GET', `${secrets}?limit=500&continue=${token}`);
        for (const item of page.body.items) names.add(item.metadata.name);
        token = page.body.metadata.continue ?? '';
        await admin.request('POST', secrets, { metadata: { name: `zz-late-${names.size}` } });
        await admin.request('DELETE', `${secrets}/s9${String(names.size).slice(0, 2)}`);
      } while (token !== '');
      expect(names.size).toBe(3000);
    } finally {
      await server.stop();
    }
  });
});

describe('the Service proxy', () => {
  it('reaches a loopback address of an EndpointSlice, without credentials, and says 503 when the backend is gone', async () => {
    const backend = createServer((request, response) => {
      response.end(JSON.stringify({ url: request.url, authorization: request.headers.authorization ?? null }));
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const { port } = backend.address() as AddressInfo;
    const server = await startEmbeddedApiServer({ installCrd: false });
    try {
      const services = '/api/v1/namespaces/default/services';
      await server.request('POST', services, {
        metadata: { name: 'web' },
        spec: { ports: [{ name: 'http', port: 80 }] },
      });
      await server.request('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
        metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['127.0.0.1'] }],
        ports: [{ name: 'http', port }],
      });
      const answer = await server.request('GET', `${services}/http:web:http/proxy/a/b/?c=d`);
      expect(JSON.parse(answer.body)).toEqual({ url: '/a/b/?c=d', authorization: null });
      const bare = await server.request('GET', `${services}/web:80/proxy`);
      expect([bare.status, bare.headers.get('location')]).toEqual([301, `${services}/web:80/proxy/`]);
      backend.close();
      backend.closeAllConnections();
      const gone = await server.request('GET', `${services}/web:http/proxy/`);
      expect(gone.body).toMatchObject({ code: 503, reason: 'ServiceUnavailable' });
    } finally {
      backend.close();
      await server.stop();
    }
  });
});

describe('the program', () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));

  it('says where it is when it is ready, and stops on SIGTERM', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'waxwing-embedded-main-'));
    const kubeconfig = join(folder, 'copy.kubeconfig');
    const program = spawn(process.execPath, [main, '--data-dir', folder, '--kubeconfig', kubeconfig], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(program, 'exit');
    try {
      const [line] = (await once(createInterface({ input: program.stdout }), 'line')) as [string];
      expect(JSON.parse(line)).toEqual({ url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+$/), kubeconfig });
      const admin = await connect(kubeconfig);
      const crd = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com';
      expect((await admin.request('GET', crd)).status).toBe(200);
    } finally {
      program.kill('SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
    await rm(folder, { recursive: true });
  });

  it('refuses wrong arguments with its usage and status 2', async () => {
    const program = spawn(process.execPath, [main, '--port', '70000'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [[code], [text]] = await Promise.all([once(program, 'exit'), once(program.stderr, 'data')]);
    expect(code).toBe(2);
    expect(String(text)).toContain('usage: main.ts --data-dir DIR');
  });
});
