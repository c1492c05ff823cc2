import type { ErrorCode, SealedSecretsError, SyncedReason } from '@waxwing/shared';
import type { UnsealErrorReason } from './metrics.ts';

/** Event reasons of upstream, which people's alerts look for. The condition says more precisely why. */
export const eventReasons = {
  unsealed: 'Unsealed',
  unsealFailed: 'ErrUnsealFailed',
  updateFailed: 'ErrUpdateFailed',
} as const;

/** Reasons of events that are not about the outcome of one object. */
export const keyEventReasons = {
  /** A Secret carries the key label, but no usable key: it is left out. */
  invalidKeySecret: 'InvalidKeySecret',
  /** A key Secret was deleted: its key opens what it sealed until this process ends, and is lost then. */
  keySecretDeleted: 'KeySecretDeleted',
  /** A key Secret holds another key or none: the key it held opens what it sealed until this process ends, and is lost then. */
  keySecretOverwritten: 'KeySecretOverwritten',
  /** More than one key Secret claims to be the primary; the newest of them seals. */
  severalPrimaryKeys: 'SeveralPrimaryKeys',
  /** The primary key cannot seal; nothing is sealed under another one instead. */
  primaryKeyUnusable: 'PrimaryKeyUnusable',
  /** No key is marked as primary any more; the newest one seals again. */
  primaryKeyRemoved: 'PrimaryKeyRemoved',
} as const;

/** Another controller wrote the status of the same generation: two of them run on this cluster. */
export const foreignControllerReason = 'ForeignController';

/**
 * The step of a reconciliation that failed. Upstream's metric and event depend on it, the retry on the code alone.
 */
export type FailedStep = 'read' | 'unseal' | 'gate' | 'update' | 'status';

/**
 * What each reason of the `Synced` condition means, and whether waiting helps.
 *
 * - `trigger`: the answer stays the same until the spec, a scope annotation, the key ring or the Secret changes.
 * - `timer`: it may be different the next moment, so it is tried again by timer, for ever.
 */
export const reasons: Readonly<
  Record<SyncedReason, { readonly meaning: string; readonly retry: 'trigger' | 'timer' } | undefined>
> = {
  Unsealed: { meaning: 'The Secret is what the SealedSecret says.', retry: 'trigger' },
  MalformedItem: { meaning: 'An item is not base64, or too short to be sealed.', retry: 'trigger' },
  UnknownKey: { meaning: 'No key of this cluster opens an item at this place.', retry: 'trigger' },
  SealedForOtherName: { meaning: 'An item opens for the name and namespace in the template.', retry: 'trigger' },
  ScopeAnnotationMissing: { meaning: 'An item opens under a wider scope than is declared.', retry: 'trigger' },
  ScopeMismatch: { meaning: 'An item opens under another scope than the one declared.', retry: 'trigger' },
  DeprecatedFormat: { meaning: 'spec.data is used and not accepted.', retry: 'trigger' },
  TemplateError: { meaning: 'An entry of spec.template.data cannot be rendered.', retry: 'trigger' },
  TemplateTimeout: { meaning: 'Rendering spec.template.data takes too long.', retry: 'timer' },
  RendererBusy: { meaning: 'Templates of other objects that take long are before this one.', retry: 'timer' },
  InvalidObject: { meaning: 'The object does not fit its own schema.', retry: 'trigger' },
  InvalidEncoding: { meaning: 'spec.data is not base64.', retry: 'trigger' },
  NotManaged: { meaning: 'A Secret of this name exists and is not ours.', retry: 'trigger' },
  ImmutableSecret: { meaning: 'The Secret, or its type, can only be made anew.', retry: 'trigger' },
  ForbiddenType: { meaning: 'A Secret of this type hands out credentials and is not created.', retry: 'trigger' },
  DriftContested: {
    meaning: 'Another writer keeps changing or deleting the Secret; it is left alone.',
    retry: 'trigger',
  },
  WaitingForGarbageCollection: { meaning: 'The Secret of an earlier SealedSecret is not gone yet.', retry: 'timer' },
  NamespaceTerminating: { meaning: 'The namespace is being deleted.', retry: 'timer' },
  QuotaExceeded: { meaning: 'A quota of the namespace does not allow the Secret.', retry: 'timer' },
  ApiForbidden: { meaning: 'The controller lacks a permission.', retry: 'timer' },
  InternalError: { meaning: 'A defect of the controller; please report the log line.', retry: 'timer' },
  ApiUnavailable: { meaning: 'The API server did not answer.', retry: 'timer' },
  ApiConflict: { meaning: 'Somebody else changed the Secret at the same time.', retry: 'timer' },
  ApiRejected: { meaning: 'The API server, or an admission webhook, refused the Secret.', retry: 'timer' },
  NotFound: { meaning: 'The object or its namespace is gone.', retry: 'timer' },
  // Codes of the CLI and the key store: never the outcome of a SealedSecret.
  InvalidUsage: undefined,
  InvalidConfiguration: undefined,
  InvalidDocument: undefined,
  InputTooLarge: undefined,
  EmptyInput: undefined,
  NamespaceMismatch: undefined,
  PlaintextInMetadata: undefined,
  UnreadableFile: undefined,
  UnwritableFile: undefined,
  InvalidCertificate: undefined,
  CertificateExpired: undefined,
  UntrustedCertificateSource: undefined,
  InvalidKey: undefined,
  NoKeys: undefined,
  KeyMismatch: undefined,
  KeyInUse: undefined,
  BackupFailed: undefined,
  ControllerNotFound: undefined,
  ControllerUnreachable: undefined,
  Undecryptable: undefined,
  RateLimited: undefined,
};

/** Whether a failure waits for its trigger; everything else is tried again by timer. */
export function waitsForTrigger(code: ErrorCode): boolean {
  return reasons[code]?.retry === 'trigger';
}

/** Reasons that a new key, or one less, may change. */
export function dependsOnKeys(reason: string): boolean {
  return (
    reason === 'UnknownKey' ||
    reason === 'SealedForOtherName' ||
    reason === 'ScopeAnnotationMissing' ||
    reason === 'ScopeMismatch'
  );
}

/** Upstream's `reason` label of `unseal_errors_total`. */
export function errorMetricReason(step: FailedStep): UnsealErrorReason {
  switch (step) {
    case 'read':
      return 'fetch';
    case 'unseal':
      return 'unseal';
    case 'gate':
      return 'unmanaged';
    case 'update':
      return 'update';
    case 'status':
      return 'status';
  }
}

const maxStatusCharacters = 2_000;
const maxEventCharacters = 1_000;

/** The message of the condition: what is wrong, and the next thing to do. Deterministic, one line, bounded. */
export function conditionMessage(error: SealedSecretsError): string {
  return clip(withHint(error), maxStatusCharacters);
}

/** The message of the event, in upstream's words at its beginning. */
export function eventMessage(step: FailedStep, error: SealedSecretsError): string {
  const text = withHint(error);
  if (step === 'unseal' || step === 'read') return clip(`Failed to unseal: ${text}`, maxEventCharacters);
  return clip(text.replace(/^failed update: /, ''), maxEventCharacters);
}

function withHint({ message, hint }: SealedSecretsError): string {
  if (hint === undefined) return message;
  return `${message}${/[.!?]$/.test(message) ? '' : '.'} ${hint}`;
}

function clip(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}
