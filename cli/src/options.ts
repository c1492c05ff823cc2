import { SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import { Option } from 'commander';
import { parseDurationMs } from './duration.ts';
import type { Io } from './io.ts';
import type { ClusterOptions } from './kubeconfig.ts';

// Options that several commands share: declared once, read once.

/** Options before the command. */
export interface GlobalOptions {
  readonly json?: boolean;
  /** False with `--no-color`. */
  readonly color: boolean;
  readonly quiet?: boolean;
}

/** Which cluster, and where its controller is. */
export interface ControllerOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly as?: string;
  readonly controllerNamespace: string;
  readonly controllerName: string;
  readonly requestTimeout: string;
}

/** Under headings of their own in the help, so that what a command is about comes first. */
/** Upstream's variable of the same meaning. */
const certificateVariable = 'SEALED_SECRETS_CERT';

const certificateHeading = 'Certificate:';
const clusterHeading = 'Cluster:';

function addGrouped(command: Command, heading: string, flags: string, description: string, value?: string): void {
  const option = new Option(flags, description).helpGroup(heading);
  command.addOption(value === undefined ? option : option.default(value));
}

/** An option that may be given several times; undefined values never reach the command. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description}; repeatable`)
    .default([])
    .argParser((value: string, all: readonly string[]) => [...all, value]);
}

export function addControllerOptions(command: Command): Command {
  const add = (flags: string, description: string, value?: string) =>
    addGrouped(command, clusterHeading, flags, description, value);
  add('--kubeconfig <file>', 'kubeconfig to use instead of KUBECONFIG or ~/.kube/config');
  add('--context <name>', 'context of the kubeconfig');
  add('--as <user>', 'user to impersonate');
  add('--controller-namespace <namespace>', 'namespace of the controller', 'kube-system');
  add('--controller-name <name>', "name of the controller's Service", 'sealed-secrets-controller');
  add('--request-timeout <duration>', 'how long one request to the cluster may take; 0 for ever', '30s');
  return command;
}

/** What of the command line concerns the cluster, as the cluster client takes it. */
export function clusterOptionsOf(options: ControllerOptions): ClusterOptions {
  return {
    kubeconfig: options.kubeconfig ?? '',
    context: options.context ?? '',
    namespace: options.namespace ?? '',
    cluster: '',
    user: '',
    server: '',
    tlsServerName: '',
    insecureSkipTlsVerify: false,
    certificateAuthority: '',
    clientCertificate: '',
    clientKey: '',
    token: '',
    username: '',
    password: '',
    impersonate: { user: options.as ?? '', uid: '', groups: [] },
    proxyUrl: '',
    requestTimeoutMs: parseTimeout('--request-timeout', options.requestTimeout),
  };
}

/** @throws SealedSecretsError `InvalidUsage`. */
function parseTimeout(flag: string, text: string): number {
  try {
    return parseDurationMs(text);
  } catch (cause) {
    throw new SealedSecretsError('InvalidUsage', `${flag}: ${JSON.stringify(text)} is no duration`, {
      hint: 'Write a number with a unit, such as 500ms, 30s or 2m; 0 waits for ever.',
      cause,
    });
  }
}

/** Where certificates come from and what makes them trusted. */
export interface CertificateOptions extends ControllerOptions {
  readonly cert: readonly string[];
  readonly certSha256?: string;
  readonly insecureCert?: boolean;
}

export function addCertificateOptions(command: Command): Command {
  command.addOption(
    new Option(
      '--cert <file-or-url>',
      `certificate to seal with; without it (and without ${certificateVariable} in the environment) the cluster is asked`,
    )
      .argParser((value: string, previous: readonly string[] = []) => [...previous, value])
      .helpGroup(certificateHeading),
  );
  const add = (flags: string, description: string) => addGrouped(command, certificateHeading, flags, description);
  add('--cert-sha256 <hex>', 'refuse a certificate with another SHA-256 fingerprint');
  add('--insecure-cert', 'take a certificate from plain http without a fingerprint');
  return addControllerOptions(command);
}

/** Options as they were parsed, with the certificates that are meant: those named, or the one of the environment. */
export function withCertificates<T extends { readonly cert?: readonly string[] }>(
  flags: T,
  { env }: Pick<Io, 'env'>,
): T & { readonly cert: readonly string[] } {
  const own = env[certificateVariable] ?? '';
  return { ...flags, cert: flags.cert ?? (own === '' ? [] : [own]) };
}

export function addScopeOption(command: Command): Command {
  return command.addOption(
    new Option('--scope <scope>', 'where the result opens; without it what the input declares, else strict').choices([
      'strict',
      'namespace-wide',
      'cluster-wide',
    ]),
  );
}

export function addFormatOption(command: Command): Command {
  return command.addOption(
    new Option(
      '-o, --format <format>',
      'format of the result; by default that of the input or of the output file name',
    ).choices(['json', 'yaml']),
  );
}
