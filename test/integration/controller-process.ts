import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePorts } from '../apiserver/free-ports.ts';
import { waitFor } from '../apiserver/wait-for.ts';

const root = join(import.meta.dirname, '..', '..');

/** The controller that people run, as a process of its own. */
export interface ControllerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string;
  /** Everything it has written so far, standard output and error in order of arrival. */
  logs(): string;
  /** GET or POST on the API port. */
  request(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly status: number; readonly body: string; readonly headers: Headers }>;
  /** The sum of a metric over the series whose labels contain all of `labels`; 0 where there is none. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
  /** The metrics page. */
  metrics(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with exit status or signal. */
  exited(): Promise<number | NodeJS.Signals>;
  /** SIGTERM, and SIGKILL if that does not help within 10 s. Resolves with exit status or signal. */
  stop(): Promise<number | NodeJS.Signals>;
}

export interface ControllerOptions {
  readonly kubeconfig: string;
  /** Namespace of the keys; `kube-system` if left out. */
  readonly namespace?: string;
  readonly podName?: string;
  /** Further flags; they win over those of `testFlags`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Wait for `/readyz` before resolving. Default true. */
  readonly waitUntilReady?: boolean;
}

/** Small keys and short intervals: what is tested does not depend on either. */
const testFlags: readonly string[] = [
  '--key-size=2048',
  '--key-poll-interval=300ms',
  '--namespace-poll-interval=300ms',
  '--retry-max-delay=1s',
  '--watch-reconnect-max-delay=500ms',
  '--rate-limit=1000',
  '--rate-limit-burst=1000',
];

/** Starts a controller on free ports. Throws, with its last words, if it ends before it is ready. */
export async function startController(options: ControllerOptions): Promise<ControllerProcess> {
  const [port, metricsPort] = await freePorts(2);
  const args = [
    `--kubeconfig=${options.kubeconfig}`,
    `--listen-addr=127.0.0.1:${port}`,
    `--listen-metrics-addr=127.0.0.1:${metricsPort}`,
    ...testFlags,
    ...(options.flags ?? []),
  ];
  const child = spawn(join(root, 'bin/waxwing-controller'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      POD_NAMESPACE: options.namespace ?? 'kube-system',
      POD_NAME: options.podName ?? 'controller-0',
      ...options.env,
    },
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  const url = `http://127.0.0.1:${port}`;
  const metricsUrl = `http://127.0.0.1:${metricsPort}`;

  async function request(path: string, init?: RequestInit) {
    const response = await fetch(`${url}${path}`, init);
    return { status: response.status, body: await response.text(), headers: response.headers };
  }
  async function metrics(): Promise<string> {
    return (await fetch(`${metricsUrl}/metrics`)).text();
  }
  async function stop() {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    const status = await ended;
    clearTimeout(killer);
    return status;
  }

  const controller: ControllerProcess = {
    child,
    url,
    metricsUrl,
    logs: () => output,
    request,
    metrics,
    async metric(name, labels = {}) {
      const lines = (await metrics())
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const fits = (line: string) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`));
      return lines.filter(fits).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
    },
    kill: (signal) => child.kill(signal),
    exited: () => ended,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
  if (options.waitUntilReady !== false) await waitUntilReady(controller);
  return controller;
}

async function waitUntilReady(controller: ControllerProcess): Promise<void> {
  const { child } = controller;
  const isReady = async () => {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`The controller ended with ${child.exitCode ?? child.signalCode}:\n${controller.logs()}`);
    }
    // Whoever holds the port would answer in its place.
    if (controller.logs().includes('HTTP server cannot listen'))
      throw new Error('The port of the controller was taken by another process.');
    return (await controller.request('/readyz').catch(() => undefined))?.status === 200;
  };
  try {
    await waitFor(isReady, { timeoutMs: 30_000, what: 'the controller to be ready' });
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${(error as Error).message}\n${controller.logs()}`);
  }
  if (controller.logs().includes('the bundle is older than its sources')) {
    child.kill('SIGKILL');
    throw new Error('What is tested is not what the sources say. Build first: npm run build');
  }
}
