import type { InvalidKeySecret, KeySecret, UnsealingKey } from '@waxwing/shared';
import { importUnsealingKey, isInvalid, SealedSecretsError } from '@waxwing/shared';

/** `--key-order-priority`: which time of a key says how new it is. */
export type KeyOrder = 'CertNotBefore' | 'SecretCreationTimestamp';

/** A key that opens sealed values. */
export interface RingKey {
  readonly secret: KeySecret;
  readonly unsealing: UnsealingKey;
  /** Milliseconds since the epoch; the greatest is the newest. */
  readonly orderMs: number;
  /** Its Secret is gone, or holds something else: it opens what it sealed until this process ends, and seals nothing. */
  readonly retired: boolean;
}

/** All keys at one moment. Never changes; another one takes its place. */
export interface KeyRing {
  /** Rises whenever the set of keys that open values changes. */
  readonly version: number;
  /** Newest first. */
  readonly keys: readonly RingKey[];
  /** Key Secrets that claim to be the primary, usable or not. */
  readonly primaries: readonly (KeySecret | InvalidKeySecret)[];
  readonly invalid: readonly InvalidKeySecret[];
}

/** What a complete list of the key Secrets says. */
export interface KeyListing {
  /** By creation time, oldest first; the legacy Secret after the labelled ones. */
  readonly parsed: readonly (KeySecret | InvalidKeySecret)[];
  /**
   * Uids of Secrets that still exist, but lost the key label: their keys are withdrawn at once, as somebody who marks a key as
   * compromised wants it.
   */
  readonly relabelledUids: ReadonlySet<string>;
}

/** What a listing changed, for logs and events. */
export interface KeyRingChange {
  readonly added: readonly RingKey[];
  readonly withdrawn: readonly RingKey[];
  /** Newly retired: their Secrets are gone. */
  readonly retired: readonly RingKey[];
  /** Newly retired too, but their Secrets are there, with something else in them. */
  readonly overwritten: readonly RingKey[];
  /** Newly invalid, or invalid in another way. */
  readonly invalid: readonly InvalidKeySecret[];
  readonly primaries: KeyRing['primaries'];
  readonly previousPrimaries: KeyRing['primaries'];
}

export interface KeyRegistry {
  readonly ring: KeyRing;
  /** Whether this process ever held a key; then it never generates one because the ring is empty. */
  readonly everHeldKeys: boolean;
  /** Makes the ring what the listing says. Calls run one after the other. */
  apply(listing: KeyListing): Promise<KeyRingChange>;
  /** Called after every change of the ring, with the one before. */
  onChange(listener: (ring: KeyRing, previous: KeyRing) => void): void;
}

export const emptyKeyRing: KeyRing = { version: 0, keys: [], primaries: [], invalid: [] };

/** @param copies private key objects per key: one per pool thread, because one object serialises on a lock */
export function createKeyRegistry(options: { readonly order: KeyOrder; readonly copies: number }): KeyRegistry {
  let ring = emptyKeyRing;
  let everHeldKeys = false;
  let last: Promise<unknown> = Promise.resolve();
  const imported = new Map<string, UnsealingKey>();
  const listeners: ((ring: KeyRing, previous: KeyRing) => void)[] = [];

  const importKey = async (secret: KeySecret): Promise<UnsealingKey> => {
    const known = imported.get(secret.spki);
    if (known !== undefined) return known;
    const key = await importUnsealingKey(secret.privateKey, options.copies);
    imported.set(secret.spki, key);
    return key;
  };

  const applyListing = async (listing: KeyListing): Promise<KeyRingChange> => {
    const previous = ring;
    const listed: RingKey[] = [];
    for (const secret of newestPerKey(listing.parsed, options.order)) {
      listed.push({
        secret,
        unsealing: await importKey(secret),
        orderMs: orderTime(secret, options.order),
        retired: false,
      });
    }
    ring = nextRing(previous, listed, listing);
    for (const spki of imported.keys()) if (!ring.keys.some((key) => key.secret.spki === spki)) imported.delete(spki);
    everHeldKeys ||= ring.keys.length > 0;
    for (const listener of listeners) listener(ring, previous);
    return changeBetween(previous, ring, listing);
  };

  return {
    get ring() {
      return ring;
    },
    get everHeldKeys() {
      return everHeldKeys;
    },
    apply(listing) {
      const result = last.then(() => applyListing(listing));
      last = result.catch(() => {});
      return result;
    },
    onChange(listener) {
      listeners.push(listener);
    },
  };
}

function orderTime(secret: KeySecret, order: KeyOrder): number {
  return order === 'CertNotBefore' ? secret.certificate.notBefore.getTime() : secret.createdMs;
}

/** The same key in two Secrets is one key, as new as the newer of them, and primary if one of them says so. */
function newestPerKey(parsed: KeyListing['parsed'], order: KeyOrder): KeySecret[] {
  const byKey = new Map<string, KeySecret>();
  for (const secret of parsed) {
    if (isInvalid(secret)) continue;
    const other = byKey.get(secret.spki) ?? secret;
    const newer = orderTime(secret, order) > orderTime(other, order) ? secret : other;
    byKey.set(secret.spki, { ...newer, primary: secret.primary || other.primary });
  }
  return [...byKey.values()];
}

/** Keys that the listing lacks stay for opening, unless their Secret was relabelled. */
function nextRing(previous: KeyRing, listed: readonly RingKey[], listing: KeyListing): KeyRing {
  const present = new Set(listed.map((key) => key.secret.spki));
  const kept = previous.keys
    .filter((key) => !present.has(key.secret.spki) && !listing.relabelledUids.has(key.secret.uid))
    .map((key) => ({ ...key, retired: true }));
  const keys = newestFirst([...listed, ...kept]);
  const isSameSet =
    keys.length === previous.keys.length &&
    keys.every((key) => previous.keys.some((other) => other.secret.spki === key.secret.spki));
  return {
    version: isSameSet ? previous.version : previous.version + 1,
    keys,
    primaries: listing.parsed.filter((secret) => secret.primary),
    invalid: listing.parsed.filter(isInvalid),
  };
}

/** By order time; of two equally new keys the one that was registered first comes first (specification 3.4). Sorting is stable. */
function newestFirst(keys: readonly RingKey[]): RingKey[] {
  return keys.toSorted((a, b) => b.orderMs - a.orderMs);
}

function changeBetween(previous: KeyRing, ring: KeyRing, { parsed }: KeyListing): KeyRingChange {
  const before = new Map(previous.keys.map((key) => [key.secret.spki, key]));
  const after = new Set(ring.keys.map((key) => key.secret.spki));
  const presentUids = new Set(parsed.map(({ uid }) => uid));
  const isPresent = ({ secret }: RingKey) => presentUids.has(secret.uid);
  const retired = ring.keys.filter((key) => key.retired && before.get(key.secret.spki)?.retired === false);
  const knownInvalid = new Set(previous.invalid.map(invalidIdentity));
  return {
    added: ring.keys.filter((key) => !before.has(key.secret.spki)),
    withdrawn: previous.keys.filter((key) => !after.has(key.secret.spki)),
    retired: retired.filter((key) => !isPresent(key)),
    overwritten: retired.filter(isPresent),
    invalid: ring.invalid.filter((secret) => !knownInvalid.has(invalidIdentity(secret))),
    primaries: ring.primaries,
    previousPrimaries: previous.primaries,
  };
}

function invalidIdentity(secret: InvalidKeySecret): string {
  return `${secret.uid} ${secret.resourceVersion}`;
}

/** The newest key by upstream's rule, whatever is marked as primary; undefined for an empty ring. */
export function newestKey(ring: KeyRing): RingKey | undefined {
  return ring.keys.find((key) => !key.retired);
}

/**
 * The key whose certificate is handed out and used for re-encryption: the primary if there is one, else the newest. A primary that cannot
 * seal is never replaced by another key in silence.
 *
 * @throws SealedSecretsError `NoKeys`, or `InvalidCertificate`, `CertificateExpired` for an unusable primary.
 */
export function sealingKey(ring: KeyRing, nowMs: number): RingKey {
  if (ring.primaries.length > 0) return primaryKey(ring, nowMs);
  const newest = newestKey(ring);
  if (newest === undefined) {
    throw new SealedSecretsError('NoKeys', 'there is no sealing key', {
      hint: 'The controller makes one at its start; its log says why it could not. Or restore one: waxwing keys import.',
    });
  }
  return newest;
}

function primaryKey(ring: KeyRing, nowMs: number): RingKey {
  const key = ring.keys.find(({ secret, retired }) => secret.primary && !retired);
  if (key === undefined) {
    const [invalid] = ring.primaries as [InvalidKeySecret];
    const what = isInvalid(invalid) ? `: ${invalid.violations.join('; ')}` : '';
    throw new SealedSecretsError('InvalidCertificate', `primary key Secret ${invalid.name} cannot be used${what}`, {
      hint: 'Mend that Secret, or remove its annotation waxwing.dev/primary.',
    });
  }
  if (key.secret.certificate.notAfter.getTime() < nowMs) {
    throw new SealedSecretsError(
      'CertificateExpired',
      `the certificate of primary key Secret ${key.secret.name} has expired`,
      { hint: 'Import a newer primary key, or remove the annotation waxwing.dev/primary.' },
    );
  }
  return key;
}

/** What is known of an object before anything is decrypted. */
export interface KeyClues {
  /** Value of the annotation `waxwing.dev/key-id`: one id, or `item=id` pairs with commas between. */
  readonly hint?: string | undefined;
  /** The key that last opened something in its namespace. */
  readonly lastOpenedId?: string | undefined;
  /** When the object was created, milliseconds since the epoch. */
  readonly createdMs?: number | undefined;
}

/**
 * The order in which the keys are tried on an object: those of its hint, then the one that last opened something in its namespace, then the one
 * that sealed when the object was created, then newest first. Only a matter of speed: decryption decides.
 */
export function keysInOrder(ring: KeyRing, { hint, lastOpenedId, createdMs }: KeyClues): readonly UnsealingKey[] {
  const keys = ring.keys.map((key) => key.unsealing);
  if (keys.length < 2) return keys;
  const hinted = new Set((hint ?? '').split(',').map((part) => part.slice(part.indexOf('=') + 1).trim()));
  const sealingThen = ring.keys.find(({ orderMs }) => createdMs !== undefined && orderMs <= createdMs)?.unsealing.id;
  const rank = ({ id }: UnsealingKey) => {
    if (hinted.has(id)) return 0;
    if (id === lastOpenedId) return 1;
    return id === sealingThen ? 2 : 3;
  };
  return keys.toSorted((a, b) => rank(a) - rank(b));
}
