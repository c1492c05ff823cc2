/**
 * What a finding asks for:
 *
 * - `error`: something does not work, or will not after the swap. The exit status is 4.
 * - `warning`: something will change, or wants a decision.
 * - `note`: good to know; nothing has to be done.
 */
export type Severity = 'error' | 'warning' | 'note';

/** Kinds of objects that findings are about. */
export type FindingSubject = 'CustomResourceDefinition' | 'Deployment' | 'ServiceAccount' | 'Secret' | 'SealedSecret';

export interface FindingKind {
  readonly severity: Severity;
  readonly subject: FindingSubject;
  /** Who looks for it: `waxwing doctor` alone, the same with `--migrate`, or both. */
  readonly mode: 'health' | 'migration' | 'both';
  /** What was found, in a line. */
  readonly title: string;
  /** What is, or will be, different. */
  readonly effect: string;
  /** What to do. `NAMESPACE` and `NAME` stand for those of the object. */
  readonly remedy: string;
}

/**
 * Everything that the doctor looks for, by its code. The codes are stable: people search for them and switch on them. The order is the order
 * of the report, within a severity. `scripts/reference.ts` makes the reference of it.
 */
export const findingKinds = {
  'crd-missing': {
    severity: 'error',
    subject: 'CustomResourceDefinition',
    mode: 'both',
    title: 'SealedSecrets are not known to this cluster',
    effect: 'There is nothing to look after.',
    remedy: 'Install the CRD: kubectl apply --server-side --filename crds/',
  },
  'crd-without-status': {
    severity: 'error',
    subject: 'CustomResourceDefinition',
    mode: 'migration',
    title: 'The CRD has no status subresource',
    effect: 'No status can be written, so that nobody sees what became of an object.',
    remedy: 'Apply our CRD: kubectl apply --server-side --force-conflicts --filename crds/',
  },
  'setting-invalid': {
    severity: 'error',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A setting that the controller refuses',
    effect:
      'It does not start: it says what is wrong and ends with status 2. Upstream took such a value for zero or for nothing.',
    remedy: 'Correct arguments and environment of the Deployment before the swap.',
  },
  command: {
    severity: 'error',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A program that our image does not have',
    effect: 'The container does not start: the image holds `controller` and no shell.',
    remedy: 'Leave the command out, or make it [controller], and put flags into args.',
  },
  replicas: {
    severity: 'error',
    subject: 'Deployment',
    mode: 'migration',
    title: 'Several replicas without leader election',
    effect: 'Every replica works as if it were alone, and each makes keys.',
    remedy: 'Set one replica, or add --leader-elect and the rules for Leases.',
  },
  'controller-unreachable': {
    severity: 'error',
    subject: 'Deployment',
    mode: 'health',
    title: 'The controller does not answer',
    effect: 'Nothing can be sealed without a certificate in a file, and perhaps nothing is unsealed.',
    remedy: 'See why: kubectl -n NAMESPACE get pods, and their log.',
  },
  'controller-not-ready': {
    severity: 'error',
    subject: 'Deployment',
    mode: 'health',
    title: 'Replicas of the controller are not ready',
    effect: 'Changes wait until one is.',
    remedy: 'See why: kubectl -n NAMESPACE describe deployment NAME',
  },
  'permission-missing': {
    severity: 'error',
    subject: 'ServiceAccount',
    mode: 'migration',
    title: 'A permission is missing',
    effect: 'What the controller needs it for does not work.',
    remedy: 'Grant the rule to the service account.',
  },
  'no-keys': {
    severity: 'error',
    subject: 'Secret',
    mode: 'both',
    title: 'There is no sealing key',
    effect: 'The controller makes a new one at its start, which opens nothing that exists.',
    remedy: 'Import the keys from a backup first: waxwing keys import',
  },
  'sealing-key-without-secret': {
    severity: 'error',
    subject: 'Deployment',
    mode: 'both',
    title: 'The key that seals is in no Secret',
    effect: 'Only the process that runs still knows it. After a restart nothing opens that was sealed with it.',
    remedy: 'Bring its Secret back from a backup before the controller restarts, or seal again what needs it.',
  },
  'key-mismatch': {
    severity: 'error',
    subject: 'Secret',
    mode: 'both',
    title: 'The certificate of a key belongs to another key',
    effect:
      'The key is not used at all, neither to seal nor to open. Upstream opens with it, and hands out a certificate that it cannot open.',
    remedy: 'Put the certificate and the private key that belong together into the Secret.',
  },
  'key-primary-unusable': {
    severity: 'error',
    subject: 'Secret',
    mode: 'both',
    title: 'The key that is marked as primary cannot be used',
    effect:
      'No certificate is handed out, because another key must not take its place in silence. What other keys open, opens.',
    remedy: 'Repair the Secret, or take the mark away: kubectl -n NAMESPACE annotate secret NAME waxwing.dev/primary-',
  },
  'key-expired': {
    severity: 'error',
    subject: 'Secret',
    mode: 'both',
    title: 'The certificate of the key that seals has expired',
    effect: 'Nobody can seal with it. What was sealed with it opens as before.',
    remedy: 'Make a new key: kubectl -n NAMESPACE exec deployment/sealed-secrets-controller -- kill -USR1 1',
  },
  'object-invalid': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'both',
    title: 'A SealedSecret that can never open',
    effect: 'Its condition says what is wrong; the others go on.',
    remedy: 'Correct it where it comes from. For files: waxwing lint',
  },
  'object-failing': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'health',
    title: 'A SealedSecret that is not synced',
    effect: 'Its Secret is missing or not up to date.',
    remedy:
      'See the whole message: kubectl -n NAMESPACE describe sealedsecret NAME. Each reason: docs/guides/troubleshooting.md',
  },
  'object-breaks': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Synced today, and does not open any more',
    effect:
      'It becomes Synced=False with the reason shown. Upstream did not look again after the scope annotation was changed. The Secret stays as it is.',
    remedy: 'Put the scope annotation back, or seal again: waxwing seal --scope',
  },
  'secret-foreign': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A Secret of this name exists and does not belong to the SealedSecret',
    effect: 'It becomes Synced=False, NotManaged, at the first start. The Secret stays as it is.',
    remedy:
      'Delete the Secret, or hand it over: kubectl -n NAMESPACE annotate secret NAME sealedsecrets.bitnami.com/managed=true',
  },
  'secret-immutable': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'An immutable Secret that differs from the SealedSecret',
    effect:
      'It becomes Synced=False, ImmutableSecret, at the first start, as at any restart of upstream. The Secret stays as it is.',
    remedy: 'Delete the Secret, and it is made again: kubectl -n NAMESPACE delete secret NAME',
  },
  'secret-type': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'The Secret has another type than the SealedSecret wants',
    effect: 'It becomes Synced=False, ImmutableSecret: the type of a Secret cannot be changed.',
    remedy: 'Delete the Secret, and it is made again: kubectl -n NAMESPACE delete secret NAME',
  },
  'type-refused': {
    severity: 'error',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A Secret of a type that hands out credentials',
    effect: 'It is not created: Synced=False, ForbiddenType. Upstream creates it.',
    remedy: 'Create it by other means, or start the controller with --allow-service-account-tokens.',
  },
  'namespace-missing': {
    severity: 'warning',
    subject: 'Deployment',
    mode: 'migration',
    title: 'An additional namespace that does not exist',
    effect: 'It is waited for. Upstream leaves it out until its next restart.',
    remedy: 'Correct --additional-namespaces if the name is wrong.',
  },
  'setting-changed': {
    severity: 'warning',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A setting that means something else, or is better left out',
    effect: 'The line says what it means here.',
    remedy: 'Decide whether you still want it.',
  },
  'setting-unread': {
    severity: 'warning',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A setting that was not looked at',
    effect: 'A wrong value there keeps the controller from starting.',
    remedy: 'Look at its value yourself; durations take no days, for example: 720h, not 30d.',
  },
  'key-invalid': {
    severity: 'warning',
    subject: 'Secret',
    mode: 'both',
    title: 'A Secret that is labelled as a key and holds none',
    effect: 'It is left out, with an event. Upstream crashes over it at every start.',
    remedy:
      'Repair it, or take the label away: kubectl -n NAMESPACE label secret NAME sealedsecrets.bitnami.com/sealed-secrets-key-',
  },
  'memory-limit': {
    severity: 'warning',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A low limit of memory',
    effect: 'A cold start of thousands of objects may be killed; 320Mi are enough for 10,000.',
    remedy: 'Raise the limit with the swap.',
  },
  'key-several-primaries': {
    severity: 'warning',
    subject: 'Secret',
    mode: 'both',
    title: 'Several keys are marked as primary',
    effect: 'The newest of them seals.',
    remedy: 'Leave the mark on one: kubectl -n NAMESPACE annotate secret NAME waxwing.dev/primary-',
  },
  'sealing-key-changes': {
    severity: 'warning',
    subject: 'Secret',
    mode: 'both',
    title: 'Another key will seal',
    effect:
      'With the next start of the controller its certificate is another one; everything that is sealed opens as before.',
    remedy: 'If you keep the certificate in files, fetch it then: waxwing cert',
  },
  'object-recovers': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Failed with upstream, which gave up, and opens now',
    effect: 'Failures are tried again for ever, so its Secret is written at the first start.',
    remedy: 'If you do not want that Secret any more, delete the SealedSecret before the swap.',
  },
  'object-retried': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Failed with upstream, which gave up',
    effect: 'It is tried again for ever. If what kept it from opening is gone, its Secret is written.',
    remedy: 'See its condition: kubectl -n NAMESPACE describe sealedsecret NAME',
  },
  'object-keeps-failing': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Fails with upstream, and will fail',
    effect: 'The condition gets a reason, and says what mends it.',
    remedy: 'Mend it as the line says, or delete it. More: docs/guides/troubleshooting.md',
  },
  'object-unseen': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'health',
    title: 'A SealedSecret that the controller has not looked at',
    effect: 'Its status is missing, or speaks of an earlier generation.',
    remedy: 'If it stays so: is its namespace watched, and does the controller run?',
  },
  'scope-contradiction': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Metadata and template name different scopes',
    effect:
      'Metadata counts, and a change of it is looked at at once. Whether the object still opens could not be tried.',
    remedy: 'Ask the controller: kubectl -n NAMESPACE get sealedsecret NAME -o json | waxwing verify',
  },
  'secret-leftover': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'The Secret belongs to an earlier SealedSecret of this name',
    effect:
      'It is not taken over. When the garbage collector, or after a minute the controller, has deleted it, it is made again: it is missing for a moment.',
    remedy: 'Delete it at a time that suits you: kubectl -n NAMESPACE delete secret NAME',
  },
  'secret-missing': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Synced today, but there is no Secret',
    effect: 'It is made at the first start, and from then on at once whenever it is deleted.',
    remedy:
      'If you do not want it any more, delete the SealedSecret. --skip-recreate leaves deleted Secrets alone after the start.',
  },
  'secret-taken-over': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A Secret that was handed over and not taken yet',
    effect: 'It is replaced at the first start: everything in it that the SealedSecret does not define is lost.',
    remedy: 'If that is not meant: kubectl -n NAMESPACE annotate secret NAME sealedsecrets.bitnami.com/managed-',
  },
  'secret-entries-missing': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Entries that the SealedSecret defines are not in the Secret',
    effect: 'They are restored at the first start, and from then on at once.',
    remedy: 'If their absence is meant, take them out of the SealedSecret. --skip-recreate switches repairs off.',
  },
  'secret-entries-extra': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Entries in the Secret that the SealedSecret does not define',
    effect:
      'They are removed at the first start, as at any restart of upstream. Entries that are added later stay until the spec changes.',
    remedy: 'Seal what has to stay into the SealedSecret: waxwing merge',
  },
  'secret-metadata': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'Labels or annotations of the Secret differ from the template',
    effect:
      'At the first start the Secret gets those of the template and loses the others, as at any restart of upstream. What is added later stays.',
    remedy: 'Put what has to stay into spec.template.metadata.',
  },
  'template-volatile': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A template that gives another result each time',
    effect:
      'Upstream gives the entries new values at each restart. They keep those that they have at the first start if nothing else of the Secret has to change, and from then on get new ones only when the spec changes.',
    remedy: 'If the values must stay, seal them and take the template away before the swap.',
  },
  'owner-skipped': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'skip-set-owner-references without managed',
    effect:
      'Upstream calls it failed after creating the Secret; here it is synced while the Secret is as the SealedSecret says. Updates fail with NotManaged in both.',
    remedy: 'Add sealedsecrets.bitnami.com/managed: "true" to spec.template.metadata.annotations.',
  },
  'null-dropped': {
    severity: 'warning',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A null in the template that the CRD dropped',
    effect:
      'The item is in the Secret today. With our CRD, it leaves the Secret when the SealedSecret is applied again.',
    remedy: 'Take the null out of the manifest if the item is needed.',
  },
  'crd-upstream': {
    severity: 'note',
    subject: 'CustomResourceDefinition',
    mode: 'migration',
    title: 'The CRD is not ours',
    effect:
      'Everything works. A null in a template has no effect, and a restart asks for every object once, because the status cannot hold what was done.',
    remedy: 'After the swap, at leisure: kubectl apply --server-side --force-conflicts --filename crds/',
  },
  'setting-ignored': {
    severity: 'note',
    subject: 'Deployment',
    mode: 'migration',
    title: 'A setting without effect',
    effect: 'It is accepted, and does nothing.',
    remedy: 'Take it away when it suits you.',
  },
  readiness: {
    severity: 'note',
    subject: 'Deployment',
    mode: 'migration',
    title: 'Readiness is asked at /healthz',
    effect: 'A replica counts as ready before it has read keys and objects.',
    remedy: 'Ask at /readyz, as our manifest does.',
  },
  'permission-optional': {
    severity: 'note',
    subject: 'ServiceAccount',
    mode: 'migration',
    title: 'A permission that would help',
    effect: 'The controller works without, as the line says.',
    remedy: 'Apply our manifest or chart after the swap, or grant the rule.',
  },
  'key-primary': {
    severity: 'note',
    subject: 'Secret',
    mode: 'both',
    title: 'A key is marked as primary',
    effect: 'It seals, whatever its age, and no new keys are made. Upstream ignores the mark.',
    remedy: 'Nothing, if this is meant.',
  },
  'key-not-backed-up': {
    severity: 'note',
    subject: 'Secret',
    mode: 'both',
    title: 'No verified backup is recorded on the key',
    effect: 'Without the key nothing opens that was sealed with it.',
    remedy: 'waxwing keys export, then waxwing keys verify-backup --mark',
  },
  'object-terminating': {
    severity: 'note',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'A SealedSecret that is being deleted',
    effect: 'It is not reconciled any more, and its Secret not repaired.',
    remedy: 'A finalizer keeps it: kubectl -n NAMESPACE get sealedsecret NAME -o jsonpath={.metadata.finalizers}',
  },
  'secret-terminating': {
    severity: 'note',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'The Secret is being deleted',
    effect: 'It is made again as soon as it is gone.',
    remedy: 'A finalizer keeps it: kubectl -n NAMESPACE get secret NAME -o jsonpath={.metadata.finalizers}',
  },
  'type-kept': {
    severity: 'note',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'An existing Secret of a type that hands out credentials',
    effect: 'It is kept up to date. If it is deleted, it is not made again: ForbiddenType.',
    remedy: 'Nothing, or start the controller with --allow-service-account-tokens.',
  },
  'deprecated-data': {
    severity: 'note',
    subject: 'SealedSecret',
    mode: 'migration',
    title: 'The deprecated format spec.data',
    effect: 'It opens as with upstream. Type and entries are inside of the ciphertext, so they were not compared.',
    remedy: 'Seal it again when it suits you: waxwing reencrypt',
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

export type FindingCode = keyof typeof findingKinds;
