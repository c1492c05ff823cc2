import {
  activeKeyLabelValue,
  importUnsealingKey,
  isInvalid,
  type KeySecret,
  keyLabel,
  parseKeySecret,
  readSecret,
  SealedSecretsError,
  type Secret,
  type UnsealingKey,
} from '@waxwing/shared';

/** A key as the commands see it: from a cluster, a backup or PEM files. */
export interface KeyEntry {
  readonly id: string;
  readonly key: KeySecret;
  /** The Secret it stands in, with all its labels and annotations. */
  readonly secret: Secret;
  readonly unsealing: UnsealingKey;
  /** `active`, or what the key label says instead, such as `compromised`; empty without the label. */
  readonly label: string;
}

/** A Secret that should hold a key and does not. */
export interface InvalidEntry {
  readonly name: string;
  /** Whether it claims to be the key that seals. */
  readonly primary: boolean;
  /** Key and certificate can be read, and do not belong together. */
  readonly isMismatch: boolean;
  readonly violations: readonly string[];
}

export interface KeyRing {
  /** Newest first, by the certificate's beginning; the same key in two Secrets stands twice. */
  readonly entries: readonly KeyEntry[];
  readonly invalid: readonly InvalidEntry[];
}

/** Reads key Secrets. What is wrong with one is a value: it must not hide the others. */
export async function readKeyRing(raw: readonly unknown[]): Promise<KeyRing> {
  const entries: KeyEntry[] = [];
  const invalid: InvalidEntry[] = [];
  const imported = new Map<string, UnsealingKey>();
  for (const object of raw) {
    const key = parseKeySecret(object);
    if (isInvalid(key)) {
      const { name, primary, isMismatch, violations } = key;
      invalid.push({ name, primary, isMismatch, violations });
      continue;
    }
    const unsealing = imported.get(key.spki) ?? (await importUnsealingKey(key.privateKey));
    imported.set(key.spki, unsealing);
    const secret = readSecret(object);
    entries.push({ id: unsealing.id, key, secret, unsealing, label: secret.metadata.labels.get(keyLabel) ?? '' });
  }
  entries.sort((a, b) => b.key.certificate.notBefore.getTime() - a.key.certificate.notBefore.getTime());
  return { entries, invalid };
}

export function isActive(entry: KeyEntry): boolean {
  return entry.label === activeKeyLabelValue;
}

/** The key that seals: the newest active one, or the newest active primary. Undefined without active keys. */
export function sealingKeyOf(ring: KeyRing): KeyEntry | undefined {
  const active = ring.entries.filter(isActive);
  return active.find(({ key }) => key.primary) ?? active[0];
}

/** All different keys of a ring, to try in this order. */
export function unsealingKeysOf(ring: KeyRing): UnsealingKey[] {
  return [...new Set(ring.entries.map(({ unsealing }) => unsealing))];
}

/**
 * The entry that an id names: whole ids, or a beginning that fits one key alone.
 *
 * @throws SealedSecretsError `NotFound`, `InvalidUsage` for a beginning that fits several.
 */
export function findKey(ring: KeyRing, id: string): KeyEntry {
  const found = ring.entries.filter((entry) => entry.id.startsWith(id.toLowerCase()));
  const keys = new Set(found.map(({ key }) => key.spki));
  if (id === '' || keys.size === 0) {
    throw new SealedSecretsError('NotFound', `there is no key ${JSON.stringify(id)}`, {
      hint: 'See: waxwing keys list',
    });
  }
  if (keys.size > 1) {
    const ids = [...new Set(found.map((entry) => entry.id))].join(', ');
    throw new SealedSecretsError('InvalidUsage', `${JSON.stringify(id)} fits several keys: ${ids}`, {
      hint: 'Write more digits; where ids are equal in full, name the Secret with kubectl.',
    });
  }
  return found[0] as KeyEntry;
}
