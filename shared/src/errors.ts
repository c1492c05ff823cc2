/**
 * Every failure our programs explain to a person or a program, as one closed set. The same word is the reason of a condition,
 * the `code` of a CLI error with `--json`, and the label of a metric, so that one search finds them all.
 */
export type ErrorCode =
  // Outcomes of unsealing, also condition reasons.
  | 'MalformedItem'
  | 'UnknownKey'
  | 'SealedForOtherName'
  | 'ScopeAnnotationMissing'
  | 'ScopeMismatch'
  | 'DeprecatedFormat'
  | 'TemplateError'
  | 'TemplateTimeout'
  | 'RendererBusy'
  | 'NotManaged'
  | 'ImmutableSecret'
  | 'ForbiddenType'
  | 'NamespaceTerminating'
  | 'WaitingForGarbageCollection'
  | 'DriftContested'
  | 'InvalidObject'
  // A defect of ours.
  | 'InternalError'
  // The API server.
  | 'ApiForbidden'
  | 'ApiUnavailable'
  | 'ApiConflict'
  | 'ApiRejected'
  | 'NotFound'
  | 'QuotaExceeded'
  // Input of people.
  | 'InvalidUsage'
  | 'InvalidConfiguration'
  | 'InvalidDocument'
  | 'InvalidEncoding'
  | 'InputTooLarge'
  | 'EmptyInput'
  | 'NamespaceMismatch'
  | 'PlaintextInMetadata'
  | 'UnreadableFile'
  | 'UnwritableFile'
  // Certificates and keys.
  | 'InvalidCertificate'
  | 'CertificateExpired'
  | 'UntrustedCertificateSource'
  | 'InvalidKey'
  | 'NoKeys'
  | 'KeyMismatch'
  | 'KeyInUse'
  | 'BackupFailed'
  // The controller as seen from the CLI.
  | 'ControllerNotFound'
  | 'ControllerUnreachable'
  | 'Undecryptable'
  | 'RateLimited';

/** Where in the input something is wrong. `path` is a field path such as `spec.encryptedData["a.b"]`; line and column count from 1. */
export interface Violation {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

export interface SealedSecretsErrorOptions {
  /** The next thing to do, as a sentence or a command. */
  readonly hint?: string;
  /** The beginning of the message that says what failed, in upstream's words and without the explanation. */
  readonly summary?: string;
  /** Every bad field, where a document was validated. */
  readonly violations?: readonly Violation[];
  /** Never set for failed decryptions: the stage that failed is an oracle. */
  readonly cause?: unknown;
}

/**
 * The base of all our errors. `message` names what was looked for and where, in one deterministic text: no times, request
 * ids, counts of attempts, and never a secret value, key or token. Callers match on `code`; messages may improve freely.
 */
export class SealedSecretsError extends Error {
  override readonly name = 'SealedSecretsError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly summary: string | undefined;
  readonly violations: readonly Violation[];

  constructor(code: ErrorCode, message: string, options: SealedSecretsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.summary = options.summary;
    this.violations = options.violations ?? [];
  }
}

/**
 * True for our own errors, optionally of one code. By name and not by class: the bundles of the command line are loaded piece by piece, and
 * each piece has its own copy of the class.
 */
export function isSealedSecretsError(error: unknown, code?: ErrorCode): error is SealedSecretsError {
  if (!(error instanceof Error) || error.name !== 'SealedSecretsError') return false;
  return code === undefined || (error as SealedSecretsError).code === code;
}
