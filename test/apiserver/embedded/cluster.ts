import { applyObject } from './apply.ts';
import { establishedDefinition } from './definitions.ts';
import { ApiError, forbidden, notFound } from './errors.ts';
import { arrayAt, at, type KubeObject, objectAt, stringAt } from './json.ts';

import { managersAfterUpdate } from './managed-fields.ts';
import { customTypes, type ResourceType, TypeRegistry } from './resources.ts';
import { type Change, Store } from './store.ts';
import { strategyOf } from './strategies.ts';
import { type Cluster, createObject, definitionFinalizer, deleteObject } from './writes.ts';

export const definitions = 'apiextensions.k8s.io/customresourcedefinitions';

/** An empty cluster: the rules, no objects yet. */
export function createCluster(historySize: number, now: () => number): Cluster {
  const store = new Store(historySize);
  const types = new TypeRegistry();
  return { store, types, now, strategyOf, admitCreate: (type, object) => admitCreate(store, type, object) };
}

function admitCreate(store: Store, type: ResourceType, object: KubeObject): void {
  if (!type.namespaced) return;
  const name = object.metadata.namespace ?? '';
  const namespace = store.collection('/namespaces').get(name)?.object;
  if (namespace === undefined) throw notFound({ group: '', plural: 'namespaces' }, name);
  if (namespace.metadata.deletionTimestamp !== undefined) {
    const why = `unable to create new content in namespace ${name} because it is being terminated`;
    throw forbidden(type, object.metadata.name, why, {
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${name} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    });
  }
  assertQuota(store, type, object);
}

/** Quotas of object counts: `secrets`, `count/secrets`, `count/sealedsecrets.bitnami.com`. */
function assertQuota(store: Store, type: ResourceType, object: KubeObject): void {
  const namespace = object.metadata.namespace ?? '';
  const names = [type.group === '' ? `count/${type.plural}` : `count/${type.plural}.${type.group}`];
  if (type.group === '') names.push(type.plural);
  for (const { object: quota } of store.collection('/resourcequotas').sorted(`${namespace}/`)) {
    for (const name of names) {
      const hard = at(quota, 'status', 'hard', name) ?? at(quota, 'spec', 'hard', name);
      if (hard === undefined) continue;
      const counted = [...store.collection(type.storage).sorted(`${namespace}/`)].length;
      const used = Math.max(counted, Number(at(quota, 'status', 'used', name) ?? 0));
      if (used + 1 <= Number(hard)) continue;
      const why = `exceeded quota: ${quota.metadata.name}, requested: ${name}=1, used: ${name}=${used}, limited: ${name}=${String(hard)}`;
      throw forbidden(type, object.metadata.name, why);
    }
  }
}

/** Keeps the served resources in step with the CRDs: a new one is established at once, a deleted one takes its objects along. */
export function followDefinitions(cluster: Cluster): void {
  const { store, types } = cluster;
  const onChange = ({ type, current }: Change) => {
    const crd = current.object;
    const storage = `${stringAt(crd, 'spec', 'group')}/${stringAt(crd, 'spec', 'names', 'plural')}`;
    if (type === 'DELETED') {
      types.setCustom(storage, []);
      return;
    }
    if (crd.metadata.deletionTimestamp !== undefined) {
      setTimeout(() => removeDefinition(cluster, current.key, storage), cleanupDelayMs).unref();
      return;
    }
    const established = establishedDefinition(crd, cluster.now());
    types.setCustom(storage, customTypes(established));
    const isEstablished = arrayAt(crd, 'status', 'conditions').some((entry) => at(entry, 'type') === 'Established');
    const isCurrent =
      JSON.stringify(objectAt(crd, 'status', 'acceptedNames')) === JSON.stringify(objectAt(crd, 'spec', 'names'));
    if (isEstablished && isCurrent) return;
    // Not within the write that is under way: its watchers have to see it first.
    queueMicrotask(() => {
      const newest = store.collection(definitions).get(current.key);
      if (newest !== current) return;
      const { metadata } = established;
      const writer = { manager: 'kube-apiserver', subresource: 'status', nowMs: cluster.now() };
      const type = types.ofStorage(definitions);
      const managedFields = type === undefined ? [] : managersAfterUpdate(established, crd, type, writer);
      store.write(definitions, current.key, { ...established, metadata: { ...metadata, managedFields } });
    });
  };
  store.collection(definitions).subscribe(onChange);
}

const cleanupDelayMs = 10;

/** What the finalizer of a CRD stands for: first its objects go, then it. */
function removeDefinition(cluster: Cluster, name: string, storage: string): void {
  const { store, types } = cluster;
  const version = store.collection(definitions).get(name);
  if (version === undefined) return;
  const type = types.ofStorage(storage);
  for (const object of [...store.collection(storage).values()]) {
    if (type === undefined) break;
    deleteObject(cluster, type, object, {
      uid: undefined,
      resourceVersion: undefined,
      propagation: 'Background',
      dryRun: false,
    });
  }
  if (store.collection(storage).size > 0) {
    setTimeout(() => removeDefinition(cluster, name, storage), cleanupDelayMs * 10).unref();
    return;
  }
  const { finalizers = [], ...metadata } = version.object.metadata;
  const left = finalizers.filter((finalizer) => finalizer !== definitionFinalizer);
  const next = {
    ...version.object,
    metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left },
  } as KubeObject;
  if (left.length === 0) store.remove(definitions, name, next);
  else store.write(definitions, name, next);
}

const firstNamespaces = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

/** Namespaces, service accounts and the RBAC objects that every cluster begins with. */
export function bootstrap(cluster: Cluster): void {
  const write = (apiVersion: string, plural: string, namespace: string | undefined, object: object) => {
    const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
    const type = cluster.types.find(group, version, plural);
    if (type === undefined) throw new Error(`there is no resource ${apiVersion} ${plural}`);
    const context = { manager: 'kube-apiserver', dryRun: false, subresource: undefined };
    createObject(cluster, type, namespace, { apiVersion, kind: type.kind, ...object } as KubeObject, context);
  };
  for (const name of firstNamespaces) write('v1', 'namespaces', undefined, { metadata: { name } });
  const rbac = 'rbac.authorization.k8s.io/v1';
  for (const { name, rules, groups } of firstRoles) {
    const metadata = { name, labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } };
    write(rbac, 'clusterroles', undefined, { metadata, rules });
    if (groups.length === 0) continue;
    write(rbac, 'clusterrolebindings', undefined, {
      metadata,
      roleRef: { kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({ kind: 'Group', name: group })),
    });
  }
  write('v1', 'services', 'default', {
    metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
  });
}

const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const writing = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const reading = ['get', 'list', 'watch'];
const namespacedCore = [
  'configmaps',
  'endpoints',
  'events',
  'persistentvolumeclaims',
  'pods',
  'serviceaccounts',
  'services',
];

const firstRoles = [
  {
    name: 'cluster-admin',
    rules: [everything, { nonResourceURLs: ['*'], verbs: ['*'] }],
    groups: ['system:masters'],
  },
  {
    name: 'system:discovery',
    rules: [
      {
        nonResourceURLs: [
          '/api',
          '/api/*',
          '/apis',
          '/apis/*',
          '/healthz',
          '/livez',
          '/openapi',
          '/openapi/*',
          '/readyz',
          '/version',
          '/version/',
        ],
        verbs: ['get'],
      },
    ],
    groups: ['system:authenticated'],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'], verbs: ['get'] }],
    groups: ['system:authenticated', 'system:unauthenticated'],
  },
  {
    name: 'system:basic-user',
    rules: [
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
        verbs: ['create'],
      },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
    ],
    groups: ['system:authenticated'],
  },
  {
    name: 'view',
    rules: [
      { apiGroups: [''], resources: [...namespacedCore, 'namespaces'], verbs: reading },
      { apiGroups: ['apps', 'batch', 'autoscaling', 'networking.k8s.io', 'policy'], resources: ['*'], verbs: reading },
    ],
    groups: [],
  },
  {
    name: 'edit',
    rules: [
      { apiGroups: [''], resources: [...namespacedCore, 'secrets'], verbs: [...reading, ...writing] },
      { apiGroups: [''], resources: ['namespaces'], verbs: reading },
      {
        apiGroups: ['apps', 'batch', 'autoscaling', 'networking.k8s.io', 'policy'],
        resources: ['*'],
        verbs: [...reading, ...writing],
      },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...reading, ...writing] },
    ],
    groups: [],
  },
  {
    name: 'admin',
    rules: [
      {
        apiGroups: [''],
        resources: [...namespacedCore, 'secrets', 'serviceaccounts/token', 'services/proxy'],
        verbs: [...reading, ...writing],
      },
      { apiGroups: [''], resources: ['namespaces'], verbs: reading },
      {
        apiGroups: ['apps', 'batch', 'autoscaling', 'networking.k8s.io', 'policy'],
        resources: ['*'],
        verbs: [...reading, ...writing],
      },
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['roles', 'rolebindings'],
        verbs: [...reading, ...writing],
      },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: [...reading, ...writing] },
    ],
    groups: [],
  },
] as const;

/** Applies an object that the server itself puts into the cluster. Throws an ApiError if it is refused. */
export function install(cluster: Cluster, object: KubeObject, manager: string): void {
  const type = cluster.types.ofKind(object.apiVersion, object.kind);
  if (type === undefined) throw new ApiError(404, 'NotFound', `no resource serves ${object.apiVersion} ${object.kind}`);
  applyObject(cluster, {
    type,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    contentType: '',
    body: Buffer.from(JSON.stringify(object)),
    validation: 'Strict',
    warnings: [],
    context: { manager, dryRun: false, subresource: undefined },
    force: true,
  });
}
