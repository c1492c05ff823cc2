import { isSealedSecretsError, sealedSecretResource } from '@waxwing/shared';
import type { AccessApi, UserInfo } from '../kube/api.ts';
import type { Authenticate, Caller, Refusal } from './server.ts';

/**
 * Checks callers by TokenReview and SubjectAccessReview. The kube-apiserver removes `Authorization` before it proxies, so the token comes in
 * a header of its own; it is neither logged nor kept.
 *
 * A caller needs the verb `create` on `sealedsecrets/verify` or `sealedsecrets/rotate` (group bitnami.com) in the object's namespace.
 */
export function createAuthenticate(access: Pick<AccessApi, 'reviewToken' | 'userMay'>, audience: string): Authenticate {
  return async (token) => {
    if (token === undefined || token === '') {
      return { status: 401, message: 'send a token of the TokenRequest API in the header X-Waxwing-Token' };
    }
    return unlessUnreachable(async (): Promise<Caller | Refusal> => {
      const user = await access.reviewToken(token, [audience]);
      if (user === undefined) return { status: 401, message: `the token is not valid for the audience ${audience}` };
      return callerOf(access, user);
    });
  };
}

function callerOf(access: Pick<AccessApi, 'userMay'>, user: UserInfo): Caller {
  const { group, plural } = sealedSecretResource;
  return {
    refusalFor: (endpoint, { metadata: { namespace, name } }) =>
      unlessUnreachable(async (): Promise<Refusal | undefined> => {
        const request = { verb: 'create', group, resource: plural, subresource: endpoint, namespace, name };
        return (await access.userMay(user, request))
          ? undefined
          : { status: 403, message: `create on ${plural}/${endpoint} is not allowed to you here` };
      }),
  };
}

async function unlessUnreachable<T>(ask: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await ask();
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return { status: 503, message: 'the API server could not be asked who you are' };
  }
}
