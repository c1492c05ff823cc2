import { type Config, leasePermissions, neededPermissions, type Permission, rbacRule } from '@waxwing/shared/settings';
import type { DeploymentState } from './deployment.ts';
import { type Finding, finding } from './finding.ts';

/** A permission of the controller that is asked for. */
export interface WantedPermission {
  readonly request: Permission;
  readonly code: 'permission-missing' | 'permission-optional';
  /** What is so without it. */
  readonly without: string;
}

/** What our controller needs with this configuration, and what it would like besides. */
export function wantedPermissions(config: Config): WantedPermission[] {
  const wanted = new Map<string, WantedPermission>();
  const want = (permission: WantedPermission) => {
    const key = JSON.stringify(permission.request);
    if (!wanted.has(key)) wanted.set(key, permission);
  };
  for (const needed of neededPermissions(config)) want({ ...needed, code: 'permission-missing' });
  const wish = (request: Permission, without: string) => want({ request, code: 'permission-optional', without });
  const seconds = config.keys.pollIntervalMs / 1000;
  wish(
    { verb: 'watch', group: '', resource: 'secrets', namespace: config.namespace },
    `changed keys are noticed after ${seconds} s instead of at once`,
  );
  for (const request of leasePermissions(config)) wish(request, 'there can be one replica only');
  return [...wanted.values()];
}

/** The body of a SubjectAccessReview about a service account. Nothing is stored by it. */
export function accessReview({ namespace, serviceAccount }: DeploymentState, { request }: WantedPermission): unknown {
  return {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${namespace}:${serviceAccount}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      resourceAttributes: request,
    },
  };
}

/** What is missing, verbs of the same resource in one line. */
export function findPermissions(deployment: DeploymentState, denied: readonly WantedPermission[]): Finding[] {
  const account = { namespace: deployment.namespace, name: deployment.serviceAccount };
  const byRule = Map.groupBy(denied, ({ code, without, request }) =>
    JSON.stringify([code, without, resourceOf(request), request.namespace]),
  );
  return Array.from(byRule.values(), (group) => {
    const [{ code, without, request }] = group as [WantedPermission];
    const verbs = group.map(({ request: { verb } }) => verb).join(', ');
    const resource = resourceOf(request);
    const where = request.namespace === '' ? 'all namespaces' : `namespace ${request.namespace}`;
    const rule = rbacRule({ verb: verbs, group: request.group, resource });
    return finding(code, account, `${verbs} ${resource} in ${where}: otherwise ${without}; rule ${rule}`);
  });
}

function resourceOf({ resource, subresource }: Permission): string {
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
