import {
  assertDecryptable,
  formatJsonCompact,
  isSealedSecretsError,
  type SealedSecret,
  SealedSecretsError,
  sealedSecretDocument,
  valueAt,
} from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { connectTo } from '../controller-connection.ts';
import { readInput, sealedSecretIn } from '../documents.ts';
import { exitStatus } from '../hints.ts';
import type { Input } from '../input.ts';
import { openManifests } from '../input-files.ts';
import { mentionsSealedSecret } from '../keys/repository.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../options.ts';
import { resolvePath } from '../paths.ts';
import { readPrivateKeys } from '../private-keys.ts';

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
    .argument('[files...]', 'files with SealedSecrets, or folders with manifests; - or nothing is standard input')
    .addOption(repeatable('--private-key <file>', 'try this key offline instead of asking the cluster'));
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing verify sealed.yaml
  waxwing verify clusters/prod --private-key keys.yaml --json    in a pipeline, without the cluster`,
  );
  command.action((files: string[], flags: VerifyFlags) => runVerify(files, flags, context));
}

async function runVerify(files: readonly string[], flags: VerifyFlags, context: CommandContext): Promise<void> {
  const judge =
    flags.privateKey.length > 0 ? await offlineJudge(flags.privateKey, context) : await controllerJudge(flags, context);
  const verdicts: Verdict[] = [];
  // Of a folder, files of other kinds may be anything, templates of charts among them.
  const holdsSealedSecret = (file: string) =>
    mentionsSealedSecret(context.io.files.readFileSync(resolvePath(context.io, file)));
  for await (const input of openManifests(context, files, holdsSealedSecret)) {
    for await (const sealedSecret of sealedSecretsIn(input)) {
      const { namespace, name } = sealedSecret.metadata;
      verdicts.push({ file: input.name, namespace, name, ...(await judge(sealedSecret)) });
    }
  }
  if (verdicts.length === 0) {
    throw new SealedSecretsError(
      'EmptyInput',
      `no SealedSecret found in ${files.length === 0 ? 'stdin' : files.join(', ')}`,
    );
  }
  await report(verdicts, context);
  if (verdicts.some(({ opens }) => !opens)) context.setStatus(exitStatus.negative);
}

/** Objects of other kinds are passed over: manifests often hold both. */
async function* sealedSecretsIn(input: Input): AsyncGenerator<SealedSecret> {
  try {
    for await (const document of readInput(input, {
      nothingFound: `${input.name}: nothing found`,
      acceptUtf16: true,
    })) {
      const kind = valueAt(document.value, ['kind']);
      if (kind === undefined || kind === 'SealedSecret') yield sealedSecretIn(document);
    }
  } catch (error) {
    if (!isSealedSecretsError(error, 'EmptyInput')) throw error;
  }
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
    const isForbidden = status === 401 || status === 403;
    throw new SealedSecretsError(
      isForbidden ? 'ApiForbidden' : 'ControllerUnreachable',
      `cannot verify ${sealedSecret.metadata.name}: ${failure}`,
      {
        hint: isForbidden
          ? `See what you may do: kubectl -n ${flags.controllerNamespace} auth can-i create services/http:${flags.controllerName}: --subresource=proxy`
          : `See how the controller is: kubectl -n ${flags.controllerNamespace} get pods`,
      },
    );
  };
}

async function report(verdicts: readonly Verdict[], context: CommandContext): Promise<void> {
  if (context.global().json) {
    await context.printJson({ objects: verdicts });
    return;
  }
  for (const { file, namespace, name, opens, reason } of verdicts) {
    const text = opens ? 'opens' : `does not open${reason === undefined ? '' : `: ${reason}`}`;
    await context.print(`${file}: ${namespace}/${name} ${text}\n`);
  }
}
