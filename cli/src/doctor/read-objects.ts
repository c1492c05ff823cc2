import { keyLabel, type UnsealingKey } from '@waxwing/shared';
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
  /** How many would have been worth a trial, after so many were. */
  readonly untried: number;
}

/** Objects that fail under many keys take a fraction of a second each. */
const mostTrials = 200;

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
  let [tried, untried, isKnown] = [0, 0, true];
  const examine = async (raw: unknown) => {
    const { facts, sealedSecret } = readObject(raw);
    const isWorth = keys !== undefined && sealedSecret !== undefined && isWorthTrying(facts);
    const isTried = isWorth && tried < mostTrials;
    if (isTried) tried++;
    else if (isWorth) untried++;
    const trial = isTried ? await tryToOpen(sealedSecret, keys, config.reconcile.acceptDeprecatedData) : undefined;
    objects.set(`${facts.namespace}/${facts.name}`, { facts, trial });
    await onProgress();
  };
  for (const namespace of namespacesOf(config)) {
    const read = await reader.list(...sealedSecretsAt(namespace, config.reconcile.labelSelector), examine);
    if (read === 'absent') isKnown = false;
  }
  return { objects, isKnown, untried };
}

/** Secrets, without their values. */
export interface ReadSecrets {
  /** By `namespace/name`. */
  readonly found: ReadonlyMap<string, SecretFacts>;
  /** Namespaces whose Secrets could not be listed; the empty one stands for all. */
  readonly unread: ReadonlySet<string>;
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
      const key = `${secret.metadata.namespace}/${secret.metadata.name}`;
      if (names.has(key)) found.set(key, secret);
    });
    if (read === 'unread') unread.add(namespace);
  }
  return { found, unread };
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
