import { type Config, namespacesOf } from './config.ts';

/** A verb on a resource, as access reviews ask for it. */
export interface Permission {
  readonly verb: string;
  /** Of the API; empty for the core. */
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Empty: in all of them. */
  readonly namespace: string;
  /** Where one object alone is meant: a Role may name it. */
  readonly name?: string;
}

/** One thing the controller has to be allowed, and what goes wrong without. */
export interface NeededPermission {
  readonly request: Permission;
  readonly without: string;
}

/** What this configuration needs. */
export function neededPermissions(config: Config): NeededPermission[] {
  const needs: NeededPermission[] = [];
  const need = (namespace: string, group: string, resource: string, verbs: readonly string[], without: string) => {
    const [name = '', subresource] = resource.split('/');
    for (const verb of verbs) {
      const request = { verb, group, resource: name, namespace, ...(subresource === undefined ? {} : { subresource }) };
      needs.push({ request, without });
    }
  };
  need(config.namespace, '', 'secrets', ['list', 'create'], 'sealing keys can be neither read nor made');
  for (const namespace of namespacesOf(config)) {
    need(namespace, 'bitnami.com', 'sealedsecrets', ['get', 'list', 'watch'], 'SealedSecrets are not seen');
    need(namespace, '', 'secrets', ['get', 'create', 'update'], 'Secrets cannot be written');
    if (!config.reconcile.skipRecreate) {
      need(namespace, '', 'secrets', ['list', 'watch'], 'deleted or changed Secrets are noticed late or never');
    }
    if (config.reconcile.oldGcBehavior)
      need(namespace, '', 'secrets', ['delete'], 'Secrets outlive their SealedSecrets');
    if (config.reconcile.updateStatus) {
      need(namespace, 'bitnami.com', 'sealedsecrets/status', ['update'], 'nobody can see how it went');
    }
    need(namespace, '', 'events', ['create'], 'no events are posted');
  }
  if (config.leaderElection.enabled) {
    const without = 'every replica works as if it were alone';
    needs.push(...leasePermissions(config).map((request) => ({ request, without })));
  }
  return needs;
}

/** What leader election needs. A request to create has no name to compare. */
export function leasePermissions({ leaderElection: { namespace, name } }: Config): Permission[] {
  const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace };
  return [
    { ...lease, verb: 'get', name },
    { ...lease, verb: 'create' },
    { ...lease, verb: 'update', name },
  ];
}

/** The rule that would grant it, as it stands in a Role; `resource` with its subresource. */
export function rbacRule({ verb, group, resource }: Pick<Permission, 'verb' | 'group' | 'resource'>): string {
  return `{apiGroups: [${JSON.stringify(group)}], resources: [${resource}], verbs: [${verb}]}`;
}
