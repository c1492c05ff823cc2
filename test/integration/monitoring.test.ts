import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { metricsIn } from '../contract/scraped.ts';
import { sealerOf, startCluster } from './cluster.ts';

const cluster = await startCluster();
const files = join(import.meta.dirname, '../../charts/waxwing/files');

/** Series that an expression names, without the endings of histograms. */
function seriesIn(text: string): Set<string> {
  return new Set([...metricsIn(text)].map((name) => name.replace(/_bucket$/, '')));
}

it('exports every series that alerts and dashboard ask for', async () => {
  const namespace = await cluster.createNamespace();
  await using controller = await cluster.startController();
  await cluster.apply((await sealerOf(controller))({ namespace, name: 'app', data: { a: '1' } }));
  await cluster.condition(namespace, 'app', 'True', 'Unsealed');
  const page = await controller.metrics();
  const exported = new Set([...page.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const asked = seriesIn(
    `${await readFile(join(files, 'alerts.yaml'), 'utf8')}${await readFile(join(files, 'dashboard.json'), 'utf8')}`,
  );
  expect(asked.size).toBeGreaterThan(20);
  expect([...asked].filter((name) => !exported.has(name))).toEqual([]);
});

it('has the labels that alerts and dashboard group by', async () => {
  await using controller = await cluster.startController();
  const page = await controller.metrics();
  for (const series of [
    'sealed_secrets_controller_build_info{revision="',
    'waxwing_key_backups{state="absent"}',
    'waxwing_key_backups{state="written"}',
    'waxwing_objects{reason="Unsealed"}',
    'waxwing_watch_age_seconds{watch="sealedsecrets"}',
    'waxwing_leader 1',
    'waxwing_key_renew_period_seconds 2592000',
    'waxwing_primary_keys 0',
  ]) {
    expect(page).toContain(series);
  }
});

it.each([
  ['older', '0.0.1'],
  ['newer', '99.0.0'],
])('says in a log line and a metric that the manifest is %s than the controller', async (difference, manifest) => {
  await using controller = await cluster.startController({ env: { WAXWING_MANIFEST_VERSION: manifest } });
  expect(controller.logs()).toContain(`the manifest is ${difference} than the controller`);
  expect(await controller.metric('waxwing_manifest_mismatch', { manifest, difference })).toBe(1);
});
