import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { parseOutputFormat } from '../format.ts';
import { openNamed } from '../input-files.ts';
import { lazyRenderer } from '../lazy-renderer.ts';
import { runRecover } from '../modes/recover.ts';
import { addFormatOption } from '../options.ts';
import { prepareOutput } from '../output.ts';

interface UnsealFlags {
  readonly privateKey: readonly string[];
  readonly format?: string;
  readonly output?: string;
}

export function addUnsealCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('unseal')
    .summary('open a SealedSecret offline with private keys')
    .description('Opens one SealedSecret without the cluster, for recovery. The result holds the values in clear.')
    .argument('[file]', 'file with a SealedSecret; - or nothing is standard input')
    .requiredOption(
      '--private-key <file>',
      'PEM key, or a file with key Secrets (YAML or JSON); repeatable',
      (value: string, all: readonly string[] = []) => [...all, value],
    )
    .option('-O, --output <file>', 'file to write, readable by you alone');
  addFormatOption(command).addHelpText(
    'after',
    `
Examples:
  kubectl -n kube-system get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > keys.yaml
  waxwing unseal sealed.yaml --private-key keys.yaml --output secret.yaml`,
  );
  command.action((file: string | undefined, flags: UnsealFlags) => runUnseal(file, flags, context));
}

async function runUnseal(file: string | undefined, flags: UnsealFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const target = prepareOutput(io, flags.output ?? '');
  const format = flags.format ?? (/\.json$/.test(flags.output ?? file ?? '') ? 'json' : 'yaml');
  const options = { keyFiles: flags.privateKey, format: parseOutputFormat(format), render: lazyRenderer(io) };
  for await (const input of openNamed(context, file === undefined ? [] : [file])) {
    await runRecover(input, target, options, io);
  }
}
