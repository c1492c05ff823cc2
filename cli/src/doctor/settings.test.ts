import { describe, expect, it } from 'vitest';
import { chooseDeployment, deploymentOf } from './deployment.ts';
import type { Finding } from './finding.ts';
import { judgeSettings } from './settings.ts';

/** A Deployment as the API server gives it: upstream's, but for what is given of its container and spec. */
function aDeployment(container: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) {
  return {
    metadata: { namespace: 'kube-system', name: 'sealed-secrets-controller' },
    spec: {
      replicas: 1,
      ...spec,
      template: {
        metadata: { labels: { name: 'sealed-secrets-controller' } },
        spec: {
          serviceAccountName: 'sealed-secrets-controller',
          containers: [{ name: 'sealed-secrets-controller', command: ['controller'], ...container }],
        },
      },
    },
  };
}

const judge = (container: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) =>
  judgeSettings(deploymentOf(aDeployment(container, spec)));
const told = (findings: readonly Finding[]) => findings.map(({ code, detail }) => `${code} ${detail}`.trim());

describe('the settings of a Deployment', () => {
  it('of upstream as it is shipped are taken as they are', () => {
    const { findings, config } = judge();
    expect(findings).toEqual([]);
    expect(config.namespace).toBe('kube-system');
  });

  it.each([
    ['a duration in days', { args: ['--key-renew-period=30d'] }, /^setting-invalid --key-renew-period: "30d" is not/],
    ['the same in a variable', { env: [{ name: 'SEALED_SECRETS_KEY_RENEW_PERIOD', value: '30d' }] }, /"30d"/],
    ['behind the program', { command: ['controller', '--rate-limit=0'] }, /^setting-invalid --rate-limit: "0"/],
    ['by way of a variable', { env: [{ name: 'A', value: 'x' }], args: ['--key-size=$(A)'] }, /^setting-invalid .*"x"/],
    ['a flag that nobody knows', { args: ['--shiny'] }, /^setting-invalid --shiny: there is no such flag/],
    ['a flag that prints something', { args: ['--version'] }, /^setting-invalid --version: it prints that and ends/],
    [
      'another program',
      { command: ['/bin/sh', '-c', 'controller'] },
      /^command \/bin\/sh; its flags were not looked at/,
    ],
    ['a limit of memory', { resources: { limits: { memory: '128Mi' } } }, /^memory-limit memory limit 128Mi/],
    ['readiness', { readinessProbe: { httpGet: { path: '/healthz', port: 'http' } } }, /^readiness$/],
    ['retries', { args: ['--max-unseal-retries', '3'] }, /^setting-ignored --max-unseal-retries: failures are retried/],
    [
      'watching',
      { env: [{ name: 'SEALED_SECRETS_WATCH_FOR_SECRETS', value: 'true' }] },
      /^setting-ignored --watch-for/,
    ],
    ['a rate that means none', { args: ['--kubeclient-qps=-1'] }, /^setting-ignored --kubeclient-qps/],
    ['a rate', { args: ['--kubeclient-qps=5', '--kubeclient-burst=9'] }, /^setting-changed --kubeclient-qps=5/],
    ['old deletion', { args: ['--old-gc-behavior'] }, /^setting-changed --old-gc-behavior: deletes only/],
    ['no recreation', { args: ['--skip-recreate'] }, /^setting-changed --skip-recreate: also leaves/],
    ['an old name', { args: ['--rotate-period=1h'] }, /^setting-changed --rotate-period is deprecated/],
    ['an order that is not known', { args: ['--key-order-priority=Age'] }, /^setting-changed --key-order-priority/],
    ['a word too much', { args: ['true'] }, /^setting-changed argument "true" means nothing/],
    [
      'the runtime of Go',
      { env: [{ name: 'GOMEMLIMIT', valueFrom: { resourceFieldRef: {} } }] },
      /^setting-ignored GOM/,
    ],
    [
      'a variable from a ConfigMap',
      { env: [{ name: 'SEALED_SECRETS_KEY_TTL', valueFrom: { configMapKeyRef: { name: 'c', key: 'k' } } }] },
      /^setting-unread SEALED_SECRETS_KEY_TTL, from ConfigMap c/,
    ],
    ['all of a Secret', { envFrom: [{ secretRef: { name: 's' } }] }, /^setting-unread all variables of Secret s/],
  ])('%s is told', (_, container, expected) => {
    const { findings } = judge(container);
    expect(told(findings)).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    ['enough memory', { resources: { limits: { memory: '320Mi' } } }],
    ['memory in another unit', { resources: { limits: { memory: '1G' } } }],
    ['the program with its path', { command: ['/usr/local/bin/controller'] }],
    ['what the image starts', { command: [] }],
    ['another variable from a Secret', { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] }],
    ['readiness as ours has it', { readinessProbe: { httpGet: { path: '/readyz' } } }],
  ])('%s is nothing to tell', (_, container) => {
    expect(judge(container).findings).toEqual([]);
  });

  it('several replicas need a leader', () => {
    expect(told(judge({}, { replicas: 2 }).findings)).toEqual(['replicas 2 replicas']);
    expect(judge({ args: ['--leader-elect'] }, { replicas: 2 }).findings).toEqual([]);
  });

  it('that are wrong leave the others as they are', () => {
    const { config, findings } = judge({
      args: ['--key-ttl=1d', '--additional-namespaces=a, b', '--kubeclient-qps=7'],
    });
    expect(config.reconcile.additionalNamespaces).toEqual(['a', 'b']);
    expect(told(findings)).toHaveLength(2);
  });

  it('come from the container of the controller, whatever stands beside it', () => {
    const deployment = aDeployment();
    const { spec } = deployment.spec.template;
    spec.containers = [
      { name: 'proxy', command: ['proxy'] },
      { name: 'main', command: ['controller', '--shiny'] },
    ];
    expect(told(judgeSettings(deploymentOf(deployment)).findings)[0]).toContain('--shiny');
  });
});

describe('the Deployment', () => {
  const named = (name: string, labels: Record<string, string>) => ({
    metadata: { name },
    spec: { template: { metadata: { labels } } },
  });
  const [one, two] = [named('one', { app: 'x', tier: 'a' }), named('two', { app: 'y' })];

  it('is the one that the Service leads to', () => {
    expect(chooseDeployment([two, one], new Map([['app', 'x']]), 'two')).toBe(one);
  });

  it('or else the one of that name', () => {
    expect(chooseDeployment([one, two], new Map(), 'two')).toBe(two);
    expect(chooseDeployment([one, two], new Map([['app', 'z']]), 'two')).toBe(two);
    expect(chooseDeployment([one, two], new Map(), 'three')).toBeUndefined();
  });
});
