import { ApiError, forbidden } from './errors.ts';
import { arrayAt, at, type KubeObject, objectAt, stringAt } from './json.ts';
import { parseLabelSelector } from './selectors.ts';
import type { Store } from './store.ts';

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** One question to authorization: a resource, or (`path`) something else. */
export interface Attributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Set for requests outside of resources only. */
  readonly path: string | undefined;
}

const rbac = 'rbac.authorization.k8s.io';

/** A rule that applies to a user, and why. */
interface GrantedRule {
  readonly rule: unknown;
  /** `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`. */
  readonly grant: string;
}

/** Rules that apply to a user: of ClusterRoleBindings everywhere, of RoleBindings in one namespace. */
export function* rulesFor(store: Store, user: User, namespace: string): Generator<GrantedRule> {
  for (const { object } of store.collection(`${rbac}/clusterrolebindings`).values())
    yield* rulesOf(store, user, object, '');
  if (namespace === '') return;
  for (const { object } of store.collection(`${rbac}/rolebindings`).sorted(`${namespace}/`)) {
    yield* rulesOf(store, user, object, namespace);
  }
}

function* rulesOf(store: Store, user: User, binding: KubeObject, namespace: string): Generator<GrantedRule> {
  const subject = arrayAt(binding, 'subjects').find((entry) => isSubject(entry, user, namespace));
  if (subject === undefined) return;
  const kind = stringAt(binding, 'roleRef', 'kind') ?? '';
  const name = stringAt(binding, 'roleRef', 'name') ?? '';
  const role = store
    .collection(`${rbac}/${kind === 'Role' ? 'roles' : 'clusterroles'}`)
    .get(kind === 'Role' ? `${namespace}/${name}` : name)?.object;
  if (role === undefined) return;
  const bindingName = namespace === '' ? binding.metadata.name : `${binding.metadata.name}/${namespace}`;
  const subjectName = JSON.stringify(stringAt(subject, 'name') ?? '');
  const grant = `${binding.kind} ${JSON.stringify(bindingName)} of ${kind} ${JSON.stringify(name)} to ${stringAt(subject, 'kind')} ${subjectName}`;
  for (const rule of arrayAt(role, 'rules')) yield { rule, grant };
  for (const rule of aggregatedRules(store, role)) yield { rule, grant };
}

/** A ClusterRole with `aggregationRule` has the rules of all roles that its selectors find. */
function aggregatedRules(store: Store, role: KubeObject): unknown[] {
  return arrayAt(role, 'aggregationRule', 'clusterRoleSelectors').flatMap((selector) => {
    const labels = Object.entries(objectAt(selector, 'matchLabels') ?? {});
    const fits = parseLabelSelector(labels.map(([key, value]) => `${key}=${String(value)}`).join(','));
    return [...store.collection(`${rbac}/clusterroles`).values()]
      .filter((version) => version.object !== role && fits?.(version.object))
      .flatMap((version) => arrayAt(version.object, 'rules'));
  });
}

function isSubject(subject: unknown, user: User, bindingNamespace: string): boolean {
  const name = stringAt(subject, 'name') ?? '';
  switch (stringAt(subject, 'kind')) {
    case 'User':
      return user.name === name;
    case 'Group':
      return user.groups.includes(name);
    case 'ServiceAccount': {
      const namespace = stringAt(subject, 'namespace') ?? bindingNamespace;
      return namespace !== '' && user.name === `system:serviceaccount:${namespace}:${name}`;
    }
    default:
      return false;
  }
}

function matches(rule: unknown, attributes: Attributes): boolean {
  const has = (field: string, ...wanted: string[]) => {
    const values = arrayAt(rule, field);
    return values.includes('*') || wanted.some((value) => values.includes(value));
  };
  if (!has('verbs', attributes.verb)) return false;
  if (attributes.path !== undefined)
    return arrayAt(rule, 'nonResourceURLs').some((pattern) => matchesPath(String(pattern), attributes.path ?? ''));
  const { resource, subresource } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const wanted = subresource === '' ? [combined] : [combined, `*/${subresource}`];
  if (!has('apiGroups', attributes.group) || !has('resources', ...wanted)) return false;
  const names = arrayAt(rule, 'resourceNames');
  return names.length === 0 || names.includes(attributes.name);
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}

/** Why RBAC lets a user do something, `undefined` if it does not; members of `system:masters` may do everything. */
export function grantFor(store: Store, user: User, attributes: Attributes): string | undefined {
  if (user.groups.includes('system:masters')) return '';
  for (const { rule, grant } of rulesFor(store, user, attributes.namespace)) {
    if (matches(rule, attributes)) return `RBAC: allowed by ${grant}`;
  }
  return undefined;
}

/** The 403 that tells a user what was not allowed. */
export function accessDenied(user: User, attributes: Attributes): ApiError {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if (attributes.path !== undefined) {
    return new ApiError(403, 'Forbidden', `forbidden: ${who} path ${JSON.stringify(attributes.path)}`, {});
  }
  const { resource, subresource } = attributes;
  const combined = subresource === '' ? resource : `${resource}/${subresource}`;
  const where =
    attributes.namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(attributes.namespace)}`;
  const why = `${who} resource ${JSON.stringify(combined)} in API group ${JSON.stringify(attributes.group)} ${where}`;
  return forbidden({ group: attributes.group, plural: resource }, attributes.name, why);
}

/** Groups that a service account's user has. */
export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
}

/** Namespace and name in `system:serviceaccount:NAMESPACE:NAME`. */
export function parseServiceAccountUser(user: string): { namespace: string; name: string } | undefined {
  const parts = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user);
  return parts === null ? undefined : { namespace: parts[1] as string, name: parts[2] as string };
}

/** `at` of a SubjectAccessReview's attributes, as one question. */
export function attributesOfReview(spec: unknown): Attributes {
  const path = stringAt(spec, 'nonResourceAttributes', 'path');
  const source = at(spec, 'resourceAttributes');
  const field = (name: string) => stringAt(source, name) ?? '';
  return {
    verb: path === undefined ? field('verb') : (stringAt(spec, 'nonResourceAttributes', 'verb') ?? ''),
    group: field('group'),
    resource: field('resource'),
    subresource: field('subresource'),
    namespace: field('namespace'),
    name: field('name'),
    path,
  };
}
