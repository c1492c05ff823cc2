import { arrayAt, at, isObject, type JsonObject, type KubeObject, objectAt, stringAt } from './json.ts';
import type { ResourceType } from './resources.ts';

/** One column that `kubectl get` prints, and where its cells come from. */
interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly priority?: number;
  readonly cell: (object: KubeObject, nowMs: number) => unknown;
}

const nameColumn: Column = { name: 'Name', type: 'string', format: 'name', cell: (object) => object.metadata.name };
const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
};
const createdColumn: Column = { name: 'Created At', type: 'date', cell: (object) => object.metadata.creationTimestamp };

const text = (name: string, ...path: string[]): Column => ({
  name,
  type: 'string',
  cell: (object) => String(at(object, ...path) ?? ''),
});
const count = (name: string, ...path: string[]): Column => ({
  name,
  type: 'string',
  cell: (object) => Object.keys(objectAt(object, ...path) ?? {}).length,
});

const builtInColumns: Readonly<Record<string, readonly Column[]>> = {
  '/secrets': [nameColumn, text('Type', 'type'), count('Data', 'data'), ageColumn],
  '/configmaps': [nameColumn, count('Data', 'data'), ageColumn],
  '/namespaces': [nameColumn, text('Status', 'status', 'phase'), ageColumn],
  '/serviceaccounts': [
    nameColumn,
    { name: 'Secrets', type: 'string', cell: (object) => arrayAt(object, 'secrets').length },
    ageColumn,
  ],
  '/services': [
    nameColumn,
    text('Type', 'spec', 'type'),
    { name: 'Cluster-IP', type: 'string', cell: (object) => stringAt(object, 'spec', 'clusterIP') ?? '<none>' },
    { name: 'External-IP', type: 'string', cell: () => '<none>' },
    { name: 'Port(s)', type: 'string', cell: servicePorts },
    ageColumn,
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      cell: (object) => labelsText(objectAt(object, 'spec', 'selector')),
    },
  ],
  '/pods': [
    nameColumn,
    { name: 'Ready', type: 'string', cell: podReadiness },
    { name: 'Status', type: 'string', cell: (object) => stringAt(object, 'status', 'phase') ?? 'Unknown' },
    {
      name: 'Restarts',
      type: 'string',
      cell: (object) =>
        String(
          arrayAt(object, 'status', 'containerStatuses').reduce(
            (sum: number, entry) => sum + Number(at(entry, 'restartCount') ?? 0),
            0,
          ),
        ),
    },
    ageColumn,
  ],
  '/events': [
    {
      name: 'Last Seen',
      type: 'string',
      cell: (object, nowMs) =>
        age(
          stringAt(object, 'lastTimestamp') ?? stringAt(object, 'eventTime') ?? object.metadata.creationTimestamp,
          nowMs,
        ),
    },
    text('Type', 'type'),
    text('Reason', 'reason'),
    {
      name: 'Object',
      type: 'string',
      cell: (object) =>
        `${(stringAt(object, 'involvedObject', 'kind') ?? '').toLowerCase()}/${stringAt(object, 'involvedObject', 'name') ?? ''}`,
    },
    { name: 'Message', type: 'string', cell: (object) => (stringAt(object, 'message') ?? '').trim() },
  ],
  'apps/deployments': [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      cell: (object) => `${at(object, 'status', 'readyReplicas') ?? 0}/${at(object, 'spec', 'replicas') ?? 0}`,
    },
    { name: 'Up-to-date', type: 'string', cell: (object) => at(object, 'status', 'updatedReplicas') ?? 0 },
    { name: 'Available', type: 'string', cell: (object) => at(object, 'status', 'availableReplicas') ?? 0 },
    ageColumn,
    { name: 'Containers', type: 'string', priority: 1, cell: (object) => containersText(object, 'name') },
    { name: 'Images', type: 'string', priority: 1, cell: (object) => containersText(object, 'image') },
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      cell: (object) => labelsText(objectAt(object, 'spec', 'selector', 'matchLabels')),
    },
  ],
  'coordination.k8s.io/leases': [nameColumn, text('Holder', 'spec', 'holderIdentity'), ageColumn],
  'rbac.authorization.k8s.io/roles': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/clusterroles': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/rolebindings': [nameColumn, { name: 'Role', type: 'string', cell: roleOf }, ageColumn],
  'rbac.authorization.k8s.io/clusterrolebindings': [
    nameColumn,
    { name: 'Role', type: 'string', cell: roleOf },
    ageColumn,
  ],
  'apiextensions.k8s.io/customresourcedefinitions': [nameColumn, createdColumn],
};

function roleOf(object: KubeObject): string {
  return `${stringAt(object, 'roleRef', 'kind') ?? ''}/${stringAt(object, 'roleRef', 'name') ?? ''}`;
}

function servicePorts(object: KubeObject): string {
  const ports = arrayAt(object, 'spec', 'ports').map(
    (port) => `${at(port, 'port')}/${stringAt(port, 'protocol') ?? 'TCP'}`,
  );
  return ports.length === 0 ? '<none>' : ports.join(',');
}

function containersText(object: KubeObject, field: 'name' | 'image'): string {
  return arrayAt(object, 'spec', 'template', 'spec', 'containers')
    .map((container) => stringAt(container, field))
    .join(',');
}

function labelsText(labels: JsonObject | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',');
}

function podReadiness(object: KubeObject): string {
  const ready = arrayAt(object, 'status', 'containerStatuses').filter((entry) => at(entry, 'ready') === true).length;
  return `${ready}/${arrayAt(object, 'spec', 'containers').length}`;
}

/** `5s`, `3m20s`, `4h`, `12d`: how long ago, as short as kubectl prints it. */
function age(time: string | undefined, nowMs: number): string {
  if (time === undefined) return '<unknown>';
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(time)) / 1000));
  if (Number.isNaN(seconds)) return '<invalid>';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (days < 8) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  return `${days}d`;
}

function columnsOf(type: ResourceType): readonly Column[] {
  if (!type.isCustom) return builtInColumns[type.storage] ?? [nameColumn, ageColumn];
  if (type.columns.length === 0) return [nameColumn, { ...ageColumn, type: 'date' }];
  return [
    nameColumn,
    ...type.columns.map(
      (column): Column => ({
        name: column.name,
        type: column.type as Column['type'],
        format: column.format,
        priority: column.priority,
        cell: (object, nowMs) => customCell(valueAtPath(object, column.jsonPath), column.type, nowMs),
      }),
    ),
  ];
}

function customCell(value: unknown, type: string, nowMs: number): unknown {
  if (value === undefined || value === null) return null;
  if (type === 'date') return age(String(value), nowMs);
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  return value;
}

/** The JSONPath of printer columns: `.status.conditions[0].message`, `.status.conditions[?(@.type=="Ready")].status`. */
function valueAtPath(object: unknown, path: string): unknown {
  let current = object;
  for (const [, key, quoted, index, filterKey, filterValue] of path.matchAll(
    /\.([^.[\]]+)|\['([^']*)'\]|\[(\d+)\]|\[\?\(@\.([\w.]+)\s*==\s*["']([^"']*)["']\)\]/g,
  )) {
    if (key !== undefined || quoted !== undefined) current = at(current, key ?? quoted ?? '');
    else if (!Array.isArray(current)) return undefined;
    else if (index !== undefined) current = current[Number(index)];
    else current = current.find((entry) => stringAt(entry, ...(filterKey ?? '').split('.')) === filterValue);
  }
  return isObject(current) && path === '' ? undefined : current;
}

export function tableColumns(type: ResourceType): JsonObject[] {
  return columnsOf(type).map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: '',
    priority: column.priority ?? 0,
  }));
}

export function tableRow(object: KubeObject, type: ResourceType, nowMs: number): unknown[] {
  return columnsOf(type).map((column) => column.cell(object, nowMs));
}
