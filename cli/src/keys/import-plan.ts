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
  /** The key is there and active. */
  | { readonly action: 'keep'; readonly entry: KeyEntry; readonly existing: KeyEntry }
  /** The key is there under another label; it becomes active again. */
  | { readonly action: 'activate'; readonly entry: KeyEntry; readonly existing: KeyEntry }
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

/** Judges every key of a file against the keys that are there. Nothing is written; one refusal refuses the whole import. */
export function planImport(incoming: KeyRing, existing: KeyRing, options: ImportOptions): ImportPlan {
  const refusals: ImportStep[] = incoming.invalid.map(({ name, violations }) => ({
    action: 'refuse',
    name,
    reason: violations.join('; '),
  }));
  const seen = new Set<string>();
  const accepted: ImportStep[] = [];
  const primary = options.primary ? incoming.entries[0] : undefined;
  for (const entry of incoming.entries) {
    if (seen.has(entry.key.spki)) continue;
    seen.add(entry.key.spki);
    accepted.push(planKey(entry, entry === primary, existing, options));
  }
  const steps = [...refusals, ...accepted];
  const after: KeyEntry[] = [...existing.entries.filter(isActive), ...accepted.flatMap(activeAfter)];
  after.sort((a, b) => b.key.certificate.notBefore.getTime() - a.key.certificate.notBefore.getTime());
  const active = { entries: after.map((entry) => ({ ...entry, label: activeKeyLabelValue })), invalid: [] };
  return { steps, seals: primary ?? sealingKeyOf(active), sealsUpstream: after[0] };
}

function activeAfter(step: ImportStep): KeyEntry[] {
  return step.action === 'create' || step.action === 'activate' ? [step.entry] : [];
}

function planKey(entry: KeyEntry, isPrimary: boolean, existing: KeyRing, options: ImportOptions): ImportStep {
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
  const active = same.find(isActive);
  if (active !== undefined && !isPrimary) return { action: 'keep', entry, existing: active };
  const known = active ?? same[0];
  if (known !== undefined) return { action: 'activate', entry, existing: known };
  const nameTaken = existing.entries.some(({ secret }) => secret.metadata.name === name);
  if (nameTaken) return refuse('another key stands in a Secret of that name; rename it in the file');
  const warnings = expired ? ['its certificate has expired: it opens what it sealed, and seals nothing'] : [];
  return { action: 'create', entry, secret: importedSecret(entry, isPrimary, options), warnings };
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
      labels: new Map(metadata.labels).set(keyLabel, activeKeyLabelValue),
      annotations,
      ownerReferences: [],
      finalizers: [],
    },
    data,
    type: 'kubernetes.io/tls',
  };
}
