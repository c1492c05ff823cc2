import type { Connection, Controller, ControllerService } from './cluster.ts';
import type { Io } from './io.ts';
import type { ClusterOptions } from './kubeconfig.ts';

/** Connects to the controller. The client library is loaded here and nowhere else: its import alone takes a quarter of a second. */
export async function connectController(
  io: Io,
  options: ClusterOptions,
  service: ControllerService,
): Promise<Controller> {
  const cluster = await import('./cluster.ts');
  return await cluster.connectController(io, options, service);
}

/** Connects to the API server itself. */
export async function connectApiServer(io: Io, options: ClusterOptions): Promise<Connection> {
  const cluster = await import('./cluster.ts');
  return await cluster.connect(io, options);
}
