import { SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import { connectTo } from '../controller-connection.ts';
import { parseOutputFormat } from '../format.ts';
import { openNamed } from '../input-files.ts';
import { runReencrypt } from '../modes/reencrypt.ts';
import { addControllerOptions, addFormatOption, type ControllerOptions } from '../options.ts';
import { prepareOutput } from '../output.ts';
import type { CommandContext } from '../program.ts';

interface ReencryptFlags extends ControllerOptions {
  readonly inPlace: boolean;
  readonly format?: string;
  readonly output?: string;
}

export function addReencryptCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('reencrypt')
    .summary('seal again under the newest key')
    .description(
      'Has the controller seal SealedSecrets again under its newest key. Only ciphertexts change. The values stay the same: re-encrypting is no remedy for a value that leaked.',
    )
    .argument('[files...]', 'files with SealedSecrets; - or nothing is standard input')
    .option('-i, --in-place', 'change the files themselves', false)
    .option('-O, --output <file>', 'file to write');
  addControllerOptions(addFormatOption(command)).addHelpText(
    'after',
    `
Examples:
  waxwing reencrypt --in-place clusters/prod/*.yaml
  waxwing reencrypt sealed.yaml --output renewed.yaml`,
  );
  command.action((files: string[], flags: ReencryptFlags) => runReencryptCommand(files, flags, context));
}

async function runReencryptCommand(
  files: readonly string[],
  flags: ReencryptFlags,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  assertUsage(files, flags);
  const controller = await connectTo(io, flags);
  for (const input of openNamed(io, files)) {
    const name = flags.inPlace ? input.name : (flags.output ?? '');
    const format = flags.format ?? (/\.json$/.test(name === '' ? input.name : name) ? 'json' : 'yaml');
    const options = {
      format: parseOutputFormat(format),
      isInPlace: flags.inPlace,
      nothingFound: `${input.name}: no SealedSecret found`,
      acceptUtf16: false,
    };
    await runReencrypt(input, prepareOutput(io, name), controller, options, io);
    if (flags.inPlace) await context.note(`${input.name}: sealed again`);
  }
}

/** @throws SealedSecretsError `InvalidUsage`. */
function assertUsage(files: readonly string[], flags: ReencryptFlags): void {
  if (flags.inPlace && (files.length === 0 || files.includes('-'))) {
    throw new SealedSecretsError('InvalidUsage', '--in-place needs files: standard input cannot be changed');
  }
  if (flags.inPlace && flags.output !== undefined) {
    throw new SealedSecretsError('InvalidUsage', '--in-place and --output contradict each other');
  }
  if (!flags.inPlace && files.length > 1) {
    throw new SealedSecretsError('InvalidUsage', 'several files need --in-place');
  }
}
