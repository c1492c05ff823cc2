import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '../apiserver/client.ts';
import { applyCrd, crdFile } from '../apiserver/crd.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { sealerOf, startCluster } from './cluster.ts';

const cluster = await startCluster({ lasting: true });
const { server } = cluster;

const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sealedsecrets.bitnami.com';

type Sealer = Awaited<ReturnType<typeof sealerOf>>;

/** A changed CRD takes a moment until it is applied: new objects until the status of one keeps our fields, or loses them. */
async function untilStatuses(keep: boolean, sealIt: Sealer, namespace: string): Promise<void> {
  let probes = 0;
  await waitFor(async () => {
    const name = `probe-${keep}-${probes++}`;
    await cluster.apply(sealIt({ namespace, name, data: { a: '1' } }));
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    return ((await cluster.sealedSecret(namespace, name)).status.secret !== undefined) === keep;
  });
}

/** Puts our CRD with another schema in place of the one that is there. */
async function installCrd(change: (version: Json) => void): Promise<void> {
  const crd = parse(await readFile(crdFile, 'utf8'));
  change(crd.spec.versions[0]);
  const { body } = await server.request('GET', crdPath);
  crd.metadata.resourceVersion = body.metadata.resourceVersion;
  const answer = await server.request('PUT', crdPath, crd);
  if (answer.status !== 200) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Takes out of our CRD what upstream's does not have: then the API server drops those fields of a status. */
const installUpstreamShape = () =>
  installCrd(({ schema }) => {
    const { status } = schema.openAPIV3Schema.properties;
    delete status.properties.secret;
    delete status.properties.controller;
    delete status.properties.conditions.items.properties.observedGeneration;
  });

describe("with upstream's own CRD, which drops our fields of the status", () => {
  it('nothing is lost but the record: a restart looks again and writes nothing', async () => {
    await installUpstreamShape();
    const namespace = await cluster.createNamespace();
    const first = await cluster.startController();
    const sealIt = await sealerOf(first);
    await untilStatuses(false, sealIt, namespace);
    for (let i = 0; i < 5; i++) await cluster.apply(sealIt({ namespace, name: `app-${i}`, data: { a: String(i) } }));
    for (let i = 0; i < 5; i++) await cluster.condition(namespace, `app-${i}`, 'True', 'Unsealed');
    const random = sealIt({ namespace, name: 'random', data: { a: '1' } });
    random.spec.template.data = { password: '{{ randAlphaNum 20 }}' };
    await cluster.apply(random);
    await cluster.condition(namespace, 'random', 'True', 'Unsealed');
    const made = await cluster.secret(namespace, 'random');
    await first.stop();
    const mark = await cluster.mark();
    await using second = await cluster.startController();
    await waitFor(async () => (await second.metric('sealed_secrets_controller_unseal_requests_total')) >= 7);
    expect(await cluster.secret(namespace, 'random')).toEqual(made);
    await cluster.deleteSecret(namespace, 'app-0');
    await cluster.secretWith(namespace, 'app-0', { a: '0' });
    await cluster.condition(namespace, 'app-0', 'True', 'Unsealed');
    const writes = (await cluster.writes(mark)).filter((write) => !write.startsWith('create'));
    expect(writes).toEqual([]);
    expect((await cluster.writes(mark)).filter((write) => write.startsWith('create secrets'))).toHaveLength(1);
  });

  it('upstream beside ours is noticed by its statuses, which give no reason, and not fought', async () => {
    await installUpstreamShape();
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await untilStatuses(false, sealIt, namespace);
    await cluster.apply(sealIt({ namespace, name: 'app', data: { a: '1' } }));
    await cluster.condition(namespace, 'app', 'True', 'Unsealed');
    const object = await cluster.sealedSecret(namespace, 'app');
    const { lastTransitionTime, lastUpdateTime } = object.status.conditions[0];
    object.status.conditions = [{ type: 'Synced', status: 'True', lastTransitionTime, lastUpdateTime }];
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/app/status`;
    expect((await server.request('PUT', path, object)).status).toBe(200);
    expect((await cluster.event(namespace, 'app', 'ForeignController')).message).toContain('upstream');
    expect((await cluster.sealedSecret(namespace, 'app')).status.conditions[0].reason).toBeUndefined();
  });

  it('a log line and a metric say that it is older, until ours is there', async () => {
    await installUpstreamShape();
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    await untilStatuses(false, sealIt, namespace);
    await waitFor(async () => (await controller.metric('waxwing_crd_outdated')) === 1);
    expect(controller.logs()).toContain("the CRD is older than the controller, or upstream's");
    await applyCrd(server);
    await untilStatuses(true, sealIt, namespace);
    await waitFor(async () => (await controller.metric('waxwing_crd_outdated')) === 0);
  });
});

describe('with a CRD without a schema, as the first releases had', () => {
  it('objects of any shape get their own condition, and those beside them are served', async () => {
    await installCrd((version) => {
      version.schema.openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    });
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController();
    const sealIt = await sealerOf(controller);
    const good = (name: string) => sealIt({ namespace, name, data: { a: '1' } });
    const { spec } = good('shapes');
    const shapes: Record<string, unknown> = {
      'number-label': { ...spec, template: { metadata: { labels: { team: 7 } } } },
      'object-value': { encryptedData: { a: { b: 'c' } } },
      'object-in-template': { ...spec, template: { data: { a: { b: 'c' } } } },
      'text-for-template': { ...spec, template: 'none' },
      'text-for-spec': 'none',
    };
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
    await waitFor(async () => {
      const object = { ...good('object-value'), spec: shapes['object-value'] };
      return (await server.request('POST', path, object)).status !== 422;
    });
    for (const [name, each] of Object.entries(shapes)) {
      if (name !== 'object-value') await cluster.apply({ ...good(name), spec: each });
    }
    await cluster.apply({ ...good('null-template'), spec: { ...good('null-template').spec, template: null } });
    await cluster.apply(good('healthy'));
    await cluster.secretWith(namespace, 'healthy', { a: '1' });
    await cluster.secretWith(namespace, 'null-template', { a: '1' });
    for (const name of Object.keys(shapes)) {
      // One item that is no text is that item's failure.
      await cluster.condition(namespace, name, 'False', name === 'object-value' ? 'MalformedItem' : 'InvalidObject');
    }
    expect((await controller.request('/healthz')).status).toBe(200);
    await applyCrd(server);
  });
});
