import { keyLabel, type SealedSecret, type UnsealingKey } from '@waxwing/shared';
import { type Config, namespacesOf } from '@waxwing/shared/settings';
import { type KeyRing, readKeyRing } from '../keys/key-ring.ts';
import { type ClusterReader, sealedSecretsAt } from './cluster-reader.ts';
import { isWorthTrying, type ObjectFacts, readObject } from './sealed-secrets.ts';
import { type SecretFacts, secretOf } from './secrets.ts';
import { type Trial, tryToOpen } from './trial.ts';

/** The key Secrets of the controller's namespace, whatever their label says. Undefined, and a gap, where they may not be listed. */
export async function readKeys(reader: ClusterReader, { namespace, keys }: Config): Promise<KeyRing | undefined> {
  const found: unknown[] = [];
  const action = { verb: 'list', resource: 'secrets', what: 'key Secrets', namespace };
  const list = (query: string) =>
    reader.list(`/api/v1/namespaces/${namespace}/secrets?${query}`, action, (secret) => {
      found.push(secret);
    });
  const labelled = await list(`labelSelector=${encodeURIComponent(keyLabel)}`);
  if (labelled === 'unread') return undefined;
  // Very old installations have one without a label.
  await list(`labelSelector=${encodeURIComponent(`!${keyLabel}`)}&fieldSelector=metadata.name%3D${keys.prefix}`);
  return await readKeyRing(found);
}

/** A SealedSecret with what was tried of it. */
export interface ExaminedObject {
  readonly facts: ObjectFacts;
  readonly trial: Trial | undefined;
}

/** The SealedSecrets of a cluster. */
export interface ReadObjects {
  /** By `namespace/name`. */
  readonly objects: ReadonlyMap<string, ExaminedObject>;
  /** The resource is known to the API server. */
  readonly isKnown: boolean;
  /** Undefined where none could be read. */
  readonly count: number | undefined;
  /** How many would have been worth a trial, after so many were. */
  readonly untried: number;
}

/** Objects that fail under many keys take a fraction of a second each. */
const mostTrials = 100;
const trialsAtOnce = 8;

/**
 * Reads every SealedSecret that the controller looks after, and tries to open those whose status does not say what will become of them.
 *
 * @param keys undefined: nothing is tried
 */
export async function readSealedSecrets(
  reader: ClusterReader,
  config: Config,
  keys: readonly UnsealingKey[] | undefined,
  onProgress: () => Promise<void>,
): Promise<ReadObjects> {
  const objects = new Map<string, ExaminedObject>();
  const doubtful: SealedSecret[] = [];
  let [untried, isKnown, isUnread] = [0, true, false];
  const remember = async (raw: unknown) => {
    const { facts, sealedSecret } = readObject(raw);
    objects.set(keyOf(facts), { facts, trial: undefined });
    if (keys !== undefined && sealedSecret !== undefined && isWorthTrying(facts)) {
      if (doubtful.length < mostTrials) doubtful.push(sealedSecret);
      else untried++;
    }
    await onProgress();
  };
  for (const namespace of namespacesOf(config)) {
    const read = await reader.list(...sealedSecretsAt(namespace, config.reconcile.labelSelector), remember);
    if (read === 'absent') isKnown = false;
    if (read === 'unread') isUnread = true;
  }
  await tryAll(doubtful, objects, keys ?? [], config);
  return { objects, isKnown, untried, count: isUnread && objects.size === 0 ? undefined : objects.size };
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

/** Notes with each object what came of trying to open it. */
async function tryAll(
  doubtful: readonly SealedSecret[],
  objects: Map<string, ExaminedObject>,
  keys: readonly UnsealingKey[],
  { reconcile }: Config,
): Promise<void> {
  const waiting = doubtful.values();
  const work = async () => {
    for (const sealedSecret of waiting) {
      const trial = await tryToOpen(sealedSecret, keys, reconcile.acceptDeprecatedData);
      const key = keyOf(sealedSecret.metadata);
      const known = objects.get(key);
      if (known !== undefined) objects.set(key, { ...known, trial });
    }
  };
  // They share one iterator, so that each object is taken once.
  await Promise.all(Array.from({ length: trialsAtOnce }, work));
}

/** Secrets, without their values. */
export interface ReadSecrets {
  /** By `namespace/name`. */
  readonly found: ReadonlyMap<string, SecretFacts>;
  /** Namespaces whose Secrets could not be listed; the empty one stands for all. */
  readonly unread: ReadonlySet<string>;
  /** Undefined where none could be read. */
  readonly count: number | undefined;
}

/** The Secrets of these names. */
export async function readSecrets(
  reader: ClusterReader,
  config: Config,
  names: { has(key: string): boolean },
): Promise<ReadSecrets> {
  const found = new Map<string, SecretFacts>();
  const unread = new Set<string>();
  for (const namespace of namespacesOf(config)) {
    const read = await reader.listSecretRows(namespace, (row, columns) => {
      const secret = secretOf(row, columns);
      const key = keyOf(secret.metadata);
      if (names.has(key)) found.set(key, secret);
    });
    if (read === 'unread') unread.add(namespace);
  }
  return { found, unread, count: unread.size > 0 && found.size === 0 ? undefined : found.size };
}

/** The Secret of an object's name. */
export function secretIn(
  { found, unread }: ReadSecrets,
  { namespace, name }: ObjectFacts,
): SecretFacts | 'absent' | 'unread' {
  const secret = found.get(`${namespace}/${name}`);
  if (secret !== undefined) return secret;
  return unread.has('') || unread.has(namespace) ? 'unread' : 'absent';
}
