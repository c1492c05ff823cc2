import { encryptionLabel, scopeOf } from './api/scope.ts';
import type { SealedSecret } from './api/sealed-secret.ts';
import { type Envelope, hybridDecrypt, parseEnvelope } from './crypto/hybrid.ts';
import type { UnsealingKey } from './crypto/private-key.ts';
import { compareBytewise, decodeBase64 } from './encoding.ts';
import { type ErrorCode, isSealedSecretsError } from './errors.ts';

/** Why one item or template entry did not make it into the Secret. */
export interface ItemFailure {
  readonly item: string;
  readonly code: ErrorCode;
  /** Without the name of the item, so that equal failures can be told once. */
  readonly message: string;
}

/** The items of a SealedSecret after decryption; nothing is rendered. */
export interface DecryptedItems {
  readonly items: ReadonlyMap<string, Uint8Array>;
  /** Id of the key that opened each item. */
  readonly keyIds: ReadonlyMap<string, string>;
  readonly failures: readonly ItemFailure[];
  /** How often a private key was used: the cost of the object. */
  readonly attempts: number;
}

/** Upstream's words, which people search for. */
export const undecryptable = 'no key could decrypt secret';

/** More than any pool has threads, and few enough that giving up comes soon. */
const parallelItems = 16;

export interface DecryptOptions {
  /**
   * After so many items that no key opens the rest is not tried: one is enough to fail the object, and thousands of them under many keys
   * would keep a core busy for minutes. Default: all are tried.
   */
  readonly maxFailures?: number;
}

/**
 * Decrypts every item with the keys in the order given. Order is only a matter of speed: the key that opened an item is tried first for
 * the rest of the object. Items are worked on in parallel once a key has been found.
 */
export async function decryptItems(
  sealedSecret: SealedSecret,
  keys: readonly UnsealingKey[],
  { maxFailures = Number.POSITIVE_INFINITY }: DecryptOptions = {},
): Promise<DecryptedItems> {
  const { metadata, spec } = sealedSecret;
  const label = encryptionLabel(scopeOf(metadata.annotations), metadata.namespace, metadata.name);
  const failures: ItemFailure[] = [];
  const items = new Map<string, Uint8Array>();
  const keyIds = new Map<string, string>();
  let attempts = 0;
  let preferred: UnsealingKey | undefined;

  const decryptItem = async (item: string, ciphertext: string) => {
    const envelope = parseItem(item, ciphertext, failures);
    if (envelope === undefined) return;
    const first = preferred;
    for (const key of first === undefined ? keys : [first, ...keys.filter((candidate) => candidate !== first)]) {
      attempts++;
      const plaintext = await hybridDecrypt(envelope, key.unwrapKey, label);
      if (plaintext === undefined) continue;
      preferred = key;
      items.set(item, plaintext);
      keyIds.set(item, key.id);
      return;
    }
    failures.push({ item, code: 'UnknownKey', message: undecryptable });
  };

  const waiting = spec.encryptedData.entries();
  const work = async (untilKeyIsKnown: boolean) => {
    for (const [item, ciphertext] of waiting) {
      await decryptItem(item, ciphertext);
      if (failures.length >= maxFailures || (untilKeyIsKnown && preferred !== undefined)) return;
    }
  };
  // One by one until a key is known; then its pool threads can all work.
  if (keys.length > 1) await work(true);
  if (failures.length < maxFailures) await Promise.all(Array.from({ length: parallelItems }, () => work(false)));
  return { items: inOrderOf(spec.encryptedData, items), keyIds, failures: sortFailures(failures), attempts };
}

function parseItem(item: string, ciphertext: string, failures: ItemFailure[]): Envelope | undefined {
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(ciphertext);
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidEncoding')) throw error;
    failures.push({ item, code: 'MalformedItem', message: error.message });
    return undefined;
  }
  const envelope = parseEnvelope(bytes);
  if (envelope === undefined) failures.push({ item, code: 'UnknownKey', message: undecryptable });
  return envelope;
}

function inOrderOf<T>(order: ReadonlyMap<string, unknown>, values: ReadonlyMap<string, T>): Map<string, T> {
  const result = new Map<string, T>();
  for (const key of order.keys()) if (values.has(key)) result.set(key, values.get(key) as T);
  return result;
}

function sortFailures(failures: ItemFailure[]): ItemFailure[] {
  return failures.sort((a, b) => compareBytewise(a.item, b.item));
}
