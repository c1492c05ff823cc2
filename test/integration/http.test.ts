import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';

const cluster = await startCluster();
const { server } = cluster;
const audience = 'waxwing-test';

async function must(method: string, path: string, body: Json): Promise<Json> {
  const answer = await server.request(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** A short-lived token of a service account for one audience, by TokenRequest. */
async function tokenFor(namespace: string, account: string, audiences: string[]): Promise<string> {
  const { status } = await must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences, expirationSeconds: 600 },
  });
  return status.token;
}

describe('endpoints that ask who you are', () => {
  it('take a token for their audience from somebody who may, and from nobody else', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({
      flags: ['--http-auth=token', `--http-auth-audience=${audience}`],
    });
    const body = JSON.stringify((await sealerOf(controller))({ namespace, name: 'app', data: { a: '1' } }));
    const ask = (path: string, token?: string) =>
      controller.request(path, {
        method: 'POST',
        body,
        headers: token === undefined ? {} : { 'X-Waxwing-Token': token },
      });
    for (const account of ['allowed', 'stranger']) {
      await must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: account },
      });
    }
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    await must('POST', `${rbac}/roles`, {
      apiVersion,
      kind: 'Role',
      metadata: { name: 'verify' },
      rules: [{ apiGroups: ['bitnami.com'], resources: ['sealedsecrets/verify'], verbs: ['create'] }],
    });
    await must('POST', `${rbac}/rolebindings`, {
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: 'verify' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'verify' },
      subjects: [{ kind: 'ServiceAccount', name: 'allowed', namespace }],
    });
    const allowed = await tokenFor(namespace, 'allowed', [audience]);
    expect((await ask('/v1/verify', allowed)).status).toBe(200);
    expect((await ask('/v1/rotate', allowed)).status).toBe(403);
    expect((await ask('/v1/verify', await tokenFor(namespace, 'stranger', [audience]))).status).toBe(403);
    expect((await ask('/v1/verify', await tokenFor(namespace, 'allowed', ['another']))).status).toBe(401);
    expect((await ask('/v1/verify', 'no token at all')).status).toBe(401);
    expect((await ask('/v1/verify')).status).toBe(401);
    // What everybody needs to seal stays open.
    expect(await certificateOf(controller)).toContain('BEGIN CERTIFICATE');
    expect(controller.logs()).not.toContain(allowed.slice(0, 40));
  });
});

describe('requests without end', () => {
  it('do not keep objects from being reconciled', async () => {
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const body = JSON.stringify(sealIt({ namespace, name: 'load', data: { a: '1' } }));
    let isOver = false;
    const load = Array.from({ length: 16 }, async () => {
      while (!isOver) await controller.request('/v1/rotate', { method: 'POST', body }).catch(() => undefined);
    });
    for (let i = 0; i < 20; i++) await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: String(i) } }));
    for (let i = 0; i < 20; i++) await cluster.condition(namespace, `app-${i}`, 'True', 'Unsealed');
    expect((await controller.request('/healthz')).status).toBe(200);
    isOver = true;
    await Promise.all(load);
  });

  it("are told to wait by upstream's rule", async () => {
    await using controller = await cluster.startController({ flags: ['--rate-limit=2', '--rate-limit-burst=2'] });
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await controller.request('/v1/verify', { method: 'POST', body: '' }));
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 500, 429]);
    expect(answers[3]?.headers.get('Retry-After')).toBe('1');
    expect(answers[3]?.headers.get('X-RateLimit-Limit')).toBe('3');
    expect((await controller.request('/v1/rotate', { method: 'POST', body: '' })).status).toBe(500);
  });

  it('that are too long are refused', async () => {
    await using controller = await cluster.startController({ flags: ['--max-body-bytes=1024'] });
    expect((await controller.request('/v1/verify', { method: 'POST', body: 'x'.repeat(1025) })).status).toBe(413);
  });
});
