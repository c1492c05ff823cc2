import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../test/apiserver/free-ports.ts';
import { waitFor } from '../test/apiserver/wait-for.ts';

const root = join(import.meta.dirname, '..');

/** The controller as a process of its own, started as people start it. */
export interface ControllerProcess {
  readonly child: ChildProcess;
  /** Base URLs without a slash at the end. */
  readonly url: string;
  readonly metricsUrl: string;
}

export interface ControllerOptions {
  readonly kubeconfig: string;
  readonly logFile: string;
  /** Further flags, such as `--key-renew-period=0`. */
  readonly flags?: readonly string[];
  /** Further environment, such as `NODE_OPTIONS` to look into the process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts `bin/waxwing-controller`, or the bundle that WAXWING_CONTROLLER_PROGRAM names, on free ports and waits until `/readyz` says so.
 * Throws if it ends before.
 */
export async function startController(options: ControllerOptions): Promise<ControllerProcess> {
  const log = openSync(options.logFile, 'a');
  const [port, metricsPort] = await freePorts(2);
  const args = [
    `--kubeconfig=${options.kubeconfig}`,
    `--listen-addr=127.0.0.1:${port}`,
    `--listen-metrics-addr=127.0.0.1:${metricsPort}`,
    ...(options.flags ?? []),
  ];
  const bundle = process.env['WAXWING_CONTROLLER_PROGRAM'];
  const [command, first] =
    bundle === undefined
      ? [join(root, 'bin/waxwing-controller'), []]
      : [process.execPath, ['--max-semi-space-size=16', bundle]];
  const child = spawn(command, [...first, ...args], {
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'], POD_NAMESPACE: 'kube-system', ...options.env },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await waitFor(() => isReady(child, url), { timeoutMs: 60_000, what: 'the controller to be ready' });
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { child, url, metricsUrl: `http://127.0.0.1:${metricsPort}` };
}

async function isReady(child: ChildProcess, url: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`the controller ended with ${child.exitCode}`);
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
}

/** Ends a program politely, after five seconds not. */
export async function terminate(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(killer);
}
