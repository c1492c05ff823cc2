import { activeKeyLabelValue, keyLabel, primaryKeyAnnotation, type Secret } from '@waxwing/shared';
import { checksumOf, exportAnnotations } from './export.ts';
import { isActive, type KeyEntry, type KeyRing, sealingKeyOf } from './key-ring.ts';

/** What importing one key would do. */
export type ImportStep =
  | {
      readonly action: 'create';
      readonly entry: KeyEntry;
      readonly secret: Secret;
      readonly warnings: readonly string[];
    }
  /** The key is there and stays as it is. */
  | {
      readonly action: 'keep';
      readonly entry: KeyEntry;
      readonly existing: KeyEntry;
      readonly warnings: readonly string[];
    }
  /** The key is there; it becomes active again, or primary. */
  | {
      readonly action: 'activate';
      readonly entry: KeyEntry;
      readonly existing: KeyEntry;
      readonly primary: boolean;
    }
  /** Another key is primary; of several the newest would seal, so its mark is taken away. */
  | { readonly action: 'demote'; readonly existing: KeyEntry }
  | { readonly action: 'refuse'; readonly name: string; readonly reason: string };

export interface ImportPlan {
  readonly steps: readonly ImportStep[];
  /** The key that will seal afterwards. */
  readonly seals: KeyEntry | undefined;
  /** What upstream's controller, which knows no primary keys, would seal with. */
  readonly sealsUpstream: KeyEntry | undefined;
}

export interface ImportOptions {
  readonly namespace: string;
  readonly now: Date;
  /** Makes the newest imported key the primary one. */
  readonly primary: boolean;
}

const leastBits = 2048;
/** The label value by which upstream's documentation takes a key out of use. */
const compromisedLabel = 'compromised';

/** Judges every key of a file against the keys that are there. Nothing is written; one refusal refuses the whole import. */
export function planImport(incoming: KeyRing, existing: KeyRing, options: ImportOptions): ImportPlan {
  const refusals: ImportStep[] = incoming.invalid.map(({ name, violations }) => ({
    action: 'refuse',
    name,
    reason: violations.join('; '),
  }));
  const primary = options.primary ? incoming.entries.find(isNotOutOfUse) : undefined;
  const seen = new Set<string>();
  const names = new Set([
    ...existing.entries.map(({ secret }) => secret.metadata.name),
    ...existing.invalid.map(({ name }) => name),
  ]);
  const accepted: ImportStep[] = [];
  for (const entry of incoming.entries) {
    if (seen.has(entry.key.spki)) continue;
    seen.add(entry.key.spki);
    const step = planKey(entry, entry === primary, existing, names, options);
    if (step.action === 'create') names.add(step.secret.metadata.name);
    accepted.push(step);
  }
  const demoted = primary === undefined ? [] : existing.entries.filter((entry) => isOtherPrimary(entry, primary));
  const steps = [...refusals, ...accepted, ...demoted.map((entry) => ({ action: 'demote' as const, existing: entry }))];
  return { steps, ...sealingAfter(accepted, existing, primary) };
}

/** Which key seals once the steps are done: by our rule, and by upstream's, which knows no primary keys. */
function sealingAfter(
  accepted: readonly ImportStep[],
  existing: KeyRing,
  primary: KeyEntry | undefined,
): Pick<ImportPlan, 'seals' | 'sealsUpstream'> {
  const added = accepted.flatMap((step) =>
    step.action === 'activate' || (step.action === 'create' && isNotOutOfUse(step.entry)) ? [step.entry] : [],
  );
  const after = [...existing.entries.filter(isActive), ...added]
    .map((entry) => ({ ...entry, label: activeKeyLabelValue }))
    .sort((a, b) => b.key.certificate.notBefore.getTime() - a.key.certificate.notBefore.getTime());
  const marked = after.map((entry) => ({ ...entry, key: { ...entry.key, primary: isMarked(entry, existing) } }));
  return { seals: primary ?? sealingKeyOf({ entries: marked, invalid: [] }), sealsUpstream: after[0] };
}

/** The mark of an imported key does not count: whoever imports decides. */
function isMarked({ key }: KeyEntry, existing: KeyRing): boolean {
  return existing.entries.some((other) => other.key.spki === key.spki && isActive(other) && other.key.primary);
}

/** A file may hold keys that were retired or compromised where it was made; they stay out of use. */
function isNotOutOfUse({ label }: KeyEntry): boolean {
  return label === '' || label === activeKeyLabelValue;
}

function isOtherPrimary(entry: KeyEntry, primary: KeyEntry): boolean {
  return isActive(entry) && entry.key.primary && entry.key.spki !== primary.key.spki;
}

function planKey(
  entry: KeyEntry,
  isPrimary: boolean,
  existing: KeyRing,
  takenNames: ReadonlySet<string>,
  options: ImportOptions,
): ImportStep {
  const { name } = entry.secret.metadata;
  const refuse = (reason: string): ImportStep => ({ action: 'refuse', name, reason });
  const bits = entry.key.privateKey.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < leastBits) return refuse(`the key has ${bits} bits; at least ${leastBits} are needed`);
  const checksum = entry.secret.metadata.annotations.get(exportAnnotations.checksum);
  if (checksum !== undefined && checksum !== checksumOf(entry.secret.data)) {
    return refuse('its checksum does not fit: the file was changed after the export');
  }
  const expired = entry.key.certificate.notAfter.getTime() < options.now.getTime();
  if (expired && isPrimary) return refuse('its certificate has expired, so it cannot be the primary key');
  const same = existing.entries.filter(({ key }) => key.spki === entry.key.spki);
  if (same.length > 0) return planKnownKey(entry, isPrimary, same);
  if (name !== '' && takenNames.has(name))
    return refuse('another key stands in a Secret of that name; rename it in the file');
  const warnings = [
    ...(expired ? ['its certificate has expired: it opens what it sealed, and seals nothing'] : []),
    ...(isNotOutOfUse(entry) ? [] : [`it is ${entry.label} in the file, and stays out of use`]),
  ];
  return { action: 'create', entry, secret: importedSecret(entry, isPrimary, options), warnings };
}

/** A key that is there in one or more Secrets. */
function planKnownKey(entry: KeyEntry, isPrimary: boolean, same: readonly KeyEntry[]): ImportStep {
  const active = same.find(isActive);
  const known = active ?? (same[0] as KeyEntry);
  if (isPrimary && !(active?.key.primary ?? false))
    return { action: 'activate', entry, existing: known, primary: true };
  if (active !== undefined || !isNotOutOfUse(entry)) return { action: 'keep', entry, existing: known, warnings: [] };
  if (known.label !== compromisedLabel) return { action: 'activate', entry, existing: known, primary: false };
  const warnings = [
    'it is compromised here and stays out of use; to use it all the same change its label with kubectl',
  ];
  return { action: 'keep', entry, existing: known, warnings };
}

function importedSecret(entry: KeyEntry, isPrimary: boolean, options: ImportOptions): Secret {
  const { metadata, data } = entry.secret;
  const annotations = new Map(metadata.annotations);
  // Which key is primary is decided by whoever imports, not by where it came from.
  annotations.delete(primaryKeyAnnotation);
  if (isPrimary) annotations.set(primaryKeyAnnotation, 'true');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: metadata.name,
      ...(metadata.name === '' ? { generateName: 'sealed-secrets-key' } : {}),
      namespace: options.namespace,
      labels: new Map(metadata.labels).set(keyLabel, isNotOutOfUse(entry) ? activeKeyLabelValue : entry.label),
      annotations,
      ownerReferences: [],
      finalizers: [],
    },
    data,
    type: 'kubernetes.io/tls',
  };
}
