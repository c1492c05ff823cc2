/**
 * Writes kubernetes-types.json: resources and schemas of the built-in API groups that the embedded server serves, taken
 * from the published API description of a Kubernetes release (the folder `api` of the module k8s.io/kubernetes).
 *
 *     node test/apiserver/embedded/types/generate.ts "$(cd test && go list -m -f '{{.Dir}}' k8s.io/kubernetes)/api" v1.36.3
 *
 * Descriptions are left out: the server needs the shapes, and `kubectl explain` shows fields and types without them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const servedGroups = new Set([
  'v1',
  'apiextensions.k8s.io/v1',
  'apps/v1',
  'authentication.k8s.io/v1',
  'authorization.k8s.io/v1',
  'autoscaling/v2',
  'batch/v1',
  'coordination.k8s.io/v1',
  'discovery.k8s.io/v1',
  'events.k8s.io/v1',
  'networking.k8s.io/v1',
  'policy/v1',
  'rbac.authorization.k8s.io/v1',
]);

/** What needs a kubelet, a scheduler or a controller that is not here: leaving it out is more honest than accepting it. */
const omittedResources = new Set([
  'bindings',
  'componentstatuses',
  'ipaddresses',
  'nodes/proxy',
  'pods/attach',
  'pods/binding',
  'pods/ephemeralcontainers',
  'pods/eviction',
  'pods/exec',
  'pods/log',
  'pods/portforward',
  'pods/proxy',
  'pods/resize',
  'servicecidrs',
  'servicecidrs/status',
]);

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function withoutProse(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutProse);
  if (value === null || typeof value !== 'object') return value;
  const out: { [key: string]: Json } = {};
  for (const [key, entry] of Object.entries(value)) {
    if (key === 'description' && typeof entry === 'string') continue;
    if (key === 'allOf' && Array.isArray(entry) && entry.length === 1) {
      Object.assign(out, withoutProse(entry[0] ?? {}));
      continue;
    }
    out[key] = withoutProse(entry);
  }
  return out;
}

function collectReferences(value: Json, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const entry of value) collectReferences(entry, into);
  } else if (value !== null && typeof value === 'object') {
    for (const [key, entry] of Object.entries(value)) {
      if (key === '$ref' && typeof entry === 'string') into.add(entry.slice(entry.lastIndexOf('/') + 1));
      else collectReferences(entry, into);
    }
  }
}

function main(apiFolder: string, release: string): void {
  const resources: Json[] = [];
  for (const file of readdirSync(join(apiFolder, 'discovery')).sort()) {
    const document = JSON.parse(readFileSync(join(apiFolder, 'discovery', file), 'utf8'));
    if (document.kind !== 'APIResourceList' || !servedGroups.has(document.groupVersion)) continue;
    for (const resource of document.resources) {
      if (omittedResources.has(resource.name) || resource.name.endsWith('/scale')) continue;
      const { storageVersionHash: _, ...rest } = resource;
      resources.push({ groupVersion: document.groupVersion, ...rest });
    }
  }
  const schemas: { [key: string]: Json } = {};
  for (const file of readdirSync(join(apiFolder, 'openapi-spec', 'v3'))) {
    const groupVersion = file
      .replace(/^apis?__/, '')
      .replace(/_openapi\.json$/, '')
      .replace('__', '/');
    if (!servedGroups.has(groupVersion)) continue;
    const document = JSON.parse(readFileSync(join(apiFolder, 'openapi-spec', 'v3', file), 'utf8'));
    for (const [name, schema] of Object.entries<Json>(document.components.schemas))
      schemas[name] ??= withoutProse(schema);
  }
  const needed = new Set<string>();
  const servedKinds = new Set(
    resources.map((entry) => {
      const resource = entry as { groupVersion: string; group?: string; version?: string; kind: string };
      const groupVersion =
        resource.group === undefined ? resource.groupVersion : `${resource.group}/${resource.version}`;
      return `${groupVersion}/${resource.kind}`;
    }),
  );
  const kindsOf = (schema: Json): string[] =>
    (
      (schema as { [key: string]: Json })['x-kubernetes-group-version-kind'] as
        | { group: string; version: string; kind: string }[]
        | undefined
    )?.map((gvk) => `${gvk.group === '' ? '' : `${gvk.group}/`}${gvk.version}/${gvk.kind}`) ?? [];
  for (const [name, schema] of Object.entries(schemas)) {
    if (kindsOf(schema).some((kind) => servedKinds.has(kind) || servedKinds.has(kind.replace(/List$/, ''))))
      needed.add(name);
  }
  for (let before = -1; before !== needed.size; ) {
    before = needed.size;
    for (const name of [...needed]) collectReferences(schemas[name] ?? null, needed);
  }
  const kept = Object.fromEntries(
    [...needed].sort().map((name) => {
      const schema = schemas[name] as { [key: string]: Json };
      const kinds = schema['x-kubernetes-group-version-kind'] as { group: string; version: string }[] | undefined;
      if (kinds === undefined || kinds.length <= 1) return [name, schema];
      const served = kinds.filter((gvk) =>
        servedGroups.has(gvk.group === '' ? gvk.version : `${gvk.group}/${gvk.version}`),
      );
      return [name, { ...schema, 'x-kubernetes-group-version-kind': served }];
    }),
  );
  const lines = Object.entries(kept).map(([name, schema]) => `${JSON.stringify(name)}:${JSON.stringify(schema)}`);
  const text = `{"release":${JSON.stringify(release)},\n"resources":[\n${resources.map((entry) => JSON.stringify(entry)).join(',\n')}\n],\n"schemas":{\n${lines.join(',\n')}\n}}\n`;
  writeFileSync(join(import.meta.dirname, 'kubernetes-types.json'), text);
}

const [apiFolder, release] = process.argv.slice(2);
if (apiFolder === undefined || release === undefined) {
  process.stderr.write('usage: generate.ts API-FOLDER RELEASE\n');
  process.exitCode = 2;
} else {
  main(apiFolder, release);
}
