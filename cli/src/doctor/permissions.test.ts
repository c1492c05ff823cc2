import { describe, expect, it } from 'vitest';
import { deploymentOf } from './deployment.ts';
import { accessReview, findPermissions, wantedPermissions } from './permissions.ts';
import { defaultConfig } from './settings.ts';

const deployment = deploymentOf({
  metadata: { namespace: 'kube-system', name: 'sealed-secrets-controller' },
  spec: { template: { spec: { serviceAccountName: 'unsealer', containers: [{}] } } },
});
const wanted = wantedPermissions(defaultConfig(deployment));

/** Upstream's roles (specification 7.1), as far as they concern what is asked for. */
const upstream = [
  ...['get', 'list', 'watch', 'create', 'update', 'delete'].map((verb) => `${verb} secrets`),
  ...['get', 'list', 'watch'].map((verb) => `${verb} sealedsecrets`),
  'update sealedsecrets/status',
  'create events',
];
const textOf = ({ request: { verb, resource, subresource } }: (typeof wanted)[number]) =>
  `${verb} ${subresource === undefined ? resource : `${resource}/${subresource}`}`;

describe('permissions', () => {
  it("of upstream's roles are enough; what would help is told in a line", () => {
    const denied = wanted.filter((permission) => !upstream.includes(textOf(permission)));
    expect(findPermissions(deployment, denied)).toEqual([
      {
        code: 'permission-optional',
        namespace: 'kube-system',
        name: 'unsealer',
        detail:
          'get, create, update leases in namespace kube-system: otherwise there can be one replica only; rule {apiGroups: ["coordination.k8s.io"], resources: [leases], verbs: [get, create, update]}',
      },
    ]);
  });

  it('that are missing are told with what goes wrong, verbs of one resource together', () => {
    const denied = wanted.filter(({ request }) => request.resource === 'sealedsecrets');
    expect(findPermissions(deployment, denied).map(({ code, detail }) => [code, detail])).toEqual([
      [
        'permission-missing',
        'get, list, watch sealedsecrets in all namespaces: otherwise SealedSecrets are not seen; rule {apiGroups: ["bitnami.com"], resources: [sealedsecrets], verbs: [get, list, watch]}',
      ],
      [
        'permission-missing',
        'update sealedsecrets/status in all namespaces: otherwise nobody can see how it went; rule {apiGroups: ["bitnami.com"], resources: [sealedsecrets/status], verbs: [update]}',
      ],
    ]);
  });

  it('are asked for in the name of the service account', () => {
    expect(accessReview(deployment, wanted[0] as (typeof wanted)[number])).toMatchObject({
      spec: {
        user: 'system:serviceaccount:kube-system:unsealer',
        groups: expect.arrayContaining(['system:serviceaccounts:kube-system']),
        resourceAttributes: { verb: 'list', resource: 'secrets', namespace: 'kube-system' },
      },
    });
  });
});
