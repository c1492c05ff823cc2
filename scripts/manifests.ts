import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse, parseDocument, stringify } from 'yaml';
import type { Json } from '../test/apiserver/client.ts';
import { chartFolder, renderChart } from '../test/contract/chart/helm.ts';
import { chartReadme } from './chart-readme.ts';

const root = join(import.meta.dirname, '..');
const crdFile = join(root, 'crds/bitnami.com_sealedsecrets.yaml');

const fullname = 'sealed-secrets-controller';
const namespace = 'kube-system';

/**
 * Names of upstream's `controller.yaml` where they differ from the chart's, so that `kubectl apply` over an installation of
 * that manifest changes its objects instead of adding others.
 */
const staticNames = new Map([
  [`Role/${fullname}-key-admin`, 'sealed-secrets-key-admin'],
  [`RoleBinding/${fullname}-key-admin`, 'sealed-secrets-controller'],
  [`Role/${fullname}-leader-election`, 'sealed-secrets-leader-election'],
  [`RoleBinding/${fullname}-leader-election`, 'sealed-secrets-leader-election'],
  [`Role/${fullname}-service-proxier`, 'sealed-secrets-service-proxier'],
  [`RoleBinding/${fullname}-service-proxier`, 'sealed-secrets-service-proxier'],
]);

const kindOrder = [
  'CustomResourceDefinition',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'Service',
  'PodDisruptionBudget',
  'Deployment',
  'PodMonitor',
];

/** Values under which the chart renders what upstream's `controller.yaml` has. */
const baseValues = {
  fullnameOverride: fullname,
  logInfoStdout: true,
  minReadySeconds: 30,
  revisionHistoryLimit: 10,
  podSecurityContext: { fsGroup: 65534, runAsNonRoot: true, runAsUser: 1001 },
};

interface Variant {
  readonly file: string;
  readonly about: string;
  readonly values: object;
}

const variants: readonly Variant[] = [
  { file: 'controller.yaml', about: 'CRD, permissions, Services and the controller in kube-system.', values: {} },
  {
    file: 'controller-norbac.yaml',
    about:
      'Like controller.yaml without service account, roles and bindings: bring your own for the service account `default`.\n' +
      'One replica, since it may not be allowed to elect a leader.',
    values: { rbac: { create: false }, serviceAccount: { create: false }, replicas: 1 },
  },
  {
    file: 'controller-podmonitor.yaml',
    about: 'controller.yaml and a PodMonitor for the Prometheus operator.',
    values: { metrics: { podMonitor: { enabled: true } } },
  },
];

/** Everything that is made from something else, by path from the repository's root. */
async function generateFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const crd = await readFile(crdFile, 'utf8');
  files.set('charts/waxwing/crds/bitnami.com_sealedsecrets.yaml', crd);
  files.set('charts/waxwing/README.md', chartReadme(await readFile(join(chartFolder, 'values.yaml'), 'utf8')));
  for (const { file, about, values } of variants) {
    const objects = await renderChart({ release: fullname, namespace, values: { ...baseValues, ...values } });
    files.set(`deploy/${file}`, printManifest(about, toStaticObjects([parse(crd), ...objects])));
  }
  files.set('deploy/prometheus-rule.yaml', await renderPrometheusRule());
  files.set('deploy/grafana-dashboard.json', await readFile(join(chartFolder, 'files/dashboard.json'), 'utf8'));
  return files;
}

/** The chart's objects as upstream's static manifest has them: its names, one label, unnamed ports, no arguments. */
function toStaticObjects(objects: readonly Json[]): Json[] {
  const renamed = objects.map((object) => {
    const name = staticNames.get(`${object.kind}/${object.metadata.name}`) ?? object.metadata.name;
    const { labels: _, ...metadata } = object.metadata;
    return toStaticObject({ ...object, metadata: { ...metadata, name, labels: { name } } });
  });
  const rank = (object: Json) => kindOrder.indexOf(object.kind);
  return renamed.sort((a, b) => rank(a) - rank(b));
}

const selector = { name: fullname };

function toStaticObject(object: Json): Json {
  switch (object.kind) {
    case 'RoleBinding': {
      const name = staticNames.get(`Role/${object.roleRef.name}`) ?? object.roleRef.name;
      return { ...object, roleRef: { ...object.roleRef, name } };
    }
    case 'Service': {
      const ports = object.spec.ports.map(({ port }: Json) => ({ port, targetPort: port }));
      return { ...object, spec: { ...object.spec, ports, selector } };
    }
    case 'PodDisruptionBudget':
      return { ...object, spec: { ...object.spec, selector: { matchLabels: selector } } };
    case 'PodMonitor':
      return { ...object, spec: { ...object.spec, jobLabel: 'name', selector: { matchLabels: selector } } };
    case 'Deployment':
      return { ...object, spec: toStaticDeployment(object.spec) };
    default:
      return object;
  }
}

function toStaticDeployment(spec: Json): Json {
  const { serviceAccountName, topologySpreadConstraints = [], containers, ...pod } = spec.template.spec;
  // All arguments of the chart's default values are the program's defaults.
  const [{ args: _, ...container }] = containers;
  return {
    ...spec,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: selector },
      spec: {
        ...(serviceAccountName === 'default' ? {} : { serviceAccountName }),
        ...pod,
        ...(topologySpreadConstraints.length === 0
          ? {}
          : {
              topologySpreadConstraints: topologySpreadConstraints.map((constraint: Json) => ({
                ...constraint,
                labelSelector: { matchLabels: selector },
              })),
            }),
        containers: [{ ...container, name: fullname }],
      },
    },
  };
}

async function renderPrometheusRule(): Promise<string> {
  const objects = await renderChart({
    release: fullname,
    namespace,
    values: { ...baseValues, metrics: { prometheusRule: { enabled: true } } },
  });
  const rules = objects.filter((object) => object.kind === 'PrometheusRule');
  return printManifest(
    'Alerts for the Prometheus operator; docs/operations/runbook.md explains each.',
    toStaticObjects(rules),
  );
}

function printManifest(about: string, objects: readonly Json[]): string {
  const notice = `${about}\nGenerated from charts/waxwing by scripts/manifests.ts; change the chart instead.`;
  const comment = notice.replaceAll(/^/gm, '# ');
  // The parser's own line width would fold long descriptions anew with every release of it.
  const documents = objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }));
  return `${comment}\n---\n${documents.join('---\n')}`;
}

/** Throws if a generated manifest cannot be read back. */
function assertReadable(file: string, text: string): void {
  if (!file.endsWith('.yaml')) return;
  for (const part of text.split(/^---$/m)) {
    const [error] = parseDocument(part).errors;
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
  }
}

/** Files that are not what they would be if they were generated now. */
async function outdatedFiles(files: ReadonlyMap<string, string>): Promise<string[]> {
  const states = await Promise.all(
    [...files].map(async ([file, text]) => ({
      file,
      isCurrent: (await readFile(join(root, file), 'utf8').catch(() => undefined)) === text,
    })),
  );
  return states.filter(({ isCurrent }) => !isCurrent).map(({ file }) => file);
}

// With `--check` nothing is written, and the exit status says whether something would be.
if (import.meta.main) {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  const files = await generateFiles();
  for (const [file, text] of files) assertReadable(file, text);
  for (const file of await outdatedFiles(files)) {
    console.log(`${values.check ? 'outdated' : 'written'}: ${file}`);
    if (values.check) {
      process.exitCode = 1;
      continue;
    }
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), files.get(file) ?? '');
  }
}
