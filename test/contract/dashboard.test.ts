import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Json } from '../apiserver/client.ts';
import { goTool } from '../apiserver/real/build.ts';
import { chartFolder, renderChart, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';

const hasTools = canUse('promtool', 'helm');

const text = await readFile(join(chartFolder, 'files/dashboard.json'), 'utf8');
const dashboard: Json = JSON.parse(text);
const panels: Json[] = dashboard.panels.filter((panel: Json) => panel.type !== 'row');
const expressions: string[] = panels.flatMap((panel) => panel.targets.map((target: Json) => target.expr));

describe('the dashboard', () => {
  it('has a title, a description and a query for each panel, and no id twice', () => {
    for (const panel of panels) {
      expect(panel.title, JSON.stringify(panel)).not.toBe('');
      expect(panel.description, panel.title).not.toBe('');
      expect(panel.targets.length, panel.title).toBeGreaterThan(0);
    }
    const ids = dashboard.panels.map((panel: Json) => panel.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('uses variables that it declares, and the data source of the variable', () => {
    const declared = new Set(dashboard.templating.list.map((variable: Json) => variable.name));
    const used = [...text.matchAll(/\$\{?([a-z][a-z_]*)\}?/g)].map(([, name]) => name);
    expect(used.filter((name) => !declared.has(name))).toEqual([]);
    for (const panel of panels) expect(panel.datasource.uid).toBe('${' + 'datasource}');
  });

  it('shows the series of upstream’s dashboard with its filters', () => {
    const all = expressions.join('\n');
    expect(all).toContain('sealed_secrets_controller_unseal_requests_total{job=~"$job",pod=~"$pod"}');
    expect(all).toContain('sealed_secrets_controller_unseal_errors_total{job=~"$job",pod=~"$pod"}');
  });

  it.skipIf(!hasTools)('has queries that Prometheus can parse', async () => {
    const rules = expressions.map((expression, index) => ({
      record: `panel:${index}`,
      expr: expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|pod)/g, '.*'),
    }));
    const folder = await mkdtemp(join(tmpdir(), 'waxwing-dashboard-'));
    try {
      const file = join(folder, 'rules.yaml');
      await writeFile(file, stringify({ groups: [{ name: 'panels', rules }] }));
      const { status, stdout, stderr } = await runProgram(await goTool('promtool'), ['check', 'rules', file]);
      expect(stderr).toBe('');
      expect(stdout).toContain(`SUCCESS: ${rules.length} rules found`);
      expect(status).toBe(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it.skipIf(!hasTools)('comes whole into the ConfigMap of the chart', async () => {
    const dashboards = { create: true, namespace: 'grafana', labels: { grafana_dashboard: '1' } };
    const configMap = theObject(await renderChart({ values: { metrics: { dashboards } } }), 'ConfigMap');
    expect(configMap.metadata).toMatchObject({
      name: 'sealed-secrets-sealed-secrets-controller',
      namespace: 'grafana',
      labels: dashboards.labels,
    });
    expect(JSON.parse(configMap.data['sealed-secrets-controller.json'])).toEqual(dashboard);
  });
});
