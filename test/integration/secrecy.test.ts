import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { createCanary, findTraces, linesOfKey, tracesOf } from './canary.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { startQuotingRefusals } from './quoting-refusals.ts';

const cluster = await startCluster();
const { server } = cluster;

describe('the search for canaries', () => {
  it('finds a value in every disguise', () => {
    const canary = createCanary();
    const disguises = {
      raw: `x${canary}x`,
      json: JSON.stringify({ a: `"${canary}"` }),
      hex: Buffer.from(canary).toString('hex'),
      'base64 at 0': Buffer.from(canary).toString('base64'),
      'base64 at 1': Buffer.from(`a${canary}`).toString('base64'),
      'base64 at 2': Buffer.from(`ab${canary}`).toString('base64'),
      part: `...${canary.slice(12, 20)}...`,
    };
    expect(findTraces([canary], disguises)).toHaveLength(Object.keys(disguises).length);
    expect(findTraces([canary], { other: createCanary() })).toEqual([]);
    expect(tracesOf(canary).length).toBeGreaterThan(10);
  });
});

describe('no secret value', () => {
  it('shows in logs, events, statuses, metrics or answers, whatever goes wrong', async () => {
    const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
    const namespace = await cluster.createNamespace();
    await using controller = await cluster.startController({ namespace: keyNamespace, flags: ['--log-level=DEBUG'] });
    const sealIt = await sealerOf(controller);
    const canaries = Array.from({ length: 8 }, createCanary);
    const [plain, wrong, existing, inTemplate, immutable, invalid, drift, applied] = canaries as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const answers: string[] = [];

    await cluster.apply(sealIt({ namespace, name: 'plain', data: { a: plain } }));
    const misnamed = sealIt({ namespace, name: 'misnamed', data: { a: wrong } });
    await cluster.apply({ ...misnamed, metadata: { ...misnamed.metadata, name: 'wrong' } });
    // Somebody else's Secret in the way, applied by kubectl, which keeps a copy of the values in an annotation.
    await cluster.createSecret({
      metadata: {
        namespace,
        name: 'foreign',
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ stringData: { a: applied } }),
        },
      },
      stringData: { a: existing },
    });
    await cluster.apply(sealIt({ namespace, name: 'foreign', data: { a: existing } }));
    const templated = sealIt({ namespace, name: 'templated', data: { a: inTemplate } });
    templated.spec.template.data = {
      b: '{{ .a | fail }}',
      c: '{{ index .a 0 1 2 }}',
      d: '{{ .a.b }}',
      e: '{{ template .a }}',
    };
    await cluster.apply(templated);
    await cluster.apply(sealIt({ namespace, name: 'frozen', data: { a: immutable }, immutable: true }));
    // The API server refuses it and likes to quote what it refuses.
    const rejected = sealIt({ namespace, name: 'rejected', data: { a: invalid, '.dockerconfigjson': invalid } });
    rejected.spec.template.type = 'kubernetes.io/dockerconfigjson';
    await cluster.apply(rejected);
    await cluster.apply(sealIt({ namespace, name: 'drifting', data: { a: drift } }));
    await cluster.condition(namespace, 'plain', 'True');
    await cluster.condition(namespace, 'wrong', 'False', 'SealedForOtherName');
    await cluster.condition(namespace, 'foreign', 'False', 'NotManaged');
    await cluster.condition(namespace, 'templated', 'False', 'TemplateError');
    await cluster.condition(namespace, 'rejected', 'False', 'ApiRejected');
    await cluster.condition(namespace, 'frozen', 'True');
    await cluster.change(namespace, 'frozen', (object) => {
      object.spec = sealIt({ namespace, name: 'frozen', data: { a: immutable, b: immutable } }).spec;
    });
    await cluster.condition(namespace, 'frozen', 'False', 'ImmutableSecret');
    await cluster.condition(namespace, 'drifting', 'True');
    await cluster.patchSecret(namespace, 'drifting', { stringData: { a: existing } });
    await cluster.secretWith(namespace, 'drifting', { a: drift });

    const broken = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'sec1', format: 'pem' })
      .toString();
    await cluster.createSecret({
      metadata: {
        namespace: keyNamespace,
        name: 'broken',
        labels: { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' },
      },
      stringData: { 'tls.key': broken, 'tls.crt': broken },
    });
    await cluster.event(keyNamespace, 'broken', 'InvalidKeySecret');
    for (const path of ['/v1/verify', '/v1/rotate']) {
      for (const body of [
        JSON.stringify(templated),
        `{"kind": "${plain}"`,
        `kind: SealedSecret\na: [${plain}`,
        JSON.stringify({ ...misnamed, spec: { data: plain, template: { data: [plain] } } }),
      ]) {
        const answer = await controller.request(path, { method: 'POST', body });
        answers.push(answer.body, JSON.stringify([...answer.headers]));
      }
    }
    controller.kill('SIGUSR1');
    const before = await certificateOf(controller);
    await waitFor(async () => (await certificateOf(controller)) !== before);
    const metrics = await controller.metrics();
    await controller.stop();

    const list = async (path: string) => (await server.request('GET', path)).body.items as Json[];
    const sealedSecrets = await list(`/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`);
    const keySecrets = await list(`/api/v1/namespaces/${keyNamespace}/secrets`);
    const keyLines = keySecrets.flatMap(({ data }) => linesOfKey(Buffer.from(data['tls.key'], 'base64').toString()));
    expect(keyLines.length).toBeGreaterThan(20);
    const texts = {
      logs: controller.logs(),
      metrics,
      answers: answers.join('\n'),
      statuses: JSON.stringify(sealedSecrets.map(({ status, metadata }) => ({ status, metadata }))),
      events: JSON.stringify(await list(`/api/v1/namespaces/${namespace}/events`)),
      keyEvents: JSON.stringify(await list(`/api/v1/namespaces/${keyNamespace}/events`)),
    };
    expect(texts.logs.length).toBeGreaterThan(1000);
    expect(findTraces(canaries, texts)).toEqual([]);
    expect(findTraces(keyLines, texts)).toEqual([]);
  });

  it('shows where whoever refuses to have a Secret written quotes it, however large it is', async () => {
    await using controller = await cluster.startController({ flags: ['--log-level=DEBUG'] });
    const sealIt = await sealerOf(controller);
    const small = await Promise.all(
      ([403, 409, 429, 500] as const).map(async (status) => {
        const value = createCanary();
        return { namespace: await cluster.createNamespace(), status, value, data: { password: value } };
      }),
    );
    const value = createCanary();
    const padding = 'z'.repeat(200_000);
    const large = { namespace: await cluster.createNamespace(), status: 403 as const, value };
    const all = [...small, { ...large, data: { password: value, padding } }];
    const refusals = await startQuotingRefusals(server, all);
    // What cannot be written is tried again, so each of them is told more than once.
    const isRefused = async () => all.every(({ namespace }) => refusals.hits(namespace) >= 3);
    let statuses = '';
    try {
      for (const { namespace, data } of all) await cluster.apply(sealIt({ namespace, name: 'refused', data }));
      await waitFor(isRefused, { timeoutMs: 30_000, what: 'the refusals' });
      for (const { namespace, status } of all) {
        // The others are over soon as a rule, and are told in the log alone.
        if (status === 403) await cluster.condition(namespace, 'refused', 'False');
        statuses += JSON.stringify((await cluster.sealedSecret(namespace, 'refused')).status ?? {});
      }
    } finally {
      await refusals.stop();
    }
    for (const { namespace, data } of all) await cluster.secretWith(namespace, 'refused', data);
    const events = await Promise.all(all.map(({ namespace }) => cluster.events(namespace, 'refused')));
    const metrics = await controller.metrics();
    await controller.stop();
    const texts = { logs: controller.logs(), metrics, statuses, events: JSON.stringify(events) };
    // The texts are those of the refusals, without the values, and with what can be none.
    expect(texts.statuses).toContain('no password may be <redacted>');
    expect(texts.logs.split('no password may be <redacted>').length).toBeGreaterThan(small.length);
    expect(texts.statuses).toContain('the Secret is too large to search the text for its values');
    expect(texts.statuses).toContain('admission webhook \\"quoting.waxwing.test\\" denied the request');
    const canaries = all.map((each) => each.value);
    expect(findTraces(canaries, texts)).toEqual([]);
  });
});
