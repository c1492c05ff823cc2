import {
  type ErrorCode,
  encodeUtf8,
  isSealedSecretsError,
  parseScope,
  type Scope,
  SealedSecretsError,
  type Sealer,
} from '@waxwing/shared';
import { isOpenToTampering, readCertificate, usableCertificate } from './certificate-source.ts';
import type { Controller } from './cluster.ts';
import { connectController } from './cluster-access.ts';
import { parseDurationMs } from './duration.ts';
import { type OutputFormat, parseOutputFormat } from './format.ts';
import { type Input, openInput, standardInput } from './input.ts';
import type { Io } from './io.ts';
import { type ClusterOptions, configuredNamespace } from './kubeconfig.ts';
import { createFlagReader, environmentPrefix, type FlagReader, kubesealFlags } from './kubeseal-flags.ts';
import { lazyRenderer } from './lazy-renderer.ts';
import { runFetchCertificate } from './modes/fetch-certificate.ts';
import { runRaw } from './modes/raw.ts';
import { runSeal, type SealOptions } from './modes/seal.ts';
import { type OutputTarget, prepareOutput, stdoutTarget, tell } from './output.ts';
import {
  environmentVariable,
  FlagError,
  formatFlagList,
  HelpRequested,
  type ParsedFlags,
  parseFlags,
} from './pflag.ts';

/** What `kubeseal` answers to an input without any Secret. */
const noSecretsFound = 'no secrets found. Ensure the input is valid and UTF-8 encoded';
const usageHeader = 'Usage of kubeseal:\n';
const exitStatus = { success: 0, failure: 1, usage: 2 } as const;

/**
 * The `kubeseal` program: upstream's flags, order of evaluation (specification 6.2), texts and exit status.
 *
 * @param argv without the names of Node and the program
 * @returns the exit status
 */
export async function runKubeseal(argv: readonly string[], io: Io, version: string): Promise<number> {
  let parsed: ParsedFlags;
  try {
    parsed = parseFlags(kubesealFlags, argv, environmentOf(io));
  } catch (error) {
    return await answerFlagError(error, io);
  }
  for (const warning of parsed.warnings) await tell(io, warning);
  const flags = createFlagReader(parsed);
  try {
    if (flags.isSet('version')) return await print(io, `kubeseal version: ${version}\n`);
    if (flags.isSet('help')) return await print(io, `${usageHeader}${formatFlagList(kubesealFlags)}`);
    const [environmentError] = parsed.environmentErrors;
    if (environmentError !== undefined) {
      await tell(io, `error: ${environmentError.message}`);
      return exitStatus.usage;
    }
    await runMode(flags, io);
    return exitStatus.success;
  } catch (error) {
    await tellFailure(error, io);
    return exitStatus.failure;
  }
}

function environmentOf(io: Io): Map<string, { variable: string; value: string }> {
  const found = new Map<string, { variable: string; value: string }>();
  for (const { name } of kubesealFlags) {
    const variable = environmentVariable(environmentPrefix, name);
    const value = io.env[variable];
    if (value !== undefined && value !== '') found.set(name, { variable, value });
  }
  return found;
}

async function print(io: Io, text: string): Promise<number> {
  await io.stdout.write(encodeUtf8(text));
  return exitStatus.success;
}

/** Usage and mistakes go to standard error, so that redirected output is never mixed with them; `-h` asked for the list. */
async function answerFlagError(error: unknown, io: Io): Promise<number> {
  if (error instanceof HelpRequested) {
    await io.stderr.write(encodeUtf8(usageHeader));
    return await print(io, formatFlagList(kubesealFlags));
  }
  if (!(error instanceof FlagError)) throw error;
  await tell(io, `${usageHeader}${formatFlagList(kubesealFlags)}${error.message}`);
  return exitStatus.usage;
}

/** One line in upstream's words; what it means and what to do next is for people, at a terminal. */
async function tellFailure(error: unknown, io: Io): Promise<void> {
  if (!isSealedSecretsError(error)) {
    await tell(io, `error: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  await tell(io, `error: ${error.summary ?? error.message}`);
  if (!io.stderr.isTerminal) return;
  if (error.summary !== undefined && error.summary !== error.message) await tell(io, error.message);
  if (error.hint !== undefined) await tell(io, `hint: ${error.hint}`);
}

async function runMode(flags: FlagReader, io: Io): Promise<void> {
  if (flags.list('from-file').length > 0 && !flags.isSet('raw')) {
    throw new SealedSecretsError('InvalidUsage', '--from-file requires --raw');
  }
  const input = await openSecretFile(flags, io);
  try {
    await runWithInput(flags, input, io);
  } finally {
    input.close();
  }
}

async function openSecretFile(flags: FlagReader, io: Io): Promise<Input> {
  const name = flags.text('secret-file');
  if (name === '') {
    if (io.stdin.isTerminal && !flags.isSet('raw') && !flags.isSet('fetch-cert')) {
      await tell(io, '(reading a Kubernetes resource in JSON or YAML from the terminal; end it with Ctrl-D)');
    }
    return standardInput(io);
  }
  try {
    return openInput(io, name);
  } catch (error) {
    if (!isSealedSecretsError(error, 'UnreadableFile')) throw error;
    throw new SealedSecretsError('UnreadableFile', 'Could not read file specified with --secret-file', {
      hint: error.message,
      cause: error,
    });
  }
}

async function runWithInput(flags: FlagReader, input: Input, io: Io): Promise<void> {
  const isReencrypt = flags.isSet('re-encrypt') || flags.isSet('rotate');
  const isInPlace =
    isReencrypt &&
    flags.text('secret-file') !== '' &&
    ['', flags.text('secret-file')].includes(flags.text('sealed-secret-file'));
  const outputName = isInPlace ? flags.text('secret-file') : flags.text('sealed-secret-file');
  const format = () => outputFormat(flags, outputName);
  const target = () => prepareOutput(io, outputName);

  if (flags.isSet('recovery-unseal')) return await recover(flags, input, target(), format, io);
  if (flags.isSet('validate')) return await validate(flags, input, io);
  if (isReencrypt) return await reencrypt(flags, input, target(), format, isInPlace, io);
  await warnAboutUnusedKeys(flags, io);
  // Modes that give no output leave the file of -w alone.
  const hasOutput = flags.isSet('fetch-cert') || flags.text('merge-into') === '';
  const output = hasOutput ? target() : stdoutTarget;
  const certificate = await openCertificate(flags, io);
  if (flags.isSet('fetch-cert')) return await runFetchCertificate(certificate, output, io);
  const { publicKey } = usableCertificate(certificate, io.now());
  const sealer: Sealer = { publicKey, randomBytes: io.randomBytes };
  if (flags.text('merge-into') !== '') return await merge(flags, input, sealer, io);
  if (flags.isSet('raw')) return await raw(flags, input, output, sealer, io);
  await runSeal(input, output, { ...sealOptions(flags, sealer, io), format: format() }, io);
}

/** The name of the output file decides before `--format`. */
function outputFormat(flags: FlagReader, outputName: string): OutputFormat {
  return /\.ya?ml$/.test(outputName) ? 'yaml' : parseOutputFormat(flags.text('format'));
}

function scopeFlag(flags: FlagReader): Scope {
  return parseScope(flags.text('scope'));
}

async function openCertificate(flags: FlagReader, io: Io): Promise<Uint8Array> {
  const source = flags.text('cert');
  if (isOpenToTampering(source)) {
    await tell(
      io,
      `warning: the certificate comes over plain http: whoever can change it on its way reads every secret sealed with it`,
    );
  }
  return await readCertificate(io, source, async () => await (await controllerOf(flags, io)).fetchCertificate());
}

async function controllerOf(flags: FlagReader, io: Io): Promise<Controller> {
  const service = { namespace: flags.text('controller-namespace'), name: flags.text('controller-name') };
  return await connectController(io, clusterOptions(flags), service);
}

function sealOptions(flags: FlagReader, sealer: Sealer, io: Io): SealOptions {
  return {
    sealer,
    name: flags.text('name'),
    namespace: givenNamespace(flags),
    scope: scopeFlag(flags),
    // Without a usable kubeconfig there is no default; that it is unusable matters to nobody here.
    defaultNamespace: () => namespaceOrNone(flags, io),
    allowEmptyData: flags.isSet('allow-empty-data'),
    plaintext: 'warn',
    nothingFound: noSecretsFound,
    acceptUtf16: false,
  };
}

/** The namespace as Kubernetes tools take it: `ns/payments` is `payments`. */
function givenNamespace(flags: FlagReader): string {
  return flags.text('namespace').replace(/^(ns|namespaces?)\//i, '');
}

const kubeconfigProblems: readonly ErrorCode[] = ['InvalidConfiguration', 'UnreadableFile', 'InputTooLarge'];

async function namespaceOrNone(flags: FlagReader, io: Io): Promise<string> {
  try {
    return await configuredNamespace(io, clusterOptions(flags));
  } catch (error) {
    if (isSealedSecretsError(error) && kubeconfigProblems.includes(error.code)) return '';
    throw error;
  }
}

async function raw(flags: FlagReader, input: Input, target: OutputTarget, sealer: Sealer, io: Io): Promise<void> {
  const openValue = () => {
    const files = flags.list('from-file');
    if (files.length > 1) {
      throw new SealedSecretsError(
        'InvalidUsage',
        'must provide only one --from-file when encrypting a single item with --raw',
      );
    }
    const [file] = files;
    // The name of the item does not matter: nothing binds a value to it.
    return file === undefined ? input : openInput(io, file.replace(/^[^=]*=/, ''));
  };
  if (io.stdin.isTerminal && flags.list('from-file').length === 0 && flags.text('secret-file') === '') {
    await tell(
      io,
      '(reading the value from the terminal; end it with Ctrl-D, a line break before that belongs to the value)',
    );
  }
  const options = {
    scope: scopeFlag(flags),
    name: flags.text('name'),
    namespace: async () => givenNamespace(flags) || (await configuredNamespace(io, clusterOptions(flags))),
    sealer,
  };
  await runRaw(openValue, target, options, io);
}

async function merge(flags: FlagReader, input: Input, sealer: Sealer, io: Io): Promise<void> {
  const { runMerge } = await import('./modes/merge.ts');
  await runMerge(
    input,
    {
      ...sealOptions(flags, sealer, io),
      file: flags.text('merge-into'),
      explicitScope: flags.given('scope') ? scopeFlag(flags) : undefined,
      explicitFormat: flags.given('format') ? parseOutputFormat(flags.text('format')) : undefined,
    },
    io,
  );
}

async function validate(flags: FlagReader, input: Input, io: Io): Promise<void> {
  const { runValidate } = await import('./modes/validate.ts');
  const controller = await controllerOf(flags, io);
  await runValidate(input, controller, {
    nothingFound: 'unable to decrypt sealed secret: no SealedSecret found',
    acceptUtf16: false,
  });
}

async function reencrypt(
  flags: FlagReader,
  input: Input,
  target: OutputTarget,
  format: () => OutputFormat,
  isInPlace: boolean,
  io: Io,
): Promise<void> {
  const { runReencrypt } = await import('./modes/reencrypt.ts');
  const controller = await controllerOf(flags, io);
  const options = {
    format: format(),
    isInPlace,
    nothingFound: 'no SealedSecret found in the input',
    acceptUtf16: false,
  };
  await runReencrypt(input, target, controller, options, io);
}

async function recover(
  flags: FlagReader,
  input: Input,
  target: OutputTarget,
  format: () => OutputFormat,
  io: Io,
): Promise<void> {
  const { runRecover } = await import('./modes/recover.ts');
  const keyFiles = flags.list('recovery-private-key');
  await runRecover(input, target, { keyFiles, format: format(), render: lazyRenderer(io) }, io);
}

async function warnAboutUnusedKeys(flags: FlagReader, io: Io): Promise<void> {
  if (flags.list('recovery-private-key').length === 0 || !io.stderr.isTerminal) return;
  await tell(io, 'warning: --recovery-private-key has no effect without --recovery-unseal');
}

function clusterOptions(flags: FlagReader): ClusterOptions {
  return {
    kubeconfig: flags.text('kubeconfig'),
    context: flags.text('context'),
    namespace: givenNamespace(flags),
    cluster: flags.text('cluster'),
    user: flags.text('user'),
    server: flags.text('server'),
    tlsServerName: flags.text('tls-server-name'),
    insecureSkipTlsVerify: flags.isSet('insecure-skip-tls-verify'),
    certificateAuthority: flags.text('certificate-authority'),
    clientCertificate: flags.text('client-certificate'),
    clientKey: flags.text('client-key'),
    token: flags.text('token'),
    username: flags.text('username'),
    password: flags.text('password'),
    impersonate: { user: flags.text('as'), uid: flags.text('as-uid'), groups: flags.list('as-group') },
    proxyUrl: flags.text('proxy-url'),
    requestTimeoutMs: flags.given('request-timeout') ? parseDurationMs(flags.text('request-timeout')) : undefined,
  };
}
