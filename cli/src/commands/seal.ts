import { basename } from 'node:path';
import { parseScope, type SealedSecret, SealedSecretsError, scopeOf, sealedSecretDocument } from '@waxwing/shared';
import type { Command } from 'commander';
import { describeCertificate, loadCertificates, type NamedCertificate } from '../certificates.ts';
import type { CommandContext } from '../command-context.ts';
import { formatDocument, type OutputFormat, parseOutputFormat } from '../format.ts';
import { type Input, inputOf, openInput, readAll } from '../input.ts';
import { openStandardInput } from '../input-files.ts';
import type { Io } from '../io.ts';
import { configuredNamespace } from '../kubeconfig.ts';
import { type SealOptions, sealDocuments } from '../modes/seal.ts';
import {
  addCertificateOptions,
  addFormatOption,
  addScopeOption,
  type CertificateOptions,
  clusterOptionsOf,
  withCertificates,
} from '../options.ts';
import { deliver, type OutputTarget, prepareOutput } from '../output.ts';
import { createProgress } from '../progress.ts';
import { createSpool, type Spool } from '../spool.ts';
import { withNotices } from '../text-notices.ts';
import { findSuspiciousValues } from '../value-warnings.ts';

interface SealFlags extends CertificateOptions {
  readonly scope?: string;
  readonly name?: string;
  readonly format?: string;
  readonly output?: string;
  readonly allowEmptyData: boolean;
  readonly allowPlaintextInMetadata: boolean;
  readonly hint: boolean;
}

const clusterPlaceholder = '{cluster}';
/** So many documents are told one by one; of more only how many they were. */
const linesOfDetail = 20;
/** Standard input that is sealed for several clusters is kept in memory. */
const keptInputBytes = 256 * 1024 * 1024;

export function addSealCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('seal')
    .summary('seal Secrets, so that they can be committed')
    .description('Seals every Secret of the files, or of standard input, for the cluster whose certificate is given.')
    .argument('[files...]', 'files with Secrets, YAML or JSON, one or many documents; - is standard input')
    .option('-n, --namespace <namespace>', 'namespace of Secrets that declare none')
    .option('--name <name>', 'name instead of the one in the input')
    .option('-O, --output <file>', `file to write; with several --cert it contains ${clusterPlaceholder}`)
    .option('--allow-empty-data', 'seal Secrets without items', false)
    .option('--allow-plaintext-in-metadata', 'seal although an annotation shows a value', false)
    .option('--no-hint', 'leave out the annotation that names the key');
  addFormatOption(addScopeOption(addCertificateOptions(command)));
  command.addHelpText(
    'after',
    `
Examples:
  waxwing seal secret.yaml --cert cert.pem --output sealed.yaml
  kubectl create secret generic db --dry-run=client -o yaml --from-file=password.txt | waxwing seal -n payments --cert cert.pem
  waxwing seal secret.yaml --cert a.pem --cert b.pem --output 'clusters/${clusterPlaceholder}.yaml'   one file per cluster`,
  );
  command.action((files: string[], flags: SealFlags) => runSealCommand(files, flags, context));
}

async function runSealCommand(files: readonly string[], given: SealFlags, context: CommandContext): Promise<void> {
  const flags: SealFlags = withCertificates(given, context.io);
  const { io } = context;
  const targets = planTargets(io, flags);
  const certificates = await loadCertificates(io, flags);
  const inputs = await openInputs(context, files, certificates.length);
  const spools = certificates.map(() => createSpool(io));
  try {
    const sealed: SealedSecret[] = [];
    for (const input of inputs) {
      for (const [index, { certificate }] of certificates.entries()) {
        const options = sealOptions(flags, certificate, context, index === 0);
        const format = outputFormat(flags, input.name, context);
        const opened = index === 0 ? withNotices(input.open(), context.note) : input.open();
        await sealInto(spools[index] as Spool, opened, options, format, context, index === 0 ? sealed : []);
      }
    }
    for (const [index, target] of targets.entries()) await deliver(io, target, spools[index] as Spool);
    await report(sealed, certificates, flags, context);
  } finally {
    for (const spool of spools) spool.dispose();
  }
}

/** One target per certificate, looked at before anything is sealed. @throws SealedSecretsError `InvalidUsage`, `UnwritableFile`. */
function planTargets(io: Io, flags: SealFlags): OutputTarget[] {
  const output = flags.output ?? '';
  if (flags.cert.length <= 1)
    return [prepareOutput(io, output.replaceAll(clusterPlaceholder, clusterOf(flags.cert[0] ?? '')))];
  if (!output.includes(clusterPlaceholder)) {
    throw new SealedSecretsError('InvalidUsage', 'several --cert need several files', {
      hint: `Two objects of one name in one file would overwrite each other. Give --output 'folder/${clusterPlaceholder}.yaml'.`,
    });
  }
  const clusters = flags.cert.map(clusterOf);
  const twice = clusters.find((cluster, index) => clusters.indexOf(cluster) !== index);
  if (twice !== undefined) {
    throw new SealedSecretsError('InvalidUsage', `two certificates are both called ${JSON.stringify(twice)}`, {
      hint: 'Files are named after the certificate files; rename one of them.',
    });
  }
  return clusters.map((cluster) => prepareOutput(io, output.replaceAll(clusterPlaceholder, cluster)));
}

/** The name of a cluster: that of its certificate file without ending, or the host of its URL. */
function clusterOf(source: string): string {
  if (/^https?:/.test(source) && URL.canParse(source)) return new URL(source).hostname;
  return basename(source).replace(/\.[^.]+$/, '') || 'cluster';
}

interface RepeatableInput {
  readonly name: string;
  open(): Input;
}

/** Files are opened anew for every certificate; standard input is kept in memory if it is needed twice. */
async function openInputs(
  context: CommandContext,
  files: readonly string[],
  times: number,
): Promise<RepeatableInput[]> {
  const { io } = context;
  const names = files.length === 0 ? ['-'] : files;
  if (names.filter((name) => name === '-').length > 1) {
    throw new SealedSecretsError('InvalidUsage', 'standard input (-) can be read only once');
  }
  return await Promise.all(
    names.map(async (name): Promise<RepeatableInput> => {
      if (name !== '-') return { name, open: () => openInput(io, name) };
      const input = await openStandardInput(context);
      if (times === 1) return { name: input.name, open: () => input };
      const bytes = await readAll(input, keptInputBytes);
      return { name: input.name, open: () => inputOf(input.name, bytes) };
    }),
  );
}

function sealOptions(
  flags: SealFlags,
  certificate: NamedCertificate['certificate'],
  context: CommandContext,
  withWarnings: boolean,
): SealOptions {
  const { io } = context;
  return {
    nothingFound: 'no secrets found',
    acceptUtf16: true,
    onlySecrets: true,
    sealer: {
      publicKey: certificate.publicKey,
      randomBytes: io.randomBytes,
      ...(flags.hint ? { keyId: certificate.keyId } : {}),
    },
    plaintext: flags.allowPlaintextInMetadata ? 'allow' : 'refuse',
    name: flags.name ?? '',
    namespace: flags.namespace ?? '',
    scope: parseScope(flags.scope ?? ''),
    // An explicit strict takes wider annotations of the input away; without the flag the input decides.
    ...(flags.scope === 'strict' ? { narrow: true } : {}),
    defaultNamespace: () => configuredNamespace(io, clusterOptionsOf(flags)),
    allowEmptyData: flags.allowEmptyData,
    ...(withWarnings
      ? {
          inspect: async (secret) => {
            for (const warning of findSuspiciousValues(secret)) {
              await context.note(`warning: Secret ${secret.metadata.name}: ${warning}`);
            }
          },
        }
      : {}),
  };
}

function outputFormat(flags: SealFlags, inputName: string, context: CommandContext): OutputFormat {
  if (flags.format !== undefined) return parseOutputFormat(flags.format);
  if (flags.output !== undefined && /\.(json|ya?ml)$/.test(flags.output))
    return /\.json$/.test(flags.output) ? 'json' : 'yaml';
  // With --json and no output file the objects are the result that a program reads.
  if (context.global().json === true && flags.output === undefined) return 'json';
  return /\.json$/.test(inputName) ? 'json' : 'yaml';
}

async function sealInto(
  spool: Spool,
  input: Input,
  options: SealOptions,
  format: OutputFormat,
  context: CommandContext,
  sealed: SealedSecret[],
): Promise<void> {
  const progress = createProgress(context, 'sealed');
  try {
    for await (const object of sealDocuments(input, options, context.io)) {
      spool.append(formatDocument(sealedSecretDocument(object), format));
      // Only what is told about an object is kept: a stream may hold many.
      sealed.push({ ...object, spec: { ...object.spec, encryptedData: new Map() } });
      await progress.advance();
    }
  } finally {
    await progress.finish();
  }
}

async function report(
  sealed: readonly SealedSecret[],
  certificates: readonly NamedCertificate[],
  flags: SealFlags,
  context: CommandContext,
): Promise<void> {
  const objects = sealed.map(({ metadata }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    scope: scopeOf(metadata.annotations),
  }));
  if (context.global().json && flags.output !== undefined) {
    const keys = certificates.map(({ certificate, source }) => ({
      source,
      keyId: certificate.keyId,
      notAfter: certificate.notAfter.toISOString(),
    }));
    await context.printJson({ sealed: objects, certificates: keys });
    return;
  }
  for (const { certificate, source } of certificates) {
    const described = `${source}: ${describeCertificate(certificate)}`;
    if (objects.length > linesOfDetail) await context.note(`sealed ${objects.length} Secrets for ${described}`);
    else for (const object of objects) await context.note(`sealed for ${placeOf(object)}, ${described}`);
  }
}

function placeOf({ namespace, name, scope }: { namespace: string; name: string; scope: string }): string {
  return `${namespace === '' ? '' : `${namespace}/`}${name} (${scope})`;
}
