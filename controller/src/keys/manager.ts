import type { KeyObject } from 'node:crypto';
import type { InvalidKeySecret, KeySecret, KeySecretIdentity, RandomBytes } from '@waxwing/shared';
import { generateSealingKey, isInvalid, isSealedSecretsError, issueCertificate } from '@waxwing/shared';
import type { EventRecorder } from '../kube/events.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { keyEventReasons } from '../reasons.ts';
import type { KeyListing, KeyRegistry, KeyRing, KeyRingChange } from './registry.ts';
import { newestKey } from './registry.ts';
import type { RenewalCause } from './renewal.ts';
import type { KeyStore } from './store.ts';

/** A key that exists in memory alone. */
export interface KeyDraft {
  readonly privateKey: KeyObject;
  readonly certificatePem: string;
}

export interface KeyManagerOptions {
  readonly registry: KeyRegistry;
  readonly store: KeyStore;
  readonly sizeBits: number;
  readonly ttlMs: number;
  readonly commonName: string;
  readonly namespace: string;
  readonly clock: { nowMs(): number; wait(ms: number): Promise<void> };
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'keyRing' | 'invalidKeySecrets'>;
  readonly events: EventRecorder;
  /** Throws where this process may not write: then no key is made, let alone backed up, in vain. */
  readonly assertLeading: () => void;
  /** Ends lists of key Secrets, which are worth nothing to a process that ends. */
  readonly signal: AbortSignal;
  /**
   * Runs after a key was generated and before it is written as a key Secret, for backup before activation. If it rejects, the key is
   * forgotten and the old one goes on sealing. The annotations it resolves to go onto the key Secret.
   */
  readonly beforeActivate?: (draft: KeyDraft) => Promise<ReadonlyMap<string, string>>;
}

export interface KeyManager {
  /**
   * Lists the key Secrets and makes the ring what they say. The list begins after the call, and after the one before has been applied: an older
   * list never follows a newer one. Calls that wait share one list.
   *
   * @throws SealedSecretsError of the API, or the signal's reason; the ring is then what it was.
   */
  refresh(): Promise<KeyRing>;
  /**
   * Generates a key and activates it, unless a primary key is set; returns whether it did. One at a time.
   *
   * @throws SealedSecretsError of the API, of `beforeActivate`, or ApiUnavailable where this process may not write.
   */
  generate(cause: RenewalCause): Promise<boolean>;
}

/** Keeps the ring true to the cluster, makes new keys, and tells people what happened to their keys. */
export function createKeyManager(options: KeyManagerOptions): KeyManager {
  const { registry, store, logger, clock } = options;
  let last: Promise<unknown> = Promise.resolve();
  let lastRefresh: Promise<unknown> = Promise.resolve();
  let nextRefresh: Promise<KeyRing> | undefined;

  const listAndApply = async () => {
    nextRefresh = undefined;
    announce(await registry.apply(await store.list(registry.ring, options.signal)), registry.ring, options);
    return registry.ring;
  };
  const refresh = () => {
    nextRefresh ??= lastRefresh.then(listAndApply);
    lastRefresh = nextRefresh.catch(() => {});
    return nextRefresh;
  };

  /** The new key is used although no list can be had: it is in the cluster, and making another one would not mend the list. */
  const registerAlone = (created: KeySecret) => {
    const registering = lastRefresh.then(async () => {
      announce(await registry.apply(listingWith(registry.ring, created)), registry.ring, options);
    });
    lastRefresh = registering.catch(() => {});
    return registering;
  };

  const generate = async (cause: RenewalCause): Promise<boolean> => {
    const [primary] = registry.ring.primaries;
    if (primary !== undefined) {
      logger.info('no key generated: a primary key is set', { cause, secretname: primary.name });
      return false;
    }
    await waitForNextSecond(registry.ring, clock);
    options.assertLeading();
    const draft = await draftKey(options);
    const annotations = await options.beforeActivate?.(draft);
    const created = await store.create(draft, annotations);
    logger.info('new key written', { namespace: options.namespace, name: created.name, cause });
    logger.info('certificate generated', { certificate: draft.certificatePem });
    try {
      await refresh();
    } catch (error) {
      if (!isSealedSecretsError(error) || isInvalid(created)) throw error;
      logger.warn('key Secrets cannot be listed; the new key is used all the same', { error: error.message });
      await registerAlone(created);
    }
    return true;
  };

  return {
    refresh,
    generate(cause) {
      const result = last.then(() => generate(cause));
      last = result.catch(() => {});
      return result;
    },
  };
}

/** What the ring came from, and one key more. */
function listingWith(ring: KeyRing, created: KeySecret): KeyListing {
  const listed = ring.keys.filter(({ retired }) => !retired).map(({ secret }) => secret);
  return { parsed: [...listed, ...ring.invalid, created], relabelledUids: new Set() };
}

async function draftKey(options: KeyManagerOptions): Promise<KeyDraft> {
  const { privateKey, publicKey } = await generateSealingKey(options.sizeBits);
  const certificatePem = await issueCertificate({
    privateKey,
    publicKey,
    commonName: options.commonName,
    notBefore: new Date(options.clock.nowMs()),
    validForMs: options.ttlMs,
    randomBytes: options.randomBytes,
  });
  return { privateKey, certificatePem };
}

/** Times of keys have whole seconds and the older of two equal ones wins: a new key has to be newer to take over. */
async function waitForNextSecond(ring: KeyRing, clock: KeyManagerOptions['clock']): Promise<void> {
  const newest = newestKey(ring);
  if (newest === undefined) return;
  const aheadMs = Math.floor(newest.orderMs / 1000) * 1000 + 1000 - clock.nowMs();
  // A key that begins in the future stays the newest whatever we do.
  if (aheadMs > 0 && aheadMs <= 1000) await clock.wait(aheadMs);
}

/** Log, events and figures about a changed ring. */
function announce(change: KeyRingChange, ring: KeyRing, options: KeyManagerOptions): void {
  const { logger, metrics } = options;
  const warn = ({ namespace, name, uid, resourceVersion }: KeySecretIdentity, reason: string, message: string) => {
    logger.warn(message, { secret: name });
    void options.events.post({
      subject: { apiVersion: 'v1', kind: 'Secret', namespace, name, uid, resourceVersion },
      type: 'Warning',
      reason,
      message,
      identity: [reason, resourceVersion, message],
    });
  };
  for (const { secret, unsealing } of change.added) {
    logger.info('registered private key', { secretname: secret.name, keyId: unsealing.id });
  }
  for (const { secret, unsealing } of change.withdrawn) {
    logger.warn('key withdrawn: its Secret is no longer labelled active', {
      secretname: secret.name,
      keyId: unsealing.id,
    });
  }
  for (const { secret, unsealing } of change.retired) {
    const message = `The Secret of key ${unsealing.id} is gone. The key still opens values until this process ends and is lost then: restore it from a backup (waxwing keys import).`;
    warn(secret, keyEventReasons.keySecretDeleted, message);
  }
  for (const { secret, unsealing } of change.overwritten) {
    const message = `Secret ${secret.name} does not hold key ${unsealing.id} any more: its content was replaced. The key still opens values until this process ends and is lost then: restore it from a backup (waxwing keys import).`;
    warn(secret, keyEventReasons.keySecretOverwritten, message);
  }
  for (const secret of change.invalid) {
    const message = `Secret ${secret.name} is labelled as a sealing key and cannot be used: ${secret.violations.join('; ')}`;
    warn(secret, keyEventReasons.invalidKeySecret, message);
  }
  announcePrimaries(change, warn);
  metrics.invalidKeySecrets(ring.invalid.length);
  metrics.keyRing(figuresOf(ring));
}

function announcePrimaries(
  { primaries, previousPrimaries }: KeyRingChange,
  warn: (subject: KeySecretIdentity, reason: string, message: string) => void,
): void {
  const names = (list: readonly (KeySecret | InvalidKeySecret)[]) =>
    list
      .map(({ name }) => name)
      .sort()
      .join(', ');
  const [previous] = previousPrimaries;
  const [first] = primaries;
  if (names(primaries) === names(previousPrimaries)) return;
  if (first === undefined && previous !== undefined) {
    warn(previous, keyEventReasons.primaryKeyRemoved, 'No key is primary any more: the newest key seals again.');
  }
  if (first !== undefined && primaries.length > 1) {
    const message = `Several key Secrets are marked as primary (${names(primaries)}): the newest of them seals.`;
    warn(first, keyEventReasons.severalPrimaryKeys, message);
  }
  if (first !== undefined && primaries.every(isInvalid)) {
    const message = `Primary key Secret ${first.name} cannot be used: nothing is sealed until it is mended or the annotation is removed.`;
    warn(first, keyEventReasons.primaryKeyUnusable, message);
  }
}

function figuresOf(ring: KeyRing): Parameters<Metrics['keyRing']>[0] {
  const newest = newestKey(ring);
  const backups = { absent: 0, written: 0, verified: 0 };
  for (const { secret } of ring.keys) backups[secret.backup]++;
  return {
    count: ring.keys.length,
    newestSeconds: newest === undefined ? undefined : newest.orderMs / 1000,
    primaries: ring.primaries.length,
    backups,
  };
}
