import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type ApiClient, connect } from '../../test/apiserver/client.ts';
import { applyCrd } from '../../test/apiserver/crd.ts';
import type { ApiServerKind } from '../../test/apiserver/harness.ts';
import { type ControllerProcess, startController, terminate } from '../programs.ts';
import type { Narrator } from './narrator.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** A cluster on this machine: an API server and our controller, each a process of its own. */
export interface World {
  readonly server: { readonly kubeconfig: string; readonly client: ApiClient };
  readonly controllerUrl: string;
  readonly controllerLogFile: string;
  /** Asks the controller process for a new key, as `kill -USR1` does. */
  renewKey(): void;
  /** Runs a program of `bin/` in the folder of this run; throws with what it said on standard error if it fails. */
  runProgram(name: 'waxwing' | 'kubeseal', args: readonly string[]): Promise<{ stdout: string; stderr: string }>;
  stop(): Promise<void>;
}

export interface WorldOptions {
  readonly folder: string;
  readonly kind: ApiServerKind;
  readonly narrator: Narrator;
}

export async function startWorld({ folder, kind, narrator }: WorldOptions): Promise<World> {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const stopOne of stops.reverse().splice(0)) await stopOne();
  };
  try {
    let kubeconfig = '';
    const name = kind === 'real' ? 'kube-apiserver, etcd and kube-controller-manager' : 'the embedded API server';
    await narrator.step(`Start ${name}`, async () => {
      const server = await (kind === 'real' ? startReal() : startEmbedded(folder));
      stops.push(server.stop);
      kubeconfig = server.kubeconfig;
      return [`serving on ${server.url}, the SealedSecret resource is installed`];
    });
    const client = await connect(kubeconfig);
    const controllerLogFile = join(folder, 'controller.log');
    let controller: ControllerProcess | undefined;
    await narrator.step('Start the controller', async () => {
      const started = await startController({ kubeconfig, logFile: controllerLogFile });
      stops.push(() => terminate(started.child));
      controller = started;
      // The real API server forwards to addresses of Pods only, never to this machine.
      if (kind === 'embedded') await exposeController(client, started.url);
      return ['it made a sealing key (RSA 4096) and keeps it as a Secret in kube-system'];
    });
    return {
      server: { kubeconfig, client },
      controllerUrl: controller?.url ?? '',
      controllerLogFile,
      renewKey: () => controller?.child.kill('SIGUSR1'),
      runProgram: (name, args) => runProgram(name, args, folder),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The Service by which `waxwing` and `kubeseal` find the controller through the API server, leading to the process on this machine. */
async function exposeController(client: ApiClient, url: string): Promise<void> {
  const core = '/api/v1/namespaces/kube-system';
  const metadata = { name: 'sealed-secrets-controller' };
  const { hostname, port } = new URL(url);
  const objects = {
    services: { metadata, spec: { ports: [{ port: 8080 }] } },
    endpoints: { metadata, subsets: [{ addresses: [{ ip: hostname }], ports: [{ port: Number(port) }] }] },
  };
  for (const [resource, object] of Object.entries(objects)) {
    const { status, body } = await client.request('POST', `${core}/${resource}`, object);
    if (status >= 300) throw new Error(`${resource}: ${status} ${body.message}`);
  }
}

interface RunningServer {
  readonly url: string;
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

async function startReal(): Promise<RunningServer> {
  const { startRealApiServer } = await import('../../test/apiserver/real/server.ts');
  return startRealApiServer();
}

async function startEmbedded(folder: string): Promise<RunningServer> {
  const main = join(root, 'test/apiserver/embedded/main.ts');
  const child = spawn(process.execPath, [main, '--data-dir', join(folder, 'apiserver')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the embedded API server did not start'))),
  ])) as [string];
  const { url, kubeconfig } = JSON.parse(line) as { url: string; kubeconfig: string };
  const server = { request: (await connect(kubeconfig)).request };
  await applyCrd(server);
  return { url, kubeconfig, stop: () => terminate(child) };
}

async function runProgram(
  name: string,
  args: readonly string[],
  folder: string,
): Promise<{ stdout: string; stderr: string }> {
  // No kubeconfig, no HOME: what is sealed offline needs nothing of the cluster but its certificate.
  return run(join(root, 'bin', name), args, { cwd: folder, env: { PATH: process.env['PATH'] } });
}
