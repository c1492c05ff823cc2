import { describe, expect, it } from 'vitest';
import type { Json } from '../../apiserver/client.ts';
import { canUse } from '../go-tools.ts';
import { chartFolder, helm, objectsOf, renderChart, templateChart, theObject, withValuesFile } from './helm.ts';
import { upstreamValuesFiles } from './upstream-values.ts';

const hasTools = canUse('helm');
const recipient = `age1${'q'.repeat(58)}`;

const names = (objects: readonly Json[]) => objects.map((object) => `${object.kind}/${object.metadata.name}`).sort();
const container = (objects: readonly Json[]) => theObject(objects, 'Deployment').spec.template.spec.containers[0];

describe.skipIf(!hasTools)('the chart', () => {
  it('renders with default values what upstream’s chart renders, leader election and the budget on top', async () => {
    expect(names(await renderChart())).toEqual([
      'ClusterRole/secrets-unsealer',
      'ClusterRoleBinding/sealed-secrets',
      'Deployment/sealed-secrets',
      'PodDisruptionBudget/sealed-secrets',
      'Role/sealed-secrets-key-admin',
      'Role/sealed-secrets-leader-election',
      'Role/sealed-secrets-service-proxier',
      'RoleBinding/sealed-secrets-key-admin',
      'RoleBinding/sealed-secrets-leader-election',
      'RoleBinding/sealed-secrets-service-proxier',
      'Service/sealed-secrets',
      'Service/sealed-secrets-metrics',
      'ServiceAccount/sealed-secrets',
    ]);
  });

  it('passes with default values the arguments of upstream’s chart and the corrected log stream', async () => {
    expect(container(await renderChart()).args).toEqual([
      '--update-status',
      '--key-prefix',
      'sealed-secrets-key',
      '--log-info-stdout=false',
      '--listen-addr',
      ':8080',
      '--listen-metrics-addr',
      ':8081',
    ]);
  });

  it('passes each value as the flag of upstream’s chart', async () => {
    const { args } = container(
      await renderChart({
        values: {
          skipRecreate: true,
          keyrenewperiod: '24h',
          keyttl: '8760h',
          keycutofftime: 'Thu, 01 Jan 2026 00:00:00 +0000',
          rateLimit: 10,
          rateLimitBurst: '20',
          secretName: 'my-key',
          keySize: 2048,
          keyOrderPriority: 'SecretCreationTimestamp',
          commonName: 'cluster a',
          additionalNamespaces: ['a', 'b'],
          labelSelector: 'team=a',
          privateKeyAnnotations: { y: '2', x: '1' },
          privateKeyLabels: { z: '3' },
          logLevel: 'ERROR',
          logFormat: 'json',
          maxRetries: 7,
          kubeClientQPS: 12.5,
          kubeClientBurst: 10000000,
          http: { readTimeout: '1m', writeTimeout: '3m' },
          acceptDeprecatedV1Data: false,
          oldGcBehavior: true,
          logInfoStdout: true,
          watchForSecrets: true,
          metrics: { omitSecretLabels: true },
          containerPorts: { http: 9090, metrics: 9091 },
        },
      }),
    );
    expect(args.join(' ')).toBe(
      [
        '--update-status --skip-recreate --key-renew-period 24h --key-ttl 8760h',
        '--key-cutoff-time Thu, 01 Jan 2026 00:00:00 +0000 --rate-limit 10 --rate-limit-burst 20 --key-prefix my-key',
        '--key-size 2048 --key-order-priority SecretCreationTimestamp --my-cn cluster a --additional-namespaces a,b',
        '--label-selector team=a --privatekey-annotations x=1,y=2 --privatekey-labels z=3 --log-level ERROR',
        '--log-format json --max-unseal-retries 7 --kubeclient-qps 12.5 --kubeclient-burst 10000000 --read-timeout 1m',
        '--write-timeout 3m --accept-deprecated-v1-data=false --old-gc-behavior --log-info-stdout --watch-for-secrets',
        '--metrics-omit-secret-labels --listen-addr :9090 --listen-metrics-addr :9091',
      ].join(' '),
    );
    expect(args.every((argument: unknown) => typeof argument === 'string')).toBe(true);
  });

  it('passes our own settings in the environment, which upstream’s controller ignores', async () => {
    const objects = await renderChart({
      values: {
        args: ['--key-renew-period=0'],
        leaderElection: { leaseDuration: '30s' },
        backup: { recipients: [recipient, 'ssh-ed25519 AAAA me'], fileDir: '/backup' },
        http: { auth: 'token', maxBodyBytes: 16777216 },
        limits: { workers: 8 },
        extraEnv: [{ name: 'TZ', value: 'UTC' }],
      },
    });
    expect(container(objects).args).toEqual(['--key-renew-period=0']);
    const environment = new Map(container(objects).env.map(({ name, value }: Json) => [name, value]));
    expect(Object.fromEntries(environment)).toMatchObject({
      SEALED_SECRETS_LEADER_ELECT: 'true',
      SEALED_SECRETS_LEASE_NAME: 'sealed-secrets',
      SEALED_SECRETS_LEASE_DURATION: '30s',
      SEALED_SECRETS_BACKUP_RECIPIENT: `${recipient}\nssh-ed25519 AAAA me`,
      SEALED_SECRETS_BACKUP_FILE_DIR: '/backup',
      SEALED_SECRETS_HTTP_AUTH: 'token',
      SEALED_SECRETS_MAX_BODY_BYTES: '16777216',
      SEALED_SECRETS_WORKERS: '8',
      TZ: 'UTC',
    });
    expect(environment.has('POD_NAMESPACE') && environment.has('POD_NAME')).toBe(true);
  });

  it.each([...upstreamValuesFiles])('takes a values.yaml of upstream’s chart unchanged: %s', async (_, values) => {
    const objects = await renderChart({ values });
    expect(objectsOf(objects, 'Deployment')).toHaveLength(1);
  });

  it.each([
    { release: 'sealed-secrets', values: {}, name: 'sealed-secrets' },
    { release: 'my-sealed-secrets-1', values: {}, name: 'my-sealed-secrets-1' },
    { release: 'prod', values: {}, name: 'prod-sealed-secrets' },
    { release: 'prod', values: { nameOverride: 'ss' }, name: 'prod-ss' },
    { release: 'prod', values: { fullnameOverride: 'sealed-secrets-controller' }, name: 'sealed-secrets-controller' },
    { release: 'r'.repeat(50), values: {}, name: `${'r'.repeat(50)}-sealed-secre` },
  ])('names the objects of release $release as upstream’s chart does: $name', async ({ release, values, name }) => {
    const objects = await renderChart({ release, values });
    expect(theObject(objects, 'Deployment').metadata.name).toBe(name);
    for (const service of objectsOf(objects, 'Service')) expect(service.metadata.name.length).toBeLessThanOrEqual(63);
  });

  it('keeps the selectors of upstream’s chart, which an upgrade cannot change', async () => {
    const objects = await renderChart({ values: { commonLabels: { team: 'a' }, podLabels: { tier: 'b' } } });
    const { selector, template } = theObject(objects, 'Deployment').spec;
    const labels = { 'app.kubernetes.io/name': 'sealed-secrets', 'app.kubernetes.io/instance': 'sealed-secrets' };
    expect(selector).toEqual({ matchLabels: labels });
    expect(template.metadata.labels).toEqual({ ...labels, tier: 'b' });
    for (const service of objectsOf(objects, 'Service')) expect(service.spec.selector).toEqual(labels);
    for (const { metadata } of objects) {
      expect(metadata.labels).toMatchObject({ ...labels, team: 'a', 'app.kubernetes.io/part-of': 'sealed-secrets' });
    }
  });

  it('puts everything into the namespace of the value, cluster-scoped objects apart', async () => {
    const objects = await renderChart({ values: { namespace: 'vault', ingress: { enabled: true, selfSigned: true } } });
    const clusterScoped = new Set(['ClusterRole', 'ClusterRoleBinding']);
    for (const { kind, metadata } of objects)
      expect(metadata.namespace).toBe(clusterScoped.has(kind) ? undefined : 'vault');
    expect(theObject(objects, 'ClusterRoleBinding').subjects).toEqual([
      { kind: 'ServiceAccount', name: 'sealed-secrets', namespace: 'vault' },
    ]);
  });

  it('meets the restricted Pod security standard', async () => {
    const { securityContext, containers, volumes } = theObject(await renderChart(), 'Deployment').spec.template.spec;
    expect(securityContext).toEqual({ fsGroup: 65534, seccompProfile: { type: 'RuntimeDefault' } });
    expect(containers[0].securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: 1001,
    });
    expect(volumes).toEqual([{ name: 'tmp', emptyDir: {} }]);
  });

  it('uses custom probes only while the standard ones are off', async () => {
    const custom = { exec: { command: ['true'] } };
    const values = { customLivenessProbe: custom, livenessProbe: { enabled: false }, customReadinessProbe: custom };
    const { livenessProbe, readinessProbe, startupProbe } = container(await renderChart({ values }));
    expect(livenessProbe).toEqual(custom);
    expect(readinessProbe.exec).toBeUndefined();
    expect(startupProbe).toBeUndefined();
    const { startupProbe: started } = container(await renderChart({ values: { startupProbe: { enabled: true } } }));
    expect(started.tcpSocket).toEqual({ port: 'http' });
  });

  it.each([true, false])('renders hostUsers %s, and nothing while it is null', async (hostUsers) => {
    const pod = (objects: readonly Json[]) => theObject(objects, 'Deployment').spec.template.spec;
    expect(pod(await renderChart({ values: { hostUsers } })).hostUsers).toBe(hostUsers);
    expect(pod(await renderChart())).not.toHaveProperty('hostUsers');
  });

  it('renders a budget for several replicas, by default or on request, with one of its two numbers', async () => {
    const budget = async (values: object) => objectsOf(await renderChart({ values }), 'PodDisruptionBudget');
    expect((await budget({}))[0].spec.minAvailable).toBe(1);
    expect(await budget({ replicas: 1 })).toEqual([]);
    expect(await budget({ pdb: { whenReplicated: false } })).toEqual([]);
    const [limited] = await budget({ replicas: 1, pdb: { create: true, maxUnavailable: '50%' } });
    expect(limited.spec.maxUnavailable).toBe('50%');
    expect(limited.spec).not.toHaveProperty('minAvailable');
  });

  it('gives no right to delete Secrets unless the old garbage collection asks for it, by value or argument', async () => {
    const verbs = async (values: object) =>
      theObject(await renderChart({ values }), 'ClusterRole').rules.find(
        (rule: Json) => rule.resources[0] === 'secrets',
      ).verbs;
    expect(await verbs({})).not.toContain('delete');
    expect(await verbs({ oldGcBehavior: true })).toContain('delete');
    expect(await verbs({ args: ['--old-gc-behavior'] })).toContain('delete');
    expect(await verbs({ args: ['--old-gc-behavior=false'] })).not.toContain('delete');
  });

  it('gives no right to follow Secrets while they are not restored', async () => {
    const verbs = async (values: object) =>
      theObject(await renderChart({ values }), 'ClusterRole').rules.find(
        (rule: Json) => rule.resources[0] === 'secrets',
      ).verbs;
    expect(await verbs({})).toEqual(['get', 'create', 'update', 'list', 'watch']);
    expect(await verbs({ skipRecreate: true })).toEqual(['get', 'create', 'update']);
    expect(await verbs({ args: ['--skip-recreate'] })).toEqual(['get', 'create', 'update']);
  });

  it('gives rights to review callers only if they have to identify themselves', async () => {
    expect(objectsOf(await renderChart({ values: { http: { auth: 'token' } } }), 'ClusterRole')).toHaveLength(2);
    expect(objectsOf(await renderChart(), 'ClusterRole')).toHaveLength(1);
  });

  it('renders templates in extra objects, annotations and subjects', async () => {
    const objects = await renderChart({
      values: {
        extraDeploy: ['apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-extra\n'],
        commonAnnotations: { release: '{{ .Release.Name }}' },
        rbac: {
          serviceProxier: {
            subjects: [{ kind: 'User', name: '{{ .Release.Name }}', apiGroup: 'rbac.authorization.k8s.io' }],
          },
        },
      },
    });
    expect(theObject(objects, 'ConfigMap', 'sealed-secrets-extra')).toBeDefined();
    expect(theObject(objects, 'Service', 'sealed-secrets').metadata.annotations).toEqual({ release: 'sealed-secrets' });
    expect(theObject(objects, 'RoleBinding', 'sealed-secrets-service-proxier').subjects[0].name).toBe('sealed-secrets');
  });

  it('keeps nothing but permissions while createController is false', async () => {
    const kinds = new Set((await renderChart({ values: { createController: false } })).map((object) => object.kind));
    expect([...kinds].sort()).toEqual(['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'ServiceAccount']);
  });

  it('ignores PodSecurityPolicy where the cluster has none', async () => {
    const values = { rbac: { pspEnabled: true } };
    expect(objectsOf(await renderChart({ values }), 'PodSecurityPolicy')).toEqual([]);
    const old = await renderChart({ values, args: ['--api-versions', 'policy/v1beta1/PodSecurityPolicy'] });
    expect(theObject(old, 'PodSecurityPolicy').metadata.name).toBe('sealed-secrets-psp');
  });

  it('pins the image by digest if there is one', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const image = { registry: 'registry.example', repository: 'x/y', tag: '1', digest };
    expect(container(await renderChart({ values: { image } })).image).toBe(`registry.example/x/y@${digest}`);
    const tagged = { ...image, digest: '' };
    expect(container(await renderChart({ values: { image: tagged } })).image).toBe('registry.example/x/y:1');
  });

  it('passes helm lint, warnings included, with default and with many values', async () => {
    for (const values of ['', ...upstreamValuesFiles.values()]) {
      const { status, stdout, stderr } = await withValuesFile(values, (file) =>
        helm(['lint', '--strict', chartFolder, '--values', file]),
      );
      expect(`${stdout}${stderr}`).toContain('0 chart(s) failed');
      expect(status).toBe(0);
    }
  });

  it('says in its notes what is dangerous about the values', async () => {
    const notes = async (values: object) => {
      const { stdout } = await withValuesFile(values, (file) =>
        helm(['install', 'x', chartFolder, '--dry-run=client', '--values', file]),
      );
      return stdout.slice(stdout.indexOf('NOTES:'));
    };
    expect(await notes({})).toContain('backup.recipients is empty');
    expect(await notes({ backup: { recipients: [recipient] } })).not.toContain('backup.recipients is empty');
    expect(await notes({ image: { repository: 'mirror/bitnami/sealed-secrets-controller' } })).toContain(
      "names upstream's image",
    );
    expect(await notes({ leaderElection: { enabled: false } })).toContain('without leader election');
  });
});

/** The defects of upstream's chart that compat.md lists, each by name. */
describe.skipIf(!hasTools)('defects of upstream’s chart', () => {
  it('updateStatus: false has an effect', async () => {
    const objects = await renderChart({ values: { updateStatus: false } });
    expect(container(objects).args).toContain('--update-status=false');
    expect(JSON.stringify(theObject(objects, 'ClusterRole').rules)).not.toContain('sealedsecrets/status');
  });

  it('logInfoStdout: false has an effect', async () => {
    expect(container(await renderChart({ values: { logInfoStdout: false } })).args).toContain(
      '--log-info-stdout=false',
    );
    expect(container(await renderChart({ values: { logInfoStdout: true } })).args).toContain('--log-info-stdout');
  });

  it('ingress.secrets renders', async () => {
    const secret = { name: 'own-tls', certificate: '-----BEGIN CERTIFICATE-----', key: 'placeholder' };
    const objects = await renderChart({ values: { ingress: { enabled: true, tls: true, secrets: [secret] } } });
    const { data, type } = theObject(objects, 'Secret', 'own-tls');
    expect(type).toBe('kubernetes.io/tls');
    expect(Buffer.from(data['tls.crt'], 'base64').toString()).toBe(secret.certificate);
  });

  it('the NetworkPolicy opens the ports of the container, not of the Services', async () => {
    const objects = await renderChart({
      values: {
        networkPolicy: { enabled: true },
        service: { port: 80 },
        metrics: { service: { port: 81 } },
        containerPorts: { http: 9090, metrics: 9091 },
      },
    });
    const [{ ports }] = theObject(objects, 'NetworkPolicy').spec.ingress;
    expect(ports).toEqual([
      { port: 9090, protocol: 'TCP' },
      { port: 9091, protocol: 'TCP' },
    ]);
  });

  it('the own namespace gets a Role too with namespacedRoles, and nothing is given for the whole cluster', async () => {
    const objects = await renderChart({
      values: { additionalNamespaces: ['a', 'kube-system'], rbac: { clusterRole: false, namespacedRoles: true } },
    });
    const roles = objectsOf(objects, 'Role').filter(({ metadata }) => metadata.name === 'secrets-unsealer');
    expect(roles.map(({ metadata }) => metadata.namespace).sort()).toEqual(['a', 'kube-system']);
    const bindings = objectsOf(objects, 'RoleBinding').filter(({ roleRef }) => roleRef.name === 'secrets-unsealer');
    expect(bindings.map(({ metadata }) => metadata.namespace).sort()).toEqual(['a', 'kube-system']);
    expect(objectsOf(objects, 'ClusterRole')).toEqual([]);
    expect(objectsOf(objects, 'ClusterRoleBinding')).toEqual([]);
  });

  it('namespacedRoles without additional namespaces watches the own namespace only', async () => {
    const objects = await renderChart({ values: { rbac: { clusterRole: false, namespacedRoles: true } } });
    expect(container(objects).args).toContain('--all-namespaces=false');
  });

  it('no cluster role binding is rendered with clusterRole: false', async () => {
    const objects = await renderChart({ values: { rbac: { clusterRole: false } } });
    expect(objectsOf(objects, 'ClusterRoleBinding')).toEqual([]);
  });

  it('readiness is asked at /readyz, liveness at /healthz', async () => {
    const { livenessProbe, readinessProbe } = container(await renderChart());
    expect(readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http' });
    expect(livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http' });
  });

  it('the PrometheusRule renders recording rules and all fields of a group', async () => {
    const groups = [
      { name: 'mine', interval: '1m', limit: 5, rules: [{ record: 'a:b', expr: 'sum(up)', labels: { x: 'y' } }] },
    ];
    const objects = await renderChart({
      values: { metrics: { prometheusRule: { enabled: true, groups, waxwingAlerts: false } } },
    });
    expect(theObject(objects, 'PrometheusRule').spec.groups).toEqual(groups);
  });

  it('alerts do not depend on the series that metrics.omitSecretLabels leaves out', async () => {
    const objects = await renderChart({ values: { metrics: { prometheusRule: { enabled: true, groups: [] } } } });
    const rules = theObject(objects, 'PrometheusRule').spec.groups.flatMap((group: Json) => group.rules);
    expect(rules.length).toBeGreaterThan(0);
    for (const { expr } of rules) expect(expr).not.toContain('condition_info');
  });

  it('the PodMonitor scrapes the port that serves metrics', async () => {
    const objects = await renderChart({
      values: { metrics: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    });
    expect(theObject(objects, 'PodMonitor').spec.podMetricsEndpoints[0].port).toBe('metrics');
    expect(theObject(objects, 'ServiceMonitor').spec.endpoints[0].port).toBe('metrics');
    const metrics = container(objects).ports.find(({ name }: Json) => name === 'metrics');
    expect(container(objects).args).toContain(`:${metrics.containerPort}`);
  });

  it('the chart renders the same twice, so that GitOps tools see no change', async () => {
    const values = { metrics: { dashboards: { create: true }, prometheusRule: { enabled: true } } };
    expect((await templateChart({ values })).stdout).toBe((await templateChart({ values })).stdout);
  });
});
