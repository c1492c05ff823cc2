import { parseScope, type Scope, SealedSecretsError, scopeNeeds, sealValue } from '@waxwing/shared';
import type { Command } from 'commander';
import { describeCertificate, loadOneCertificate } from '../certificates.ts';
import type { CommandContext } from '../command-context.ts';
import { readAll, readFile } from '../input.ts';
import { openStandardInput } from '../input-files.ts';
import { configuredNamespace } from '../kubeconfig.ts';
import {
  addCertificateOptions,
  addScopeOption,
  type CertificateOptions,
  clusterOptionsOf,
  withCertificates,
} from '../options.ts';
import { deliver, prepareOutput } from '../output.ts';
import { askHidden } from '../prompt.ts';
import { createSpool } from '../spool.ts';
import { findSuspicions } from '../value-warnings.ts';

interface RawFlags extends CertificateOptions {
  readonly fromFile?: string;
  readonly name?: string;
  readonly scope?: string;
  readonly output?: string;
}

/** What the ciphertext is bound to; empty for what its scope leaves open. */
interface Place {
  readonly scope: Scope;
  readonly namespace: string;
  readonly name: string;
}

/** A Secret cannot hold more than 1 MiB. */
const valueLimitBytes = 8 * 1024 * 1024;

export function addRawCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('raw')
    .summary('seal one value')
    .description(
      'Seals one value and writes its ciphertext. The value comes from a file, from standard input, or is asked for without echo.',
    )
    .option('--from-file <file>', 'file whose bytes are the value')
    .option('-n, --namespace <namespace>', 'namespace of the Secret the value will be an item of')
    .option('--name <name>', 'name of that Secret')
    .option('-O, --output <file>', 'file to write');
  addCertificateOptions(addScopeOption(command)).addHelpText(
    'after',
    `
Examples:
  waxwing raw -n payments --name db-credentials --cert cert.pem                 asks for the value
  printf '%s' "$PASSWORD" | waxwing raw -n payments --name db-credentials --cert cert.pem
  waxwing raw --scope cluster-wide --from-file tls.key --cert cert.pem`,
  );
  command.action((flags: RawFlags) => runRawCommand(withCertificates(flags, context.io), context));
}

async function runRawCommand(flags: RawFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const target = prepareOutput(io, flags.output ?? '');
  const place = await placeOf(flags, context);
  const { certificate, source } = await loadOneCertificate(io, flags);
  const value = await readValue(flags, context);
  for (const suspicion of findSuspicions(value)) await context.note(`warning: the value ${suspicion}`);
  const ciphertext = sealValue(value, place, { publicKey: certificate.publicKey, randomBytes: io.randomBytes });
  if (context.global().json === true && flags.output === undefined) {
    await context.printJson({ ...place, keyId: certificate.keyId, ciphertext });
  } else {
    const spool = createSpool(io);
    // Without a newline, as programs take it; a person's prompt begins on a line of its own.
    const isShown = target.kind === 'stdout' && io.stdout.isTerminal;
    spool.append(isShown ? `${ciphertext}\n` : ciphertext);
    await deliver(io, target, spool);
  }
  await context.note(`sealed for ${describePlace(place)}, ${source}: ${describeCertificate(certificate)}`);
}

/** @throws SealedSecretsError `InvalidUsage` when the scope binds the value to something that is not said. */
async function placeOf(flags: RawFlags, { io }: CommandContext): Promise<Place> {
  const scope = parseScope(flags.scope ?? '');
  const needs = scopeNeeds(scope);
  const name = needs.name ? (flags.name ?? '') : '';
  if (needs.name && name === '') {
    throw new SealedSecretsError(
      'InvalidUsage',
      `scope ${scope} binds the value to the name of its Secret: give --name`,
    );
  }
  const namespace = needs.namespace
    ? (flags.namespace ?? (await configuredNamespace(io, clusterOptionsOf(flags)).catch(() => '')))
    : '';
  if (needs.namespace && namespace === '') {
    throw new SealedSecretsError('InvalidUsage', `scope ${scope} binds the value to a namespace: give --namespace`);
  }
  return { scope, namespace, name };
}

async function readValue(flags: RawFlags, context: CommandContext): Promise<Uint8Array> {
  const { io } = context;
  if (flags.fromFile !== undefined) return await readFile(io, flags.fromFile, valueLimitBytes);
  if (io.stdin.isTerminal) return await askHidden(io, 'Value (not shown): ');
  return await readAll(await openStandardInput(context), valueLimitBytes);
}

function describePlace({ scope, namespace, name }: Place): string {
  const place = [namespace, name].filter((part) => part !== '').join('/');
  return place === '' ? scope : `${place} (${scope})`;
}
