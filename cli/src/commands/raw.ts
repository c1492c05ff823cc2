import { parseScope } from '@waxwing/shared';
import type { Command } from 'commander';
import { describeCertificate, loadOneCertificate } from '../certificates.ts';
import { type Input, openInput, standardInput } from '../input.ts';
import { configuredNamespace } from '../kubeconfig.ts';
import { runRaw } from '../modes/raw.ts';
import { addCertificateOptions, addScopeOption, type CertificateOptions, clusterOptionsOf } from '../options.ts';
import { prepareOutput } from '../output.ts';
import type { CommandContext } from '../program.ts';
import { promptForValue } from '../prompt.ts';

interface RawFlags extends CertificateOptions {
  readonly fromFile?: string;
  readonly name?: string;
  readonly scope?: string;
  readonly output?: string;
}

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
  addScopeOption(addCertificateOptions(command)).addHelpText(
    'after',
    `
Examples:
  waxwing raw -n payments --name db-credentials --cert cert.pem                 asks for the value
  printf '%s' "$PASSWORD" | waxwing raw -n payments --name db-credentials --cert cert.pem
  waxwing raw --scope cluster-wide --from-file tls.key --cert cert.pem`,
  );
  command.action((flags: RawFlags) => runRawCommand({ ...flags, cert: flags.cert ?? [] }, context));
}

async function runRawCommand(flags: RawFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const target = prepareOutput(io, flags.output ?? '');
  const { certificate, source } = await loadOneCertificate(io, flags);
  const openValue = (): Input => {
    if (flags.fromFile !== undefined) return openInput(io, flags.fromFile);
    return io.stdin.isTerminal
      ? { name: 'terminal', chunks: () => promptForValue(io), close: () => {} }
      : standardInput(io);
  };
  await runRaw(
    openValue,
    target,
    {
      scope: parseScope(flags.scope ?? ''),
      name: flags.name ?? '',
      namespace: async () => flags.namespace ?? (await configuredNamespace(io, clusterOptionsOf(flags))),
      sealer: { publicKey: certificate.publicKey, randomBytes: io.randomBytes },
    },
    io,
  );
  await context.note(`sealed for ${flags.scope ?? 'strict'}, ${source}: ${describeCertificate(certificate)}`);
}
