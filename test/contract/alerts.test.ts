import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { Json } from '../apiserver/client.ts';
import { goTool } from '../apiserver/real/build.ts';
import { chartFolder, renderChart, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';

const hasTools = canUse('promtool', 'helm');

const root = join(import.meta.dirname, '../..');
const alertsFile = join(chartFolder, 'files/alerts.yaml');
const rules: Json[] = parse(await readFile(alertsFile, 'utf8')).groups.flatMap((group: Json) => group.rules);

const job = 'job="sealed-secrets"';
const leader = `{${job},pod="a",instance="a:8081"}`;
const follower = `{${job},pod="b",instance="b:8081"}`;
const day = 86_400;

/** What a scrape of two healthy replicas gives, in promtool's notation: one sample a minute. */
const healthy: ReadonlyMap<string, string> = new Map([
  [`sealed_secrets_controller_build_info{${job},pod="a",revision="v0.1.0"}`, '0x20000'],
  [`sealed_secrets_controller_unseal_errors_total{${job},pod="a",reason="unseal",namespace="team"}`, '3x20000'],
  [`waxwing_leader${leader}`, '1x20000'],
  [`waxwing_leader${follower}`, '0x20000'],
  [`waxwing_leader_election_forbidden${leader}`, '0x20000'],
  [`waxwing_sealing_keys${leader}`, '2x20000'],
  [`waxwing_sealing_keys${follower}`, '2x20000'],
  [`waxwing_invalid_key_secrets${leader}`, '0x20000'],
  [`waxwing_primary_keys${leader}`, '0x20000'],
  [`waxwing_key_renew_period_seconds${leader}`, `${30 * day}x20000`],
  [`waxwing_newest_key_age_seconds${leader}`, `${5 * day}x20000`],
  [`waxwing_key_backups{${job},pod="a",state="absent"}`, '0x20000'],
  [`waxwing_key_backups{${job},pod="a",state="written"}`, '0x20000'],
  [`waxwing_key_backups{${job},pod="a",state="verified"}`, '2x20000'],
  [`waxwing_key_backup_failing${leader}`, '0x20000'],
  [`waxwing_objects{${job},pod="a",reason="Unsealed"}`, '4000x20000'],
  [`waxwing_objects{${job},pod="a",reason="UnknownKey"}`, '0x20000'],
  [`waxwing_watch_age_seconds{${job},pod="a",instance="a:8081",watch="secrets"}`, '45x20000'],
  [`waxwing_queue_oldest_age_seconds${leader}`, '0.2x20000'],
  [`waxwing_foreign_controller_total{${job},pod="a",namespace="team"}`, '0x20000'],
]);

interface Situation {
  readonly alert: string;
  readonly when: string;
  /** Series that differ from the healthy ones; undefined: the series is not there. */
  readonly series: readonly (readonly [name: string, values: string | undefined])[];
  /** Minutes after which the alert fires. */
  readonly minutes: number;
  /** Labels beside alertname and severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
}

const situations: readonly Situation[] = [
  {
    alert: 'SealedSecretsControllerDown',
    when: 'nothing is scraped',
    series: [...healthy.keys()].map((name) => [name, undefined]),
    minutes: 6,
    labels: {},
    summary: 'No Sealed Secrets controller is scraped',
  },
  {
    alert: 'SealedSecretsNoLeader',
    when: 'every replica follows',
    series: [[`waxwing_leader${leader}`, '0x100']],
    minutes: 3,
    labels: { job: 'sealed-secrets' },
    summary: 'No replica of the Sealed Secrets controller leads',
  },
  {
    alert: 'SealedSecretsLeaderElectionForbidden',
    when: 'Leases are forbidden',
    series: [[`waxwing_leader_election_forbidden${leader}`, '1x100']],
    minutes: 11,
    labels: { job: 'sealed-secrets' },
    summary: 'The Sealed Secrets controller may not use Leases',
  },
  {
    alert: 'SealedSecretsNoSealingKey',
    when: 'no replica has a key',
    series: [
      [`waxwing_sealing_keys${leader}`, '0x100'],
      [`waxwing_sealing_keys${follower}`, '0x100'],
    ],
    minutes: 6,
    labels: { job: 'sealed-secrets' },
    summary: 'The Sealed Secrets controller has no key',
  },
  {
    alert: 'SealedSecretsInvalidKeySecret',
    when: 'a key Secret is malformed',
    series: [[`waxwing_invalid_key_secrets${leader}`, '1x100']],
    minutes: 6,
    labels: { job: 'sealed-secrets' },
    summary: '1 key Secrets cannot be used',
  },
  {
    alert: 'SealedSecretsKeyRenewalDue',
    when: 'the newest key is 28 days old',
    series: [[`waxwing_newest_key_age_seconds${leader}`, `${28 * day}x100`]],
    minutes: 61,
    labels: { job: 'sealed-secrets' },
    summary: 'A new sealing key is made within three days',
  },
  {
    alert: 'SealedSecretsKeyRenewalOverdue',
    when: 'the newest key is 32 days old',
    series: [[`waxwing_newest_key_age_seconds${leader}`, `${32 * day}x100`]],
    minutes: 61,
    labels: { job: 'sealed-secrets' },
    summary: 'The sealing key was not renewed in time',
  },
  {
    alert: 'SealedSecretsKeyWithoutBackup',
    when: 'a key has no backup',
    series: [[`waxwing_key_backups{${job},pod="a",state="absent"}`, '1x100']],
    minutes: 61,
    labels: { job: 'sealed-secrets' },
    summary: '1 sealing keys have no backup',
  },
  {
    alert: 'SealedSecretsKeyBackupFailing',
    when: 'the backup of a new key cannot be written',
    series: [[`waxwing_key_backup_failing${leader}`, '1x100']],
    minutes: 11,
    labels: { job: 'sealed-secrets' },
    summary: 'A new sealing key cannot be backed up',
  },
  {
    alert: 'SealedSecretsKeyBackupUnverified',
    when: 'a backup was written and never opened for a week',
    series: [[`waxwing_key_backups{${job},pod="a",state="written"}`, '2x20000']],
    minutes: 8 * 24 * 60,
    labels: { job: 'sealed-secrets' },
    summary: 'The backup of 2 sealing keys was never verified',
  },
  {
    alert: 'SealedSecretsFailing',
    when: 'objects fail with a reason',
    series: [[`waxwing_objects{${job},pod="a",reason="UnknownKey"}`, '7x100']],
    minutes: 11,
    labels: { job: 'sealed-secrets', reason: 'UnknownKey' },
    summary: '7 SealedSecrets fail: UnknownKey',
  },
  {
    alert: 'SealedSecretsUnsealErrorHigh',
    when: 'failures are counted',
    series: [
      [
        `sealed_secrets_controller_unseal_errors_total{${job},pod="a",reason="unseal",namespace="team"}`,
        '3 3 4 4 4 4 4 4 4',
      ],
    ],
    minutes: 4,
    labels: { reason: 'unseal', namespace: 'team' },
    summary: 'SealedSecrets could not be unsealed',
  },
  {
    alert: 'SealedSecretsWatchStale',
    when: 'the API server has said nothing for minutes',
    series: [[`waxwing_watch_age_seconds{${job},pod="a",instance="a:8081",watch="secrets"}`, '20+60x100']],
    minutes: 8,
    labels: { job: 'sealed-secrets', pod: 'a', instance: 'a:8081', watch: 'secrets' },
    summary: 'The watch of secrets is silent',
  },
  {
    alert: 'SealedSecretsQueueOld',
    when: 'an object waits for ten minutes',
    series: [[`waxwing_queue_oldest_age_seconds${leader}`, '600x100']],
    minutes: 6,
    labels: { job: 'sealed-secrets' },
    summary: 'A SealedSecret waits for 10m 0s',
  },
  {
    alert: 'SealedSecretsForeignController',
    when: 'another controller overwrites statuses',
    series: [[`waxwing_foreign_controller_total{${job},pod="a",namespace="team"}`, '0+1x100']],
    minutes: 10,
    labels: { job: 'sealed-secrets', namespace: 'team' },
    summary: 'Two controllers write SealedSecrets of team',
  },
  {
    alert: 'SealedSecretsManifestMismatch',
    when: 'the manifest is older',
    series: [[`waxwing_manifest_mismatch{${job},pod="a",manifest="0.0.9",difference="older"}`, '1x100']],
    minutes: 61,
    labels: { job: 'sealed-secrets', manifest: '0.0.9' },
    summary: 'The controller was installed with the manifest of another version',
  },
];

function inputSeries(changes: Situation['series']): object[] {
  const series = new Map<string, string | undefined>([...healthy, ...changes]);
  return [...series].flatMap(([name, values]) => (values === undefined ? [] : [{ series: name, values }]));
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
  const firing = { exp_labels: { ...labels, severity }, exp_annotations: { summary } };
  return { eval_time: `${minutes}m`, alertname: alert, exp_alerts: fires ? [firing] : [] };
}

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

  it.each(situations)('$alert fires when $when', async (situation) => {
    const test = {
      interval: '1m',
      input_series: inputSeries(situation.series),
      alert_rule_test: [expectation(situation, true)],
    };
    // A week in steps of a minute would take seconds.
    expect(await complaintsOf([test], situation.minutes > 1000 ? '1h' : '1m')).toBe('');
  });

  it('are all silent while everything is well', async () => {
    const test = {
      interval: '1m',
      input_series: inputSeries([]),
      alert_rule_test: situations.map((situation) => expectation(situation, false)),
    };
    expect(await complaintsOf([test], '10m')).toBe('');
  });

  it.each([
    ['renewal is off', `waxwing_key_renew_period_seconds${leader}`, '0x100'],
    ['somebody chose the primary key', `waxwing_primary_keys${leader}`, '1x100'],
  ])('about renewal are silent while %s', async (_, name, values) => {
    const test = {
      interval: '1m',
      input_series: inputSeries([
        [`waxwing_newest_key_age_seconds${leader}`, `${90 * day}x100`],
        [name, values],
      ]),
      alert_rule_test: situations
        .filter(({ alert }) => alert.includes('Renewal'))
        .map((situation) => expectation(situation, false)),
    };
    expect(await complaintsOf([test])).toBe('');
  });

  it('clear again: a failure that was counted once is forgotten after five minutes', async () => {
    const situation = situations.find(({ alert }) => alert === 'SealedSecretsUnsealErrorHigh');
    if (situation === undefined) throw new Error('The situation is missing.');
    const test = {
      interval: '1m',
      input_series: inputSeries([
        [`sealed_secrets_controller_unseal_errors_total{${job},pod="a",reason="unseal",namespace="team"}`, '3 4x30'],
      ]),
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
