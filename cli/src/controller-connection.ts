import type { Controller } from './cluster.ts';
import type { Io } from './io.ts';
import { clusterOptionsOf, type ControllerOptions } from './options.ts';

/**
 * The controller that the options name. The cluster client is loaded here and nowhere else: commands that need no cluster never pay for it.
 *
 * @throws SealedSecretsError why it cannot be found or reached.
 */
export async function connectTo(io: Io, options: ControllerOptions): Promise<Controller> {
  const { connectController } = await import('./cluster.ts');
  const service = { namespace: options.controllerNamespace, name: options.controllerName };
  return await connectController(io, clusterOptionsOf(options), service);
}
