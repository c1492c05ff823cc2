import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { connect } from '../apiserver/client.ts';
import { readKubeconfig } from '../apiserver/kubeconfig.ts';
import { applyManifest } from '../apiserver/manifests.ts';
import { corePath, startSuite, succeed } from './suite.ts';

const { server, admin, namespace } = await startSuite();

describe('the harness', () => {
  it('serves HTTPS on a port of its own, with a certificate that its CA file verifies', async () => {
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(await readFile(server.caFile, 'utf8')).toContain('BEGIN CERTIFICATE');
    const connection = await readKubeconfig(server.kubeconfig);
    expect(connection.server).toBe(server.url);
    expect(connection.certificateAuthorityPem).toContain('BEGIN CERTIFICATE');
  });

  it('gives kubeconfigs for any identity, with the namespace asked for', async () => {
    const file = await server.kubeconfigFor({ user: 'ivan', groups: ['g'], namespace });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ contexts: [{ context: { namespace } }] });
    const client = await connect(file);
    expect((await client.request('GET', '/version')).status).toBe(200);
    expect((await client.request('GET', corePath(namespace, 'secrets'))).status).toBe(403);
  });

  it('applies manifests of several documents, and says which object was refused', async () => {
    const text = `apiVersion: v1
kind: ServiceAccount
metadata: { name: from-manifest }
---
# a comment only
---
apiVersion: v1
kind: List
items:
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: from-manifest }
    rules: [{ apiGroups: [""], resources: [secrets], verbs: [get] }]
  - apiVersion: v1
    kind: ConfigMap
    metadata: { name: from-manifest }
    data: { a: b }
`;
    const stored = await applyManifest(server, text, { namespace });
    expect(stored.map((object) => object.kind)).toEqual(['ServiceAccount', 'Role', 'ConfigMap']);
    expect((await succeed(admin.request('GET', corePath(namespace, 'configmaps', 'from-manifest')))).data).toEqual({
      a: 'b',
    });
    const bad = 'apiVersion: v1\nkind: Secret\nmetadata: { name: bad }\ndata: { a: "*" }\n';
    await expect(applyManifest(server, bad, { namespace })).rejects.toThrow(/^Secret bad was refused: [45]\d\d /);
    const unknown = 'apiVersion: v1\nkind: Sekret\nmetadata: { name: bad }\n';
    await expect(applyManifest(server, unknown, { namespace })).rejects.toThrow(/does not know v1 Sekret \(bad\)/);
  });
});
