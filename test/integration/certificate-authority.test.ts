import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readKubeconfig } from '../apiserver/kubeconfig.ts';
import { sealerOf, startCluster } from './cluster.ts';

// The embedded server on both runs: kube-apiserver cannot be given another authority while it runs.
const cluster = await startCluster({ kind: 'embedded' });
const { server } = cluster;

it("an API server's authority that is replaced while watches are open is read again from its file", async () => {
  const namespace = await cluster.createNamespace();
  const { token } = await readKubeconfig(server.kubeconfig);
  const kubeconfig = join(dirname(server.kubeconfig), 'with-ca-file');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: server.url, 'certificate-authority': server.caFile } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  );
  const flags = ['--credential-check-interval=1s', '--retry-max-delay=500ms'];
  await using controller = await cluster.startController({ kubeconfig, flags });
  const sealIt = await sealerOf(controller);
  await cluster.apply(sealIt({ namespace, name: 'before', data: { a: '1' } }));
  await cluster.condition(namespace, 'before', 'True');
  await server.faults?.replaceCertificateAuthority();
  server.faults?.dropWatches();
  await cluster.apply(sealIt({ namespace, name: 'after', data: { a: '2' } }));
  await cluster.secretWith(namespace, 'after', { a: '2' });
  await cluster.condition(namespace, 'after', 'True', 'Unsealed');
  expect((await controller.request('/healthz')).status).toBe(200);
  expect(controller.child.exitCode).toBeNull();
});
