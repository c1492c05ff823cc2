import type { Controller } from './cluster.ts';
import { connectController } from './cluster-access.ts';
import type { Io } from './io.ts';
import { type ControllerOptions, clusterOptionsOf } from './options.ts';

/**
 * The controller that the options name.
 *
 * @throws SealedSecretsError why it cannot be found or reached.
 */
export async function connectTo(io: Io, options: ControllerOptions): Promise<Controller> {
  const service = { namespace: options.controllerNamespace, name: options.controllerName };
  return await connectController(io, clusterOptionsOf(options), service);
}
