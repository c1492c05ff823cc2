import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Outcome } from './outcome.ts';

/** Reasons of `unseal_errors_total`, as upstream has them. */
export type UnsealErrorReason = 'fetch' | 'unseal' | 'update' | 'unmanaged' | 'status';

/** Every series of the controller, behind functions that name what happened. */
export interface Metrics {
  readonly registry: Registry;
  /** One run of reconcile began (`unseal_requests_total`). */
  unsealRequested(): void;
  /** Once per object, generation, key ring and reason (`unseal_errors_total`). */
  unsealFailed(reason: UnsealErrorReason, namespace: string): void;
  /** One item was decrypted or not; `attempts` private keys were tried. */
  itemTried(attempts: number): void;
  /** `seconds` from the change of an object to the answer of its Secret's write. */
  secretWritten(seconds: number): void;
  /** A run ended. */
  reconciled(outcome: Outcome['type'], seconds: number): void;
  /** The conditions of an object after its status was settled (`condition_info`, `objects`). */
  objectConditions(object: ObjectConditions): void;
  /** The SealedSecret is gone: every series that names it goes too. */
  objectDeleted(namespace: string, name: string): void;
  /** Another controller wrote the status of our generation. */
  foreignController(namespace: string): void;
  httpRequest(path: string, method: string, code: number, seconds: number): void;
  eventPosted(result: 'created' | 'exists' | 'failed' | 'limited'): void;
  apiRequest(verb: string, resource: string, code: string, seconds: number): void;
  /** Secret keys in the ring: how many, the newest one's time (seconds since the epoch), and backups by state. */
  keyRing(keys: KeyRingFigures): void;
  invalidKeySecrets(count: number): void;
  /** Whether the last backup of a new key failed, so that the key was not activated. */
  keyBackupFailing(isFailing: boolean): void;
  /** The manifest that started this process is older or newer than it. */
  manifestMismatch(manifest: string, difference: 'older' | 'newer'): void;
  /** Whether the CRD dropped fields of ours from the last status that was written. */
  crdOutdated(isOutdated: boolean): void;
  leader(isLeader: boolean): void;
  leaderElectionForbidden(isForbidden: boolean): void;
  /** Values read when somebody scrapes. */
  observe(sources: MetricSources): void;
}

interface ObjectConditions {
  readonly namespace: string;
  readonly name: string;
  readonly instanceLabel: string;
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
}

interface KeyRingFigures {
  readonly count: number;
  readonly newestSeconds: number | undefined;
  /** Keys marked as primary: with any, none is made by time. */
  readonly primaries: number;
  readonly backups: { readonly absent: number; readonly written: number; readonly verified: number };
}

interface MetricSources {
  readonly queue?: { readonly depth: number; readonly delayed: number; oldestAgeMs(): number };
  readonly orphans?: { readonly overdue: number };
  readonly reflectors?: ReadonlyMap<
    string,
    {
      readonly state: {
        readonly lastHeardMs: number;
        readonly watches: number;
        readonly lists: number;
        readonly objects: number;
        readonly failure: Error | undefined;
      };
    }
  >;
}

export interface MetricsOptions {
  readonly version: string;
  /** --metrics-omit-secret-labels: no series with names of SealedSecrets. */
  readonly omitSecretLabels: boolean;
  /** --metrics-per-object */
  readonly perObject: boolean;
  /** Milliseconds since the epoch, for the age of keys. */
  now(): number;
  /** Monotonic milliseconds, the clock of the reflectors. */
  monotonicNow(): number;
  /** --key-renew-period; 0: never. */
  readonly renewPeriodMs: number;
  /** False in tests: series of the process (CPU, memory, event-loop delay, garbage collection) are left out. */
  readonly processMetrics?: boolean;
}

const upstreamPrefix = 'sealed_secrets_controller_';
const ownPrefix = 'waxwing_';
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const changeBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const attemptBuckets = [1, 2, 3, 5, 10, 20, 50, 100];

/** Values of condition_info, as upstream has them. */
const conditionValues: Readonly<Record<string, number>> = { True: 1, False: -1 };

/** All series, at zero where their labels are known before anything happened. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const upstream = createUpstreamSeries(registers, options.version);
  const own = createOwnSeries(registers);
  const objects = createObjectSeries(registers, options);
  const sources = createSourceSeries(registers, options);
  own.renewPeriod.set(options.renewPeriodMs / 1000);
  if (options.processMetrics !== false) collectDefaultMetrics({ register: registry });
  let newestKeySeconds: number | undefined;
  new Gauge({
    name: `${ownPrefix}newest_key_age_seconds`,
    help: 'Age of the key that seals; absent without one',
    registers,
    collect() {
      this.reset();
      if (newestKeySeconds === undefined) this.remove();
      else this.set(options.now() / 1000 - newestKeySeconds);
    },
  });

  return {
    registry,
    unsealRequested: () => upstream.unsealRequests.inc(),
    unsealFailed: (reason, namespace) => upstream.unsealErrors.inc({ reason, namespace }),
    itemTried: (attempts) => own.attempts.observe(attempts),
    secretWritten: (seconds) => own.changeToSecret.observe(seconds),
    reconciled(outcome, seconds) {
      own.reconciliations.inc({ outcome });
      own.reconcileSeconds.observe(seconds);
    },
    objectConditions: objects.set,
    objectDeleted: objects.remove,
    foreignController: (namespace) => own.foreignControllers.inc({ namespace }),
    httpRequest(path, method, code, seconds) {
      const verb = methodLabel(method);
      upstream.httpRequests.inc({ path, code: String(code), method: verb });
      upstream.httpSeconds.observe({ path, method: verb }, seconds);
    },
    eventPosted: (result) => own.events.inc({ result }),
    apiRequest(verb, resource, code, seconds) {
      own.apiRequests.inc({ verb, resource, code });
      if (verb !== 'watch') own.apiSeconds.observe({ verb }, seconds);
    },
    keyRing({ count, newestSeconds, primaries, backups }) {
      own.keys.set(count);
      own.primaries.set(primaries);
      newestKeySeconds = newestSeconds;
      for (const state of ['absent', 'written', 'verified'] as const) own.backups.set({ state }, backups[state]);
    },
    invalidKeySecrets: (count) => own.invalidKeys.set(count),
    keyBackupFailing: (isFailing) => own.backupFailing.set(isFailing ? 1 : 0),
    manifestMismatch: (manifest, difference) => own.manifestMismatch.set({ manifest, difference }, 1),
    crdOutdated: (isOutdated) => own.crdOutdated.set(isOutdated ? 1 : 0),
    leader: (isLeader) => own.leader.set(isLeader ? 1 : 0),
    leaderElectionForbidden: (isForbidden) => own.electionForbidden.set(isForbidden ? 1 : 0),
    observe: sources.observe,
  };
}

const httpMethods = new Set(['get', 'put', 'head', 'post', 'delete', 'connect', 'options', 'notify', 'trace', 'patch']);

/** As promhttp labels methods: lower case, and anything it does not know is one label value. */
function methodLabel(method: string): string {
  const lower = method.toLowerCase();
  return httpMethods.has(lower) ? lower : 'unknown';
}

/** Names, labels and buckets of specification 5.5. */
function createUpstreamSeries(registers: Registry[], version: string) {
  const name = (text: string) => `${upstreamPrefix}${text}`;
  const buildInfo = new Gauge({
    name: name('build_info'),
    help: 'Build information',
    labelNames: ['revision'],
    registers,
  });
  // Upstream never sets it, and dashboards read the label.
  buildInfo.set({ revision: version }, 0);
  const unsealRequests = new Counter({ name: name('unseal_requests_total'), help: 'Reconciliations begun', registers });
  const unsealErrors = new Counter({
    name: name('unseal_errors_total'),
    help: 'Failed reconciliations, once per object, generation, key ring and reason',
    labelNames: ['reason', 'namespace'],
    registers,
  });
  unsealErrors.inc({ reason: 'fetch', namespace: '' }, 0);
  const httpRequests = new Counter({
    name: name('http_requests_total'),
    help: 'HTTP requests',
    labelNames: ['path', 'code', 'method'],
    registers,
  });
  const httpSeconds = new Histogram({
    name: name('http_request_duration_seconds'),
    help: 'Duration of HTTP requests',
    labelNames: ['path', 'method'],
    buckets: requestBuckets,
    registers,
  });
  const usual = { '/v1/cert.pem': 'get', '/v1/verify': 'post', '/v1/rotate': 'post' };
  for (const [path, method] of Object.entries(usual)) {
    httpRequests.inc({ path, code: '200', method }, 0);
    httpSeconds.zero({ path, method });
  }
  return { unsealRequests, unsealErrors, httpRequests, httpSeconds };
}

function createOwnSeries(registers: Registry[]) {
  const name = (text: string) => `${ownPrefix}${text}`;
  const gauge = (text: string, help: string) => new Gauge({ name: name(text), help, registers });
  const counter = <Label extends string>(text: string, help: string, labelNames: Label[]) =>
    new Counter({ name: name(text), help, labelNames, registers });
  const histogram = (text: string, help: string, buckets: number[]) =>
    new Histogram({ name: name(text), help, buckets, registers });
  const reconciliations = counter('reconciliations_total', 'Reconciliations by outcome', ['outcome']);
  for (const outcome of ['done', 'retry', 'wait', 'again']) reconciliations.inc({ outcome }, 0);
  const events = counter('events_total', 'Events by what became of them', ['result']);
  for (const result of ['created', 'exists', 'failed', 'limited']) events.inc({ result }, 0);
  const backups = new Gauge({
    name: name('key_backups'),
    help: 'Sealing keys by the state of their backup',
    labelNames: ['state'],
    registers,
  });
  for (const state of ['absent', 'written', 'verified']) backups.set({ state }, 0);
  return {
    reconciliations,
    events,
    backups,
    backupFailing: gauge(
      'key_backup_failing',
      '1 while the backup of a new key fails, so that the key is not activated',
    ),
    reconcileSeconds: histogram('reconcile_duration_seconds', 'Duration of one reconciliation', requestBuckets),
    changeToSecret: histogram(
      'change_to_secret_seconds',
      'From the change of an object to its written Secret',
      changeBuckets,
    ),
    attempts: histogram('unseal_attempts_per_item', 'Private keys tried for one item', attemptBuckets),
    foreignControllers: counter('foreign_controller_total', 'Statuses of ours overwritten by another controller', [
      'namespace',
    ]),
    apiRequests: counter('api_requests_total', 'Requests to the API server; code 0: no answer', [
      'verb',
      'resource',
      'code',
    ]),
    apiSeconds: new Histogram({
      name: name('api_request_duration_seconds'),
      help: 'Duration of requests to the API server, watches left out',
      labelNames: ['verb'],
      buckets: requestBuckets,
      registers,
    }),
    keys: gauge('sealing_keys', 'Private keys in the ring'),
    primaries: gauge('primary_keys', 'Keys marked as primary: with any, none is made by time'),
    renewPeriod: gauge('key_renew_period_seconds', 'Age at which a key is followed by a new one; 0: never'),
    manifestMismatch: new Gauge({
      name: name('manifest_mismatch'),
      help: '1 if the controller was installed with the manifest of another version',
      labelNames: ['manifest', 'difference'],
      registers,
    }),
    crdOutdated: gauge('crd_outdated', '1 if the installed CRD drops fields that the controller writes'),
    invalidKeys: gauge('invalid_key_secrets', 'Labelled key Secrets that hold no usable key'),
    leader: gauge('leader', '1 if this replica writes'),
    electionForbidden: gauge('leader_election_forbidden', '1 if Leases are forbidden, so that every replica writes'),
  };
}

interface ShownObject {
  readonly reason: string;
  readonly shown: readonly Readonly<
    Record<'namespace' | 'name' | 'condition' | 'ss_app_kubernetes_io_instance', string>
  >[];
}

/** What is said about single objects, and the sums over them. */
function createObjectSeries(registers: Registry[], { omitSecretLabels, perObject }: MetricsOptions) {
  const known = new Map<string, ShownObject>();
  const byReason = new Gauge({
    name: `${ownPrefix}objects`,
    help: 'SealedSecrets by the reason of their condition',
    labelNames: ['reason'],
    registers,
  });
  byReason.set({ reason: 'Unsealed' }, 0);
  const info =
    omitSecretLabels || !perObject
      ? undefined
      : new Gauge({
          name: `${upstreamPrefix}condition_info`,
          help: 'Conditions of SealedSecrets: -1 False, 0 Unknown, 1 True',
          labelNames: ['namespace', 'name', 'condition', 'ss_app_kubernetes_io_instance'],
          registers,
        });

  function forget(key: string): void {
    const object = known.get(key);
    if (object === undefined) return;
    known.delete(key);
    byReason.dec({ reason: object.reason });
    for (const labels of object.shown) info?.remove(labels);
  }

  return {
    set({ namespace, name, instanceLabel, conditions }: ObjectConditions): void {
      const key = `${namespace}/${name}`;
      // Also when the instance label changed: its old series must not stay behind.
      forget(key);
      const synced = conditions.find(({ type }) => type === 'Synced');
      const reason = synced?.reason || (synced?.status === 'True' ? 'Unsealed' : 'Unknown');
      byReason.inc({ reason });
      const shown =
        info === undefined ? [] : conditions.map(({ type }) => labelsOf(namespace, name, type, instanceLabel));
      known.set(key, { reason, shown });
      for (const [i, labels] of shown.entries()) info?.set(labels, conditionValues[conditions[i]?.status ?? ''] ?? 0);
    },
    remove: (namespace: string, name: string) => forget(`${namespace}/${name}`),
  };
}

function labelsOf(namespace: string, name: string, condition: string, instance: string) {
  return { namespace, name, condition, ss_app_kubernetes_io_instance: instance };
}

/** Read from queue and reflectors when somebody asks. */
function createSourceSeries(registers: Registry[], { monotonicNow }: MetricsOptions) {
  let sources: MetricSources = {};
  const queueGauge = (name: string, help: string, read: (queue: NonNullable<MetricSources['queue']>) => number) =>
    new Gauge({
      name: `${ownPrefix}${name}`,
      help,
      registers,
      collect() {
        this.set(sources.queue === undefined ? 0 : read(sources.queue));
      },
    });
  type State =
    NonNullable<MetricSources['reflectors']> extends ReadonlyMap<string, { readonly state: infer S }> ? S : never;
  const watchGauge = (name: string, help: string, read: (state: State) => number) =>
    new Gauge({
      name: `${ownPrefix}${name}`,
      help,
      labelNames: ['watch'],
      registers,
      collect() {
        this.reset();
        for (const [watch, { state }] of sources.reflectors ?? []) this.set({ watch }, read(state));
      },
    });
  queueGauge('queue_depth', 'SealedSecrets that are due', (queue) => queue.depth);
  queueGauge('queue_delayed', 'SealedSecrets that wait for their next attempt', (queue) => queue.delayed);
  queueGauge('queue_oldest_age_seconds', 'How long the oldest due one waits', (queue) => queue.oldestAgeMs() / 1000);
  new Gauge({
    name: `${ownPrefix}uncollected_secrets`,
    help: 'Secrets that no garbage collector took although their SealedSecret is gone',
    registers,
    collect() {
      this.set(sources.orphans?.overdue ?? 0);
    },
  });
  watchGauge(
    'watch_age_seconds',
    'Since the API server last said anything',
    (state) => (monotonicNow() - state.lastHeardMs) / 1000,
  );
  watchGauge('watch_starts', 'Watches opened since the start', (state) => state.watches);
  watchGauge('watch_lists', 'Lists begun since the start', (state) => state.lists);
  watchGauge('watch_objects', 'Objects in the cache', (state) => state.objects);
  watchGauge('watch_failing', '1 while listing or watching fails', (state) => (state.failure === undefined ? 0 : 1));
  return {
    observe(more: MetricSources): void {
      sources = { ...sources, ...more };
    },
  };
}
