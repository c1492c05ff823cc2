import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { goTool } from '../apiserver/real/build.ts';
import {
  chartFolder,
  helm,
  type ProgramResult,
  parseObjects,
  renderChart,
  runProgram,
  theObject,
  withValuesFile,
} from '../contract/chart/helm.ts';
import { upstreamValuesFiles } from '../contract/chart/upstream-values.ts';
import { canUse } from '../contract/go-tools.ts';

const hasTools = canUse('helm', 'kubectl');

const root = join(import.meta.dirname, '../..');
const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com';
const recipient = `age1${'q'.repeat(58)}`;
const keyLabel = { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' };

/** Values that together render every template; kinds of the Prometheus operator are left to promtool. */
const valuesMatrix = new Map<string, object | string>([
  ...upstreamValuesFiles,
  [
    'everything switched on',
    {
      replicas: 3,
      revisionHistoryLimit: 3,
      minReadySeconds: 5,
      hostUsers: true,
      hostNetwork: true,
      dnsPolicy: 'ClusterFirstWithHostNet',
      startupProbe: { enabled: true },
      resources: { limits: { memory: '300Mi' }, requests: { cpu: '50m' } },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      tolerations: [{ key: 'a', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      additionalVolumes: [{ name: 'backup', emptyDir: {} }],
      additionalVolumeMounts: [{ name: 'backup', mountPath: '/backup' }],
      image: { pullSecrets: ['registry'] },
      backup: { recipients: [recipient], fileDir: '/backup' },
      http: { auth: 'token' },
      service: { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb', labels: { a: 'b' } },
      ingress: {
        enabled: true,
        selfSigned: true,
        extraHosts: [{ name: 'other.example', path: '/' }],
        extraTls: [{ hosts: ['other.example'], secretName: 'other' }],
      },
      networkPolicy: { enabled: true, egress: { enabled: true } },
      metrics: { dashboards: { create: true } },
    },
  ],
]);

let server: ApiServer;
let helmRelease = 0;

// A server of its own: the static manifest has fixed names in kube-system, and one test writes on the CRD.
beforeAll(async () => {
  server = await leaseApiServer({ lasting: true });
});
afterAll(() => server.stop());

/** Server-side apply as a dry run, with unknown fields refused: the API server's own schema validation. */
async function dryRun(object: Json): Promise<string> {
  const { apiVersion, kind, metadata } = object;
  const plural =
    kind === 'NetworkPolicy' ? 'networkpolicies' : kind === 'Ingress' ? 'ingresses' : `${kind.toLowerCase()}s`;
  const prefix = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  const query = 'dryRun=All&fieldValidation=Strict&fieldManager=waxwing-test&force=true';
  const answer = await server.request('PATCH', `${prefix}${place}/${plural}/${metadata.name}?${query}`, object, {
    'content-type': 'application/apply-patch+yaml',
  });
  return answer.status < 300
    ? 'accepted'
    : `${kind} ${metadata.name}: ${answer.status} ${answer.body.message ?? answer.body}`;
}

/** A release whose cluster-scoped objects have names of their own. */
function isolatedRelease(): { readonly release: string; readonly values: object } {
  helmRelease += 1;
  const release = `sealed-secrets-${process.pid}-${helmRelease}`;
  return { release, values: { rbac: { clusterRoleName: `${release}-unsealer` } } };
}

function runHelm(command: string, release: string, namespace: string, values: object): Promise<ProgramResult> {
  return withValuesFile(values, (file) =>
    helm([command, release, chartFolder, '--namespace', namespace, '--values', file], server.kubeconfig),
  );
}

async function install(): Promise<{ release: string; namespace: string; values: object }> {
  const namespace = await createNamespace(server);
  const { release, values } = isolatedRelease();
  const { status, stderr } = await runHelm('install', release, namespace, values);
  if (status !== 0) throw new Error(stderr);
  return { release, namespace, values };
}

async function kubectl(...args: readonly string[]): Promise<ProgramResult> {
  return runProgram(await goTool('kubectl'), args, { KUBECONFIG: server.kubeconfig, HOME: '/nonexistent' });
}

const exists = async (path: string) => (await server.request('GET', path)).status === 200;

describe.skipIf(!hasTools)('the chart in a cluster', () => {
  it.each([...valuesMatrix])('renders objects that the API server accepts: %s', async (_, values) => {
    // The namespaces of the matrix have to be there even for a dry run.
    for (const name of ['team-a', 'team-b']) {
      await server.request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
    const objects = await renderChart({ values });
    const answers = await Promise.all(
      objects.filter(({ apiVersion }) => !apiVersion.startsWith('monitoring.')).map(dryRun),
    );
    expect(new Set(answers)).toEqual(new Set(['accepted']));
  });

  it('would notice a field that the API server does not know', async () => {
    const objects = await renderChart();
    const deployment = theObject(objects, 'Deployment');
    const misspelt = { ...deployment, spec: { ...deployment.spec, replica: 2 } };
    expect(await dryRun(misspelt)).toContain('spec.replica');
  });

  it('starts Pods that a namespace of the restricted security standard admits', async () => {
    const namespace = await createNamespace(server, {
      labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    });
    const { template } = theObject(await renderChart({ namespace }), 'Deployment').spec;
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'controller', namespace }, spec: template.spec };
    const answer = await server.request('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
    expect(answer.body.message ?? answer.status).toBe(201);
  });

  it('is installed, upgraded and removed with helm; keys, CRD and SealedSecrets stay', async () => {
    const { release, namespace, values } = await install();
    const key = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sealed-secrets-key1', labels: keyLabel } };
    await server.request('POST', `/api/v1/namespaces/${namespace}/secrets`, key);
    await server.request('POST', `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`, {
      apiVersion: 'bitnami.com/v1alpha1',
      kind: 'SealedSecret',
      metadata: { name: 'mine' },
      spec: { encryptedData: {} },
    });

    const upgraded = await runHelm('upgrade', release, namespace, { ...values, replicas: 3 });
    expect(upgraded.stderr).not.toContain('Error');
    expect(upgraded.status).toBe(0);
    const deployment = `/apis/apps/v1/namespaces/${namespace}/deployments/${release}`;
    expect((await server.request('GET', deployment)).body.spec.replicas).toBe(3);

    const removed = await helm(['uninstall', release, '--namespace', namespace], server.kubeconfig);
    expect(removed.status).toBe(0);
    expect(await exists(deployment)).toBe(false);
    expect(await exists(`/apis/rbac.authorization.k8s.io/v1/clusterroles/${release}-unsealer`)).toBe(false);
    expect(await exists(crdPath)).toBe(true);
    expect(await exists(`/api/v1/namespaces/${namespace}/secrets/sealed-secrets-key1`)).toBe(true);
    expect(await exists(`/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/mine`)).toBe(true);
  });

  it('takes over a release of upstream’s chart in place, with the same values, and gives it back on a rollback', async () => {
    const namespace = await createNamespace(server);
    const { release, values } = isolatedRelease();
    const upstreamChart = join(root, 'test/fixtures/charts/sealed-secrets');
    const installed = await withValuesFile(values, (file) =>
      helm(['install', release, upstreamChart, '--namespace', namespace, '--values', file], server.kubeconfig),
    );
    expect(installed.stderr).toBe('');
    const deployment = async () =>
      (await server.request('GET', `/apis/apps/v1/namespaces/${namespace}/deployments/${release}`)).body;
    const before = await deployment();

    const upgraded = await runHelm('upgrade', release, namespace, values);
    expect(upgraded.stderr).toBe('');
    expect(upgraded.status).toBe(0);
    const after = await deployment();
    expect(after.metadata.uid).toBe(before.metadata.uid);
    const [container] = after.spec.template.spec.containers;
    expect(after.spec.template.spec.containers).toHaveLength(1);
    expect(container.image).toContain('waxwing-controller');
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(container.env.map(({ name }: Json) => name)).not.toContain('GOMAXPROCS');
    expect(await exists(`/api/v1/namespaces/${namespace}/services/${release}-metrics`)).toBe(true);

    const rolledBack = await helm(['rollback', release, '1', '--namespace', namespace], server.kubeconfig);
    expect(rolledBack.status).toBe(0);
    const back = await deployment();
    expect(back.spec.replicas).toBe(1);
    expect(back.spec.template.spec.containers[0].image).toContain('bitnami/sealed-secrets-controller');
    const leaderElection = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${release}-leader-election`;
    expect(await exists(leaderElection)).toBe(false);
  });

  it('refuses an upgrade that would delete the CRD', async () => {
    const { release, namespace, values } = await install();
    const mark = (annotations: object) =>
      server.request(
        'PATCH',
        crdPath,
        { metadata: { annotations } },
        { 'content-type': 'application/merge-patch+json' },
      );
    await mark({ 'meta.helm.sh/release-name': release, 'meta.helm.sh/release-namespace': namespace });
    try {
      const refused = await runHelm('upgrade', release, namespace, values);
      expect(refused.status).not.toBe(0);
      expect(refused.stderr).toContain('would delete the CustomResourceDefinition sealedsecrets.bitnami.com');
      expect(refused.stderr).toContain('helm.sh/resource-policy=keep');

      await mark({ 'helm.sh/resource-policy': 'keep' });
      expect((await runHelm('upgrade', release, namespace, values)).status).toBe(0);
    } finally {
      await mark({
        'meta.helm.sh/release-name': null,
        'meta.helm.sh/release-namespace': null,
        'helm.sh/resource-policy': null,
      });
    }
  });

  it('refuses an upgrade that would delete a sealing key which the release itself brought', async () => {
    const { release, namespace, values } = await install();
    const key = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'shared-key', namespace, labels: keyLabel },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': '', 'tls.key': '' },
    };
    const withKey = { ...values, extraDeploy: [key] };
    expect((await runHelm('upgrade', release, namespace, withKey)).status).toBe(0);
    expect((await runHelm('upgrade', release, namespace, withKey)).status).toBe(0);

    const refused = await runHelm('upgrade', release, namespace, values);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`would delete the sealing key ${namespace}/shared-key`);
    expect(await exists(`/api/v1/namespaces/${namespace}/secrets/shared-key`)).toBe(true);
  });

  it('refuses an upgrade that would move the controller away from its keys', async () => {
    const { release, namespace, values } = await install();
    const elsewhere = await createNamespace(server);
    const refused = await runHelm('upgrade', release, namespace, { ...values, namespace: elsewhere });
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain(`move the controller from the namespace ${namespace} to ${elsewhere}`);

    const moved = { ...values, namespace: elsewhere, upgradeChecks: false };
    expect((await runHelm('upgrade', release, namespace, moved)).status).toBe(0);
  });
});

describe.skipIf(!hasTools)('the static manifest in a cluster', () => {
  const manifest = join(root, 'deploy/controller.yaml');
  const deploymentPath = '/apis/apps/v1/namespaces/kube-system/deployments/sealed-secrets-controller';

  it('replaces upstream’s in place, and removing it leaves CRD and keys', async () => {
    const upstream = await kubectl('apply', '--filename', join(root, 'test/fixtures/deploy/upstream-controller.yaml'));
    expect(upstream.stderr).toBe('');
    const before = (await server.request('GET', deploymentPath)).body;
    const roleBefore = (await server.request('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/secrets-unsealer'))
      .body;
    expect(roleBefore.rules).toHaveLength(5);

    const applied = await kubectl('apply', '--server-side', '--force-conflicts', '--filename', manifest);
    expect(applied.stderr).not.toContain('rror');
    expect(applied.status).toBe(0);
    const after = (await server.request('GET', deploymentPath)).body;
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.spec.template.spec.containers).toHaveLength(1);
    expect(after.spec.template.spec.containers[0].image).toContain('waxwing-controller');
    const [service] = parseObjects(await readFile(manifest, 'utf8')).filter(({ kind }) => kind === 'Service');
    const stored = await server.request('GET', `/api/v1/namespaces/kube-system/services/${service.metadata.name}`);
    expect(stored.body.spec.ports).toHaveLength(1);

    const key = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sealed-secrets-keyabcde', labels: keyLabel } };
    await server.request('POST', '/api/v1/namespaces/kube-system/secrets', key);
    const removed = await kubectl('delete', '--filename', manifest, '--selector', 'name!=sealedsecrets.bitnami.com');
    expect(removed.status).toBe(0);
    expect(await exists(deploymentPath)).toBe(false);
    expect(await exists(crdPath)).toBe(true);
    expect(await exists('/api/v1/namespaces/kube-system/secrets/sealed-secrets-keyabcde')).toBe(true);
    await server.request('DELETE', '/api/v1/namespaces/kube-system/secrets/sealed-secrets-keyabcde');
  });

  it('replaces upstream’s by a client-side apply too', async () => {
    await kubectl('apply', '--filename', join(root, 'test/fixtures/deploy/upstream-controller.yaml'));
    const applied = await kubectl('apply', '--filename', manifest, '--selector', 'name!=sealedsecrets.bitnami.com');
    expect(applied.stderr).not.toContain('rror');
    expect(applied.status).toBe(0);
    const role = await server.request('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles/secrets-unsealer');
    expect(role.body.rules).toHaveLength(4);
    await kubectl('delete', '--filename', manifest, '--selector', 'name!=sealedsecrets.bitnami.com');
  });
});
