import {
  isTruthy,
  listAt,
  managedAnnotation,
  numberAt,
  patchAnnotation,
  property,
  syncedCondition,
  textAt,
  textsAt,
} from '@waxwing/shared';
import { hashText, specTextOf } from '../spec-hash.ts';
import type { Change, SealedSecretReflector, SealedSecretSummary, SecretMetadata } from './api.ts';
import { createReflector, type ReflectorOptions } from './reflector.ts';
import { sealedSecretsPath } from './requests.ts';

/**
 * What the cache keeps of a Secret, from its metadata. Annotations are looked at and dropped: client-side apply copies the whole Secret
 * into one of them.
 */
export function secretMetadataOf(raw: unknown): SecretMetadata {
  const annotations = textsAt(raw, 'metadata', 'annotations');
  const owner = listAt(raw, 'metadata', 'ownerReferences').find((entry) => property(entry, 'controller') === true);
  return {
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: textAt(raw, 'metadata', 'name'),
    uid: textAt(raw, 'metadata', 'uid'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    controller:
      owner === undefined
        ? undefined
        : { kind: textAt(owner, 'kind'), name: textAt(owner, 'name'), uid: textAt(owner, 'uid') },
    managed: isTruthy(annotations, managedAnnotation),
    patch: isTruthy(annotations, patchAnnotation),
    deleting: textAt(raw, 'metadata', 'deletionTimestamp') !== '',
  };
}

/** What the cache keeps of a SealedSecret. Never throws: invalid objects have a summary too. */
export function sealedSecretSummaryOf(raw: unknown): SealedSecretSummary {
  return summaryWithHash(raw, hashText(specTextOf(raw)));
}

/** Almost no object has other conditions: all share one list. */
const none: SealedSecretSummary['otherConditions'] = [];

function othersOf(conditions: readonly unknown[]): SealedSecretSummary['otherConditions'] {
  const others = conditions
    .map((entry) => ({ type: textAt(entry, 'type'), status: textAt(entry, 'status') }))
    .filter(({ type }) => type !== '' && type !== syncedCondition);
  return others.length === 0 ? none : others;
}

function summaryWithHash(raw: unknown, specHash: string): SealedSecretSummary {
  const status = property(raw, 'status');
  const conditions = listAt(status, 'conditions');
  const condition = conditions.find((entry) => textAt(entry, 'type') === syncedCondition);
  const record = property(status, 'secret');
  return {
    namespace: textAt(raw, 'metadata', 'namespace'),
    name: textAt(raw, 'metadata', 'name'),
    uid: textAt(raw, 'metadata', 'uid'),
    resourceVersion: textAt(raw, 'metadata', 'resourceVersion'),
    generation: numberAt(raw, 'metadata', 'generation') ?? 0,
    deleting: textAt(raw, 'metadata', 'deletionTimestamp') !== '',
    specHash,
    instanceLabel: textAt(raw, 'metadata', 'labels', 'app.kubernetes.io/instance'),
    observedGeneration: numberAt(status, 'observedGeneration'),
    synced:
      condition === undefined
        ? undefined
        : { status: textAt(condition, 'status'), reason: textAt(condition, 'reason') },
    otherConditions: conditions.length === 1 && condition !== undefined ? none : othersOf(conditions),
    record:
      typeof record !== 'object' || record === null
        ? undefined
        : {
            uid: textAt(record, 'uid'),
            resourceVersion: textAt(record, 'resourceVersion'),
            specHash: textAt(record, 'specHash'),
            rendererRevision: numberAt(record, 'rendererRevision') ?? 0,
          },
    controller: textAt(status, 'controller'),
  };
}

/** Drops what is large and nobody reads, last-applied among it: it repeats the whole object. */
function trimmed(raw: unknown): unknown {
  const metadata = property(raw, 'metadata');
  if (typeof metadata !== 'object' || metadata === null) return raw;
  Reflect.deleteProperty(metadata, 'managedFields');
  const annotations = property(metadata, 'annotations');
  if (typeof annotations === 'object' && annotations !== null) {
    Reflect.deleteProperty(annotations, 'kubectl.kubernetes.io/last-applied-configuration');
  }
  return raw;
}

export interface SealedSecretReflectorOptions
  extends Omit<ReflectorOptions<SealedSecretSummary>, 'decode' | 'selection' | 'onChange'> {
  /** Empty: all namespaces. */
  readonly namespace: string;
  readonly labelSelector: string;
  /** Characters of spec text held at most; beyond that the objects are fetched when their turn comes. */
  readonly maxHeldCharacters?: number;
  onChange(change: Change<SealedSecretSummary>): void;
}

// Of ciphertext, which is ASCII: a character is a byte. 10,000 objects of three items are 30 MiB.
const defaultHeldCharacters = 32 * 1024 * 1024;

/** See {@link SealedSecretReflector}: summaries for ever, whole objects from a change until they are taken or released. */
export function createSealedSecretReflector(options: SealedSecretReflectorOptions): SealedSecretReflector {
  const maxHeld = options.maxHeldCharacters ?? defaultHeldCharacters;
  const held = new Map<string, { readonly raw: unknown; readonly characters: number }>();
  let heldCharacters = 0;
  let lastCharacters = 0;

  function release(key: string): void {
    heldCharacters -= held.get(key)?.characters ?? 0;
    held.delete(key);
  }

  function hold(key: string, raw: unknown, characters: number): void {
    release(key);
    if (heldCharacters + characters > maxHeld) return;
    held.set(key, { raw: trimmed(raw), characters });
    heldCharacters += characters;
  }

  function keepObject(change: Change<SealedSecretSummary>): void {
    if (change.type === 'deleted') {
      release(change.key);
      return;
    }
    const isRelevant = change.type === 'added' || isChanged(change.previous, change.object);
    // Somebody else's status does not make an object due, but one that waits shall not be outdated by it.
    if (isRelevant || held.has(change.key)) hold(change.key, change.raw, lastCharacters);
  }

  const reflector = createReflector<SealedSecretSummary>({
    ...options,
    selection: {
      path: sealedSecretsPath(options.namespace),
      labelSelector: options.labelSelector,
      metadataOnly: false,
    },
    decode(raw) {
      const text = specTextOf(raw);
      lastCharacters = text.length;
      return summaryWithHash(raw, hashText(text));
    },
    onChange(change) {
      keepObject(change);
      options.onChange(change);
    },
  });

  return {
    ...reflector,
    take(key) {
      const raw = held.get(key)?.raw;
      release(key);
      return raw;
    },
    release,
  };
}

/**
 * True if an update can change what the Secret has to be: nothing that only concerns status or other metadata does. A generation may be another
 * although the spec is as before, if what lay between was missed; then the status has to follow it.
 */
export function isChanged(previous: SealedSecretSummary, current: SealedSecretSummary): boolean {
  return (
    previous.uid !== current.uid ||
    previous.generation !== current.generation ||
    previous.specHash !== current.specHash ||
    previous.deleting !== current.deleting
  );
}
