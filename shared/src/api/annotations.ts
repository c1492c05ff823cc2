/** Prefix of upstream's annotations and of the key label. */
const upstreamPrefix = 'sealedsecrets.bitnami.com/';
/** Prefix of everything that is ours alone. Upstream ignores it. */
const ownPrefix = 'waxwing.dev/';

/** Scope: any name in any namespace. Read from the top level of a SealedSecret, and from a Secret to be sealed. */
export const clusterWideAnnotation = `${upstreamPrefix}cluster-wide`;
/** Scope: any name in the one namespace. */
export const namespaceWideAnnotation = `${upstreamPrefix}namespace-wide`;
/** On an existing Secret: the controller may take it over and replace it. */
export const managedAnnotation = `${upstreamPrefix}managed`;
/** On an existing Secret: the controller may merge into it without owning it. */
export const patchAnnotation = `${upstreamPrefix}patch`;
/** In template annotations: the Secret gets no owner reference, so it outlives its SealedSecret. */
export const skipSetOwnerReferencesAnnotation = `${upstreamPrefix}skip-set-owner-references`;

/** Label of key Secrets; only `active` ones are loaded. */
export const keyLabel = `${upstreamPrefix}sealed-secrets-key`;
/** The value of {@link keyLabel} that makes a key Secret a sealing key. */
export const activeKeyLabelValue = 'active';

/** On a SealedSecret: key id, or `item=id` pairs, of the keys it was sealed with. A hint for ordering, never evidence. */
export const keyIdAnnotation = `${ownPrefix}key-id`;
/** On a key Secret: `true` makes it the key that seals, whatever its age. */
export const primaryKeyAnnotation = `${ownPrefix}primary`;
/** On a key Secret: its backup was written before the key could seal; nobody has verified it yet. */
export const backupWrittenAnnotation = `${ownPrefix}backup-written`;
/** On a key Secret: time and file digest of the last verified backup. */
export const backupVerifiedAnnotation = `${ownPrefix}backup-verified`;

/** Annotations in which kubectl and kubecfg keep a whole copy of the applied object, Secret values included. */
export const appliedConfigurationAnnotations: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  'kubecfg.ksonnet.io/last-applied-configuration',
];

/** Only the exact text `true` switches an annotation on: not `TRUE`, `1` or `yes`. */
export function isTruthy(annotations: ReadonlyMap<string, string>, name: string): boolean {
  return annotations.get(name) === 'true';
}
