import { SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { ClusterOptions } from './kubeconfig.ts';

// Options that several commands share: declared once, read once.

/** Options before the command. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
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

export function addControllerOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig to use instead of KUBECONFIG or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--as <user>', 'user to impersonate')
    .option('--controller-namespace <namespace>', 'namespace of the controller', 'kube-system')
    .option('--controller-name <name>', "name of the controller's Service", 'sealed-secrets-controller')
    .option('--request-timeout <duration>', 'how long one request to the cluster may take', '30s');
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
    requestTimeoutMs: parseDuration('--request-timeout', options.requestTimeout),
  };
}

const durationUnitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** @throws SealedSecretsError `InvalidUsage`. */
function parseDuration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = durationUnitsMs[match?.[2] ?? ''];
  if (match === null || unit === undefined) {
    throw new SealedSecretsError('InvalidUsage', `${flag}: ${JSON.stringify(text)} is no duration`, {
      hint: 'Write a number with a unit: 500ms, 30s, 2m.',
    });
  }
  return Number(match[1]) * unit;
}

/** Where certificates come from and what makes them trusted. */
export interface CertificateOptions extends ControllerOptions {
  readonly cert: readonly string[];
  readonly certSha256?: string;
  readonly insecureCert: boolean;
}

export function addCertificateOptions(command: Command): Command {
  return addControllerOptions(
    command
      .addOption(
        new Option('--cert <file-or-url>', 'certificate to seal with; without it the cluster is asked')
          .env('SEALED_SECRETS_CERT')
          .argParser((value: string, previous: readonly string[] = []) => [...previous, value]),
      )
      .option('--cert-sha256 <hex>', 'refuse a certificate with another SHA-256 fingerprint')
      .option('--insecure-cert', 'take a certificate from plain http without a fingerprint', false),
  );
}

export function addScopeOption(command: Command): Command {
  return command.addOption(
    new Option('--scope <scope>', 'where the result opens').choices(['strict', 'namespace-wide', 'cluster-wide']),
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
