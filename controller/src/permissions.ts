import { isSealedSecretsError } from '@waxwing/shared';
import type { Config } from './config.ts';
import type { AccessApi, AccessRequest } from './kube/api.ts';
import { rbacRule } from './kube/errors.ts';
import type { Logger } from './logger.ts';
import { namespacesOf } from './scopes.ts';

/** One thing the controller has to be allowed, and what goes wrong without. */
export interface NeededPermission {
  readonly request: AccessRequest;
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
    const { namespace } = config.leaderElection;
    need(
      namespace,
      'coordination.k8s.io',
      'leases',
      ['get', 'create', 'update'],
      'every replica works as if it were alone',
    );
  }
  return needs;
}

/** Asks for every needed permission and logs each one that is missing, with the rule that would grant it. Says nothing if it cannot ask. */
export async function reportMissingPermissions(
  config: Config,
  access: Pick<AccessApi, 'selfMay'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const { request, without } of neededPermissions(config)) {
      if (await access.selfMay(request, { signal })) continue;
      const resource =
        request.subresource === undefined ? request.resource : `${request.resource}/${request.subresource}`;
      logger.error(`permission missing: ${request.verb} ${resource}: ${without}`, {
        namespace: request.namespace === '' ? 'all' : request.namespace,
        rule: rbacRule({ verb: request.verb, group: request.group, resource }),
      });
    }
  } catch (error) {
    if (signal.aborted) return;
    if (!isSealedSecretsError(error)) throw error;
    logger.warn('permissions cannot be checked', { error: error.message });
  }
}
