import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ApiClient, connect } from '../client.ts';
import { waitFor } from '../wait-for.ts';
import { seededRandom } from './faults.ts';
import { type EmbeddedApiServer, startEmbeddedApiServer } from './index.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
let server: EmbeddedApiServer;
let admin: ApiClient;

beforeEach(async () => {
  server = await startEmbeddedApiServer({ installCrd: false });
  admin = await connect(server.kubeconfig);
});
afterEach(() => server.stop());

async function create(name: string): Promise<number> {
  return (await admin.request('POST', configMaps, { metadata: { name } })).status;
}

describe('an error on request', () => {
  it('hits matching requests only, as often as it is told, and counts its hits', async () => {
    using fault = server.faults.fail({ match: { verb: 'create', resource: 'configmaps' }, status: 503, count: 2 });
    expect((await admin.request('GET', configMaps)).status).toBe(200);
    expect([await create('a'), await create('a'), await create('a')]).toEqual([503, 503, 201]);
    expect(fault.hits).toBe(2);
  });

  it('says with 429 when to come back, in header and body', async () => {
    server.faults.fail({ status: 429, retryAfterSeconds: 7, count: 1 });
    const { status, headers, body } = await admin.request('GET', configMaps);
    expect({ status, retryAfter: headers.get('retry-after'), ...body }).toMatchObject({
      status: 'Failure',
      code: 429,
      reason: 'TooManyRequests',
      retryAfter: '7',
      details: { retryAfterSeconds: 7 },
    });
  });

  it('may come after the request was carried out, as when an answer is lost; the audit trail knows', async () => {
    server.faults.fail({ match: { verb: 'create' }, status: 504, count: 1, afterwards: true });
    expect(await create('done')).toBe(504);
    expect((await admin.request('GET', `${configMaps}/done`)).status).toBe(200);
    const records = (await server.auditEvents()).filter((event) => event.verb === 'create' && event.name === 'done');
    expect(records.map((event) => event.responseCode)).toEqual([201]);
  });

  it('of a share hits the same requests with the same seed', async () => {
    const pattern = async (seed: number) => {
      const other = await startEmbeddedApiServer({ installCrd: false, seed });
      other.faults.fail({ share: 0.5, status: 500 });
      const statuses: number[] = [];
      for (let index = 0; index < 20; index++) statuses.push((await other.request('GET', '/version')).status);
      await other.stop();
      return statuses;
    };
    const [first, second, different] = [await pattern(7), await pattern(7), await pattern(8)];
    expect(first).toEqual(second);
    expect(first).not.toEqual(different);
    expect(new Set(first)).toEqual(new Set([200, 500]));
  });

  it('matches by user with a predicate', async () => {
    const bob = await connect(await server.kubeconfigFor({ user: 'bob', groups: ['system:masters'] }));
    server.faults.fail({ match: (request) => request.user === 'bob', status: 500 });
    expect((await bob.request('GET', configMaps)).status).toBe(500);
    expect((await admin.request('GET', configMaps)).status).toBe(200);
    server.faults.clear();
    expect((await bob.request('GET', configMaps)).status).toBe(200);
  });
});

describe('a broken connection', () => {
  it('loses the request, or only its answer', async () => {
    server.faults.disconnect({ match: { verb: 'create' }, count: 1 });
    await expect(create('lost')).rejects.toThrow();
    expect((await admin.request('GET', `${configMaps}/lost`)).status).toBe(404);
    server.faults.disconnect({ match: { verb: 'create' }, count: 1, afterwards: true });
    await expect(create('unheard')).rejects.toThrow();
    expect((await admin.request('GET', `${configMaps}/unheard`)).status).toBe(200);
    const codes = (await server.auditEvents())
      .filter((event) => event.verb === 'create')
      .map((event) => event.responseCode);
    expect(codes).toEqual([0, 201]);
  });
});

it('latency delays matching requests and no others', async () => {
  server.faults.delay({ match: { verb: 'list' }, delayMs: 60, count: 1 });
  const begin = performance.now();
  await admin.request('GET', configMaps);
  const slow = performance.now() - begin;
  expect(slow).toBeGreaterThanOrEqual(55);
});

describe('watches', () => {
  const path = `${configMaps}?watch=true`;

  it('are dropped, ended, or fall silent while new ones work', async () => {
    const dropped = await admin.watch(path);
    expect(server.faults.dropWatches({ resource: 'configmaps' })).toBe(1);
    expect(await dropped.next()).toBeUndefined();
    const ended = await admin.watch(path);
    expect(server.faults.endWatches()).toBe(1);
    expect(await ended.next()).toBeUndefined();

    await using silent = await admin.watch(path);
    using fault = server.faults.silenceWatches();
    expect(fault.hits).toBe(1);
    await using fresh = await admin.watch(path);
    await create('seen');
    expect((await fresh.next())?.object.metadata.name).toBe('seen');
    await expect(silent.next(50)).rejects.toThrow('nothing within 50 ms');
    fault.remove();
    await create('later');
    await expect(silent.next(50)).rejects.toThrow('nothing within 50 ms');
  });

  it('that are new can be silent or refused too', async () => {
    using silence = server.faults.silenceWatches({ newWatches: 'silent' });
    await using silent = await admin.watch(path);
    expect(silent.status).toBe(200);
    await create('unseen');
    await expect(silent.next(50)).rejects.toThrow('nothing within 50 ms');
    silence.remove();
    server.faults.silenceWatches({ newWatches: 'refused' });
    await expect(admin.watch(path)).rejects.toThrow();
  });

  it('can be slow, in order', async () => {
    await using watch = await admin.watch(path);
    using _ = server.faults.slowWatches({ delayMs: 60 });
    const begin = performance.now();
    await create('one');
    await create('two');
    const events = await watch.until((event) => event.object.metadata.name === 'two');
    expect(performance.now() - begin).toBeGreaterThanOrEqual(55);
    expect(events.map((event) => event.object.metadata.name)).toEqual(['one', 'two']);
  });

  it('and exact lists of a forgotten version end with 410', async () => {
    await create('old');
    const { resourceVersion } = (await admin.request('GET', configMaps)).body.metadata;
    await create('new');
    server.faults.compactHistory();
    await using watch = await admin.watch(`${path}&resourceVersion=${resourceVersion}`);
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
    expect(await watch.next()).toBeUndefined();
    const exact = await admin.request(
      'GET',
      `${configMaps}?resourceVersionMatch=Exact&resourceVersion=${resourceVersion}`,
    );
    expect(exact.body).toMatchObject({ code: 410, reason: 'Expired' });
  });
});

it('connections are refused for a time, then the same data is served on the same port', async () => {
  await create('kept');
  await using watch = await admin.watch(`${configMaps}?watch=true&resourceVersion=1`);
  await server.faults.refuseConnections();
  expect((await watch.until((event) => event.type === 'ADDED').catch(() => [])).length).toBeLessThanOrEqual(1);
  await expect(admin.request('GET', configMaps)).rejects.toThrow();
  await server.faults.acceptConnections();
  expect((await admin.request('GET', `${configMaps}/kept`)).status).toBe(200);
});

describe('credentials', () => {
  it('are revoked and rotated by user', async () => {
    const bob = await connect(await server.kubeconfigFor({ user: 'bob', groups: ['system:masters'] }));
    expect((await bob.request('GET', configMaps)).status).toBe(200);
    const token = server.faults.rotateToken('bob');
    expect((await bob.request('GET', configMaps)).status).toBe(401);
    const rotated = { authorization: `Bearer ${token}` };
    expect((await bob.request('GET', configMaps, undefined, rotated)).status).toBe(200);
    server.faults.revokeTokens('bob');
    expect((await bob.request('GET', configMaps, undefined, rotated)).status).toBe(401);
  });

  it('of the server change: new connections need the new authority', async () => {
    const before = await readFile(server.caFile, 'utf8');
    const old = await connect(await server.kubeconfigFor({ user: 'bob', groups: ['system:masters'] }));
    const pem = await server.faults.replaceCertificateAuthority();
    expect(pem).not.toBe(before);
    expect(await readFile(server.caFile, 'utf8')).toBe(pem);
    await expect(old.request('GET', configMaps)).rejects.toThrow(/certificate|signature/);
    expect((await server.request('GET', configMaps)).status).toBe(200);
    server.faults.replaceServerCertificate();
    const fresh = await connect(server.kubeconfig);
    expect((await fresh.request('GET', configMaps)).status).toBe(200);
  });
});

it('the clock is the one that was set, for creation times and the end of tokens', async () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await admin.request('POST', accounts, { metadata: { name: 'timed' } });
  const { body } = await admin.request('POST', `${accounts}/timed/token`, { spec: { expirationSeconds: 600 } });
  const bearer = { authorization: `Bearer ${body.status.token}` };
  expect((await admin.request('GET', configMaps, undefined, bearer)).status).toBe(403);
  server.faults.setClock(() => Date.UTC(2100, 0, 2, 3, 4, 5));
  expect((await admin.request('GET', configMaps, undefined, bearer)).status).toBe(401);
  const created = await admin.request('POST', configMaps, { metadata: { name: 'future' } });
  expect(created.body.metadata.creationTimestamp).toBe('2100-01-02T03:04:05Z');
});

it('the garbage collector waits for as long as it is told', async () => {
  server.faults.setGarbageCollectionDelay(Number.POSITIVE_INFINITY);
  const owner = (await admin.request('POST', configMaps, { metadata: { name: 'owner' } })).body;
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid }];
  await admin.request('POST', configMaps, { metadata: { name: 'dependent', ownerReferences } });
  await admin.request('DELETE', `${configMaps}/owner`);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect((await admin.request('GET', `${configMaps}/dependent`)).status).toBe(200);
  server.faults.setGarbageCollectionDelay(1);
  await waitFor(async () => (await admin.request('GET', `${configMaps}/dependent`)).status === 404);
});

it('the seeded random is spread over 0 to 1', () => {
  const random = seededRandom(3);
  const numbers = Array.from({ length: 1000 }, random);
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  expect(numbers.filter((number) => number < 0.5).length).toBeGreaterThan(400);
});
