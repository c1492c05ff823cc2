import { type ErrorCode, isSealedSecretsError } from '@waxwing/shared';

/** What a program learns from the exit status of `waxwing`. Documented in README.md; a test compares. */
export const exitStatus = {
  success: 0,
  /** Input, files, certificates, keys: running it again will not help. */
  failure: 1,
  /** The command line itself. */
  usage: 2,
  /** The cluster or the controller did not answer, or forbade it: running it again may help. */
  cluster: 3,
  /** The question was answered, and the answer is no: it does not open, or lint found something. */
  negative: 4,
} as const;

const usageCodes: readonly ErrorCode[] = ['InvalidUsage'];
const clusterCodes: readonly ErrorCode[] = [
  'ApiForbidden',
  'ApiUnavailable',
  'ControllerNotFound',
  'ControllerUnreachable',
  'RateLimited',
];
const negativeCodes: readonly ErrorCode[] = ['Undecryptable', 'KeyInUse'];

/** The exit status of a failure. */
export function statusOf(error: unknown): number {
  if (!isSealedSecretsError(error)) return exitStatus.failure;
  if (usageCodes.includes(error.code)) return exitStatus.usage;
  if (clusterCodes.includes(error.code)) return exitStatus.cluster;
  return negativeCodes.includes(error.code) ? exitStatus.negative : exitStatus.failure;
}

const generalHints: Partial<Readonly<Record<ErrorCode, string>>> = {
  ControllerNotFound: 'See which Services there are: kubectl get services --all-namespaces | grep -i seal',
  ControllerUnreachable: 'Seal offline instead: keep the certificate in Git and give --cert FILE.',
  ApiForbidden: 'See what you may do: kubectl auth can-i --list',
  CertificateExpired: 'Fetch the current certificate: waxwing cert --output cert.pem',
  UnreadableFile: 'Check the path and its permissions.',
};

/** What to do next: the error's own hint, else the general one of its code. */
export function hintOf(error: unknown): string | undefined {
  return isSealedSecretsError(error) ? (error.hint ?? generalHints[error.code]) : undefined;
}

/** A failure for programs: one JSON object, its code from the closed set. */
export function errorDocument(error: unknown): Record<string, unknown> {
  if (!isSealedSecretsError(error)) {
    return { error: { code: 'Unexpected', message: error instanceof Error ? error.message : String(error) } };
  }
  const hint = hintOf(error);
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(hint === undefined ? {} : { hint }),
      ...(error.violations.length === 0 ? {} : { violations: error.violations }),
    },
  };
}
