import { SealedSecretsError } from '@waxwing/shared';
import { Command, CommanderError, type Option } from 'commander';
import type { CommandContext } from './command-context.ts';
import { addCertificateCommand } from './commands/certificate.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addKeysCommand } from './commands/keys/index.ts';
import { addLintCommand } from './commands/lint.ts';
import { addMergeCommand } from './commands/merge.ts';
import { addRawCommand } from './commands/raw.ts';
import { addReencryptCommand } from './commands/reencrypt.ts';
import { addSealCommand } from './commands/seal.ts';
import { addTemplateCommand } from './commands/template.ts';
import { addUnsealCommand } from './commands/unseal.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { errorDocument, exitStatus, hintOf, statusOf } from './hints.ts';
import type { Io } from './io.ts';
import type { GlobalOptions } from './options.ts';
import { print, tell } from './output.ts';
import { createPaint } from './terminal.ts';
import { version } from './version.ts';

const commands: Readonly<Record<string, (program: Command, context: CommandContext) => void>> = {
  seal: addSealCommand,
  raw: addRawCommand,
  merge: addMergeCommand,
  cert: addCertificateCommand,
  verify: addVerifyCommand,
  reencrypt: addReencryptCommand,
  unseal: addUnsealCommand,
  lint: addLintCommand,
  template: addTemplateCommand,
  keys: addKeysCommand,
  doctor: addDoctorCommand,
  completion: addCompletionCommand,
};

/** What has to be known of the command line to run this one: the command that it begins with. Help, completions and mistakes need all of them. */
function commandsFor([name = '']: readonly string[]) {
  const add = Object.hasOwn(commands, name) && name !== 'completion' ? commands[name] : undefined;
  return add === undefined ? Object.values(commands) : [add];
}

/** The command line; `texts` receives what commander itself prints. */
function buildProgram(
  argv: readonly string[],
  io: Io,
  texts: { out: string; error: string },
  setStatus: (status: number) => void,
): Command {
  const program = new Command('waxwing');
  const global = () => program.opts<GlobalOptions>();
  const context: CommandContext = {
    io,
    global,
    note: async (text) => {
      if (!global().quiet) await tell(io, text);
    },
    print: (text) => print(io, text),
    printJson: (value) => print(io, `${JSON.stringify(value)}\n`),
    setStatus,
  };
  program
    .description('Keep Kubernetes Secrets in Git: seal them here, and only the cluster can open them.')
    .version(version, '-V, --version')
    .option('--json', 'results and errors as JSON, for programs')
    .option('--no-color', 'no colours, not even on a terminal')
    .option('-q, --quiet', 'nothing on standard error but errors')
    .configureOutput({
      writeOut: (text) => {
        texts.out += text;
      },
      writeErr: (text) => {
        texts.error += text;
      },
    })
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true, optionDescription: describeOption })
    .addHelpText('after', examples)
    .showHelpAfterError(false)
    .exitOverride();
  for (const add of commandsFor(argv)) add(program, context);
  return program;
}

const examples = `
Examples:
  waxwing cert --output cert.pem                                   fetch the certificate once; it is public
  waxwing seal secret.yaml --cert cert.pem --output sealed.yaml    seal without a cluster
  waxwing lint clusters/                                           check what is about to be committed
  waxwing help keys export                                         help on a command

Exit status: 0 done, 1 failed, 2 wrong usage, 3 the cluster did not answer or forbade it, 4 the answer is no.`;

/** The description with choices, default and environment variable, but without defaults that say nothing: no, and none. */
function describeOption({ description, argChoices, defaultValue, envVar }: Option): string {
  const notes = [
    ...(argChoices === undefined ? [] : [argChoices.join(', ')]),
    ...(typeof defaultValue === 'string' ? [`default: ${defaultValue}`] : []),
    ...(envVar === undefined ? [] : [`env: ${envVar}`]),
  ];
  return notes.length === 0 ? description : `${description} (${notes.join('; ')})`;
}

/** Runs a command line, without the program's name, to its exit status. Never throws. */
export async function runWaxwing(argv: readonly string[], io: Io): Promise<number> {
  const texts = { out: '', error: '' };
  let status: number = exitStatus.success;
  const program = buildProgram(argv, io, texts, (value) => {
    status = value;
  });
  try {
    await program.parseAsync(withHelpOfSubcommand(argv), { from: 'user' });
    return status;
  } catch (error) {
    const failure = error instanceof CommanderError ? await finishCommander(error, texts, argv, program, io) : error;
    if (failure === undefined) return statusOfCommander(error);
    await reportFailure(failure, { ...program.opts<GlobalOptions>(), ...globalsIn(argv) }, io);
    return statusOf(failure);
  }
}

function statusOfCommander(error: unknown): number {
  return error instanceof CommanderError && error.exitCode === 0 ? exitStatus.success : exitStatus.usage;
}

/** `help keys import` means what `keys import --help` means; commander only looks at the first word. */
function withHelpOfSubcommand(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' && argv.length > 2 ? [...argv.slice(1), '--help'] : argv;
}

/** The global options as written, for a command line that could not be parsed. */
function globalsIn(argv: readonly string[]): Partial<GlobalOptions> {
  return {
    ...(argv.includes('--json') ? { json: true } : {}),
    ...(argv.includes('--no-color') ? { color: false } : {}),
  };
}

/** Prints help and version, which are results; returns the failure, if that is what commander ended with. */
async function finishCommander(
  error: CommanderError,
  texts: { readonly out: string; readonly error: string },
  argv: readonly string[],
  program: Command,
  io: Io,
): Promise<unknown> {
  if (error.exitCode === 0) {
    try {
      await print(io, texts.out);
      return undefined;
    } catch (failure) {
      return failure;
    }
  }
  // Without a command commander shows the help as an error.
  if (texts.error.startsWith('Usage:') || texts.error === '') {
    await tell(io, texts.error.trimEnd() || texts.out.trimEnd());
    return undefined;
  }
  const [first = '', ...rest] = texts.error
    .trim()
    .replace(/^error: /, '')
    .split('\n');
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  const hint = suggestion === '' ? `See: ${commandIn(argv, program)} --help` : suggestion;
  return new SealedSecretsError('InvalidUsage', first.replace(/^command-argument value/, 'argument'), { hint });
}

/** The command that was meant, as typed: `waxwing keys export`. */
function commandIn(argv: readonly string[], program: Command): string {
  let command = program;
  let path = program.name();
  for (const word of argv) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) continue;
    command = child;
    path += ` ${word}`;
  }
  return path;
}

/** One line that says what is wrong, and one that says what to do; with `--json` one object on standard error. */
async function reportFailure(error: unknown, global: GlobalOptions, io: Io): Promise<void> {
  if (global.json) {
    await tell(io, JSON.stringify(errorDocument(error)));
    return;
  }
  const paint = createPaint(io.stderr, io.env, global.color);
  const message = error instanceof Error ? error.message : String(error);
  await tell(io, `${paint.red('error:')} ${message}`);
  const hint = hintOf(error);
  if (hint !== undefined) await tell(io, `${paint.dim('hint:')} ${hint}`);
}
