import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { startSuite, succeed } from './suite.ts';

const { admin } = await startSuite();
const get = (path: string, headers = {}) => succeed(admin.request('GET', path, undefined, headers));

describe('discovery', () => {
  it('/version says which Kubernetes this is', async () => {
    expect(await get('/version')).toMatchObject({
      major: '1',
      minor: '36',
      gitVersion: expect.stringMatching(/^v1\.36\.\d+/),
    });
  });

  it('/healthz, /livez and /readyz answer ok', async () => {
    for (const path of ['/healthz', '/livez', '/readyz']) expect(await get(path)).toBe('ok');
  });

  it('/api has v1, /apis has the group with its preferred version', async () => {
    expect(await get('/api')).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const groups = await get('/apis');
    expect(groups.kind).toBe('APIGroupList');
    const bitnami = groups.groups.find((group: Json) => group.name === 'bitnami.com');
    expect(bitnami).toMatchObject({
      versions: [{ groupVersion: 'bitnami.com/v1alpha1', version: 'v1alpha1' }],
      preferredVersion: { groupVersion: 'bitnami.com/v1alpha1', version: 'v1alpha1' },
    });
    expect(await get('/apis/bitnami.com')).toMatchObject({ kind: 'APIGroup', ...bitnami });
  });

  it('a group version lists its resources with kind, verbs and subresources', async () => {
    const { resources, groupVersion } = await get('/apis/bitnami.com/v1alpha1');
    expect(groupVersion).toBe('bitnami.com/v1alpha1');
    const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
    expect(resources).toEqual([
      expect.objectContaining({
        name: 'sealedsecrets',
        singularName: 'sealedsecret',
        namespaced: true,
        kind: 'SealedSecret',
        verbs: expect.arrayContaining(verbs),
      }),
      expect.objectContaining({
        name: 'sealedsecrets/status',
        kind: 'SealedSecret',
        verbs: ['get', 'patch', 'update'],
      }),
    ]);
    const core = await get('/api/v1');
    for (const name of [
      'secrets',
      'configmaps',
      'namespaces',
      'events',
      'pods',
      'services',
      'services/proxy',
      'serviceaccounts/token',
    ]) {
      expect(core.resources.map((resource: Json) => resource.name)).toContain(name);
    }
  });

  it('the aggregated form has everything in one answer', async () => {
    const accept = { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' };
    const answer = await admin.request('GET', '/apis', undefined, accept);
    expect(answer.headers.get('content-type')).toContain('as=APIGroupDiscoveryList');
    const group = answer.body.items.find((item: Json) => item.metadata.name === 'bitnami.com');
    expect(group.versions[0]).toMatchObject({ version: 'v1alpha1', freshness: 'Current' });
    expect(group.versions[0].resources[0]).toMatchObject({
      resource: 'sealedsecrets',
      singularResource: 'sealedsecret',
      scope: 'Namespaced',
      responseKind: { group: 'bitnami.com', version: 'v1alpha1', kind: 'SealedSecret' },
      subresources: [expect.objectContaining({ subresource: 'status' })],
    });
  });

  it('/openapi/v3 leads to the schema of the CRD', async () => {
    // The documents are JSON under a content type that says text.
    const read = (body: Json) => (typeof body === 'string' ? JSON.parse(body) : body);
    const { paths } = read(await get('/openapi/v3'));
    const document = read(await get(paths['apis/bitnami.com/v1alpha1'].serverRelativeURL));
    expect(document.openapi).toMatch(/^3\./);
    const schema: Json = Object.values(document.components.schemas).find((candidate: Json) =>
      candidate['x-kubernetes-group-version-kind']?.some((kind: Json) => kind.kind === 'SealedSecret'),
    );
    expect(schema.properties.spec.properties.template.properties.data.additionalProperties).toMatchObject({
      type: 'string',
      nullable: true,
    });
    expect(document.paths).toHaveProperty(['/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets']);
  });

  it('the CRD says that it is established and which names it has', async () => {
    const crd = await get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com');
    expect(crd.status.conditions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: 'Established', status: 'True' }),
        expect.objectContaining({ type: 'NamesAccepted', status: 'True' }),
      ]),
    );
    expect(crd.status.acceptedNames).toMatchObject({ kind: 'SealedSecret', plural: 'sealedsecrets' });
    expect(crd.status.storedVersions).toEqual(['v1alpha1']);
  });
});
