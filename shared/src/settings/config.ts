import { keyLabel } from '../api/annotations.ts';
import { type FlagName, flags, isDnsLabel, isLabelValue, isQualifiedName, usageText } from './flags.ts';
import { type GivenFlag, splitFlags } from './go-flags.ts';
import { parseLogLevel } from './log-level.ts';

/** Everything that can be set. Durations in milliseconds. Flag names are the kebab-case of the last word unless noted. */
export interface Config {
  /** POD_NAMESPACE, else the service account's namespace file, else `default`. */
  readonly namespace: string;
  /** POD_NAME, else the host name: identity of leader election and of `status.controller`. */
  readonly podName: string;
  /** WAXWING_MANIFEST_VERSION: the version of the chart or manifest that started this process; undefined: not ours. */
  readonly manifestVersion: string | undefined;
  /** --kubeconfig; undefined: in-cluster. */
  readonly kubeconfig: string | undefined;
  /** --context of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
  /** KUBERNETES_SERVICE_HOST and _PORT; set if and only if there is no kubeconfig. */
  readonly inCluster: { readonly host: string; readonly port: string } | undefined;
  readonly keys: {
    /** --key-prefix */
    readonly prefix: string;
    /** --key-size */
    readonly sizeBits: number;
    /** --key-ttl */
    readonly ttlMs: number;
    /** --my-cn */
    readonly commonName: string;
    /** --key-renew-period, --rotate-period; 0: never */
    readonly renewPeriodMs: number;
    /** --key-order-priority; anything unknown is CertNotBefore */
    readonly orderPriority: 'CertNotBefore' | 'SecretCreationTimestamp';
    /** --key-cutoff-time, milliseconds since the epoch */
    readonly cutoffTimeMs: number | undefined;
    /** --privatekey-annotations */
    readonly annotations: ReadonlyMap<string, string>;
    /** --privatekey-labels */
    readonly labels: ReadonlyMap<string, string>;
    /** --watch-for-secrets: accepted; key Secrets are always followed */
    readonly watchForSecrets: boolean;
    /** --key-poll-interval: how often key Secrets are listed where they may not be watched */
    readonly pollIntervalMs: number;
    /** --backup-recipient, repeatable: age recipients */
    readonly backupRecipients: readonly string[];
    /** --backup-file-dir */
    readonly backupFileDir: string | undefined;
  };
  readonly reconcile: {
    /** --all-namespaces; false also if additional namespaces are given */
    readonly allNamespaces: boolean;
    /** --additional-namespaces: trimmed, unique, without the own one */
    readonly additionalNamespaces: readonly string[];
    /** --label-selector */
    readonly labelSelector: string;
    /** --accept-deprecated-v1-data */
    readonly acceptDeprecatedData: boolean;
    /** --old-gc-behavior */
    readonly oldGcBehavior: boolean;
    /** --update-status */
    readonly updateStatus: boolean;
    /** --skip-recreate */
    readonly skipRecreate: boolean;
    /** --allow-service-account-tokens */
    readonly allowServiceAccountTokens: boolean;
    /** --workers */
    readonly workers: number;
    /** --reconcile-deadline: a run without progress for so long makes /healthz fail */
    readonly deadlineMs: number;
    /** --retry-base-delay, --retry-max-delay, --failed-recheck-interval */
    readonly retryBaseDelayMs: number;
    readonly retryMaxDelayMs: number;
    readonly failedRecheckIntervalMs: number;
    /** --max-unseal-retries: accepted; failures are retried for ever */
    readonly maxUnsealRetries: number;
    /** --namespace-poll-interval: how often a missing namespace is looked for */
    readonly namespacePollIntervalMs: number;
  };
  readonly client: {
    /** --kubeclient-qps; undefined unless set by hand and above 0: no limit */
    readonly qps: number | undefined;
    /** --kubeclient-burst */
    readonly burst: number;
    /** --max-concurrent-requests */
    readonly maxConcurrentRequests: number;
    /** --request-timeout */
    readonly requestTimeoutMs: number;
    /** --watch-idle-timeout */
    readonly watchIdleTimeoutMs: number;
    /** --watch-reconnect-max-delay */
    readonly watchReconnectMaxDelayMs: number;
    /** --list-page-size */
    readonly listPageSize: number;
    /** --credential-check-interval */
    readonly credentialCheckIntervalMs: number;
  };
  readonly leaderElection: {
    /** --leader-elect */
    readonly enabled: boolean;
    /** --lease-name, --lease-namespace (default: the own one) */
    readonly name: string;
    readonly namespace: string;
    /** --lease-duration, --lease-renew-deadline, --lease-retry-period */
    readonly durationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryPeriodMs: number;
  };
  readonly http: {
    /** --listen-addr, --listen-metrics-addr */
    readonly listen: ListenAddress;
    readonly listenMetrics: ListenAddress;
    /** --read-timeout, --write-timeout */
    readonly readTimeoutMs: number;
    readonly writeTimeoutMs: number;
    /** --rate-limit, --rate-limit-burst */
    readonly rateLimit: number;
    readonly rateLimitBurst: number;
    /** --peer-budget-factor: budget of one TCP peer as a multiple of the rate limit */
    readonly peerBudgetFactor: number;
    /** --max-crypto-requests: verify and rotate requests that decrypt at the same time */
    readonly maxCryptoRequests: number;
    /** --max-body-bytes */
    readonly maxBodyBytes: number;
    /** --http-auth: `none`, or `token` (TokenReview and SubjectAccessReview) */
    readonly auth: 'none' | 'token';
    /** --http-auth-audience */
    readonly authAudience: string;
  };
  readonly metrics: {
    /** --metrics-omit-secret-labels */
    readonly omitSecretLabels: boolean;
    /** --metrics-per-object */
    readonly perObject: boolean;
  };
  readonly log: {
    /** --log-info-stdout */
    readonly infoToStdout: boolean;
    /** --log-level as slog's number: DEBUG -4, INFO 0, WARN 4, ERROR 8, plus offset */
    readonly level: number;
    /** --log-format */
    readonly format: 'text' | 'json';
  };
  /** --shutdown-timeout */
  readonly shutdownTimeoutMs: number;
}

/** `:8080` or `127.0.0.1:8080`; an empty host means all addresses. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** What the process was started with. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the machine, where the environment names no Pod. */
  readonly hostname: string;
  /** The text of a file; undefined if it cannot be read. */
  readFile(path: string): string | undefined;
}

/**
 * - `run`: start with this; `warnings` are to be logged.
 * - `help`, `version`: print (help on stderr, version on stdout) and exit 0.
 * - `invalid`: print `text` on stderr and exit 2, before anything was asked of the cluster. `config` is what the other settings come to, for
 *   those who only judge.
 */
export type Invocation =
  | { readonly type: 'run'; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly type: 'help'; readonly text: string }
  | { readonly type: 'version' }
  | {
      readonly type: 'invalid';
      readonly problems: readonly string[];
      readonly text: string;
      readonly config: Config;
      readonly warnings: readonly string[];
    };

type Values = { [Name in FlagName]: (typeof flags)[Name]['default'] extends boolean ? boolean : Widened<Name> };
type Widened<Name extends FlagName> = NonNullable<ReturnType<(typeof flags)[Name]['kind']['parse']>>;

interface Reading {
  readonly values: Map<FlagName, unknown[]>;
  readonly problems: string[];
  readonly warnings: string[];
}

/** Reads command line and environment, and says everything that is wrong with them at once. */
export function readConfig(surroundings: Surroundings, program = 'controller'): Invocation {
  const { flags: given, malformed, positional } = splitFlags(surroundings.args, (name) => flagNamed(name)?.kind);
  if (given.some(({ name }) => name === 'help' || name === 'h')) return { type: 'help', text: usageText(program) };
  const reading: Reading = { values: new Map(), problems: [], warnings: [] };
  for (const arg of malformed) reading.problems.push(`${arg}: bad flag syntax; write --name=value`);
  for (const arg of positional) reading.warnings.push(`argument ${JSON.stringify(arg)} means nothing and is ignored`);
  readEnvironment(surroundings.env, new Set(given.map(({ name }) => name)), reading);
  for (const flag of given) readFlag(flag, reading);
  const values = withDefaults(reading);
  if (values.version && reading.problems.length === 0) return { type: 'version' };
  const config = buildConfig(values, reading, surroundings);
  const { problems, warnings } = reading;
  if (problems.length === 0) return { type: 'run', config, warnings };
  const list = problems.map((problem) => `  ${problem}`).join('\n');
  return {
    type: 'invalid',
    problems,
    config,
    warnings,
    text: `${usageText(program)}\ninvalid configuration:\n${list}\n`,
  };
}

/** The namespaces that a configuration names; one empty name stands for all of them (specification 4.6). */
export function namespacesOf(config: Pick<Config, 'namespace' | 'reconcile'>): readonly string[] {
  const { allNamespaces, additionalNamespaces } = config.reconcile;
  if (additionalNamespaces.length > 0) return [config.namespace, ...additionalNamespaces];
  return allNamespaces ? [''] : [config.namespace];
}

function flagNamed(name: string): (typeof flags)[FlagName] | undefined {
  return Object.hasOwn(flags, name) ? flags[name as FlagName] : undefined;
}

/** The environment variable of a flag. */
function variableOf(flag: string): string {
  return `SEALED_SECRETS_${flag.toUpperCase().replaceAll('-', '_')}`;
}

/** A flag on the command line beats its variable, and so does its other name. */
function readEnvironment(env: Surroundings['env'], onCommandLine: ReadonlySet<string>, reading: Reading): void {
  for (const name of Object.keys(flags) as FlagName[]) {
    const text = env[variableOf(name)];
    if (text === undefined || onCommandLine.has(name)) continue;
    const isRenewal = name === 'key-renew-period' || name === 'rotate-period';
    if (isRenewal && (onCommandLine.has('key-renew-period') || onCommandLine.has('rotate-period'))) continue;
    const texts = isRepeatable(name) ? text.split('\n').filter((line) => line.trim() !== '') : [text];
    for (const value of texts) readValue(name, value, variableOf(name), reading);
  }
}

function isRepeatable(name: FlagName): boolean {
  return 'isRepeatable' in flags[name] && flags[name].isRepeatable === true;
}

function readFlag({ name, value, written }: GivenFlag, reading: Reading): void {
  if (flagNamed(name) === undefined) reading.problems.push(`${written}: there is no such flag`);
  else if (value === undefined) reading.problems.push(`${written}: needs a value`);
  else readValue(name as FlagName, value, written, reading);
}

function readValue(name: FlagName, text: string, source: string, reading: Reading): void {
  const { kind } = flags[name];
  const value = kind.parse(text);
  if (value === undefined) {
    reading.problems.push(`${source}: ${JSON.stringify(text)} is not allowed; it has to be ${kind.allowed}`);
    return;
  }
  if (name === 'rotate-period') {
    reading.warnings.push(
      `${source} is deprecated: use ${source.startsWith('-') ? '--key-renew-period' : variableOf('key-renew-period')}`,
    );
    reading.values.set('key-renew-period', [value]);
    return;
  }
  reading.values.set(name, isRepeatable(name) ? [...(reading.values.get(name) ?? []), value] : [value]);
}

function withDefaults(reading: Reading): Values {
  const entries = Object.entries(flags).map(([name, flag]) => {
    return [name, reading.values.get(name as FlagName)?.at(-1) ?? flag.default];
  });
  return Object.fromEntries(entries) as Values;
}

const serviceAccountNamespaceFile = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

function buildConfig(values: Values, reading: Reading, surroundings: Surroundings): Config {
  const { env } = surroundings;
  const namespace = ownNamespace(surroundings);
  const additional = additionalNamespaces(values['additional-namespaces'], namespace, reading);
  const kubeconfig = values.kubeconfig === '' ? undefined : values.kubeconfig;
  checkLease(values, reading);
  checkTimes(values, reading);
  return {
    namespace,
    podName: env['POD_NAME'] || env['HOSTNAME'] || surroundings.hostname,
    manifestVersion: env['WAXWING_MANIFEST_VERSION'] || undefined,
    kubeconfig,
    context: values.context === '' ? undefined : values.context,
    inCluster: kubeconfig === undefined ? inCluster(env, reading) : undefined,
    keys: {
      prefix: values['key-prefix'],
      sizeBits: values['key-size'],
      ttlMs: values['key-ttl'],
      commonName: values['my-cn'],
      renewPeriodMs: values['key-renew-period'],
      orderPriority: orderPriority(values['key-order-priority'], reading),
      cutoffTimeMs: cutoffTime(values['key-cutoff-time'], reading),
      annotations: pairs('privatekey-annotations', values['privatekey-annotations'], () => true, reading),
      labels: keyLabels(values['privatekey-labels'], reading),
      watchForSecrets: values['watch-for-secrets'],
      pollIntervalMs: values['key-poll-interval'],
      backupRecipients: (reading.values.get('backup-recipient') ?? []).map(String),
      backupFileDir: values['backup-file-dir'] === '' ? undefined : values['backup-file-dir'],
    },
    reconcile: {
      allNamespaces: values['all-namespaces'] && values['additional-namespaces'].trim() === '',
      additionalNamespaces: additional,
      labelSelector: values['label-selector'],
      acceptDeprecatedData: values['accept-deprecated-v1-data'],
      oldGcBehavior: values['old-gc-behavior'],
      updateStatus: values['update-status'],
      skipRecreate: values['skip-recreate'],
      allowServiceAccountTokens: values['allow-service-account-tokens'],
      workers: values.workers,
      deadlineMs: values['reconcile-deadline'],
      retryBaseDelayMs: values['retry-base-delay'],
      retryMaxDelayMs: values['retry-max-delay'],
      failedRecheckIntervalMs: values['failed-recheck-interval'],
      maxUnsealRetries: values['max-unseal-retries'],
      namespacePollIntervalMs: values['namespace-poll-interval'],
    },
    client: {
      qps: reading.values.has('kubeclient-qps') && values['kubeclient-qps'] > 0 ? values['kubeclient-qps'] : undefined,
      // Upstream's client takes one at a time where it is below one.
      burst: Math.max(0, values['kubeclient-burst']),
      maxConcurrentRequests: values['max-concurrent-requests'],
      requestTimeoutMs: values['request-timeout'],
      watchIdleTimeoutMs: values['watch-idle-timeout'],
      watchReconnectMaxDelayMs: values['watch-reconnect-max-delay'],
      listPageSize: values['list-page-size'],
      credentialCheckIntervalMs: values['credential-check-interval'],
    },
    leaderElection: {
      enabled: values['leader-elect'],
      name: values['lease-name'],
      namespace: values['lease-namespace'] === '' ? namespace : values['lease-namespace'],
      durationMs: values['lease-duration'],
      renewDeadlineMs: values['lease-renew-deadline'],
      retryPeriodMs: values['lease-retry-period'],
    },
    http: {
      listen: listenAddress('listen-addr', values['listen-addr'], reading),
      listenMetrics: listenAddress('listen-metrics-addr', values['listen-metrics-addr'], reading),
      readTimeoutMs: Math.max(0, values['read-timeout']),
      writeTimeoutMs: Math.max(0, values['write-timeout']),
      rateLimit: values['rate-limit'],
      rateLimitBurst: values['rate-limit-burst'],
      peerBudgetFactor: values['peer-budget-factor'],
      maxCryptoRequests: values['max-crypto-requests'],
      maxBodyBytes: values['max-body-bytes'],
      auth: values['http-auth'],
      authAudience: values['http-auth-audience'],
    },
    metrics: {
      omitSecretLabels: values['metrics-omit-secret-labels'],
      perObject: values['metrics-per-object'],
    },
    log: {
      infoToStdout: values['log-info-stdout'],
      level: logLevel(values['log-level'], reading),
      format: values['log-format'] === 'json' ? 'json' : 'text',
    },
    shutdownTimeoutMs: values['shutdown-timeout'],
  };
}

/** Specification 3.2. */
function ownNamespace({ env, readFile }: Surroundings): string {
  return env['POD_NAMESPACE'] || readFile(serviceAccountNamespaceFile)?.trim() || 'default';
}

function inCluster(env: Surroundings['env'], reading: Reading): Config['inCluster'] {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host && port) return { host, port };
  reading.problems.push('--kubeconfig: is needed outside of a cluster (KUBERNETES_SERVICE_HOST and _PORT are not set)');
  return undefined;
}

function additionalNamespaces(text: string, own: string, reading: Reading): string[] {
  const names = new Set(text.split(',').map((name) => name.trim()));
  names.delete('');
  names.delete(own);
  for (const name of names) {
    if (!isDnsLabel(name)) problem('additional-namespaces', name, 'names of namespaces, separated by commas', reading);
  }
  return [...names];
}

function problem(flag: FlagName, text: string, allowed: string, reading: Reading): void {
  reading.problems.push(`--${flag}: ${JSON.stringify(text)} is not allowed; it has to be ${allowed}`);
}

/** Upstream takes anything and says so once per key. */
function orderPriority(text: string, reading: Reading): Config['keys']['orderPriority'] {
  if (text === 'CertNotBefore' || text === 'SecretCreationTimestamp') return text;
  const known = 'CertNotBefore or SecretCreationTimestamp';
  reading.warnings.push(`--key-order-priority: ${JSON.stringify(text)} is not known (${known}); CertNotBefore is used`);
  return 'CertNotBefore';
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const rfc1123z =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;

/** RFC 1123 with a numeric zone, as Go's layout time.RFC1123Z reads it; undefined where it does not fit. */
export function parseRfc1123(text: string): number | undefined {
  const match = rfc1123z.exec(text);
  if (match === null) return undefined;
  const [day, year, hour, minute, second, zoneHours, zoneMinutes] = [2, 4, 5, 6, 7, 9, 10].map((i) => Number(match[i]));
  const month = months.indexOf(match[3] ?? '');
  const ms = Date.UTC(year ?? 0, month, day, hour, minute, second);
  const date = new Date(ms);
  // Date.UTC carries a 31st of February over into March.
  const fits = month >= 0 && date.getUTCDate() === day && date.getUTCHours() === hour;
  if (!fits || date.getUTCMinutes() !== minute || date.getUTCSeconds() !== second) return undefined;
  const zoneMs = ((zoneHours ?? 0) * 60 + (zoneMinutes ?? 0)) * 60_000;
  return match[8] === '-' ? ms + zoneMs : ms - zoneMs;
}

function cutoffTime(text: string, reading: Reading): number | undefined {
  if (text === '') return undefined;
  const ms = parseRfc1123(text);
  if (ms === undefined)
    problem('key-cutoff-time', text, 'a time like "Mon, 02 Jan 2006 15:04:05 -0700" (date -R)', reading);
  return ms;
}

/** `k=v,k=v`; exact repetitions count once; the value ends at a second `=`, as upstream has it. */
function pairs(
  flag: FlagName,
  text: string,
  isValue: (value: string) => boolean,
  reading: Reading,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const item of text === '' ? [] : new Set(text.split(','))) {
    const [key = '', value] = item.split('=');
    if (value === undefined || !isQualifiedName(key) || !isValue(value)) {
      problem(flag, item, 'name=value pairs separated by commas', reading);
    } else {
      result.set(key, value);
    }
  }
  return result;
}

function keyLabels(text: string, reading: Reading): ReadonlyMap<string, string> {
  const labels = new Map(pairs('privatekey-labels', text, isLabelValue, reading));
  labels.delete(keyLabel);
  return labels;
}

/** Go's `host:port`: an empty host means every address, IPv6 stands in brackets. */
function listenAddress(flag: FlagName, text: string, reading: Reading): ListenAddress {
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port };
  problem(flag, text, 'an address such as :8080, 127.0.0.1:8080 or [::1]:8080', reading);
  return { host: '', port: 0 };
}

/** As upstream: what cannot be read is INFO. It did so silently. */
function logLevel(text: string, reading: Reading): number {
  const level = parseLogLevel(text);
  if (level === undefined) reading.warnings.push(`--log-level: ${JSON.stringify(text)} is not known; INFO is used`);
  return level ?? 0;
}

/** What is allowed, but makes trouble out of an API server that is merely slow or quiet. */
function checkTimes(values: Values, reading: Reading): void {
  if (values['reconcile-deadline'] <= values['request-timeout']) {
    reading.warnings.push(
      '--reconcile-deadline: is not longer than --request-timeout, so /healthz may fail while one answer is waited for; make it longer',
    );
  }
  if (values['watch-idle-timeout'] <= 60_000) {
    reading.warnings.push(
      '--watch-idle-timeout: the API server may say nothing for a minute, so quiet watches will be opened again and again; make it longer than 1m',
    );
  }
}

/** The leader has to notice that it lost the Lease before another one may take it. */
function checkLease(values: Values, reading: Reading): void {
  const duration = values['lease-duration'];
  const deadline = values['lease-renew-deadline'];
  if (duration <= deadline) reading.problems.push('--lease-duration: has to be longer than --lease-renew-deadline');
  if (duration < 1000) reading.problems.push('--lease-duration: has to be at least 1s, the Lease counts in seconds');
  if (deadline <= values['lease-retry-period'] * 1.2) {
    reading.problems.push('--lease-renew-deadline: has to be longer than 1.2 times --lease-retry-period');
  }
  const namespace = values['lease-namespace'];
  if (namespace !== '' && !isDnsLabel(namespace))
    problem('lease-namespace', namespace, 'the name of a namespace', reading);
}
