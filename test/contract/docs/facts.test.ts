import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitStatus } from '../../../cli/src/hints.ts';
import { createMetrics } from '../../../controller/src/metrics.ts';
import { reasons } from '../../../controller/src/reasons.ts';
import * as annotationNames from '../../../shared/src/api/annotations.ts';
import { defaultLimits } from '../../../shared/src/gotemplate/budget.ts';
import { markdownFiles, root } from './markdown.ts';

const read = (path: string) => readFile(join(root, path), 'utf8');

/** The first column of every table row that begins with a code span. */
function tableNames(markdown: string): string[] {
  return [...markdown.matchAll(/^\| (`[^|]+`(?:, `[^|]+`)*) +\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

function metrics() {
  return createMetrics({
    version: 'v0.0.0',
    omitSecretLabels: false,
    perObject: true,
    now: () => 0,
    monotonicNow: () => 0,
    renewPeriodMs: 0,
  });
}

describe('the reference', () => {
  it('names every annotation and label that the code knows', async () => {
    const named = tableNames(await read('docs/reference/annotations.md'));
    const { appliedConfigurationAnnotations, ...rest } = annotationNames;
    const known = Object.values(rest).filter((value) => typeof value === 'string' && value.includes('/')) as string[];
    expect(known.length).toBeGreaterThan(8);
    expect(named).toEqual(expect.arrayContaining(known));
    const text = await read('docs/reference/annotations.md');
    for (const name of appliedConfigurationAnnotations) expect(text).toContain(`\`${name}\``);
  });

  it('names no annotation of ours that no code knows', async () => {
    const sources = await Promise.all(
      ['shared/src/api/annotations.ts', 'cli/src/keys/export.ts', 'controller/src/keys/backup.ts'].map(read),
    );
    const known = new Set<unknown>(Object.values(annotationNames));
    const own = tableNames(await read('docs/reference/annotations.md')).filter((name) =>
      name.startsWith('waxwing.dev/'),
    );
    expect(own.filter((name) => !known.has(name) && !sources.some((text) => text.includes(`'${name}'`)))).toEqual([]);
  });

  it('names exactly the metrics of the controller, with type and labels', async () => {
    const rows = [...(await read('docs/reference/metrics.md')).matchAll(/^\| `(\w+)` +\| (\w+) +\|([^|]*)\|/gm)];
    const documented = rows.map(([, name = '', type = '', labels = '']) => {
      return `${name} ${type} ${[...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label).join(',')}`.trim();
    });
    const { registry } = metrics();
    const collected = await registry.getMetricsAsJSON();
    const actual = collected
      .filter(({ name }) => !/^(process|nodejs)_/.test(name))
      .map(({ name, type }) => {
        const { labelNames } = registry.getSingleMetric(name) as unknown as { labelNames: readonly string[] };
        return `${name} ${type} ${labelNames.join(',')}`.trim();
      });
    expect(documented.sort()).toEqual(actual.sort());
  });

  it('has a section of the troubleshooting guide for every reason and for nothing else', async () => {
    const known = Object.entries(reasons).flatMap(([reason, row]) => (row === undefined ? [] : [reason]));
    const page = await read('docs/guides/troubleshooting.md');
    const sections = [...page.matchAll(/^## (\w+)$/gm)].map(([, title = '']) => title);
    expect(sections.sort()).toEqual(known.sort());
  });

  it('names every environment variable that the programs read', async () => {
    const named = new Set(tableNames(await read('docs/reference/environment.md')));
    const files = [
      'shared/src/settings/config.ts',
      'controller/src/main.ts',
      'cli/src/kubeconfig.ts',
      'cli/src/options.ts',
      'cli/src/paths.ts',
      'cli/src/proxy.ts',
      'cli/src/spool.ts',
      'cli/src/terminal.ts',
      'scripts/build.ts',
      'scripts/image.ts',
    ];
    const sources = (await Promise.all(files.map(read))).join('\n');
    const read1 = sources.matchAll(/(?:env\[|\.env\(|read\()'([A-Z][A-Z_]+)'/g);
    const names = new Set([...read1].map(([, name = '']) => name));
    expect(names.size).toBeGreaterThan(14);
    expect([...names].filter((name) => !named.has(name))).toEqual([]);
  });

  it('names every exit status of waxwing', async () => {
    const page = await read('docs/reference/environment.md');
    const section = page.slice(page.indexOf('## Exit statuses'), page.indexOf('`kubeseal`, as upstream'));
    const statuses = [...section.matchAll(/^\| (\d) +\|/gm)].map(([, status]) => Number(status));
    expect(statuses).toEqual(Object.values(exitStatus));
  });

  it('names every path of the HTTP API and every header that it sends', async () => {
    const page = await read('docs/reference/http.md');
    const server = await read('controller/src/http/server.ts');
    const paths = [...server.matchAll(/app\.all\('([^']+)'/g)].map(([, path = '']) => path);
    const headers = [...server.matchAll(/'(X-[\w-]+|Retry-After)'/g)].map(([, header = '']) => header);
    expect(paths.length).toBeGreaterThan(5);
    expect(headers.length).toBeGreaterThan(4);
    for (const name of [...paths, ...headers]) expect(page, name).toContain(`\`${name}\``);
  });

  it('names the limits of templates as they are', async () => {
    const page = await read('docs/guides/templates.md');
    const [, deadlineMs = ''] =
      /const costlyTemplateMs = ([\d_]+);/.exec(await read('controller/src/foundation.ts')) ?? [];
    const mebibytes = (bytes: number) => `${bytes / 1024 / 1024} MiB`;
    const rows = {
      'text of the template, each': mebibytes(defaultLimits.maxTemplateBytes),
      result: mebibytes(defaultLimits.maxOutputBytes),
      'intermediate strings and lists': mebibytes(defaultLimits.maxAllocatedBytes),
      steps: defaultLimits.maxSteps.toLocaleString('en-US'),
      'depth of templates that call each other, each': String(defaultLimits.maxTemplateDepth),
      'regular expression, each': `${defaultLimits.maxPatternBytes / 1024} KiB, ${defaultLimits.maxPatternInstructions.toLocaleString('en-US')} instructions`,
      time: `${Number(deadlineMs.replaceAll('_', '')) / 1000} s`,
      'cost of key generation, certificates and password hashes': `${defaultLimits.maxCostlyUnits} units`,
    };
    for (const [name, value] of Object.entries(rows)) {
      expect(page).toMatch(new RegExp(`^\\| ${name} +\\| ${value} +\\|$`, 'm'));
    }
  });
});

describe('the text of the documentation', () => {
  it('names no flag that none of the programs has', async () => {
    const reference = await Promise.all(
      ['waxwing', 'kubeseal', 'controller'].map((name) => read(`docs/reference/${name}.md`)),
    );
    const known = new Set(reference.flatMap((page) => page.match(/--[a-z][a-z-]+/g) ?? []));
    // Of other programs, as far as they stand in sentences and not in commands that are run, and what was named otherwise once.
    for (const flag of ['--rotate', '--keep', '--real', '--long', '--signoff', '--server-side']) known.add(flag);
    const unknown: string[] = [];
    for (const path of (await markdownFiles()).filter(
      (file) => file === 'README.md' || /^docs\/(?!operations)/.test(file),
    )) {
      const text = (await read(path)).replaceAll(/^\s*```[\s\S]*?^\s*```/gm, '').replaceAll(/<!--[\s\S]*?-->/g, '');
      for (const [, span = ''] of text.matchAll(/`([^`\n]+)`/g)) {
        if (/^(kubectl|git|npm|helm|age)/.test(span)) continue;
        const flags = span.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [];
        unknown.push(...flags.filter((flag) => !known.has(flag)).map((flag) => `${path}: ${flag}`));
      }
    }
    expect(unknown).toEqual([]);
  });

  it('names no value of the chart that it does not have', async () => {
    const values = await read('charts/waxwing/README.md');
    const pages = await Promise.all(
      ['docs/keys.md', 'docs/operations/install.md', 'docs/operations/runbook.md'].map(read),
    );
    const named = pages.flatMap((page) =>
      [...page.matchAll(/(?:chart|value):? `([a-zA-Z.]+)`/g)].map(([, name = '']) => name),
    );
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((name) => !values.includes(`\`${name}\``))).toEqual([]);
  });
});
