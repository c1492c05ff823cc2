import { SealedSecretsError } from '@waxwing/shared';
import { Command, CommanderError } from 'commander';
import { addCertificateCommand } from './commands/certificate.ts';
import { addCompletionCommand } from './commands/completion.ts';
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
import { tell } from './output.ts';
import { createPaint } from './terminal.ts';
import { version } from './version.ts';

/** What a command is given besides its own options. */
export interface CommandContext {
  readonly io: Io;
  /** Options before the command, known when it runs. */
  readonly global: () => GlobalOptions;
  /** Tells people something on standard error; silent with `--quiet`. */
  readonly note: (text: string) => Promise<void>;
  /** The exit status of a command that worked, when it is not 0: the answer was no. */
  readonly setStatus: (status: number) => void;
}

/** The whole command line; `texts` receives what commander itself prints. */
function buildProgram(io: Io, texts: { out: string; error: string }, setStatus: (status: number) => void): Command {
  const program = new Command('waxwing');
  const global = () => program.opts<GlobalOptions>();
  const context: CommandContext = {
    io,
    global,
    note: async (text) => {
      if (!global().quiet) await tell(io, text);
    },
    setStatus,
  };
  program
    .description('Keep Kubernetes Secrets in Git: seal them here, and only the cluster can open them.')
    .version(version, '-V, --version')
    .option('--json', 'results and errors as JSON, for programs', false)
    .option('--no-color', 'no colours, not even on a terminal')
    .option('-q, --quiet', 'nothing on standard error but errors', false)
    .configureOutput({
      writeOut: (text) => {
        texts.out += text;
      },
      writeErr: (text) => {
        texts.error += text;
      },
    })
    .configureHelp({ sortSubcommands: false, showGlobalOptions: true })
    .showHelpAfterError(false)
    .exitOverride();
  for (const add of [
    addSealCommand,
    addRawCommand,
    addMergeCommand,
    addCertificateCommand,
    addVerifyCommand,
    addReencryptCommand,
    addUnsealCommand,
    addLintCommand,
    addTemplateCommand,
    addKeysCommand,
    addCompletionCommand,
  ]) {
    add(program, context);
  }
  return program;
}

/** Runs a command line, without the program's name, to its exit status. Never throws. */
export async function runWaxwing(argv: readonly string[], io: Io): Promise<number> {
  const texts = { out: '', error: '' };
  let status: number = exitStatus.success;
  const program = buildProgram(io, texts, (value) => {
    status = value;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return await finishCommander(error, texts, argv, io);
    await reportFailure(error, program.opts<GlobalOptions>(), io);
    return statusOf(error);
  }
}

/** Help and version are results; everything else commander ends with is a mistake in the command line. */
async function finishCommander(
  error: CommanderError,
  texts: { readonly out: string; readonly error: string },
  argv: readonly string[],
  io: Io,
): Promise<number> {
  if (error.exitCode === 0) {
    await io.stdout.write(Buffer.from(texts.out));
    return exitStatus.success;
  }
  // Without a command commander shows the help as an error.
  if (texts.error.startsWith('Usage:') || texts.error === '') {
    await tell(io, texts.error.trimEnd() || texts.out.trimEnd());
    return exitStatus.usage;
  }
  const message = texts.error.trim().replace(/^error: /, '');
  const [first = '', ...rest] = message.split('\n');
  const hint = rest.join(' ').trim() || 'See: waxwing --help';
  const usage = new SealedSecretsError('InvalidUsage', first, { hint });
  await reportFailure(usage, { json: argv.includes('--json'), color: !argv.includes('--no-color'), quiet: false }, io);
  return exitStatus.usage;
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
