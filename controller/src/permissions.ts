import { isSealedSecretsError } from '@waxwing/shared';
import { type Config, neededPermissions, rbacRule } from '@waxwing/shared/settings';
import type { AccessApi } from './kube/api.ts';
import type { Logger } from './logger.ts';

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
