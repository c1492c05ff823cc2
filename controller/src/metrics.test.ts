import { describe, expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

function aRegistry(parts: { omitSecretLabels?: boolean; perObject?: boolean } = {}) {
  const clock = { nowMs: Date.UTC(2026, 0, 1), monotonicMs: 5000 };
  const metrics = createMetrics({
    version: 'v1.2.3',
    omitSecretLabels: false,
    perObject: true,
    renewPeriodMs: 3_600_000,
    ...parts,
    now: () => clock.nowMs,
    monotonicNow: () => clock.monotonicMs,
    processMetrics: false,
  });
  return { metrics, clock, lines: async () => (await metrics.registry.metrics()).split('\n') };
}

const anObject = {
  namespace: 'payments',
  name: 'db',
  instanceLabel: 'shop',
  conditions: [{ type: 'Synced', status: 'True', reason: 'Unsealed' }],
};

describe('the metrics', () => {
  test("have upstream's series from the start", async () => {
    const lines = await aRegistry().lines();
    expect(lines).toContain('sealed_secrets_controller_build_info{revision="v1.2.3"} 0');
    expect(lines).toContain('sealed_secrets_controller_unseal_requests_total 0');
    expect(lines).toContain(
      'sealed_secrets_controller_http_requests_total{path="/v1/verify",code="200",method="post"} 0',
    );
    const buckets = lines.filter(
      (line) => line.includes('http_request_duration_seconds_bucket{') && line.includes('cert.pem'),
    );
    const bounds = buckets.map((line) => /le="([^"]+)"/.exec(line)?.[1]);
    expect(bounds).toEqual(['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf']);
  });

  test('counts requests and errors with the labels of the shipped alert', async () => {
    const { metrics, lines } = aRegistry();
    metrics.unsealRequested();
    metrics.unsealFailed('unseal', 'payments');
    metrics.httpRequest('/v1/rotate', 'POST', 429, 0.003);
    metrics.httpRequest('/v1/rotate', 'BREW', 200, 0.003);
    const text = await lines();
    expect(text).toContain('sealed_secrets_controller_unseal_requests_total 1');
    expect(text).toContain('sealed_secrets_controller_unseal_errors_total{reason="unseal",namespace="payments"} 1');
    expect(text).toContain(
      'sealed_secrets_controller_http_requests_total{path="/v1/rotate",code="429",method="post"} 1',
    );
    expect(text).toContain(
      'sealed_secrets_controller_http_requests_total{path="/v1/rotate",code="200",method="unknown"} 1',
    );
  });

  test.each([
    ['True', 1],
    ['Unknown', 0],
    ['False', -1],
  ])('condition_info of a condition that is %s is %i', async (status, value) => {
    const { metrics, lines } = aRegistry();
    metrics.objectConditions({ ...anObject, conditions: [{ type: 'Synced', status }] });
    const labels = 'namespace="payments",name="db",condition="Synced",ss_app_kubernetes_io_instance="shop"';
    expect(await lines()).toContain(`sealed_secrets_controller_condition_info{${labels}} ${value}`);
  });

  test('a deleted object and a changed instance label leave no series behind', async () => {
    const { metrics, lines } = aRegistry();
    metrics.objectConditions(anObject);
    metrics.objectConditions({ ...anObject, instanceLabel: 'other' });
    const shown = (text: string[]) =>
      text.filter((line) => line.startsWith('sealed_secrets_controller_condition_info{'));
    expect(shown(await lines())).toHaveLength(1);
    metrics.objectDeleted('payments', 'db');
    expect(shown(await lines())).toHaveLength(0);
    expect(await lines()).toContain('waxwing_objects{reason="Unsealed"} 0');
  });

  test('counts objects by reason, each once', async () => {
    const { metrics, lines } = aRegistry();
    metrics.objectConditions(anObject);
    metrics.objectConditions({ ...anObject, conditions: [{ type: 'Synced', status: 'False', reason: 'UnknownKey' }] });
    metrics.objectConditions({ ...anObject, name: 'other' });
    const text = await lines();
    expect(text).toContain('waxwing_objects{reason="Unsealed"} 1');
    expect(text).toContain('waxwing_objects{reason="UnknownKey"} 1');
  });

  test.each([{ omitSecretLabels: true }, { perObject: false }])(
    'with %j no name of an object appears',
    async (parts) => {
      const { metrics, lines } = aRegistry(parts);
      metrics.objectConditions(anObject);
      const text = (await lines()).join('\n');
      expect(text).not.toContain('condition_info');
      expect(text).not.toContain('"db"');
      expect(text).toContain('waxwing_objects{reason="Unsealed"} 1');
    },
  );

  test('the age of the newest key grows, and there is none without a key', async () => {
    const { metrics, clock, lines } = aRegistry();
    const age = async () => (await lines()).find((line) => line.startsWith('waxwing_newest_key_age_seconds'));
    expect(await age()).toBeUndefined();
    const backups = { absent: 1, written: 0, verified: 0 };
    metrics.keyRing({ count: 1, newestSeconds: clock.nowMs / 1000 - 60, primaries: 1, backups });
    clock.nowMs += 30_000;
    expect(await age()).toBe('waxwing_newest_key_age_seconds 90');
    expect(await lines()).toContain('waxwing_key_backups{state="absent"} 1');
    expect(await lines()).toContain('waxwing_primary_keys 1');
    expect(await lines()).toContain('waxwing_key_renew_period_seconds 3600');
  });

  test('a manifest of another version is told with its version', async () => {
    const { metrics, lines } = aRegistry();
    expect((await lines()).join('\n')).not.toContain('waxwing_manifest_mismatch{');
    metrics.manifestMismatch('0.0.9', 'older');
    expect(await lines()).toContain('waxwing_manifest_mismatch{manifest="0.0.9",difference="older"} 1');
  });

  test('queue and watches are read when somebody asks', async () => {
    const { metrics, clock, lines } = aRegistry();
    expect(await lines()).toContain('waxwing_queue_depth 0');
    const state = { lastHeardMs: 4000, watches: 3, lists: 1, objects: 7, failure: new Error('away') };
    metrics.observe({ queue: { depth: 4, delayed: 2, oldestAgeMs: () => 1500 } });
    metrics.observe({ reflectors: new Map([['secrets', { state }]]) });
    clock.monotonicMs = 6000;
    const text = await lines();
    expect(text).toContain('waxwing_queue_depth 4');
    expect(text).toContain('waxwing_queue_oldest_age_seconds 1.5');
    expect(text).toContain('waxwing_watch_age_seconds{watch="secrets"} 2');
    expect(text).toContain('waxwing_watch_failing{watch="secrets"} 1');
  });

  test('the series of the process are there in production', async () => {
    const metrics = createMetrics({
      version: 'x',
      omitSecretLabels: false,
      perObject: true,
      renewPeriodMs: 0,
      now: Date.now,
      monotonicNow: () => performance.now(),
    });
    const text = await metrics.registry.metrics();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
