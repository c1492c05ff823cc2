import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { createMetrics, type Metrics } from '../../controller/src/metrics.ts';
import type { Json } from '../apiserver/client.ts';
import { goTool } from '../apiserver/real/build.ts';
import { chartFolder, renderChart, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';
import { metricsIn, samplesOf } from './scraped.ts';

const hasTools = canUse('promtool', 'helm');

const root = join(import.meta.dirname, '../..');
const alertsFile = join(chartFolder, 'files/alerts.yaml');
const rules: Json[] = parse(await readFile(alertsFile, 'utf8')).groups.flatMap((group: Json) => group.rules);

const day = 86_400;
const named = metricsIn(await readFile(alertsFile, 'utf8'));

/** Two replicas that do as they are told, with the controller's own metrics. */
interface Replicas {
  readonly leader: Metrics;
  readonly follower: Metrics;
  readonly clock: { readonly nowMs: number };
}

function startReplicas(): Replicas {
  const clock = { nowMs: 1_800_000_000_000 };
  const options = {
    version: 'v0.1.0',
    omitSecretLabels: false,
    perObject: true,
    now: () => clock.nowMs,
    monotonicNow: () => clock.nowMs,
    renewPeriodMs: 30 * day * 1000,
    processMetrics: false,
  };
  const replicas = { leader: createMetrics(options), follower: createMetrics(options), clock };
  for (const metrics of [replicas.leader, replicas.follower]) {
    metrics.keyRing(keyRing(replicas));
    metrics.observe({ queue: aQueue({}), reflectors: watches(replicas, { silentSeconds: 45 }) });
  }
  replicas.leader.leader(true);
  replicas.leader.unsealFailed('unseal', 'team');
  for (let i = 0; i < 10; i++) replicas.leader.objectConditions(anObject(`app-${i}`, 'Unsealed'));
  return replicas;
}

const keyRing = ({ clock }: Pick<Replicas, 'clock'>, { ageDays = 5, ...figures }: KeyFigures = {}) => ({
  count: 2,
  newestSeconds: clock.nowMs / 1000 - ageDays * day,
  primaries: 0,
  ...figures,
  backups: { absent: 0, written: 0, verified: 2, ...figures.backups },
});

interface KeyFigures {
  readonly ageDays?: number;
  readonly count?: number;
  readonly primaries?: number;
  readonly backups?: { readonly absent?: number; readonly written?: number; readonly verified?: number };
}

const aQueue = ({ oldestSeconds = 0.2 }) => ({ depth: 1, delayed: 0, oldestAgeMs: () => oldestSeconds * 1000 });

const watches = ({ clock }: Pick<Replicas, 'clock'>, { silentSeconds }: { readonly silentSeconds: number }) => {
  const lastHeardMs = clock.nowMs - silentSeconds * 1000;
  return new Map([['secrets', { state: { lastHeardMs, watches: 1, lists: 1, objects: 10, failure: undefined } }]]);
};

function anObject(name: string, reason: string) {
  const status = reason === 'Unsealed' ? 'True' : 'False';
  return { namespace: 'team', name, instanceLabel: '', conditions: [{ type: 'Synced', status, reason }] };
}

interface Situation {
  readonly alert: string;
  readonly when: string;
  /** What happens to the replicas after their first scrape; undefined: they are gone. */
  readonly happens: ((replicas: Replicas) => void) | undefined;
  /** Minutes after which the alert fires. */
  readonly minutes: number;
  /** Labels beside alertname, severity and, unless there is none, job. */
  readonly labels?: Readonly<Record<string, string | undefined>>;
  readonly summary: string;
}

const situations: readonly Situation[] = [
  {
    alert: 'SealedSecretsControllerDown',
    when: 'nothing is scraped',
    happens: undefined,
    minutes: 6,
    labels: { job: undefined },
    summary: 'No Sealed Secrets controller is scraped',
  },
  {
    alert: 'SealedSecretsNoLeader',
    when: 'every replica follows',
    happens: ({ leader }) => leader.leader(false),
    minutes: 5,
    summary: 'No replica of the Sealed Secrets controller leads',
  },
  {
    alert: 'SealedSecretsLeaderElectionForbidden',
    when: 'Leases are forbidden',
    happens: ({ leader }) => leader.leaderElectionForbidden(true),
    minutes: 12,
    summary: 'The Sealed Secrets controller may not use Leases',
  },
  {
    alert: 'SealedSecretsNoSealingKey',
    when: 'no replica has a key',
    happens(replicas) {
      const none = keyRing(replicas, { count: 0, backups: { verified: 0 } });
      for (const metrics of [replicas.leader, replicas.follower]) {
        metrics.keyRing({ ...none, newestSeconds: undefined });
      }
    },
    minutes: 7,
    summary: 'The Sealed Secrets controller has no key',
  },
  {
    alert: 'SealedSecretsInvalidKeySecret',
    when: 'a key Secret is malformed',
    happens: ({ leader }) => leader.invalidKeySecrets(1),
    minutes: 7,
    summary: '1 key Secrets cannot be used',
  },
  {
    alert: 'SealedSecretsKeyRenewalDue',
    when: 'the newest key is 28 days old',
    happens: (replicas) => replicas.leader.keyRing(keyRing(replicas, { ageDays: 28 })),
    minutes: 62,
    summary: 'A new sealing key is made within three days',
  },
  {
    alert: 'SealedSecretsKeyRenewalOverdue',
    when: 'the newest key is 32 days old',
    happens: (replicas) => replicas.leader.keyRing(keyRing(replicas, { ageDays: 32 })),
    minutes: 62,
    summary: 'The sealing key was not renewed in time',
  },
  {
    alert: 'SealedSecretsKeyWithoutBackup',
    when: 'a key has no backup',
    happens: (replicas) => replicas.leader.keyRing(keyRing(replicas, { backups: { absent: 1, verified: 1 } })),
    minutes: 62,
    summary: '1 sealing keys have no backup',
  },
  {
    alert: 'SealedSecretsKeyBackupFailing',
    when: 'the backup of a new key cannot be written',
    happens: ({ leader }) => leader.keyBackupFailing(true),
    minutes: 12,
    summary: 'A new sealing key cannot be backed up',
  },
  {
    alert: 'SealedSecretsKeyBackupUnverified',
    when: 'a backup was written and never opened for a week',
    happens: (replicas) => replicas.leader.keyRing(keyRing(replicas, { backups: { written: 2, verified: 0 } })),
    minutes: 8 * 24 * 60,
    summary: 'The backup of 2 sealing keys was never verified',
  },
  {
    alert: 'SealedSecretsFailing',
    when: 'objects fail with a reason',
    happens({ leader }) {
      for (let i = 0; i < 7; i++) leader.objectConditions(anObject(`app-${i}`, 'UnknownKey'));
    },
    minutes: 12,
    labels: { reason: 'UnknownKey' },
    summary: '7 SealedSecrets fail: UnknownKey',
  },
  {
    alert: 'SealedSecretsSecretNotCollected',
    when: 'Secrets outlive their SealedSecrets',
    happens: ({ leader }) => leader.observe({ orphans: { overdue: 2 } }),
    minutes: 32,
    summary: '2 Secrets outlived their SealedSecrets',
  },
  {
    alert: 'SealedSecretsUnsealErrorHigh',
    when: 'failures are counted',
    happens: ({ leader }) => leader.unsealFailed('unseal', 'team'),
    minutes: 4,
    labels: { job: undefined, reason: 'unseal', namespace: 'team' },
    summary: 'SealedSecrets could not be unsealed',
  },
  {
    alert: 'SealedSecretsWatchStale',
    when: 'the API server has said nothing for minutes',
    happens: (replicas) => replicas.leader.observe({ reflectors: watches(replicas, { silentSeconds: 400 }) }),
    minutes: 5,
    labels: { pod: 'a', instance: 'a:8081', watch: 'secrets' },
    summary: 'The watch of secrets is silent',
  },
  {
    alert: 'SealedSecretsQueueOld',
    when: 'an object waits for ten minutes',
    happens: ({ leader }) => leader.observe({ queue: aQueue({ oldestSeconds: 600 }) }),
    minutes: 7,
    summary: 'A SealedSecret waits for 10m 0s',
  },
  {
    alert: 'SealedSecretsForeignController',
    when: 'another controller overwrites statuses',
    happens: ({ leader }) => leader.foreignController('team'),
    minutes: 10,
    labels: { namespace: 'team' },
    summary: 'Two controllers write SealedSecrets of team',
  },
  {
    alert: 'SealedSecretsManifestMismatch',
    when: 'the manifest is older',
    happens: ({ leader }) => leader.manifestMismatch('0.0.9', 'older'),
    minutes: 62,
    labels: { manifest: '0.0.9' },
    summary: 'The controller was installed with the manifest of another version',
  },
  {
    alert: 'SealedSecretsCrdOutdated',
    when: 'the API server drops fields of the status',
    happens: ({ leader }) => leader.crdOutdated(true),
    minutes: 62,
    summary: 'The CRD of SealedSecrets is older than the controller',
  },
];

async function scrape({ leader, follower }: Replicas): Promise<Map<string, string>> {
  const pages = [
    { pod: 'a', page: await leader.registry.metrics() },
    { pod: 'b', page: await follower.registry.metrics() },
  ];
  return samplesOf(pages, named);
}

/** What is scraped every minute: once while all is well, and then for two weeks what happened. */
async function inputSeries(happens: Situation['happens']): Promise<object[]> {
  if (happens === undefined) return [];
  const replicas = startReplicas();
  const before = await scrape(replicas);
  happens(replicas);
  const after = await scrape(replicas);
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].map((series) => ({
    series,
    values: `${before.get(series) ?? '_'} ${after.get(series) ?? '_'}x20000`,
  }));
}

/** Runs `promtool test rules` over the rules, of whose annotations only the summary is kept. Returns what it complains of. */
async function complaintsOf(tests: readonly object[], evaluationInterval = '1m'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-alerts-'));
  try {
    const kept = rules.map((rule) => ({ ...rule, annotations: { summary: rule.annotations.summary } }));
    await writeFile(join(folder, 'rules.yaml'), stringify({ groups: [{ name: 'waxwing.rules', rules: kept }] }));
    const file = join(folder, 'tests.yaml');
    await writeFile(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: evaluationInterval, tests }));
    const { status, stdout, stderr } = await runProgram(await goTool('promtool'), ['test', 'rules', file]);
    return status === 0 ? '' : `${stdout}${stderr}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function expectation({ alert, minutes, labels, summary }: Situation, fires: boolean): object {
  const severity = rules.find((rule) => rule.alert === alert)?.labels.severity;
  const shown = Object.entries({ job: 'sealed-secrets', ...labels }).filter(([, value]) => value !== undefined);
  const firing = { exp_labels: { ...Object.fromEntries(shown), severity }, exp_annotations: { summary } };
  return { eval_time: `${minutes}m`, alertname: alert, exp_alerts: fires ? [firing] : [] };
}

const renewalAlerts = situations
  .filter(({ alert }) => alert.includes('Renewal'))
  .map((situation) => expectation(situation, false));

describe.skipIf(!hasTools)('alerts', () => {
  it('are rules that Prometheus accepts', async () => {
    const { status, stderr, stdout } = await runProgram(await goTool('promtool'), [
      'check',
      'rules',
      '--lint=all',
      '--lint-fatal',
      alertsFile,
    ]);
    expect(stderr).toBe('');
    expect(stdout).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  it('have a situation here, each', () => {
    expect(situations.map(({ alert }) => alert)).toEqual(rules.map((rule) => rule.alert));
  });

  it.each(situations)('$alert fires on what is scraped when $when', async (situation) => {
    const test = {
      interval: '1m',
      input_series: await inputSeries(situation.happens),
      alert_rule_test: [expectation(situation, true)],
    };
    // A week in steps of a minute would take seconds.
    expect(await complaintsOf([test], situation.minutes > 1000 ? '1h' : '1m')).toBe('');
  });

  it('are all silent while everything is well', async () => {
    const test = {
      interval: '1m',
      input_series: await inputSeries(() => {}),
      alert_rule_test: situations.map((situation) => expectation(situation, false)),
    };
    expect(await complaintsOf([test], '10m')).toBe('');
  });

  it('about renewal are silent while somebody chose the primary key', async () => {
    const test = {
      interval: '1m',
      input_series: await inputSeries((replicas) =>
        replicas.leader.keyRing(keyRing(replicas, { ageDays: 90, primaries: 1 })),
      ),
      alert_rule_test: renewalAlerts,
    };
    expect(await complaintsOf([test])).toBe('');
  });

  it('about renewal are silent while renewal is off', async () => {
    const series = await inputSeries((replicas) => replicas.leader.keyRing(keyRing(replicas, { ageDays: 90 })));
    const isOff = ({ series: name }: Json) => name.startsWith('waxwing_key_renew_period_seconds');
    const off = series.map((entry) => (isOff(entry) ? { ...entry, values: '0x20000' } : entry));
    expect(off.filter(isOff)).toHaveLength(2);
    expect(await complaintsOf([{ interval: '1m', input_series: off, alert_rule_test: renewalAlerts }])).toBe('');
  });

  it('clear again: a failure that was counted once is forgotten after five minutes', async () => {
    const situation = situations.find(({ alert }) => alert === 'SealedSecretsUnsealErrorHigh');
    if (situation === undefined) throw new Error('The situation is missing.');
    const test = {
      interval: '1m',
      input_series: await inputSeries(situation.happens),
      alert_rule_test: [expectation({ ...situation, minutes: 10 }, false)],
    };
    expect(await complaintsOf([test])).toBe('');
  });

  it('have a section of their name in the runbook, which the chart links', async () => {
    const runbook = await readFile(join(root, 'docs/operations/runbook.md'), 'utf8');
    const sections = new Set([...runbook.matchAll(/^## (\S+)$/gm)].map(([, name]) => name));
    const objects = await renderChart({ values: { metrics: { prometheusRule: { enabled: true } } } });
    const rendered = theObject(objects, 'PrometheusRule').spec.groups.flatMap((group: Json) => group.rules);
    for (const { alert, annotations } of rendered) {
      expect(sections.has(alert), alert).toBe(true);
      if (alert === 'SealedSecretsControllerNotReady') continue;
      expect(annotations.runbook_url).toMatch(/^https:.*\/docs\/operations\/runbook\.md#/);
      expect(annotations.runbook_url).toContain(`#${alert.toLowerCase()}`);
    }
    expect(sections.size).toBe(rendered.length);
  });
});
