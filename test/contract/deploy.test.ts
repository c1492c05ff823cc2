import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { goTool } from '../apiserver/real/build.ts';
import { objectsOf, parseObjects, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';

const hasTools = canUse('helm', 'kubectl');

const root = join(import.meta.dirname, '../..');
const manifest = async (file: string): Promise<Json[]> =>
  parseObjects(await readFile(join(root, 'deploy', file), 'utf8'));
const names = (objects: readonly Json[]) => objects.map((object) => `${object.kind}/${object.metadata.name}`);

/** What upstream's `controller.yaml` has, in its order. */
const upstreamObjects = [
  'CustomResourceDefinition/sealedsecrets.bitnami.com',
  'ServiceAccount/sealed-secrets-controller',
  'ClusterRole/secrets-unsealer',
  'ClusterRoleBinding/sealed-secrets-controller',
  'Role/sealed-secrets-key-admin',
  'RoleBinding/sealed-secrets-controller',
  'Role/sealed-secrets-service-proxier',
  'RoleBinding/sealed-secrets-service-proxier',
  'Service/sealed-secrets-controller',
  'Service/sealed-secrets-controller-metrics',
  'Deployment/sealed-secrets-controller',
];

describe.skipIf(!hasTools)('generated files', () => {
  it('are what the chart and the CRD say now; renew them with scripts/manifests.ts', async () => {
    const { status, stdout, stderr } = await runProgram(
      process.execPath,
      [join(root, 'scripts/manifests.ts'), '--check'],
      {
        HOME: process.env['HOME'] ?? '/',
      },
    );
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });
});

describe('deploy/controller.yaml', () => {
  it('has every object of upstream’s manifest under its name, and leader election and a budget besides', async () => {
    const found = names(await manifest('controller.yaml'));
    expect(found).toEqual(expect.arrayContaining(upstreamObjects));
    expect(found.filter((name) => !upstreamObjects.includes(name)).sort()).toEqual([
      'PodDisruptionBudget/sealed-secrets-controller',
      'Role/sealed-secrets-leader-election',
      'RoleBinding/sealed-secrets-leader-election',
    ]);
  });

  it('labels each object with its name, as upstream does', async () => {
    for (const { metadata } of await manifest('controller.yaml'))
      expect(metadata.labels).toEqual({ name: metadata.name });
  });

  it('has the Services of upstream: one unnamed port each, the same selector', async () => {
    const objects = await manifest('controller.yaml');
    const spec = (port: number) => ({
      type: 'ClusterIP',
      ports: [{ port, targetPort: port }],
      selector: { name: 'sealed-secrets-controller' },
    });
    expect(theObject(objects, 'Service', 'sealed-secrets-controller').spec).toEqual(spec(8080));
    expect(theObject(objects, 'Service', 'sealed-secrets-controller-metrics').spec).toEqual(spec(8081));
  });

  it('has the selector and the container of upstream’s Deployment, which cannot be changed in place', async () => {
    const { spec } = theObject(await manifest('controller.yaml'), 'Deployment');
    expect(spec.selector).toEqual({ matchLabels: { name: 'sealed-secrets-controller' } });
    expect(spec.template.metadata.labels).toEqual({ name: 'sealed-secrets-controller' });
    const [container] = spec.template.spec.containers;
    expect(container).toMatchObject({ name: 'sealed-secrets-controller', command: ['controller'] });
    expect(container).not.toHaveProperty('args');
  });

  it('probes readiness at /readyz', async () => {
    const [container] = theObject(await manifest('controller.yaml'), 'Deployment').spec.template.spec.containers;
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
  });

  it('has a CRD with printer columns', async () => {
    const [version] = theObject(await manifest('controller.yaml'), 'CustomResourceDefinition').spec.versions;
    expect(version.additionalPrinterColumns.map(({ name }: Json) => name)).toEqual([
      'Status',
      'Synced',
      'Age',
      'Reason',
    ]);
  });

  it('binds each role to the service account of the Deployment', async () => {
    const objects = await manifest('controller.yaml');
    for (const binding of [...objectsOf(objects, 'RoleBinding'), ...objectsOf(objects, 'ClusterRoleBinding')]) {
      expect(theObject(objects, binding.roleRef.kind, binding.roleRef.name)).toBeDefined();
      if (binding.metadata.name.endsWith('service-proxier')) continue;
      expect(binding.subjects).toEqual([
        { kind: 'ServiceAccount', name: 'sealed-secrets-controller', namespace: 'kube-system' },
      ]);
    }
  });
});

describe('deploy/controller-norbac.yaml', () => {
  it('has only the CRD, the Services and one replica under the default service account', async () => {
    const objects = await manifest('controller-norbac.yaml');
    expect(names(objects)).toEqual([
      'CustomResourceDefinition/sealedsecrets.bitnami.com',
      'Service/sealed-secrets-controller',
      'Service/sealed-secrets-controller-metrics',
      'Deployment/sealed-secrets-controller',
    ]);
    const { spec } = theObject(objects, 'Deployment');
    expect(spec.replicas).toBe(1);
    expect(spec.template.spec).not.toHaveProperty('serviceAccountName');
  });
});

describe('deploy/controller-podmonitor.yaml', () => {
  it('is controller.yaml and a PodMonitor of the metrics port', async () => {
    const objects = await manifest('controller-podmonitor.yaml');
    expect(objects.slice(0, -1)).toEqual(await manifest('controller.yaml'));
    const { spec, metadata } = theObject(objects, 'PodMonitor');
    expect(metadata.name).toBe('sealed-secrets-controller');
    expect(spec.podMetricsEndpoints).toEqual([{ port: 'metrics', honorLabels: true, interval: '30s' }]);
    expect(spec.selector).toEqual({ matchLabels: { name: 'sealed-secrets-controller' } });
  });
});

describe.skipIf(!hasTools)('the kustomize example', () => {
  it('builds, with the patches of the example in effect', async () => {
    const folder = join(root, 'docs/operations/examples/kustomize');
    const { status, stdout, stderr } = await runProgram(await goTool('kubectl'), ['kustomize', folder]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const objects = parseObjects(stdout);
    const { spec } = theObject(objects, 'Deployment', 'sealed-secrets-controller');
    const [container] = spec.template.spec.containers;
    expect(container.image).toBe('registry.example/platform/waxwing-controller:0.1.0');
    expect(container.resources.requests).toEqual({ cpu: '50m', memory: '160Mi' });
    expect(theObject(objects, 'CustomResourceDefinition').metadata.annotations).toEqual({
      'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false,ServerSideApply=true',
      'kustomize.toolkit.fluxcd.io/prune': 'disabled',
    });
  });
});
