import { listAt, property, textAt } from '@waxwing/shared';
import type { AccessApi, AccessRequest, CallOptions, UserInfo } from './api.ts';
import { collectionPath } from './requests.ts';
import type { ApiTransport } from './transport.ts';

const authorizationGroup = 'authorization.k8s.io';
const authenticationGroup = 'authentication.k8s.io';

export function accessApi(transport: ApiTransport): AccessApi {
  function review(
    group: string,
    plural: string,
    kind: string,
    spec: unknown,
    options: CallOptions,
    secret = '',
  ): Promise<unknown> {
    return transport.request({
      method: 'POST',
      path: collectionPath(group, 'v1', '', plural),
      body: JSON.stringify({ apiVersion: `${group}/v1`, kind, spec }),
      call: {
        verb: 'create',
        group,
        resource: plural,
        namespace: '',
        name: '',
        ...(secret === '' ? {} : { secretValues: () => [Buffer.from(secret)] }),
      },
      signal: options.signal,
    });
  }
  const allowed = (answer: unknown) => property(property(answer, 'status'), 'allowed') === true;

  return {
    async selfMay(request, options = {}) {
      const spec = { resourceAttributes: attributesOf(request) };
      return allowed(
        await review(authorizationGroup, 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', spec, options),
      );
    },
    async userMay(user, request, options = {}) {
      const extra = Object.create(null) as Record<string, readonly string[]>;
      for (const [key, values] of user.extra) extra[key] = values;
      const spec = {
        user: user.username,
        uid: user.uid,
        groups: user.groups,
        extra,
        resourceAttributes: attributesOf(request),
      };
      return allowed(await review(authorizationGroup, 'subjectaccessreviews', 'SubjectAccessReview', spec, options));
    },
    async reviewToken(token, audiences, options = {}) {
      const answer = await review(
        authenticationGroup,
        'tokenreviews',
        'TokenReview',
        { token, audiences },
        options,
        token,
      );
      return userFrom(property(answer, 'status'), audiences);
    },
  };
}

function attributesOf(request: AccessRequest): Record<string, string> {
  const { verb, group, resource, subresource = '', namespace, name = '' } = request;
  return { verb, group, resource, subresource, namespace, name };
}

/** An authenticator that knows nothing of audiences answers without any: then the token is for the API server alone, not for us. */
function userFrom(status: unknown, audiences: readonly string[]): UserInfo | undefined {
  if (property(status, 'authenticated') !== true) return undefined;
  if (!listAt(status, 'audiences').some((audience) => audiences.includes(String(audience)))) return undefined;
  const user = property(status, 'user');
  const extra = property(user, 'extra');
  const names = typeof extra === 'object' && extra !== null ? Object.keys(extra) : [];
  const texts = (values: readonly unknown[]) => values.filter((value) => typeof value === 'string');
  return {
    username: textAt(user, 'username'),
    uid: textAt(user, 'uid'),
    groups: texts(listAt(user, 'groups')),
    extra: new Map(names.map((name) => [name, texts(listAt(extra, name))])),
  };
}
