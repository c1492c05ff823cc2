import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMap, isScalar, type Pair, parseDocument } from 'yaml';
import type { Json } from '../../apiserver/client.ts';
import { chartFolder } from './helm.ts';
import { upstreamValues } from './upstream-values.ts';

const text = await readFile(join(chartFolder, 'values.yaml'), 'utf8');
const document = parseDocument(text);
const values: Json = document.toJS();
const schema: Json = JSON.parse(await readFile(join(chartFolder, 'values.schema.json'), 'utf8'));

/** Dotted paths of everything below a mapping of the file; empty mappings are values, not folders. */
function valuePaths(node: unknown, prefix = ''): { path: string; pair: Pair; isFolder: boolean }[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair) => {
    const path = `${prefix}${isScalar(pair.key) ? pair.key.value : pair.key}`;
    const isFolder = isMap(pair.value) && pair.value.items.length > 0;
    return [{ path, pair, isFolder }, ...valuePaths(pair.value, `${path}.`)];
  });
}

function at(object: Json, path: string): unknown {
  return path.split('.').reduce((value, name) => value?.[name], object);
}

function schemaAt(path: string): Json {
  return path.split('.').reduce((node, name) => resolve(node)?.properties?.[name], schema);
}

function resolve(node: Json): Json {
  const reference: string | undefined = node?.$ref;
  return reference === undefined ? node : schema.definitions[reference.replace('#/definitions/', '')];
}

/** A comment is the lines right above the key; the first key of a mapping has it in front of the mapping. */
function hasComment(path: string): boolean {
  const lines = text.split('\n');
  const names = path.split('.');
  let line = -1;
  for (const [depth, name] of names.entries()) {
    line = lines.findIndex((candidate, index) => index > line && candidate.startsWith(`${'  '.repeat(depth)}${name}:`));
  }
  return line > 0 && (lines[line - 1] ?? '').trim().startsWith('#');
}

describe('values.yaml', () => {
  it.each([...upstreamValues])('has %s with the default of upstream’s chart', (path, expected) => {
    expect(at(values, path)).toEqual(expected);
  });

  it('keeps the alert of upstream’s chart, which people route by its name', () => {
    const [group] = values.metrics.prometheusRule.groups;
    expect(group.name).toBe('sealed-secrets-controller.rules');
    expect(group.rules).toHaveLength(1);
    expect(group.rules[0]).toMatchObject({
      alert: 'SealedSecretsControllerNotReady',
      expr: 'sealed_secrets_controller_condition_info != 1',
      for: '10m',
      labels: { severity: 'critical' },
    });
  });

  it('documents each value right above it', () => {
    const undocumented = valuePaths(document.contents)
      .filter(({ isFolder }) => !isFolder)
      .map(({ path }) => path)
      .filter((path) => !path.startsWith('metrics.prometheusRule.groups.'))
      .filter((path) => !hasComment(path));
    expect(undocumented).toEqual([]);
  });

  it('runs two replicas that elect a leader', () => {
    expect(values.replicas).toBe(2);
    expect(values.leaderElection.enabled).toBe(true);
  });
});

describe('values.schema.json', () => {
  it('knows every value of values.yaml', () => {
    const unknown = valuePaths(document.contents)
      .map(({ path }) => path)
      .filter((path) => schemaAt(path) === undefined);
    expect(unknown).toEqual([]);
  });

  it('knows no value that values.yaml lacks, apart from what only parent charts and the Pod API add', () => {
    const additions = new Set([
      'global',
      'enabled',
      'resources.claims',
      'podSecurityContext.seccompProfile.localhostProfile',
      'containerSecurityContext.capabilities.add',
    ]);
    const paths = (node: Json, prefix: string): string[] =>
      Object.entries<Json>(resolve(node)?.properties ?? {}).flatMap(([name, child]) => [
        `${prefix}${name}`,
        ...paths(child, `${prefix}${name}.`),
      ]);
    const surplus = paths(schema, '').filter((path) => !additions.has(path) && at(values, path) === undefined);
    expect(surplus).toEqual([]);
  });
});
