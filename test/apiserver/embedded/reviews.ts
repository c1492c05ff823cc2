import { attributesOfReview, grantFor, rulesFor, type User } from './access.ts';
import { parseTypedBody, readObject } from './bodies.ts';
import { badRequest, invalid, invalidValue, notFound, requiredField } from './errors.ts';
import { arrayAt, at, isObject, type JsonObject, type KubeObject, own, stringAt } from './json.ts';
import { timestamp } from './metadata.ts';
import type { RequestInfo } from './requests.ts';
import type { Answer, ResourceCall } from './resource-requests.ts';
import type { ResourceType } from './resources.ts';
import { type TokenAuthority, tokenIssuer } from './tokens.ts';
import type { Cluster } from './writes.ts';

/** Questions in the form of objects: they are answered, not stored. */
export function isReview(type: ResourceType, request: RequestInfo): boolean {
  return (
    request.verb === 'create' &&
    (type.group === 'authentication.k8s.io' || type.group === 'authorization.k8s.io' || request.subresource === 'token')
  );
}

interface ReviewParts {
  readonly cluster: Cluster;
  readonly tokens: TokenAuthority;
}

export function answerReview(parts: ReviewParts, user: User, call: ResourceCall): Answer {
  const parsed = parseTypedBody(call.body, call.contentType);
  if (call.request.subresource === 'token') {
    return created(answerTokenRequest(parts, call, isObject(parsed.value) ? parsed.value : {}));
  }
  const review = readObject(parsed, call.type, 'Ignore', []);
  return created({ ...review, status: reviewStatus(parts, user, call, review) });
}

function created(object: JsonObject): Answer {
  return { status: 201, json: JSON.stringify(object) };
}

function reviewStatus(parts: ReviewParts, user: User, call: ResourceCall, review: KubeObject): JsonObject {
  switch (call.type.plural) {
    case 'tokenreviews':
      return tokenStatus(parts, review);
    case 'selfsubjectreviews':
      return { userInfo: userInfo(user) };
    case 'selfsubjectrulesreviews':
      return rulesStatus(parts, user, review);
    case 'selfsubjectaccessreviews':
      return accessStatus(parts, user, call, review);
    default:
      return accessStatus(parts, reviewedUser(review), call, review);
  }
}

function reviewedUser(review: KubeObject): User {
  return {
    name: stringAt(review, 'spec', 'user') ?? '',
    uid: stringAt(review, 'spec', 'uid') ?? '',
    groups: arrayAt(review, 'spec', 'groups') as string[],
    extra: {},
  };
}

function accessStatus({ cluster }: ReviewParts, user: User, call: ResourceCall, review: KubeObject): JsonObject {
  const { type } = call;
  const hasResource = at(review, 'spec', 'resourceAttributes') !== undefined;
  const hasPath = at(review, 'spec', 'nonResourceAttributes') !== undefined;
  const errors = [];
  if (hasResource === hasPath) {
    errors.push(
      invalidValue(
        'spec.resourceAttributes',
        null,
        'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      ),
    );
  }
  if (type.plural === 'subjectaccessreviews' && user.name === '' && user.groups.length === 0) {
    errors.push(invalidValue('spec.user', '', 'at least one of user or group must be specified'));
  }
  if (errors.length > 0) throw invalid(type, '', errors);
  const reason = grantFor(cluster.store, user, attributesOfReview(review['spec']));
  if (reason === undefined) return { allowed: false };
  return reason === '' ? { allowed: true } : { allowed: true, reason };
}

/** Rules of a user in a namespace, apart for resources and other paths. */
function rulesStatus({ cluster }: ReviewParts, user: User, review: KubeObject): JsonObject {
  const namespace = stringAt(review, 'spec', 'namespace') ?? '';
  const rules = [...rulesFor(cluster.store, user, namespace)].map(({ rule }) => rule);
  const isPathRule = (rule: unknown) => arrayAt(rule, 'nonResourceURLs').length > 0;
  return {
    resourceRules: rules.filter((rule) => !isPathRule(rule)),
    nonResourceRules: rules.filter(isPathRule),
    incomplete: false,
  };
}

function tokenStatus({ tokens }: ReviewParts, review: KubeObject): JsonObject {
  const token = stringAt(review, 'spec', 'token') ?? '';
  const wanted = arrayAt(review, 'spec', 'audiences') as string[];
  if (token === '') throw badRequest('token is required for TokenReview in authentication');
  const authenticated = tokens.authenticate(token);
  if (authenticated === undefined) return { user: {}, error: 'invalid bearer token' };
  const audiences = wanted.length === 0 ? [tokenIssuer] : wanted;
  const common = audiences.filter((audience) => authenticated.audiences.includes(audience));
  if (common.length === 0) {
    return {
      user: {},
      error: `[invalid bearer token, token audiences ${JSON.stringify(authenticated.audiences)} is invalid for the target audiences ${JSON.stringify(audiences)}]`,
    };
  }
  return {
    authenticated: true,
    user: userInfo(authenticated.user),
    audiences: common,
  };
}

function userInfo(user: User): JsonObject {
  return {
    username: user.name,
    ...(user.uid === '' ? {} : { uid: user.uid }),
    groups: user.groups,
    ...(Object.keys(user.extra).length === 0 ? {} : { extra: user.extra }),
  };
}

const minimumSeconds = 600;
const maximumSeconds = 2 ** 32;

/** `serviceaccounts/NAME/token`: a signed token with audiences and an end. */
function answerTokenRequest({ cluster, tokens }: ReviewParts, call: ResourceCall, body: JsonObject): JsonObject {
  const { namespace, name } = call.request;
  const account = cluster.store.collection('/serviceaccounts').get(`${namespace}/${name}`)?.object;
  if (account === undefined) throw notFound(call.type, name);
  const seconds = Number(at(body, 'spec', 'expirationSeconds') ?? 3600);
  const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };
  if (seconds < minimumSeconds) {
    throw invalid(kind, '', [
      invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'),
    ]);
  }
  if (seconds > maximumSeconds) {
    throw invalid(kind, '', [
      invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'),
    ]);
  }
  const given = arrayAt(body, 'spec', 'audiences') as string[];
  if (given.some((audience) => audience === '')) throw invalid(kind, '', [requiredField('spec.audiences')]);
  const audiences = given.length === 0 ? [tokenIssuer] : given;
  const expiresAtMs = cluster.now() + seconds * 1000;
  const reference = at(body, 'spec', 'boundObjectRef');
  const bound = isObject(reference)
    ? {
        kind: String(own(reference, 'kind')),
        name: String(own(reference, 'name')),
        uid: String(own(reference, 'uid') ?? ''),
      }
    : undefined;
  const token = tokens.issueForServiceAccount(
    { namespace, name, uid: account.metadata.uid ?? '' },
    audiences,
    expiresAtMs,
    bound,
  );
  return {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timestamp(cluster.now()) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: isObject(reference) ? reference : null },
    status: { token, expirationTimestamp: timestamp(expiresAtMs) },
  };
}
