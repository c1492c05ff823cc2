import { parseScope } from '@waxwing/shared';
import type { Command } from 'commander';
import { describeCertificate, loadOneCertificate } from '../certificates.ts';
import type { CommandContext } from '../command-context.ts';
import { openNamed } from '../input-files.ts';
import { configuredNamespace } from '../kubeconfig.ts';
import { mergeAll } from '../modes/merge.ts';
import {
  addCertificateOptions,
  addScopeOption,
  type CertificateOptions,
  clusterOptionsOf,
  withCertificates,
} from '../options.ts';
import { findSuspiciousValues } from '../value-warnings.ts';

interface MergeFlags extends CertificateOptions {
  readonly into: string;
  readonly scope?: string;
  readonly allowPlaintextInMetadata: boolean;
}

export function addMergeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('merge')
    .summary('seal items into a SealedSecret that exists')
    .description(
      'Seals the items of the input and puts them into a file with a SealedSecret. Comments, order and every other byte of the file stay as they are; name, namespace and scope are those of the file.',
    )
    .argument('[files...]', 'files with Secrets; - or nothing is standard input')
    .requiredOption('--into <file>', 'file with the SealedSecret to change')
    .option('-n, --namespace <namespace>', 'namespace the file must have')
    .option('--allow-plaintext-in-metadata', 'merge although an annotation shows a value', false);
  addScopeOption(addCertificateOptions(command)).addHelpText(
    'after',
    `
Examples:
  kubectl create secret generic x --dry-run=client -o yaml --from-file=password.txt | waxwing merge --into sealed.yaml --cert cert.pem
  waxwing merge more-items.yaml --into sealed.yaml --cert cert.pem`,
  );
  command.action((files: string[], flags: MergeFlags) =>
    runMergeCommand(files, withCertificates(flags, context.io), context),
  );
}

async function runMergeCommand(files: readonly string[], flags: MergeFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const { certificate, source } = await loadOneCertificate(io, flags);
  await mergeAll(
    openNamed(context, files),
    {
      nothingFound: 'no secrets found',
      acceptUtf16: true,
      sealer: { publicKey: certificate.publicKey, randomBytes: io.randomBytes, keyId: certificate.keyId },
      plaintext: flags.allowPlaintextInMetadata ? 'allow' : 'refuse',
      name: '',
      namespace: flags.namespace ?? '',
      scope: parseScope(flags.scope ?? ''),
      defaultNamespace: () => configuredNamespace(io, clusterOptionsOf(flags)),
      allowEmptyData: false,
      inspect: async (secret) => {
        for (const warning of findSuspiciousValues(secret)) await context.note(`warning: ${warning}`);
      },
      file: flags.into,
      explicitScope: flags.scope === undefined ? undefined : parseScope(flags.scope),
      explicitFormat: undefined,
    },
    io,
  );
  if (context.global().json === true) {
    await context.printJson({ file: flags.into, source, keyId: certificate.keyId });
    return;
  }
  await context.note(`merged into ${flags.into}, ${source}: ${describeCertificate(certificate)}`);
}
