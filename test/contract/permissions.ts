import type { Json } from '../apiserver/client.ts';
import type { AuditEvent } from '../apiserver/harness.ts';

/** One thing that RBAC allows: one verb on one resource at one place. */
export interface Permission {
  readonly verb: string;
  /** API group, `` for the core group. */
  readonly group: string;
  /** With its subresource: `sealedsecrets/status`. */
  readonly resource: string;
  /** Undefined: in all namespaces, and of the cluster. */
  readonly namespace: string | undefined;
  /** Undefined: of any name. */
  readonly name: string | undefined;
}

/** A service account, or any other subject by its kind: `{ kind: 'Group', name: 'system:authenticated' }`. */
export interface Subject {
  readonly kind: 'ServiceAccount' | 'User' | 'Group';
  readonly name: string;
  readonly namespace?: string;
}

/**
 * Every permission that the roles and bindings among the objects give to the subject. A ClusterRole under a RoleBinding counts
 * in the binding's namespace. Throws for a binding whose role is not among the objects, and for wildcards and non-resource
 * rules, which a least-privilege manifest does not have.
 */
export function rulesOf(objects: readonly Json[], subject: Subject): Permission[] {
  return objects
    .filter(({ kind }) => kind === 'RoleBinding' || kind === 'ClusterRoleBinding')
    .filter(({ subjects }) => subjects.some((candidate: Json) => isSubject(candidate, subject)))
    .flatMap((binding) => {
      const namespace: string | undefined = binding.kind === 'RoleBinding' ? binding.metadata.namespace : undefined;
      return roleOf(objects, binding).rules.flatMap((rule: Json) => permissionsOf(rule, namespace));
    });
}

function isSubject(candidate: Json, { kind, name, namespace }: Subject): boolean {
  return candidate.kind === kind && candidate.name === name && candidate.namespace === namespace;
}

function roleOf(objects: readonly Json[], binding: Json): Json {
  const { kind, name } = binding.roleRef;
  const role = objects.find(
    (object) =>
      object.kind === kind &&
      object.metadata.name === name &&
      (kind === 'ClusterRole' || object.metadata.namespace === binding.metadata.namespace),
  );
  if (role === undefined) throw new Error(`${binding.kind} ${binding.metadata.name}: there is no ${kind} ${name}.`);
  return role;
}

function permissionsOf(rule: Json, namespace: string | undefined): Permission[] {
  const { apiGroups = [], resources = [], verbs, resourceNames = [undefined], nonResourceURLs } = rule;
  if (nonResourceURLs !== undefined || [...apiGroups, ...resources, ...verbs].includes('*')) {
    throw new Error(`The rule ${JSON.stringify(rule)} is not about single resources.`);
  }
  return apiGroups.flatMap((group: string) =>
    resources.flatMap((resource: string) =>
      verbs.flatMap((verb: string) =>
        resourceNames.map((name: string | undefined): Permission => ({ verb, group, resource, namespace, name })),
      ),
    ),
  );
}

/** `update sealedsecrets.bitnami.com/status in all namespaces`, for people and for comparing. */
export function describePermission({ verb, group, resource, namespace, name }: Permission): string {
  const [plural, subresource] = resource.split('/');
  const type = `${plural}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
  const which = name === undefined ? '' : ` ${name}`;
  return `${verb} ${type}${which} in ${namespace === undefined ? 'all namespaces' : namespace}`;
}

/** What every authenticated user may do anyway (system:basic-user, system:discovery), so that no rule is needed. */
const openToAll = new Set(['selfsubjectaccessreviews', 'selfsubjectrulesreviews', 'selfsubjectreviews']);

/** The comparison in both directions. Texts are made by `describePermission`. */
export interface PermissionComparison {
  /** Rules that no request needed: too much was given. */
  readonly unused: readonly string[];
  /** Requests that no rule covers, answered with 403 or not: too little was given. */
  readonly missing: readonly string[];
}

/**
 * Compares what a subject was given with what it was seen to do. A request counts for the narrowest rule that covers it, so
 * that a rule for all namespaces is used only by a request that a rule for one namespace or one name does not cover.
 */
export function comparePermissions(
  permissions: readonly Permission[],
  events: readonly AuditEvent[],
): PermissionComparison {
  const unused = new Set(permissions.map(describePermission));
  const missing = new Set<string>();
  for (const event of events) {
    const request = requestOf(event);
    if (request === undefined) continue;
    const covering = permissions.filter((permission) => covers(permission, request));
    if (covering.length === 0) missing.add(describePermission(request));
    const breadth = Math.min(...covering.map(breadthOf));
    for (const permission of covering) {
      if (breadthOf(permission) === breadth) unused.delete(describePermission(permission));
    }
  }
  return { unused: [...unused].sort(), missing: [...missing].sort() };
}

/** The permission that the request needs; undefined if everybody has it. */
function requestOf(event: AuditEvent): Permission | undefined {
  const { verb, resource, subresource, namespace, name, requestURI } = event;
  if (resource === undefined || openToAll.has(resource)) return undefined;
  const [path = ''] = requestURI.split('?');
  const group = /^\/apis\/([^/]+)\//.exec(path)?.[1] ?? '';
  return {
    verb,
    group,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    namespace: namespace === '' ? undefined : namespace,
    // A list or watch of one name arrives as a field selector; RBAC then sees the name, the audit log has it too.
    name: name === '' ? undefined : name,
  };
}

function covers(permission: Permission, request: Permission): boolean {
  return (
    permission.verb === request.verb &&
    permission.group === request.group &&
    permission.resource === request.resource &&
    (permission.namespace === undefined || permission.namespace === request.namespace) &&
    (permission.name === undefined || permission.name === request.name)
  );
}

function breadthOf({ namespace, name }: Permission): number {
  return (namespace === undefined ? 2 : 0) + (name === undefined ? 1 : 0);
}
