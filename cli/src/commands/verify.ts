import {
  assertDecryptable,
  formatJsonCompact,
  isSealedSecretsError,
  type SealedSecret,
  SealedSecretsError,
  sealedSecretDocument,
} from '@waxwing/shared';
import type { Command } from 'commander';
import { connectTo } from '../controller-connection.ts';
import { readInput, sealedSecretIn } from '../documents.ts';
import { exitStatus } from '../hints.ts';
import { openNamed } from '../input-files.ts';
import { addControllerOptions, type ControllerOptions } from '../options.ts';
import { readPrivateKeys } from '../private-keys.ts';
import type { CommandContext } from '../program.ts';

interface VerifyFlags extends ControllerOptions {
  readonly privateKey: readonly string[];
}

/** What came of one object. */
interface Verdict {
  readonly file: string;
  readonly namespace: string;
  readonly name: string;
  readonly opens: boolean;
  /** Why not; only offline, because the controller tells nobody. */
  readonly reason?: string;
}

/** Says whether an object opens. */
type Judge = (sealedSecret: SealedSecret) => Promise<Pick<Verdict, 'opens' | 'reason'>>;

export function addVerifyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .summary('say whether SealedSecrets open')
    .description(
      'Asks the controller, or tries private keys offline, whether every SealedSecret opens. Ends with 4 when one does not. Templates are not rendered.',
    )
    .argument('[files...]', 'files with SealedSecrets; - or nothing is standard input')
    .option(
      '--private-key <file>',
      'try this key offline instead of asking the cluster; repeatable',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    );
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing verify sealed.yaml
  waxwing verify clusters/prod/*.yaml --private-key backup.yaml --json`,
  );
  command.action((files: string[], flags: VerifyFlags) => runVerify(files, flags, context));
}

async function runVerify(files: readonly string[], flags: VerifyFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const judge =
    flags.privateKey.length > 0 ? await offlineJudge(flags.privateKey, context) : await controllerJudge(flags, context);
  const verdicts: Verdict[] = [];
  for (const input of openNamed(io, files)) {
    for await (const document of readInput(input, {
      nothingFound: `${input.name}: no SealedSecret found`,
      acceptUtf16: true,
    })) {
      const sealedSecret = sealedSecretIn(document);
      const { namespace, name } = sealedSecret.metadata;
      verdicts.push({ file: input.name, namespace, name, ...(await judge(sealedSecret)) });
    }
  }
  await report(verdicts, context);
  if (verdicts.some(({ opens }) => !opens)) context.setStatus(exitStatus.negative);
}

async function offlineJudge(files: readonly string[], { io }: CommandContext): Promise<Judge> {
  const keys = await readPrivateKeys(io, files);
  return async (sealedSecret) => {
    try {
      await assertDecryptable(sealedSecret, { keys, acceptV1: true });
      return { opens: true };
    } catch (error) {
      if (!isSealedSecretsError(error)) throw error;
      return { opens: false, reason: `${error.code}: ${error.message}` };
    }
  };
}

async function controllerJudge(flags: ControllerOptions, { io }: CommandContext): Promise<Judge> {
  const controller = await connectTo(io, flags);
  return async (sealedSecret) => {
    const { status, failure } = await controller.verify(formatJsonCompact(sealedSecretDocument(sealedSecret)));
    if (status === 200) return { opens: true };
    if (status === 409) return { opens: false };
    throw new SealedSecretsError('ControllerUnreachable', `cannot verify ${sealedSecret.metadata.name}: ${failure}`);
  };
}

async function report(verdicts: readonly Verdict[], context: CommandContext): Promise<void> {
  const { io } = context;
  if (context.global().json) {
    await io.stdout.write(Buffer.from(`${JSON.stringify({ objects: verdicts })}\n`));
    return;
  }
  for (const { file, namespace, name, opens, reason } of verdicts) {
    const text = opens ? 'opens' : `does not open${reason === undefined ? '' : `: ${reason}`}`;
    await io.stdout.write(Buffer.from(`${file}: ${namespace}/${name} ${text}\n`));
  }
}
