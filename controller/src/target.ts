import type { SealedSecret, SealedSecretStatus } from '@waxwing/shared';
import { isSealedSecretsError, readSealedSecret, type SealedSecretsError } from '@waxwing/shared';

/** The object a run works on: one state of it, never mixed with a later one. */
export interface Target {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  /** Milliseconds since the epoch; undefined where it is not said. */
  readonly createdMs: number | undefined;
  readonly specHash: string;
  readonly instanceLabel: string;
  readonly status: SealedSecretStatus | undefined;
  /** The object, or what is wrong with it: one that does not fit its schema gets a condition like any other. */
  readonly sealedSecret: SealedSecret | SealedSecretsError;
}

/** Reads an object from the API server, valid or not. */
export function targetOf(key: string, raw: unknown, specHash: string): Target {
  const object = raw as { metadata?: Record<string, unknown>; status?: unknown };
  const text = (name: string) => (typeof object.metadata?.[name] === 'string' ? (object.metadata[name] as string) : '');
  const generation = object.metadata?.['generation'];
  const common = {
    key,
    namespace: text('namespace'),
    name: text('name'),
    uid: text('uid'),
    resourceVersion: text('resourceVersion'),
    generation: typeof generation === 'number' ? generation : 0,
    createdMs: Date.parse(text('creationTimestamp')) || undefined,
    specHash,
    // Read apart from the rest: the status of an invalid object has to be known to be written.
    status: readSealedSecret({ status: object.status }).status,
  };
  try {
    const sealedSecret = readSealedSecret(raw, { source: key });
    const instanceLabel = sealedSecret.metadata.labels.get('app.kubernetes.io/instance') ?? '';
    return { ...common, instanceLabel, sealedSecret };
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return { ...common, instanceLabel: '', sealedSecret: error };
  }
}
