import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResourceName } from './errors.ts';
import { arrayAt, at, isObject, type JsonObject, type KubeObject, objectAt, stringAt } from './json.ts';
import { anything, SchemaCompiler, type SchemaNode } from './schema.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  readonly jsonPath: string;
}

interface Subresource {
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly string[];
}

/** One resource in one version, as discovery shows it and as requests address it. */
export interface ResourceType extends ResourceName {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: ReadonlyMap<string, Subresource>;
  readonly schema: SchemaNode;
  /** Name of the collection; all versions of a resource share one. */
  readonly storage: string;
  /** Defined by a CRD: objects are free JSON under a structural schema. */
  readonly isCustom: boolean;
  /** Columns of a CRD; built-in resources have theirs in tables.ts. */
  readonly columns: readonly PrinterColumn[];
  readonly selectableFields: ReadonlySet<string>;
  /** `metadata.generation` counts changes of anything but metadata and status. */
  readonly countsGenerations: boolean;
  /** A PUT of an object that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** OpenAPI schema of a CRD version as its author wrote it. */
  readonly customSchema: JsonObject | undefined;
  /** Set if objects are stored as another type and only look different here. */
  readonly conversion: Conversion | undefined;
}

/** Between a type and the one whose form is stored. */
interface Conversion {
  readonly stored: () => ResourceType;
  readonly toStored: (object: KubeObject) => KubeObject;
  readonly fromStored: (object: KubeObject) => KubeObject;
  /** Path of a field selector, as it is in the stored form. */
  readonly storedPath: (path: string) => string;
}

/** `v1`, `bitnami.com/v1alpha1`. */
export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

interface TypesFile {
  readonly release: string;
  readonly resources: readonly DiscoveredResource[];
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

interface DiscoveredResource {
  readonly groupVersion: string;
  readonly name: string;
  readonly kind: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly group?: string;
  readonly version?: string;
}

const typesFile: TypesFile = JSON.parse(
  readFileSync(join(import.meta.dirname, 'types', 'kubernetes-types.json'), 'utf8'),
);

/** Version of Kubernetes whose API the built-in types follow, for example `v1.36.3`. */
export const kubernetesRelease = typesFile.release;

/** Schemas of the built-in types by their full names. */
export const builtInSchemas: ReadonlyMap<string, JsonObject> = new Map(Object.entries(typesFile.schemas));

const compiler = new SchemaCompiler(builtInSchemas);

export const objectMetaSchema = compiler.named('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta');

/** Field selectors beside name and namespace, by collection. */
const selectableFields = new Map<string, readonly string[]>([
  ['/secrets', ['type']],
  [
    '/events',
    [
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'source',
      'type',
    ],
  ],
  ['/namespaces', ['status.phase']],
  ['/nodes', ['spec.unschedulable']],
  [
    '/pods',
    [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.nominatedNodeName',
    ],
  ],
  ['/services', ['spec.clusterIP', 'spec.type']],
  ['/replicationcontrollers', ['status.replicas']],
  ['apps/replicasets', ['status.replicas']],
  ['batch/jobs', ['status.successful']],
]);

const generationGroups = new Set([
  'apps',
  'batch',
  'networking.k8s.io',
  'policy',
  'autoscaling',
  'apiextensions.k8s.io',
]);
const createOnUpdate = new Set([
  'coordination.k8s.io/leases',
  '/endpoints',
  '/events',
  '/services',
  'discovery.k8s.io/endpointslices',
  'rbac.authorization.k8s.io/roles',
  'rbac.authorization.k8s.io/rolebindings',
  'rbac.authorization.k8s.io/clusterroles',
  'rbac.authorization.k8s.io/clusterrolebindings',
  '/limitranges',
]);

function builtInSchemaNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, schema] of builtInSchemas) {
    for (const entry of arrayAt(schema, 'x-kubernetes-group-version-kind')) {
      names.set(`${stringAt(entry, 'group')}/${stringAt(entry, 'version')}/${stringAt(entry, 'kind')}`, name);
    }
  }
  return names;
}

/** Fields of events in the core group, and their names in `events.k8s.io`. */
const eventFields = new Map([
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
]);

function eventConversion(stored: () => ResourceType): Conversion {
  const backwards = new Map([...eventFields].map(([core, modern]) => [modern, core]));
  const renamed = (object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string) => {
    const entries = Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value]);
    return { ...Object.fromEntries(entries), apiVersion } as KubeObject;
  };
  return {
    stored,
    toStored: (object) => renamed(object, backwards, 'v1'),
    fromStored: (object) => renamed(object, eventFields, 'events.k8s.io/v1'),
    storedPath: (path) =>
      path.replace(/^regarding\b/, 'involvedObject').replace(/^reportingController$/, 'reportingComponent'),
  };
}

function builtInTypes(): ResourceType[] {
  const schemaNames = builtInSchemaNames();
  const types: ResourceType[] = [];
  for (const resource of typesFile.resources) {
    if (resource.name.includes('/')) continue;
    const [group, version] = splitApiVersion(resource.groupVersion);
    const subresources = new Map<string, Subresource>();
    for (const candidate of typesFile.resources) {
      if (candidate.groupVersion !== resource.groupVersion || !candidate.name.startsWith(`${resource.name}/`)) continue;
      const name = candidate.name.slice(resource.name.length + 1);
      subresources.set(name, {
        name,
        group: candidate.group ?? group,
        version: candidate.version ?? version,
        kind: candidate.kind,
        verbs: candidate.verbs,
      });
    }
    const schemaName = schemaNames.get(`${group}/${version}/${resource.kind}`);
    const storage = group === 'events.k8s.io' ? '/events' : `${group}/${resource.name}`;
    types.push({
      group,
      version,
      plural: resource.name,
      singular: resource.singularName,
      kind: resource.kind,
      listKind: `${resource.kind}List`,
      namespaced: resource.namespaced,
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: resource.verbs,
      subresources,
      schema: schemaName === undefined ? anything : compiler.named(schemaName),
      storage,
      isCustom: false,
      columns: [],
      selectableFields: new Set(selectableFields.get(storage)),
      countsGenerations: generationGroups.has(group) || storage === '/pods',
      createsOnUpdate: createOnUpdate.has(storage),
      customSchema: undefined,
      conversion:
        group === 'events.k8s.io'
          ? eventConversion(() => types.find((type) => type.storage === '/events') as ResourceType)
          : undefined,
    });
  }
  return types;
}

export function splitApiVersion(apiVersion: string): [group: string, version: string] {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
}

const standardVerbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'] as const;

/** The served versions of an accepted CRD as resource types. */
export function customTypes(crd: KubeObject): ResourceType[] {
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const names = objectAt(crd, 'status', 'acceptedNames') ?? objectAt(crd, 'spec', 'names') ?? {};
  const plural = stringAt(names, 'plural') ?? '';
  const kind = stringAt(names, 'kind') ?? '';
  return arrayAt(crd, 'spec', 'versions').flatMap((entry): ResourceType[] => {
    if (at(entry, 'served') !== true) return [];
    const version = stringAt(entry, 'name') ?? '';
    const customSchema = objectAt(entry, 'schema', 'openAPIV3Schema');
    const preserves = at(crd, 'spec', 'preserveUnknownFields') === true;
    const compiled = customSchema === undefined ? anything : new SchemaCompiler().compile(customSchema);
    const subresources = new Map<string, Subresource>();
    if (isObject(at(entry, 'subresources', 'status'))) {
      subresources.set('status', { name: 'status', group, version, kind, verbs: ['get', 'patch', 'update'] });
    }
    return [
      {
        group,
        version,
        plural,
        singular: stringAt(names, 'singular') ?? kind.toLowerCase(),
        kind,
        listKind: stringAt(names, 'listKind') ?? `${kind}List`,
        namespaced: stringAt(crd, 'spec', 'scope') === 'Namespaced',
        shortNames: arrayAt(names, 'shortNames') as string[],
        categories: arrayAt(names, 'categories') as string[],
        verbs: standardVerbs,
        subresources,
        schema: preserves ? { ...compiled, keepsUnknown: true } : compiled,
        storage: `${group}/${plural}`,
        isCustom: true,
        columns: arrayAt(entry, 'additionalPrinterColumns').map((column) => ({
          name: stringAt(column, 'name') ?? '',
          type: stringAt(column, 'type') ?? 'string',
          format: stringAt(column, 'format') ?? '',
          description: stringAt(column, 'description') ?? '',
          priority: Number(at(column, 'priority') ?? 0),
          jsonPath: stringAt(column, 'jsonPath') ?? '',
        })),
        selectableFields: new Set(
          arrayAt(entry, 'selectableFields').map((field) => (stringAt(field, 'jsonPath') ?? '').replace(/^\./, '')),
        ),
        countsGenerations: true,
        createsOnUpdate: false,
        customSchema,
        conversion: undefined,
      },
    ];
  });
}

/** Which resources the server has right now: the built-in ones and those of established CRDs. */
export class TypeRegistry {
  readonly #types = new Map<string, ResourceType>();

  constructor() {
    for (const type of builtInTypes()) this.#add(type);
  }

  #add(type: ResourceType): void {
    this.#types.set(`${type.group}/${type.version}/${type.plural}`, type);
  }

  find(group: string, version: string, plural: string): ResourceType | undefined {
    return this.#types.get(`${group}/${version}/${plural}`);
  }

  /** Whether a group version is one of the built-in ones. */
  isBuiltIn(group: string, version: string): boolean {
    return this.all().some((type) => !type.isCustom && type.group === group && type.version === version);
  }

  /** Any version of the type that is stored in a collection. */
  ofStorage(storage: string): ResourceType | undefined {
    return this.all().find((type) => type.storage === storage && type.conversion === undefined);
  }

  ofKind(apiVersion: string, kind: string): ResourceType | undefined {
    const [group, version] = splitApiVersion(apiVersion);
    return this.all().find((type) => type.group === group && type.version === version && type.kind === kind);
  }

  all(): ResourceType[] {
    return [...this.#types.values()];
  }

  /** Replaces what a CRD contributes. */
  setCustom(storage: string, types: readonly ResourceType[]): void {
    for (const [key, type] of this.#types) if (type.isCustom && type.storage === storage) this.#types.delete(key);
    for (const type of types) this.#add(type);
  }
}
