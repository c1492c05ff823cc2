import { isSealedSecretsError, sealedSecretResource } from '@waxwing/shared';
import type { AccessApi } from '../kube/api.ts';
import type { Authorize } from './server.ts';

/**
 * Checks callers by TokenReview and SubjectAccessReview. The kube-apiserver removes `Authorization` before it proxies, so the token comes in
 * a header of its own; it is neither logged nor kept.
 *
 * A caller needs the verb `create` on `sealedsecrets/verify` or `sealedsecrets/rotate` (group bitnami.com) in the object's namespace.
 */
export function createAuthorize(access: Pick<AccessApi, 'reviewToken' | 'userMay'>, audience: string): Authorize {
  return async (token, endpoint, target) => {
    if (token === undefined || token === '') {
      return { status: 401, message: 'send a token of the TokenRequest API in the header X-Waxwing-Token' };
    }
    try {
      const user = await access.reviewToken(token, [audience]);
      if (user === undefined) return { status: 401, message: `the token is not valid for the audience ${audience}` };
      const { namespace, name } = target.metadata;
      const { group, plural } = sealedSecretResource;
      const allowed = await access.userMay(user, {
        verb: 'create',
        group,
        resource: plural,
        subresource: endpoint,
        namespace,
        name,
      });
      return allowed
        ? undefined
        : { status: 403, message: `create on ${plural}/${endpoint} is not allowed to you here` };
    } catch (error) {
      if (!isSealedSecretsError(error)) throw error;
      return { status: 503, message: 'the API server could not be asked who you are' };
    }
  };
}
