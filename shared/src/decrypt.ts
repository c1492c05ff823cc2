import { encryptionLabel, scopeOf } from './api/scope.ts';
import type { SealedSecret } from './api/sealed-secret.ts';
import { type Envelope, hybridDecrypt, parseEnvelope } from './crypto/hybrid.ts';
import { largestOf, likelyKeysFirst } from './crypto/likely-keys.ts';
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

/** The caller knows a likely key (a hint, the namespace's last one, that of the object's creation); beyond these the ciphertexts know better. */
const triedAsGiven = 2;

/**
 * Decrypts every item. The order of keys is only a matter of speed: first the first two in the order given, then the most likely ones by the
 * ciphertexts; the key that opened an item is tried first for the rest of the object. Items are worked on in parallel once a key has been found.
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

  const envelopes = new Map<string, Envelope>();
  for (const [item, ciphertext] of spec.encryptedData) {
    const envelope = parseItem(item, ciphertext, failures);
    if (envelope !== undefined) envelopes.set(item, envelope);
    if (failures.length >= maxFailures) break;
  }

  const largest = largestOf(envelopes.values().map(({ wrappedKey }) => wrappedKey));

  const decryptItem = async (item: string, envelope: Envelope) => {
    // Where the object's key does not open an item, the other items tell nothing about it.
    for (const key of candidates(keys, preferred, preferred === undefined ? largest : envelope.wrappedKey)) {
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

  const waiting = envelopes.entries();
  const work = async (untilKeyIsKnown: boolean) => {
    for (const [item, envelope] of waiting) {
      await decryptItem(item, envelope);
      if (failures.length >= maxFailures || (untilKeyIsKnown && preferred !== undefined)) return;
    }
  };
  // One by one until a key is known; then its pool threads can all work.
  if (keys.length > 1 && failures.length < maxFailures) await work(true);
  if (failures.length < maxFailures) await Promise.all(Array.from({ length: parallelItems }, () => work(false)));
  return { items: inOrderOf(spec.encryptedData, items), keyIds, failures: sortFailures(failures), attempts };
}

/** Every key once, the most likely first. What the ciphertexts say is only looked at when the first ones fail. */
function* candidates(
  keys: readonly UnsealingKey[],
  preferred: UnsealingKey | undefined,
  largest: Uint8Array,
): Generator<UnsealingKey> {
  const first = preferred === undefined ? keys.slice(0, triedAsGiven) : [preferred];
  yield* first;
  const others = keys.filter((key) => !first.includes(key));
  yield* likelyKeysFirst(others, largest);
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
