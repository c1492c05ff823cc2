import {
  boolFlag,
  durationFlag,
  type FlagKind,
  floatFlag,
  formatDuration,
  intFlag,
  restrict,
  stringFlag,
} from './go-flags.ts';

interface Flag<T> {
  readonly kind: FlagKind<T>;
  readonly default: T;
  readonly usage: string;
  /** Accepted and not in the usage text. */
  readonly isHidden?: boolean;
  /** May be given more than once; in the environment its values stand in lines of their own. */
  readonly isRepeatable?: boolean;
}

const hourMs = 3_600_000;
const minuteMs = 60_000;
const secondMs = 1000;

const notNegative = (what: string, example: string) =>
  restrict(durationFlag, `${what} that is not negative, such as ${example}`, (ms) => ms >= 0);
const period = (example: string) => notNegative('a duration', example);
const positive = (example: string) => restrict(durationFlag, `a duration above 0, such as ${example}`, (ms) => ms > 0);
const atLeast = (least: number) => restrict(intFlag, `an integer of at least ${least}`, (value) => value >= least);
const choice = <T extends string>(...values: readonly T[]): FlagKind<T> => ({
  placeholder: 'string',
  allowed: values.join(' or '),
  parse: (text) => values.find((value) => value === text),
});

function flag<T>(kind: FlagKind<T>, value: T, usage: string, more: Partial<Flag<T>> = {}): Flag<T> {
  return { kind, default: value, usage, ...more };
}

/** Upstream's flags (specification 4.1), names, defaults and meaning. */
const upstreamFlags = {
  'accept-deprecated-v1-data': flag(boolFlag, true, 'Unseal objects with the deprecated spec.data'),
  'additional-namespaces': flag(
    stringFlag,
    '',
    'Comma-separated namespaces to manage besides the own one, instead of all',
  ),
  'all-namespaces': flag(boolFlag, true, 'Manage all namespaces; false: only the own one'),
  'key-cutoff-time': flag(
    stringFlag,
    '',
    'Generate a new key at start if the newest one is older than this time, as `date -R` prints it',
  ),
  'key-order-priority': flag(
    stringFlag,
    'CertNotBefore',
    'What makes a key the newest: CertNotBefore or SecretCreationTimestamp',
  ),
  'key-prefix': flag(
    restrict(stringFlag, '1 to 245 lower-case letters, digits and dashes', (text) => /^[a-z0-9-]{1,245}$/.test(text)),
    'sealed-secrets-key',
    'Prefix of the names of key Secrets',
  ),
  'key-renew-period': flag(period('720h, or 0 for never'), 720 * hourMs, 'Generate a new key so often; 0: never'),
  'key-size': flag(
    restrict(intFlag, 'an integer from 1024 to 16384', (bits) => bits >= 1024 && bits <= 16_384),
    4096,
    'Bits of new RSA keys',
  ),
  'key-ttl': flag(positive('87600h'), 87_600 * hourMs, 'How long new certificates are valid'),
  'kubeclient-burst': flag(intFlag, 10, 'Burst of API requests; counts only if --kubeclient-qps is set'),
  'kubeclient-qps': flag(
    floatFlag,
    0,
    'API requests per second; 0, negative or unset: no limit but that of the API server',
  ),
  'label-selector': flag(
    restrict(stringFlag, 'a label selector such as app=web,tier!=test,env in (a,b)', isSelector),
    '',
    'Manage only SealedSecrets (and watch only Secrets) with these labels',
  ),
  'listen-addr': flag(stringFlag, ':8080', 'Address of the API and health server'),
  'listen-metrics-addr': flag(stringFlag, ':8081', 'Address of the metrics server'),
  'log-format': flag(stringFlag, 'text', 'text or json'),
  'log-info-stdout': flag(boolFlag, true, 'Log info and lower levels to stdout; false: everything to stderr'),
  'log-level': flag(
    stringFlag,
    'INFO',
    'Lowest level to log: DEBUG, INFO, WARN or ERROR, with an offset such as INFO+2',
  ),
  'max-unseal-retries': flag(
    intFlag,
    5,
    'Accepted for compatibility: failures are retried for ever, with growing delays',
  ),
  'metrics-omit-secret-labels': flag(boolFlag, false, 'No metrics with names of SealedSecrets'),
  'my-cn': flag(stringFlag, '', 'Common name of new certificates'),
  'old-gc-behavior': flag(boolFlag, false, 'Delete the Secret of a deleted SealedSecret explicitly'),
  'privatekey-annotations': flag(stringFlag, '', 'Annotations of new key Secrets, k=v separated by commas'),
  'privatekey-labels': flag(stringFlag, '', 'Labels of new key Secrets, k=v separated by commas'),
  'rate-limit': flag(atLeast(1), 2, 'Requests per second to /v1/verify and to /v1/rotate, each'),
  'rate-limit-burst': flag(atLeast(0), 2, 'Burst of requests to the same two'),
  'read-timeout': flag(durationFlag, 2 * minuteMs, 'How long the servers wait for a request; 0 or negative: for ever'),
  'rotate-period': flag(period('720h'), 720 * hourMs, 'Old name of --key-renew-period', { isHidden: true }),
  'skip-recreate': flag(boolFlag, false, 'Do not make deleted Secrets again, do not repair changed ones'),
  'update-status': flag(boolFlag, true, 'Write the status of SealedSecrets'),
  version: flag(boolFlag, false, 'Print the version and exit'),
  'watch-for-secrets': flag(boolFlag, false, 'Accepted for compatibility: key Secrets are always followed'),
  'write-timeout': flag(durationFlag, 2 * minuteMs, 'How long the servers write an answer; 0 or negative: for ever'),
} as const;

const recipient = restrict(
  stringFlag,
  'an age recipient (age1...) or an SSH public key (ssh-ed25519 ... or ssh-rsa ...)',
  (text) => /^(age1[a-z0-9]+|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?)$/.test(text),
);

/** Ours. */
const ownFlags = {
  'allow-service-account-tokens': flag(
    boolFlag,
    false,
    'Also make Secrets of type kubernetes.io/service-account-token and bootstrap tokens',
  ),
  'backup-file-dir': flag(stringFlag, '', 'Folder in which each new key is backed up before it is used'),
  'backup-recipient': flag(recipient, '', 'Encrypt the backup of each new key to this recipient (repeatable)', {
    isRepeatable: true,
  }),
  context: flag(stringFlag, '', 'Context of the kubeconfig; empty: its current one'),
  'credential-check-interval': flag(positive('10s'), 10 * secondMs, 'How often token and CA are read again'),
  'failed-recheck-interval': flag(
    positive('1h'),
    hourMs,
    'How often an object is looked at again whose failure only a change can mend',
  ),
  'http-auth': flag(
    choice('none', 'token'),
    'none',
    'Who may use /v1/verify and /v1/rotate: everybody, or holders of a token',
  ),
  'http-auth-audience': flag(stringFlag, 'waxwing', 'Audience of the tokens for --http-auth=token'),
  'key-poll-interval': flag(
    positive('5s'),
    5 * secondMs,
    'How often key Secrets are listed where they may not be watched',
  ),
  kubeconfig: flag(stringFlag, '', 'Kubeconfig file; empty: the service account of the Pod'),
  'leader-elect': flag(boolFlag, false, 'Let one replica work at a time, by a Lease'),
  'lease-duration': flag(positive('15s'), 15 * secondMs, 'How long others wait for a leader that says nothing'),
  'lease-name': flag(restrict(stringFlag, 'a DNS name', isDnsName), 'waxwing-controller', 'Name of the Lease'),
  'lease-namespace': flag(stringFlag, '', 'Namespace of the Lease; empty: the own one'),
  'lease-renew-deadline': flag(
    positive('10s'),
    10 * secondMs,
    'After so long without renewing, the leader stops writing',
  ),
  'lease-retry-period': flag(positive('2s'), 2 * secondMs, 'Pause between two attempts at the Lease'),
  'list-page-size': flag(atLeast(1), 100, 'Objects per page of a list; larger pages cost memory'),
  'max-body-bytes': flag(atLeast(1024), 4 * 1024 * 1024, 'Largest request body of the API server'),
  'max-concurrent-requests': flag(atLeast(1), 64, 'API requests at the same time, watches not counted'),
  'max-crypto-requests': flag(atLeast(1), 2, 'Requests to /v1/verify and /v1/rotate that decrypt at the same time'),
  'metrics-per-object': flag(boolFlag, true, 'Metrics with a series per SealedSecret'),
  'namespace-poll-interval': flag(
    positive('30s'),
    30 * secondMs,
    'How often a missing additional namespace is looked for',
  ),
  'peer-budget-factor': flag(atLeast(1), 10, 'Budget of one TCP peer, as a multiple of --rate-limit'),
  'reconcile-deadline': flag(
    positive('5m'),
    5 * minuteMs,
    '/healthz fails when one reconciliation makes no progress for so long',
  ),
  'request-timeout': flag(positive('30s'), 30 * secondMs, 'How long one API request may take'),
  'retry-base-delay': flag(positive('5ms'), 5, 'Pause after the first failure; doubles with each further one'),
  'retry-max-delay': flag(positive('5m'), 5 * minuteMs, 'The longest pause between two attempts'),
  'shutdown-timeout': flag(positive('20s'), 20 * secondMs, 'How long running work is waited for at the end'),
  'watch-idle-timeout': flag(
    positive('90s'),
    90 * secondMs,
    'A watch that is silent for so long is opened again; the API server says something every minute',
  ),
  'watch-reconnect-max-delay': flag(
    positive('10s'),
    10 * secondMs,
    'The longest pause before a list or watch is tried again',
  ),
  workers: flag(
    atLeast(1),
    64,
    'SealedSecrets worked on at the same time, an eighth of them only those that were changed just now',
  ),
} as const;

export const flags = { ...upstreamFlags, ...ownFlags };
export type FlagName = keyof typeof flags;

/** Not in the tables: it has no value in the configuration. */
const helpLine = '  -h, --help                                     Show this text';

/** A DNS-1123 subdomain. */
function isDnsName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

/** A DNS-1123 label: the name of a namespace. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** `prefix/name` of a label or an annotation. */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  const name = text.slice(slash + 1);
  return (slash === -1 || isDnsName(text.slice(0, slash))) && name !== '' && isLabelValue(name);
}

export function isLabelValue(text: string): boolean {
  return text.length <= 63 && /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/.test(text);
}

function isSelector(text: string): boolean {
  if (text.trim() === '') return true;
  // Commas inside parentheses separate values, not requirements.
  return text.split(/,(?![^(]*\))/).every((requirement) => {
    const match =
      /^\s*(!?)\s*([^\s!=<>(),]+)\s*(?:(==?|!=)\s*([^\s,()]*)|(in|notin)\s*\(([^()]*)\)|([<>])\s*(\d+))?\s*$/.exec(
        requirement,
      );
    if (match === null || !isQualifiedName(match[2] ?? '')) return false;
    if (match[1] === '!') return match[3] === undefined && match[5] === undefined && match[7] === undefined;
    const values = match[6] === undefined ? [match[4] ?? ''] : match[6].split(',').map((value) => value.trim());
    return values.every(isLabelValue);
  });
}

/** What `--help` prints: upstream's flags, then ours, each with its default. */
export function usageText(program: string): string {
  const lines = [
    `Usage of ${program}:`,
    ...section(upstreamFlags),
    '',
    'Flags of Waxwing:',
    ...section(ownFlags),
    helpLine,
    '',
  ];
  lines.push('Each flag can also be set in the environment: --key-prefix as SEALED_SECRETS_KEY_PREFIX, and so on.', '');
  return lines.join('\n');
}

function section(table: Readonly<Record<string, Flag<unknown>>>): string[] {
  const shown = Object.entries(table).filter(([, { isHidden }]) => isHidden !== true);
  return shown.map(([name, row]) => {
    const head = `      --${name} ${row.kind.placeholder}`.trimEnd().padEnd(48);
    return `${head} ${row.usage}${defaultText(row)}`;
  });
}

function defaultText(row: Flag<unknown>): string {
  const value = row.default;
  if (value === '' || value === false) return '';
  if (row.kind.placeholder === 'duration') return ` (default ${formatDuration(Number(value))})`;
  return ` (default ${typeof value === 'string' ? JSON.stringify(value) : String(value)})`;
}
