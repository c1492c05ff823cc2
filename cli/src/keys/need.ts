import { decryptItems, type SealedSecret, SealedSecretsError, type UnsealingKey } from '@waxwing/shared';
import { counted } from '../counted.ts';

/** A SealedSecret and where it was found, for messages. */
export interface FoundObject {
  /** `cluster`, or the path of a file. */
  readonly source: string;
  readonly sealedSecret: SealedSecret;
}

/** Something that speaks of a SealedSecret and cannot be read, so that nothing is known of what it needs. */
export interface UnreadableObject {
  readonly source: string;
  readonly problem: SealedSecretsError;
}

/** What nothing is proven of. */
export interface Unproven {
  readonly source: string;
  /** `namespace/name`, or empty for a file that cannot be read. */
  readonly object: string;
  /** Items that no key opens. */
  readonly items: readonly string[];
  /** Why the file cannot be read. */
  readonly problem?: string;
}

/** One line about it. */
export function describeUnproven({ source, object, items, problem }: Unproven): string {
  return problem ?? `${source}: ${object} (${items.join(', ')})`;
}

/** How much depends on a key. */
export interface KeyNeed {
  readonly objects: number;
  readonly items: number;
}

export interface Needs {
  /** By key id; only keys that something needs. */
  readonly byKey: ReadonlyMap<string, KeyNeed>;
  /** What no key opens, so that it is unknown which one it needs. */
  readonly unproven: readonly Unproven[];
  readonly objects: number;
  readonly items: number;
}

/**
 * Finds out by decrypting, never by hints, which key every item needs. Values are dropped at once.
 *
 * @param keys in the order to be tried
 */
export async function findNeeds(
  objects: AsyncIterable<FoundObject | UnreadableObject>,
  keys: readonly UnsealingKey[],
): Promise<Needs> {
  const byKey = new Map<string, { objects: number; items: number }>();
  const unproven: Unproven[] = [];
  let [objectCount, itemCount] = [0, 0];
  for await (const found of objects) {
    if ('problem' in found) {
      unproven.push({ source: found.source, object: '', items: [], problem: found.problem.message });
      continue;
    }
    const { source, sealedSecret } = found;
    objectCount++;
    itemCount += sealedSecret.spec.encryptedData.size;
    const { keyIds, failures } = await decryptItems(sealedSecret, keys);
    for (const id of new Set(keyIds.values())) count(byKey, id).objects++;
    for (const id of keyIds.values()) count(byKey, id).items++;
    if (failures.length > 0) {
      const { namespace, name } = sealedSecret.metadata;
      unproven.push({ source, object: `${namespace}/${name}`, items: failures.map(({ item }) => item) });
    }
    if (sealedSecret.spec.data !== undefined) {
      // The deprecated blob opens under one key as a whole; nobody has asked for more than a refusal to guess.
      const { namespace, name } = sealedSecret.metadata;
      unproven.push({ source, object: `${namespace}/${name}`, items: ['spec.data'] });
    }
  }
  return { byKey, unproven, objects: objectCount, items: itemCount };
}

function count(byKey: Map<string, { objects: number; items: number }>, id: string): { objects: number; items: number } {
  const need = byKey.get(id) ?? { objects: 0, items: 0 };
  byKey.set(id, need);
  return need;
}

/** @throws SealedSecretsError `KeyInUse` unless it is proven that nothing needs the key. */
export function assertNotNeeded(id: string, needs: Needs): void {
  const need = needs.byKey.get(id);
  if (need !== undefined) {
    throw new SealedSecretsError(
      'KeyInUse',
      `key ${id} is needed by ${counted(need.items, 'item')} of ${counted(need.objects, 'object')}`,
      {
        hint: 'Seal them again first: waxwing reencrypt --all DIR, commit, and let GitOps apply it.',
      },
    );
  }
  if (needs.unproven.length === 0) return;
  const list = needs.unproven.map(describeUnproven).join('; ');
  throw new SealedSecretsError('KeyInUse', `it is unproven that nothing needs key ${id}; not opened: ${list}`, {
    hint: 'Mend or delete these objects, or import the keys they were sealed with, and try again.',
  });
}
