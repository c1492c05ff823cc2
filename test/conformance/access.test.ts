import { describe, expect, it } from 'vitest';
import { connect } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { aSealedSecret, aSecret, corePath, refuse, sealedSecretPath, startSuite, succeed } from './suite.ts';

const { server, admin, namespace } = await startSuite();
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const authorization = '/apis/authorization.k8s.io/v1';

interface Rule {
  readonly apiGroups: string[];
  readonly resources: string[];
  readonly verbs: string[];
  readonly resourceNames?: string[];
}

const as = async (user: string, groups: string[] = []) => connect(await server.kubeconfigFor({ user, groups }));

/** Gives a user rules in one namespace and waits until they hold. */
async function grant(user: string, where: string, rules: Rule[]): Promise<void> {
  const name = user.replaceAll(':', '-');
  const bindings = `${rbac}/namespaces/${where}`;
  await succeed(
    admin.request('POST', `${bindings}/roles`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name },
      rules,
    }),
  );
  await succeed(
    admin.request('POST', `${bindings}/rolebindings`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user }],
    }),
  );
  await waitUntilAllowed(user, {
    namespace: where,
    verb: rules[0]?.verbs[0],
    resource: rules[0]?.resources[0],
    group: rules[0]?.apiGroups[0],
  });
}

async function waitUntilAllowed(user: string, resourceAttributes: object): Promise<void> {
  await waitFor(async () => (await review(user, resourceAttributes)).allowed, { what: 'RBAC to know the role' });
}

async function review(user: string, resourceAttributes: object, groups: string[] = []) {
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: { user, groups, resourceAttributes },
  };
  return (await succeed(admin.request('POST', `${authorization}/subjectaccessreviews`, body))).status;
}

describe('authentication', () => {
  it('a token that nobody knows is refused with 401', async () => {
    await refuse(
      admin.request('GET', '/api/v1/namespaces', undefined, { authorization: 'Bearer unknown' }),
      401,
      'Unauthorized',
    );
  });

  it('without a token one is system:anonymous, who may ask for the version and health only', async () => {
    const anonymous = { authorization: '' };
    expect((await admin.request('GET', '/version', undefined, anonymous)).status).toBe(200);
    expect((await admin.request('GET', '/readyz', undefined, anonymous)).status).toBe(200);
    const status = await refuse(admin.request('GET', '/api/v1/namespaces', undefined, anonymous), 403, 'Forbidden');
    expect(status.message).toContain('User "system:anonymous" cannot list resource "namespaces"');
  });

  it('a SelfSubjectReview tells who one is', async () => {
    const alice = await as('alice', ['developers']);
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const answer = await succeed(alice.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body));
    expect(answer.status.userInfo.username).toBe('alice');
    expect(answer.status.userInfo.groups.sort()).toEqual(['developers', 'system:authenticated']);
  });

  it('a service account is in the groups of service accounts', async () => {
    const account = await as(`system:serviceaccount:${namespace}:builder`);
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const answer = await succeed(account.request('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', body));
    expect(answer.status.userInfo.groups.sort()).toEqual([
      'system:authenticated',
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
    ]);
  });

  it('a token of TokenRequest is the service account, for its audience only', async () => {
    const accounts = corePath(namespace, 'serviceaccounts');
    await succeed(
      admin.request('POST', accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'caller' } }),
    );
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['waxwing'], expirationSeconds: 600 },
    };
    const issued = await succeed(admin.request('POST', `${accounts}/caller/token`, request));
    expect(issued.status.token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(Date.parse(issued.status.expirationTimestamp)).toBeGreaterThan(Date.now());

    const reviewToken = async (token: string, audiences: string[]) => {
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } };
      return (await succeed(admin.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body))).status;
    };
    expect(await reviewToken(issued.status.token, ['waxwing'])).toMatchObject({
      authenticated: true,
      audiences: ['waxwing'],
      user: {
        username: `system:serviceaccount:${namespace}:caller`,
        groups: expect.arrayContaining(['system:serviceaccounts']),
      },
    });
    expect((await reviewToken(issued.status.token, ['someone-else'])).authenticated ?? false).toBe(false);
    expect((await reviewToken('nonsense', ['waxwing'])).authenticated ?? false).toBe(false);
    // Made for another audience, it opens nothing here.
    await refuse(
      admin.request('GET', '/api/v1/namespaces', undefined, { authorization: `Bearer ${issued.status.token}` }),
      401,
      'Unauthorized',
    );
  });

  it('a TokenReview without a token is refused with 400', async () => {
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: {} };
    await refuse(admin.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', body), 400, 'BadRequest');
  });

  it('an admin may act as somebody else, with that one’s rights; others may not', async () => {
    const path = corePath(namespace, 'secrets', 'any');
    const asZoe = { 'impersonate-user': 'zoe' };
    const status = await refuse(admin.request('GET', path, undefined, asZoe), 403, 'Forbidden');
    expect(status.message).toContain('User "zoe" cannot get resource "secrets"');
    const asMaster = { 'impersonate-user': 'zoe', 'impersonate-group': 'system:masters' };
    await refuse(admin.request('GET', path, undefined, asMaster), 404, 'NotFound');
    const zoe = await as('zoe');
    const refusal = await refuse(zoe.request('GET', path, undefined, { 'impersonate-user': 'root' }), 403, 'Forbidden');
    expect(refusal.message).toContain('User "zoe" cannot impersonate');
  });

  it('a TokenRequest for an account that is not there is answered with 404', async () => {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['waxwing'] } };
    await refuse(
      admin.request('POST', `${corePath(namespace, 'serviceaccounts')}/nobody/token`, request),
      404,
      'NotFound',
    );
  });
});

describe('RBAC', () => {
  it('refuses with 403 and a Status that says who may not do what where', async () => {
    const bob = await as('bob');
    const list = await refuse(bob.request('GET', corePath(namespace, 'secrets')), 403, 'Forbidden');
    expect(list.message).toBe(
      `secrets is forbidden: User "bob" cannot list resource "secrets" in API group "" in the namespace "${namespace}"`,
    );
    const create = await refuse(bob.request('POST', sealedSecretPath(namespace), aSealedSecret('x')), 403, 'Forbidden');
    expect(create.message).toBe(
      `sealedsecrets.bitnami.com is forbidden: User "bob" cannot create resource "sealedsecrets" in API group "bitnami.com" in the namespace "${namespace}"`,
    );
    const get = await refuse(bob.request('GET', corePath(namespace, 'secrets', 'x')), 403, 'Forbidden');
    expect(get.message).toContain('secrets "x" is forbidden: User "bob" cannot get resource "secrets"');
    expect(get.details).toEqual({ name: 'x', kind: 'secrets' });
    const everywhere = await refuse(bob.request('GET', '/api/v1/secrets'), 403, 'Forbidden');
    expect(everywhere.message).toContain('at the cluster scope');
    await using watch = await bob.watch(`${corePath(namespace, 'secrets')}?watch=true`);
    expect(watch.status).toBe(403);
  });

  it('a Role allows its verbs on its resources in its namespace and nothing else', async () => {
    await grant('carol', namespace, [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'create'] }]);
    const carol = await as('carol');
    const elsewhere = await createNamespace(server);
    await succeed(carol.request('POST', corePath(namespace, 'secrets'), aSecret('carols')));
    await succeed(carol.request('GET', corePath(namespace, 'secrets', 'carols')));
    await refuse(carol.request('DELETE', corePath(namespace, 'secrets', 'carols')), 403, 'Forbidden');
    await refuse(carol.request('GET', `${corePath(namespace, 'secrets')}?watch=true`), 403, 'Forbidden');
    await refuse(carol.request('GET', corePath(namespace, 'configmaps')), 403, 'Forbidden');
    await refuse(carol.request('GET', corePath(elsewhere, 'secrets')), 403, 'Forbidden');
    await refuse(carol.request('GET', '/api/v1/secrets'), 403, 'Forbidden');
  });

  it('a subresource and a resource name are rights of their own', async () => {
    await grant('dave', namespace, [
      { apiGroups: ['bitnami.com'], resources: ['sealedsecrets/status'], verbs: ['update'] },
      { apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['get'], resourceNames: ['mine'] },
    ]);
    const dave = await as('dave');
    await waitUntilAllowed('dave', {
      namespace,
      verb: 'update',
      group: 'bitnami.com',
      resource: 'sealedsecrets',
      subresource: 'status',
    });
    const mine = await succeed(admin.request('POST', sealedSecretPath(namespace), aSealedSecret('mine')));
    await succeed(admin.request('POST', sealedSecretPath(namespace), aSealedSecret('other')));
    await succeed(dave.request('GET', sealedSecretPath(namespace, 'mine')));
    await refuse(dave.request('GET', sealedSecretPath(namespace, 'other')), 403, 'Forbidden');
    await succeed(
      dave.request('PUT', `${sealedSecretPath(namespace, 'mine')}/status`, { ...mine, status: { controller: 'd' } }),
    );
    await refuse(dave.request('PUT', sealedSecretPath(namespace, 'mine'), mine), 403, 'Forbidden');
  });

  it('a ClusterRole bound to a group holds everywhere, and ends with its binding', async () => {
    const name = `waxwing-test-${namespace}`;
    const meta = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name } };
    await succeed(
      admin.request('POST', `${rbac}/clusterroles`, {
        ...meta,
        kind: 'ClusterRole',
        rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['list'] }],
      }),
    );
    await succeed(
      admin.request('POST', `${rbac}/clusterrolebindings`, {
        ...meta,
        kind: 'ClusterRoleBinding',
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name }],
      }),
    );
    const member = await as('erin', [name]);
    await waitFor(async () => (await member.request('GET', '/api/v1/secrets')).status === 200);
    await refuse(member.request('GET', corePath(namespace, 'secrets', 'any')), 403, 'Forbidden');
    await succeed(admin.request('DELETE', `${rbac}/clusterrolebindings/${name}`));
    await waitFor(async () => (await member.request('GET', '/api/v1/secrets')).status === 403);
  });
});

describe('access reviews', () => {
  it('a SelfSubjectAccessReview tells what one may do oneself, also without any right', async () => {
    const frank = await as('frank');
    const ask = (client: typeof admin, resourceAttributes: object) =>
      succeed(
        client.request('POST', `${authorization}/selfsubjectaccessreviews`, {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        }),
      );
    const listing = { namespace, verb: 'list', resource: 'secrets' };
    expect((await ask(frank, listing)).status.allowed).toBe(false);
    expect((await ask(admin, listing)).status.allowed).toBe(true);
    await grant('frank', namespace, [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }]);
    expect((await ask(frank, listing)).status).toMatchObject({
      allowed: true,
      reason: expect.stringContaining('RBAC'),
    });
    expect((await ask(frank, { ...listing, verb: 'watch' })).status.allowed).toBe(false);
  });

  it('a SubjectAccessReview tells it of somebody else, by user or by group', async () => {
    const attributes = { namespace, verb: 'get', resource: 'services', subresource: 'proxy' };
    expect((await review('nobody', attributes)).allowed).toBe(false);
    expect((await review('nobody', attributes, ['system:masters'])).allowed).toBe(true);
  });

  it('a SelfSubjectRulesReview lists the rights in a namespace', async () => {
    const grace = await as('grace');
    await grant('grace', namespace, [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }]);
    const answer = await succeed(
      grace.request('POST', `${authorization}/selfsubjectrulesreviews`, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectRulesReview',
        spec: { namespace },
      }),
    );
    expect(answer.status.resourceRules).toContainEqual(
      expect.objectContaining({ verbs: ['get', 'list'], apiGroups: [''], resources: ['configmaps'] }),
    );
  });

  it('asking about others is a right of its own', async () => {
    const bob = await as('bob');
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: 'x', resourceAttributes: { verb: 'get', resource: 'secrets' } },
    };
    await refuse(bob.request('POST', `${authorization}/subjectaccessreviews`, body), 403, 'Forbidden');
  });
});

describe('the audit trail', () => {
  it('has each request with verb, user, object, status and user agent, and no body', async () => {
    const heidi = await as('heidi');
    await heidi.request('GET', corePath(namespace, 'secrets', 'audited'), undefined, { 'user-agent': 'audited/1.0' });
    await succeed(
      admin.request(
        'POST',
        `${corePath(namespace, 'secrets')}?fieldManager=x`,
        aSecret('audited', { data: { a: 'aHVudGVyMg==' } }),
        {
          'user-agent': 'audited/2.0',
        },
      ),
    );
    await using watch = await admin.watch(`${sealedSecretPath(namespace)}?watch=true`, { 'user-agent': 'audited/3.0' });
    expect(watch.status).toBe(200);

    const events = await waitFor(async () => {
      const found = (await server.auditEvents()).filter((event) => event.userAgent.startsWith('audited/'));
      return found.length >= 3 && found;
    });
    expect(events).toMatchObject([
      { verb: 'get', user: 'heidi', resource: 'secrets', namespace, name: 'audited', responseCode: 403 },
      { verb: 'create', resource: 'secrets', namespace, name: 'audited', responseCode: 201 },
      { verb: 'watch', resource: 'sealedsecrets', namespace, responseCode: 200 },
    ]);
    expect(events[0]?.requestReceivedTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    expect(events[1]?.requestURI).toBe(`${corePath(namespace, 'secrets')}?fieldManager=x`);
    expect(JSON.stringify(events)).not.toContain('aHVudGVyMg');
  });
});
