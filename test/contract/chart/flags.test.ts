import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../apiserver/client.ts';
import { canUse } from '../go-tools.ts';
import { objectsOf, parseObjects, renderChart, runProgram, theObject } from './helm.ts';
import { upstreamValuesFiles } from './upstream-values.ts';

const hasTools = canUse('helm');

const root = join(import.meta.dirname, '../../..');
const inCluster = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

function controller(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  return runProgram(join(root, 'bin/waxwing-controller'), args, { ...inCluster, ...environment });
}

/** Every value that becomes a flag, with something in it. */
const everyFlag = {
  updateStatus: false,
  skipRecreate: true,
  keyrenewperiod: '24h',
  keyttl: '8760h',
  keycutofftime: 'Thu, 01 Jan 2026 00:00:00 +0000',
  rateLimit: 10,
  rateLimitBurst: 20,
  keySize: 2048,
  keyOrderPriority: 'SecretCreationTimestamp',
  commonName: 'cluster a',
  additionalNamespaces: ['a', 'b'],
  labelSelector: 'team in (a, b)',
  privateKeyAnnotations: { 'example.com/y': '2' },
  privateKeyLabels: { z: '3' },
  logLevel: 'error',
  logFormat: 'json',
  maxRetries: 7,
  kubeClientQPS: 12.5,
  kubeClientBurst: 25,
  acceptDeprecatedV1Data: false,
  oldGcBehavior: true,
  watchForSecrets: true,
  allowServiceAccountTokens: true,
  leaderElection: { leaseName: 'own', leaseDuration: '30s', renewDeadline: '20s', retryPeriod: '3s' },
  backup: { recipients: [`age1${'q'.repeat(58)}`, 'ssh-ed25519 AAAA me@example'], fileDir: '/backup' },
  http: {
    readTimeout: '1m',
    writeTimeout: '1m30s',
    maxBodyBytes: 16777216,
    peerBudgetFactor: 5,
    maxCryptoRequests: 4,
    auth: 'token',
    authAudience: 'mine',
  },
  limits: { workers: 8, maxConcurrentRequests: 16, requestTimeout: '10s' },
  metrics: { omitSecretLabels: true, perObject: false },
};

const valuesFiles = new Map<string, object | string>([
  ...upstreamValuesFiles,
  ['every flag', everyFlag],
  ['only the own namespace', { allNamespaces: false }],
]);

const container = (objects: readonly Json[]): Json => theObject(objects, 'Deployment').spec.template.spec.containers[0];

function environmentOf({ env }: Json): Record<string, string> {
  return Object.fromEntries(
    env.flatMap(({ name, value }: Json) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

describe.skipIf(!hasTools)('flags of the chart', () => {
  it('are flags of the controller, on the command line and in the environment', async () => {
    const { stderr: help, status } = await controller(['--help']);
    expect(status).toBe(0);
    const known = new Set([...help.matchAll(/^ +(?:-h, )?--([a-z0-9-]+)/gm)].map(([, name]) => name));
    expect(known.size).toBeGreaterThan(40);
    const { args, env } = container(await renderChart({ values: everyFlag }));
    const rendered = [
      ...args.filter((argument: string) => argument.startsWith('--')).map((argument: string) => argument.slice(2)),
      ...env
        .map(({ name }: Json) => name)
        .filter((name: string) => name.startsWith('SEALED_SECRETS_'))
        .map((name: string) => name.replace('SEALED_SECRETS_', '').toLowerCase().replaceAll('_', '-')),
    ].map((flag: string) => flag.replace(/=.*/, ''));
    expect(rendered.length).toBeGreaterThan(30);
    expect(rendered.filter((flag: string) => !known.has(flag))).toEqual([]);
  });

  it.each([...valuesFiles])('have values that the controller accepts: %s', async (_, values) => {
    const spec = container(await renderChart({ values }));
    const { status, stdout, stderr } = await controller([...spec.args, '--version'], environmentOf(spec));
    expect(stderr.split('invalid configuration:')[1] ?? '').toBe('');
    expect(stdout).toMatch(/^controller version: /);
    expect(status).toBe(0);
  });

  it('would be refused with their names if they were wrong', async () => {
    const { status, stderr } = await controller(['--rate-limit', 'many', '--version'], {
      SEALED_SECRETS_LEASE_DURATION: 'long',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('--rate-limit');
    expect(stderr).toContain('SEALED_SECRETS_LEASE_DURATION');
  });
});

describe('arguments that the static manifest leaves out', () => {
  it('are the controller’s defaults', async () => {
    const { stderr: help } = await controller(['--help']);
    for (const line of [
      'update-status .*default true',
      'key-prefix .*default "sealed-secrets-key"',
      'log-info-stdout .*default true',
      'listen-addr .*default ":8080"',
      'listen-metrics-addr .*default ":8081"',
    ]) {
      expect(help).toMatch(new RegExp(`--${line}`));
    }
    const text = await readFile(join(root, 'deploy/controller.yaml'), 'utf8');
    const [deployment] = objectsOf(parseObjects(text), 'Deployment');
    const [{ env }] = deployment.spec.template.spec.containers;
    const { status } = await controller(['--version'], environmentOf({ env }));
    expect(status).toBe(0);
  });
});
