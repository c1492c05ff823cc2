import type { SealedSecretStatus, SealedSecretsError } from '@waxwing/shared';
import { isSealedSecretsError, statusDocument, syncedCondition } from '@waxwing/shared';
import type { SealedSecretsApi } from './kube/api.ts';
import { ApiError } from './kube/errors.ts';
import type { StatusOutcome } from './status.ts';
import { nextStatus } from './status.ts';
import type { Target } from './target.ts';
import { targetOf } from './target.ts';

/**
 * - `stored`: the status says it, written now or before. Also where status updates are off, or the object is gone.
 * - `outdated`: the object has another spec by now; nothing was written.
 * - `failed`: the API server did not take it.
 */
export type WrittenStatus =
  | { readonly type: 'stored'; readonly status: SealedSecretStatus }
  | { readonly type: 'outdated' }
  | { readonly type: 'failed'; readonly error: SealedSecretsError };

export interface StatusWriter {
  /** Whether people would see a difference from the status the object has; where none is written, every failure is one. */
  isNews(target: Target, outcome: StatusOutcome): boolean;
  write(target: Target, outcome: StatusOutcome, signal: AbortSignal): Promise<WrittenStatus>;
}

export interface StatusWriterOptions {
  readonly sealedSecrets: Pick<SealedSecretsApi, 'get' | 'updateStatus'>;
  readonly specHashOf: (raw: unknown) => string;
  readonly nowMs: () => number;
  /** `namespace/pod`, written to `status.controller`. */
  readonly controller: string;
  /** `--update-status` */
  readonly enabled: boolean;
  /** Called when the first status tells whether the installed CRD drops our own fields, and when a later one tells otherwise. */
  readonly onPruning: (isPruning: boolean) => void;
}

const maxAttempts = 5;

/**
 * Whether a status was written by us and came back without our own fields: upstream never writes a reason. Good enough until an answer of the
 * API server tells for certain, so that a restart under upstream's CRD writes nothing.
 */
function looksPruned({ status }: Target): boolean {
  const reason = status?.conditions.find(({ type }) => type === syncedCondition)?.reason;
  return reason !== undefined && reason !== '' && status?.controller === undefined;
}

/** Writes statuses, again after a conflict, and learns from the first answer whether the installed CRD keeps our own fields. */
export function createStatusWriter(options: StatusWriterOptions): StatusWriter {
  let isPruning: boolean | undefined;
  const next = (target: Target, outcome: StatusOutcome) =>
    nextStatus(target.status, outcome, {
      generation: target.generation,
      nowMs: options.nowMs(),
      controller: options.controller,
      prunesOwnFields: isPruning ?? looksPruned(target),
    });

  const put = async (target: Target, status: SealedSecretStatus, signal: AbortSignal) => {
    const answer = await options.sealedSecrets.updateStatus(target, statusDocument(status), { signal });
    const kept = (answer.status ?? {}) as Record<string, unknown>;
    const dropped = kept['controller'] === undefined;
    if (dropped !== isPruning) options.onPruning(dropped);
    isPruning = dropped;
  };

  return {
    isNews: (target, outcome) => (options.enabled ? next(target, outcome).outcomeChanged : !outcome.synced),
    async write(target, outcome, signal) {
      let current = target;
      for (let attempt = 1; ; attempt++) {
        const { status, changed } = next(current, outcome);
        if (!changed || !options.enabled) return { type: 'stored', status };
        try {
          await put(current, status, signal);
          return { type: 'stored', status };
        } catch (error) {
          if (!isSealedSecretsError(error)) throw error;
          // Any other 404 says that something is missing, such as the CRD, but not that this object was deleted.
          if (error instanceof ApiError && error.status === 404 && error.objectName === target.name) {
            return { type: 'stored', status };
          }
          if (error.code !== 'ApiConflict' || attempt === maxAttempts) return { type: 'failed', error };
        }
        const fresh = await readAgain(target, options, signal);
        if ('type' in fresh) return fresh;
        current = fresh;
      }
    },
  };
}

/** The object after a conflict: the same with another status, or reason to stop. */
async function readAgain(
  target: Target,
  { sealedSecrets, specHashOf }: StatusWriterOptions,
  signal: AbortSignal,
): Promise<Target | Exclude<WrittenStatus, { type: 'stored' }>> {
  try {
    const raw = await sealedSecrets.get(target, { signal });
    if (raw === undefined) return { type: 'outdated' };
    const fresh = targetOf(target.key, raw, specHashOf(raw));
    const isSame =
      fresh.uid === target.uid && fresh.generation === target.generation && fresh.specHash === target.specHash;
    return isSame ? fresh : { type: 'outdated' };
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return { type: 'failed', error };
  }
}
