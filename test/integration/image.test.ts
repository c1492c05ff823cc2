import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { freePorts } from '../apiserver/free-ports.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { readKubeconfig } from '../apiserver/kubeconfig.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { parseObjects, theObject } from '../contract/chart/helm.ts';
import { containerUser, type Image, imageRoot, runContainer } from './image.ts';
import { seal } from './sealing.ts';

// A server of its own: upstream's manifest has fixed names in kube-system.
let server: ApiServer;
let image: Image;
const isLinux = process.platform === 'linux';
beforeAll(async () => {
  if (isLinux) [server, image] = await Promise.all([leaseApiServer({ lasting: true }), imageRoot()]);
});
afterAll(async () => {
  await image?.[Symbol.asyncDispose]();
  await server?.stop();
});

const fixture = join(import.meta.dirname, '../fixtures/deploy/upstream-controller.yaml');
const upstream = parseObjects(await readFile(fixture, 'utf8'));
const { spec: pod } = theObject(upstream, 'Deployment').spec.template;
const [container] = pod.containers;
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  Role: 'roles',
  RoleBinding: 'rolebindings',
};

async function applyRoles(): Promise<void> {
  for (const object of upstream) {
    const plural = plurals[object.kind];
    if (plural === undefined) continue;
    const place = object.metadata.namespace === undefined ? '' : `/namespaces/${object.metadata.namespace}`;
    const path = `/apis/rbac.authorization.k8s.io/v1${place}/${plural}/${object.metadata.name}`;
    const { status, body } = await server.request('PATCH', `${path}?fieldManager=test&force=true`, object, {
      'content-type': 'application/apply-patch+yaml',
    });
    if (status >= 300) throw new Error(`${path}: ${status} ${body.message}`);
  }
}

/** What the kubelet gives a Pod of upstream's service account. */
async function kubeletGives() {
  const user = `system:serviceaccount:kube-system:${pod.serviceAccountName}`;
  const { token, certificateAuthorityPem } = await readKubeconfig(await server.kubeconfigFor({ user }));
  const { hostname, port } = new URL(server.url);
  return {
    serviceAccount: { token, 'ca.crt': certificateAuthorityPem, namespace: 'kube-system' },
    environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, HOSTNAME: 'controller-0' },
  };
}

describe.skipIf(!isLinux)('upstream’s container spec on our image', () => {
  it('runs as any user, as process 1, on a root that it cannot write, unseals, renews and ends', async () => {
    await applyRoles();
    const { serviceAccount, environment } = await kubeletGives();
    // A container has a network of its own; here the ports of the host are shared with other tests.
    const [http, metrics] = await freePorts(2);
    const ports = { http, metrics };
    const running = await runContainer({
      image,
      container,
      serviceAccount,
      environment: {
        ...environment,
        SEALED_SECRETS_LISTEN_ADDR: `127.0.0.1:${ports.http}`,
        SEALED_SECRETS_LISTEN_METRICS_ADDR: `127.0.0.1:${ports.metrics}`,
        SEALED_SECRETS_KEY_SIZE: '2048',
        WAXWING_MANIFEST_VERSION: '0.0.1',
      },
    });
    try {
      const probe = async ({ httpGet }: Json) => {
        const port = ports[httpGet.port as keyof typeof ports];
        return (await fetch(`http://127.0.0.1:${port}${httpGet.path}`).catch(() => undefined))?.status;
      };
      const isUp = async () =>
        (await probe(container.livenessProbe)) === 200 && (await probe(container.readinessProbe)) === 200;
      await waitFor(isUp, { timeoutMs: 30_000, what: 'the probes to succeed' }).catch((error) => {
        throw new Error(`${error.message}\n${running.logs()}`);
      });
      const isReady = async () => (await probe({ httpGet: { path: '/readyz', port: 'http' } })) === 200;
      await waitFor(isReady, { timeoutMs: 15_000, what: '/readyz, which upstream’s manifest does not ask for' });

      const status = await running.status();
      // In its own namespace, the last of the list, it is process 1.
      expect(status).toMatch(/^NSpid:.*\s1$/m);
      const isRoot = process.getuid?.() === 0;
      expect(status).toMatch(new RegExp(`^Uid:\\s+${isRoot ? containerUser : process.getuid?.()}\\s`, 'm'));

      const namespace = await createNamespace(server);
      const certificate = async () => (await fetch(`http://127.0.0.1:${ports.http}/v1/cert.pem`)).text();
      const certificatePem = await certificate();
      const sealed = seal({ certificatePem, namespace, name: 'app', data: { password: 'canary' } });
      await server.request('POST', `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`, sealed);
      const secret = () => server.request('GET', `/api/v1/namespaces/${namespace}/secrets/app`);
      await waitFor(async () => (await secret()).status === 200, { timeoutMs: 15_000, what: 'the Secret' });
      expect((await secret()).body.data).toEqual({ password: Buffer.from('canary').toString('base64') });
      expect(running.logs()).not.toContain('canary');

      // Only a bundle knows its version; run from source it could not compare.
      expect(running.logs()).toContain('the manifest is older than the controller');
      const metrics = await (await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)).text();
      expect(metrics).toContain('waxwing_manifest_mismatch{manifest="0.0.1",difference="older"} 1');

      await running.kill('SIGUSR1');
      const isRenewed = async () => (await certificate()) !== certificatePem;
      await waitFor(isRenewed, { timeoutMs: 15_000, what: 'another key after SIGUSR1' });
      expect(running.logs()).not.toContain('Debugger listening');
    } finally {
      await running.kill('SIGTERM');
    }
    expect(await running.exited()).toBe(0);
  });
});

describe.skipIf(!isLinux)('the programs of the image', () => {
  it('are `controller` and `node` on the path, and a version is all that --version prints', async () => {
    const { serviceAccount } = await kubeletGives();
    const running = await runContainer({
      image,
      container: { command: ['controller'], args: ['--version'] },
      serviceAccount,
      environment: {},
    });
    expect(await running.exited()).toBe(0);
    expect(running.logs()).toMatch(/^controller version: v\d+\.\d+\.\d+\n$/);
  });

  it('refuse to write into the image', async () => {
    const { serviceAccount } = await kubeletGives();
    const script =
      "try { require('node:fs').writeFileSync('/usr/local/lib/waxwing/x', ''); process.exitCode = 3 } catch (e) { console.log(e.code) }";
    const running = await runContainer({
      image,
      container: { command: ['node', '-e', script] },
      serviceAccount,
      environment: {},
    });
    // Without root the files of the image are the caller's own.
    if (process.getuid?.() === 0) expect(await running.exited()).toBe(0);
    else await running.exited();
    if (process.getuid?.() === 0) expect(running.logs()).toContain('EACCES');
  });
});
