import { decryptItems, type SealedSecret, SealedSecretsError, type UnsealingKey } from '@waxwing/shared';

/** A SealedSecret and where it was found, for messages. */
export interface FoundObject {
  /** `cluster`, or the path of a file. */
  readonly source: string;
  readonly sealedSecret: SealedSecret;
}

/** How much depends on a key. */
export interface KeyNeed {
  readonly objects: number;
  readonly items: number;
}

export interface Needs {
  /** By key id; only keys that something needs. */
  readonly byKey: ReadonlyMap<string, KeyNeed>;
  /** Items that no key opens, so that it is unknown which one they need. */
  readonly unproven: readonly { readonly source: string; readonly object: string; readonly items: readonly string[] }[];
  readonly objects: number;
  readonly items: number;
}

/**
 * Finds out by decrypting, never by hints, which key every item needs. Values are dropped at once.
 *
 * @param keys in the order to be tried
 */
export async function findNeeds(objects: AsyncIterable<FoundObject>, keys: readonly UnsealingKey[]): Promise<Needs> {
  const byKey = new Map<string, { objects: number; items: number }>();
  const unproven: { source: string; object: string; items: readonly string[] }[] = [];
  let [objectCount, itemCount] = [0, 0];
  for await (const { source, sealedSecret } of objects) {
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
    throw new SealedSecretsError('KeyInUse', `key ${id} is needed by ${need.items} items of ${need.objects} objects`, {
      hint: 'Seal them again first: waxwing reencrypt --all DIR, commit, and let GitOps apply it.',
    });
  }
  if (needs.unproven.length === 0) return;
  const list = needs.unproven
    .map(({ source, object, items }) => `${source}: ${object} (${items.join(', ')})`)
    .join('; ');
  throw new SealedSecretsError('KeyInUse', `it is unproven that nothing needs key ${id}: no key here opens ${list}`, {
    hint: 'Mend or delete these objects, or import the keys they were sealed with, and try again.',
  });
}
