import type { JsonObject } from './json.ts';
import { apiVersionOf, kubernetesRelease, type ResourceType, type TypeRegistry } from './resources.ts';

/** `/version` of a server that claims to be the release whose API it serves. */
export function versionInfo(): JsonObject {
  const [major = '1', minor = '0'] = kubernetesRelease.replace(/^v/, '').split('.');
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: kubernetesRelease,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'node',
    platform: 'linux/amd64',
  };
}

export function coreVersions(): JsonObject {
  return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
}

/** Groups apart from the core one, with their versions in the order of discovery. */
function groupsOf(types: TypeRegistry): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const type of types.all()) {
    if (type.group === '') continue;
    const versions = groups.get(type.group) ?? [];
    if (!versions.includes(type.version)) versions.push(type.version);
    groups.set(type.group, versions);
  }
  return groups;
}

function groupObject(group: string, versions: readonly string[]): JsonObject {
  const listed = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: listed, preferredVersion: listed[0] };
}

export function groupList(types: TypeRegistry): JsonObject {
  const groups = [...groupsOf(types)].map(([group, versions]) => groupObject(group, versions));
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

export function singleGroup(types: TypeRegistry, group: string): JsonObject | undefined {
  const versions = groupsOf(types).get(group);
  return versions === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupObject(group, versions) };
}

export function resourceList(types: TypeRegistry, group: string, version: string): JsonObject | undefined {
  const served = types.all().filter((type) => type.group === group && type.version === version);
  const [first] = served;
  if (first === undefined) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(first),
    resources: served.flatMap((type) => [
      {
        name: type.plural,
        singularName: type.singular,
        namespaced: type.namespaced,
        kind: type.kind,
        verbs: type.verbs,
        ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
        ...(type.categories.length === 0 ? {} : { categories: type.categories }),
      },
      ...[...type.subresources.values()].map((subresource) => ({
        name: `${type.plural}/${subresource.name}`,
        singularName: '',
        namespaced: type.namespaced,
        ...(subresource.group === group && subresource.version === version
          ? {}
          : { group: subresource.group, version: subresource.version }),
        kind: subresource.kind,
        verbs: subresource.verbs,
      })),
    ]),
  };
}

/** Aggregated discovery (`apidiscovery.k8s.io/v2`) of the core group or of all others: what kubectl asks first. */
export function aggregatedDiscovery(types: TypeRegistry, ofCore: boolean): JsonObject {
  const groups = ofCore ? new Map([['', ['v1']]]) : groupsOf(types);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: [...groups].map(([group, versions]) => ({
      metadata: group === '' ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        freshness: 'Current',
        resources: types
          .all()
          .filter((type) => type.group === group && type.version === version)
          .map(discoveredResource),
      })),
    })),
  };
}

function discoveredResource(type: ResourceType): JsonObject {
  return {
    resource: type.plural,
    responseKind: { group: type.group, version: type.version, kind: type.kind },
    scope: type.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length === 0 ? {} : { shortNames: type.shortNames }),
    ...(type.categories.length === 0 ? {} : { categories: type.categories }),
    ...(type.subresources.size === 0
      ? {}
      : {
          subresources: [...type.subresources.values()].map((subresource) => ({
            subresource: subresource.name,
            responseKind: { group: subresource.group, version: subresource.version, kind: subresource.kind },
            verbs: subresource.verbs,
          })),
        }),
  };
}

/** Whether an Accept header prefers aggregated discovery in the version that is served. */
export function acceptsAggregated(accept: string | undefined): boolean {
  return (accept ?? '')
    .split(',')
    .some(
      (entry) =>
        /g=apidiscovery\.k8s\.io/.test(entry) &&
        /v=v2(?:;|$)/.test(entry.trim()) &&
        /as=APIGroupDiscoveryList/.test(entry),
    );
}
