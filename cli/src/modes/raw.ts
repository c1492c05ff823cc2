import { type Scope, SealedSecretsError, type Sealer, scopeNeeds, sealValue } from '@waxwing/shared';
import { type Input, readAll } from '../input.ts';
import type { Io } from '../io.ts';
import { deliver, type OutputTarget } from '../output.ts';
import { createSpool } from '../spool.ts';

export interface RawOptions {
  readonly scope: Scope;
  /** The name of the Secret the value will be an item of; empty for none. */
  readonly name: string;
  /** Asked only when the scope binds the value to a namespace. */
  readonly namespace: () => Promise<string>;
  readonly sealer: Sealer;
}

/** A Secret cannot hold more than 1 MiB; upstream's controller would take more, but no API server. */
const valueLimitBytes = 8 * 1024 * 1024;

/**
 * Seals one value, byte for byte, and writes its ciphertext alone, without a newline.
 *
 * @param openValue called after the place is known, so that its mistakes are told first
 * @throws SealedSecretsError
 */
export async function runRaw(openValue: () => Input, target: OutputTarget, options: RawOptions, io: Io): Promise<void> {
  const needs = scopeNeeds(options.scope);
  const namespace = needs.namespace ? await options.namespace() : '';
  if (needs.namespace && namespace === '') throw missing('namespace', options.scope);
  if (needs.name && options.name === '') throw missing('name', options.scope);
  const value = await readAll(openValue(), valueLimitBytes);
  const spool = createSpool(io);
  spool.append(sealValue(value, { scope: options.scope, namespace, name: options.name }, options.sealer));
  await deliver(io, target, spool);
}

function missing(flag: string, scope: Scope): SealedSecretsError {
  return new SealedSecretsError('InvalidUsage', `must provide the --${flag} flag with --raw and --scope ${scope}`);
}
