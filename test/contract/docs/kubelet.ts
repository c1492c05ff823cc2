import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../../apiserver/client.ts';
import { freePorts } from '../../apiserver/free-ports.ts';
import { type ApiServer, startApiServer } from '../../apiserver/harness.ts';
import { waitFor } from '../../apiserver/wait-for.ts';
import { root } from './markdown.ts';

const namespace = 'kube-system';
const name = 'sealed-secrets-controller';
const core = `/api/v1/namespaces/${namespace}`;
const deploymentPath = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

/** An embedded API server with what a node would do for the controller: run it as its Deployment says, and lead its Service to it. */
export interface PageCluster {
  readonly server: ApiServer;
  /** Holds the process id of the controller that runs. */
  readonly pidFile: string;
  readonly logFile: string;
  stop(): Promise<void>;
}

interface RunningController {
  /** What it was started with: another one means a new process. */
  readonly container: string;
  readonly child: ChildProcess;
  readonly url: string;
}

/**
 * Starts the cluster without a controller. As soon as somebody creates the Deployment `sealed-secrets-controller` in `kube-system`, the
 * program of `bin/` runs with its arguments, environment and service account, so that what is installed has to be enough.
 */
export async function startPageCluster(folder: string, label: string): Promise<PageCluster> {
  const server = await startApiServer({ kind: 'embedded' });
  const stopping = new AbortController();
  const pidFile = join(folder, `${label}.pid`);
  const logFile = join(folder, `${label}.log`);
  const loop = playKubelet(server, { pidFile, logFile, signal: stopping.signal });
  // Awaited in stop; a failure must not end the process before.
  loop.catch(() => {});
  return {
    server,
    pidFile,
    logFile,
    async stop() {
      stopping.abort();
      try {
        await loop;
      } finally {
        await server.stop();
      }
    },
  };
}

interface KubeletOptions {
  readonly pidFile: string;
  readonly logFile: string;
  readonly signal: AbortSignal;
}

async function playKubelet(server: ApiServer, options: KubeletOptions): Promise<void> {
  let running: RunningController | undefined;
  const kill = async () => {
    const child = running?.child;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    // As a kubelet does it; the Lease is given back.
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(killer);
  };
  try {
    while (!options.signal.aborted) {
      const { status, body: deployment } = await server.request('GET', deploymentPath);
      const container = status === 200 ? deployment.spec.template.spec.containers[0] : undefined;
      if (running !== undefined && running.container !== JSON.stringify(container)) await kill();
      if (container !== undefined && running === undefined) running = await run(server, deployment, options);
      if (running !== undefined) await reportReady(server, deployment);
      await delay(100, undefined, { signal: options.signal }).catch(() => {});
    }
  } finally {
    await kill();
  }
}

async function run(server: ApiServer, deployment: Json, options: KubeletOptions): Promise<RunningController> {
  const { serviceAccountName, containers } = deployment.spec.template.spec;
  const [container] = containers;
  const kubeconfig = await server.kubeconfigFor({ user: `system:serviceaccount:${namespace}:${serviceAccountName}` });
  const [port, metricsPort] = await freePorts(2);
  const log = openSync(options.logFile, 'a');
  const args = [
    ...(container.args ?? []),
    `--kubeconfig=${kubeconfig}`,
    `--listen-addr=127.0.0.1:${port}`,
    `--listen-metrics-addr=127.0.0.1:${metricsPort}`,
    // Nothing that a page shows depends on the size; larger keys take seconds to make.
    '--key-size=2048',
  ];
  const child = spawn(join(root, 'bin/waxwing-controller'), args, {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], ...environmentOf(container) },
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  await writeFile(options.pidFile, String(child.pid));
  const ready = async () => {
    if (options.signal.aborted || child.exitCode !== null) return true;
    return await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await waitFor(ready, { timeoutMs: 60_000, what: 'the controller of the Deployment to be ready' });
  await leadServiceTo(server, port);
  return { container: JSON.stringify(container), child, url };
}

/** Fields that a node fills in; values from Secrets and ConfigMaps do not occur. */
function environmentOf(container: Json): Record<string, string> {
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': `${name}-0`,
    'metadata.namespace': namespace,
  };
  const entries = (container.env ?? []).map((entry: Json) => [
    entry.name,
    entry.value ?? fields[entry.valueFrom?.fieldRef?.fieldPath] ?? '',
  ]);
  return Object.fromEntries(entries);
}

/** What the endpoint controller writes, with an address of this machine. */
async function leadServiceTo(server: ApiServer, port: number): Promise<void> {
  const { status, body: service } = await server.request('GET', `${core}/services/${name}`);
  if (status !== 200) return;
  const portName = service.spec.ports[0].name;
  const ports = [{ ...(portName === undefined ? {} : { name: portName }), port }];
  const endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name },
    subsets: [{ addresses: [{ ip: '127.0.0.1' }], ports }],
  };
  await server.request('DELETE', `${core}/endpoints/${name}`);
  await server.request('POST', `${core}/endpoints`, endpoints);
}

/** What the Deployment controller writes once all replicas are there. */
async function reportReady(server: ApiServer, deployment: Json): Promise<void> {
  const { replicas = 1 } = deployment.spec;
  if (deployment.status?.observedGeneration === deployment.metadata.generation) return;
  const status = {
    observedGeneration: deployment.metadata.generation,
    replicas,
    updatedReplicas: replicas,
    readyReplicas: replicas,
    availableReplicas: replicas,
  };
  await server.request(
    'PATCH',
    `${deploymentPath}/status`,
    { status },
    { 'content-type': 'application/merge-patch+json' },
  );
}
