import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Json, mediaTypes } from '../apiserver/client.ts';
import { writeKubeconfig } from '../apiserver/kubeconfig.ts';
import { createCanary, findTraces, linesOfKey } from './canary.ts';
import { startCluster } from './cluster.ts';
import { type CommandResult, runCommand } from './command-line.ts';
import { exposeLocalPort } from './controller-service.ts';
import { createAccount, keyAdminRules, unsealerRules } from './roles.ts';
import { type SealRequest, seal } from './sealing.ts';

// A cluster as upstream's controller leaves it, before its image is swapped: what `waxwing doctor --migrate` says of it, and whether that
// comes true when our controller starts.

const cluster = await startCluster();
const { server, keyNamespace } = cluster;
const vectors = join(import.meta.dirname, '../vectors/test-keys');
const pem = (file: string) => readFileSync(join(vectors, file), 'utf8');

const service = 'sealed-secrets-controller';
/** What is in the Secrets. */
const canary = createCanary();
/** What upstream quotes in a message. */
const quoted = createCanary();
const managed = 'sealedsecrets.bitnami.com/managed';
const unmanaged = (name: string) =>
  `failed update: Resource "${name}" already exists and is not managed by SealedSecret`;

interface Situation extends Partial<SealRequest> {
  readonly name: string;
  /** What the doctor has to find; nothing by default. */
  readonly codes?: readonly string[];
  /** Status and reason once our controller has looked at it. */
  readonly becomes?: readonly [status: string, reason: string];
  /** The message of upstream's condition; without one it is synced. */
  readonly failure?: string;
  /** What is different in the Secret from what upstream would have written, or that there is none. */
  readonly secret?:
    | 'none'
    | { readonly metadata?: Json; readonly type?: string; readonly data?: Record<string, string> };
  /** Changes the object before it is applied. */
  readonly change?: (sealed: Json) => void;
}

const a = { a: canary };
const withTemplate = (data: Record<string, string | null>) => (sealed: Json) => {
  sealed.spec.template.data = data;
};

const situations: readonly Situation[] = [
  { name: 'fine' },
  { name: 'fine-wide', labels: { team: 'a' }, scope: 'cluster-wide' },
  {
    name: 'cut',
    codes: ['object-invalid'],
    becomes: ['False', 'MalformedItem'],
    failure: 'illegal base64 data at input byte 3 (a)',
    secret: 'none',
    change: (sealed) => {
      sealed.spec.encryptedData.a = 'AgB!';
    },
  },
  {
    name: 'unclosed',
    codes: ['object-invalid'],
    becomes: ['False', 'TemplateError'],
    failure: 'template: x:1: unclosed action (x)',
    secret: 'none',
    change: withTemplate({ x: '{{ .a' }),
  },
  {
    name: 'failing-template',
    codes: ['object-retried'],
    becomes: ['False', 'TemplateError'],
    // As upstream has it: the value stands in the message.
    failure: `template: x:1:3: executing "x" at <fail .a>: error calling fail: ${quoted} (x)`,
    secret: 'none',
    change: withTemplate({ x: '{{ fail .a }}' }),
  },
  {
    name: 'moved',
    codes: ['object-keeps-failing'],
    becomes: ['False', 'SealedForOtherName'],
    failure: 'no key could decrypt secret (a)',
    secret: 'none',
    change: (sealed) => {
      sealed.metadata.name = 'moved';
      sealed.spec.encryptedData = sealIt({ name: 'elsewhere', data: a }).spec.encryptedData;
      sealed.spec.template.metadata.name = 'elsewhere';
    },
  },
  {
    name: 'scope-mended',
    codes: ['object-recovers'],
    scope: 'namespace-wide',
    failure: 'no key could decrypt secret (a)',
    secret: 'none',
  },
  {
    name: 'scope-lost',
    codes: ['object-breaks'],
    becomes: ['False', 'ScopeAnnotationMissing'],
    scope: 'namespace-wide',
    change: (sealed) => {
      delete sealed.metadata.annotations;
    },
  },
  {
    name: 'foreign',
    codes: ['secret-foreign'],
    becomes: ['False', 'NotManaged'],
    secret: { metadata: { ownerReferences: [] } },
  },
  {
    name: 'foreign-all-along',
    codes: ['object-keeps-failing'],
    becomes: ['False', 'NotManaged'],
    failure: unmanaged('foreign-all-along'),
    secret: { metadata: { ownerReferences: [] } },
  },
  {
    name: 'handed-over',
    codes: ['secret-taken-over'],
    secret: { metadata: { ownerReferences: [], annotations: { [managed]: 'true' } } },
  },
  {
    name: 'ownerless',
    codes: ['owner-skipped'],
    failure: unmanaged('ownerless'),
    annotations: { 'sealedsecrets.bitnami.com/skip-set-owner-references': 'true' },
    secret: { metadata: { ownerReferences: [] } },
  },
  {
    name: 'other-type',
    codes: ['secret-type'],
    becomes: ['False', 'ImmutableSecret'],
    type: 'example.com/mine',
    secret: { type: 'Opaque' },
  },
  {
    name: 'immutable',
    codes: ['secret-immutable'],
    becomes: ['False', 'ImmutableSecret'],
    immutable: true,
    secret: { data: { a: canary, more: canary } },
  },
  {
    name: 'token',
    codes: ['type-refused'],
    becomes: ['False', 'ForbiddenType'],
    type: 'kubernetes.io/service-account-token',
    secret: 'none',
  },
  { name: 'deleted', codes: ['secret-missing'], secret: 'none' },
  { name: 'lacking', codes: ['secret-entries-missing'], data: { a: canary, b: canary }, secret: { data: a } },
  { name: 'extended', codes: ['secret-entries-extra'], secret: { data: { a: canary, more: canary } } },
  {
    name: 'relabelled',
    codes: ['secret-metadata'],
    labels: { team: 'a' },
    secret: { metadata: { labels: { team: 'b', other: 'c' } } },
  },
  {
    name: 'random',
    codes: ['template-volatile'],
    secret: { data: { a: canary, x: canary } },
    change: withTemplate({ x: '{{ randAlphaNum 8 }}' }),
  },
];

let namespace: string;
const sealIt = (request: Pick<SealRequest, 'name' | 'data'> & Partial<SealRequest>) =>
  seal({ certificatePem: pem('alpha.crt.pem'), namespace, ...request });

beforeAll(async () => {
  namespace = await cluster.createNamespace();
  await createKey('key-alpha', 'alpha.key.pem', 'alpha.crt.pem');
  await createKey('key-broken', 'not-a-key.txt', 'alpha.crt.pem');
  await createKey('key-mixed', 'delta.key.pem', 'charlie.crt.pem');
  await createUpstream();
  for (const situation of situations) await leave(situation);
});

async function must(answer: Promise<{ readonly status: number; readonly body: Json }>): Promise<Json> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body;
}

async function createKey(name: string, key: string, certificate: string): Promise<void> {
  const labels = { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'active' };
  const stringData = { 'tls.key': pem(key), 'tls.crt': pem(certificate) };
  await cluster.createSecret({
    metadata: { namespace: keyNamespace, name, labels },
    type: 'kubernetes.io/tls',
    stringData,
  });
}

/** Deployment and roles of upstream, and a Service behind which somebody hands out the certificate of a key that no Secret has. */
async function createUpstream(): Promise<void> {
  const account = await createAccount(server, keyNamespace);
  await account.grant(unsealerRules);
  await account.grant(keyAdminRules, keyNamespace);
  const labels = { name: service };
  const container = {
    name: service,
    image: 'docker.io/bitnami/sealed-secrets-controller:0.40.0',
    command: ['controller'],
    args: ['--max-unseal-retries=10', '--kubeclient-qps=50'],
    env: [{ name: 'SEALED_SECRETS_KEY_RENEW_PERIOD', value: '30d' }],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 } },
    resources: { limits: { memory: '128Mi' } },
  };
  const template = { metadata: { labels }, spec: { serviceAccountName: account.name, containers: [container] } };
  await must(
    server.request('POST', `/apis/apps/v1/namespaces/${keyNamespace}/deployments`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: service },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    }),
  );
  const upstream = createServer((_request, response) => response.end(pem('charlie.crt.pem'))).listen(0, '127.0.0.1');
  afterAll(() => {
    upstream.close();
  });
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  await exposeLocalPort(server, `http://127.0.0.1:${port}`, { namespace: keyNamespace, name: service });
}

/** An object, its status and its Secret as upstream left them. */
async function leave({
  name,
  failure,
  secret = {},
  change,
  codes,
  becomes,
  data = a,
  ...rest
}: Situation): Promise<void> {
  const sealed = sealIt({ name, data, ...rest });
  change?.(sealed);
  const { metadata } = await cluster.apply(sealed);
  const synced = failure === undefined ? { status: 'True' } : { status: 'False', message: failure };
  const status = { observedGeneration: metadata.generation, conditions: [{ type: 'Synced', ...synced }] };
  const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${name}/status`;
  await must(server.request('PATCH', path, { status }, mediaTypes.mergePatch));
  if (secret === 'none') return;
  const { template } = sealed.spec;
  const owner = { apiVersion: 'bitnami.com/v1alpha1', kind: 'SealedSecret', name, uid: metadata.uid, controller: true };
  await cluster.createSecret({
    metadata: { ...template.metadata, namespace, name, ownerReferences: [owner], ...secret.metadata },
    type: secret.type ?? template.type,
    stringData: secret.data ?? data,
    ...(template.immutable === undefined ? {} : { immutable: template.immutable }),
  });
}

function doctor(args: readonly string[], kubeconfig = server.kubeconfig): Promise<CommandResult> {
  const where = ['--kubeconfig', kubeconfig, '--controller-namespace', keyNamespace];
  return runCommand('waxwing', ['doctor', ...where, ...args], { cwd: tmpdir() });
}

/** Codes by name, of one kind of object. */
function codesOf(report: Json, kind: string): Record<string, string[]> {
  const found = report.findings.filter((finding: Json) => finding.kind === kind);
  const byName = Map.groupBy(found, ({ name }: Json) => name as string);
  return Object.fromEntries(Array.from(byName, ([name, findings]) => [name, findings.map(({ code }: Json) => code)]));
}

/** Somebody who may read what the doctor reads, and nothing else. */
async function createReader() {
  const reader = await createAccount(server, keyNamespace);
  await reader.grant([
    { apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['list'] },
    { apiGroups: [''], resources: ['secrets'], verbs: ['list'] },
    { apiGroups: ['apiextensions.k8s.io'], resources: ['customresourcedefinitions'], verbs: ['get'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
  ]);
  await reader.grant(
    [
      { apiGroups: [''], resources: ['services', 'services/proxy'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['deployments'], verbs: ['list'] },
    ],
    keyNamespace,
  );
  return reader;
}

/** A way to the API server on which its answers are kept, by path. */
async function recordAnswers() {
  const answers = new Map<string, string>();
  const proxy = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const body = method === 'POST' ? JSON.parse(await text(request)) : undefined;
    const answer = await server.request(method, url, body, { accept: headers.accept ?? '' });
    const sent = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    answers.set(url, sent);
    response.writeHead(answer.status).end(sent);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    proxy.close();
  });
  await once(proxy, 'listening');
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'waxwing-doctor-')), 'kubeconfig');
  onTestFinished(() => rmSync(dirname(kubeconfig), { recursive: true }));
  await writeKubeconfig(kubeconfig, { server: url, certificateAuthorityPem: '', token: 'any' }, 'reader');
  return { kubeconfig, answers };
}

describe('waxwing doctor --migrate', () => {
  it('finds each object that will be different, and no other', async () => {
    const { status, stdout, stderr } = await doctor(['--migrate', '--json']);
    expect({ status, stderr }).toEqual({ status: 4, stderr: '' });
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ mode: 'migration', complete: true, notRead: [] });
    expect(codesOf(report, 'CustomResourceDefinition')).toEqual({});
    const expected = situations.filter(({ codes }) => codes !== undefined).map(({ name, codes }) => [name, codes]);
    expect(codesOf(report, 'SealedSecret')).toEqual(Object.fromEntries(expected));
    expect(codesOf(report, 'Secret')).toEqual({
      'key-alpha': ['key-not-backed-up'],
      'key-broken': ['key-invalid'],
      'key-mixed': ['key-mismatch'],
    });
    expect(Object.values(codesOf(report, 'Deployment')).flat().sort()).toEqual([
      'memory-limit',
      'readiness',
      'sealing-key-without-secret',
      'setting-changed',
      'setting-ignored',
      'setting-invalid',
    ]);
    expect(Object.values(codesOf(report, 'ServiceAccount'))).toEqual([['permission-optional']]);
    const foreign = report.findings.find((finding: Json) => finding.name === 'foreign');
    expect(foreign.remedy).toContain(`kubectl -n ${namespace} annotate secret foreign ${managed}=true`);
  });

  it('says it to people, in groups, and never a value', async () => {
    const { status, stdout, stderr } = await doctor(['--migrate']);
    expect(status).toBe(4);
    expect(stdout).toContain(`error secret-foreign (1): `);
    expect(stdout).toContain(`\n  - ${namespace}/foreign: without an owner\n`);
    expect(stdout).toContain('SEALED_SECRETS_KEY_RENEW_PERIOD: "30d" is not allowed');
    expect(stderr).toMatch(/sealed-secrets-controller:0\.40\.0\)\n\d+ SealedSecrets, \d+ Secrets, 1 key: \d+ errors/);
    const secrets = [canary, quoted, ...linesOfKey(pem('alpha.key.pem'))];
    expect(findTraces(secrets, { stdout, stderr })).toEqual([]);
  });

  it('needs to list and get, and changes nothing', async () => {
    const reader = await createReader();
    const mark = await cluster.mark();
    const { status } = await doctor(['--migrate'], reader.kubeconfig);
    expect(status).toBe(4);
    const requests = (await server.auditEvents()).slice(mark).filter(({ user }) => user.endsWith(reader.name));
    const others = requests.filter(({ verb }) => verb !== 'get' && verb !== 'list');
    expect([...new Set(others.map(({ verb, resource }) => `${verb} ${resource}`))]).toEqual([
      'create subjectaccessreviews',
    ]);
  });

  it('has no value of these Secrets sent, and long lists in pages', async () => {
    const { kubeconfig, answers } = await recordAnswers();
    expect((await doctor(['--migrate'], kubeconfig)).status).toBe(4);
    const lists = [...answers.keys()].filter((path) => /^\/api.*\/(sealed)?secrets\?/.test(path));
    expect(lists.length).toBeGreaterThan(2);
    expect(lists.filter((path) => !path.includes('limit='))).toEqual([]);
    expect(findTraces([canary], Object.fromEntries(answers))).toEqual([]);
  });

  it('goes on without what may not be read, names the rules, and ends with 3', async () => {
    const account = await createAccount(server, keyNamespace);
    await account.grant([{ apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['list'] }]);
    const { status, stdout } = await doctor(['--migrate', '--json'], account.kubeconfig);
    expect(status).toBe(3);
    const report = JSON.parse(stdout);
    expect(report.complete).toBe(false);
    expect(report.notRead.map(({ rule }: Json) => rule)).toEqual(
      expect.arrayContaining([
        '{apiGroups: [""], resources: [secrets], verbs: [list]}',
        '{apiGroups: ["apps"], resources: [deployments], verbs: [list]}',
        '{apiGroups: ["apiextensions.k8s.io"], resources: [customresourcedefinitions], verbs: [get]}',
      ]),
    );
    expect(codesOf(report, 'SealedSecret')).toMatchObject({ cut: ['object-invalid'], moved: ['object-retried'] });
  });

  it('says where to look when the controller is not where it was said to be', async () => {
    const { status, stdout } = await doctor(['--migrate', '--controller-namespace', namespace]);
    expect(status).toBe(3);
    expect(stdout).toContain('--controller-namespace and --controller-name');
    expect(stdout).not.toContain('no-keys');
  });
});

describe('after the swap', () => {
  it('everything is as it was said', async () => {
    await cluster.startController();
    for (const { name, becomes: [status, reason] = ['True', 'Unsealed'] } of situations) {
      await cluster.condition(namespace, name, status, reason);
    }
    const read = async (name: string) => await cluster.secret(namespace, name);
    expect(await read('deleted')).toMatchObject({ data: a });
    expect(await read('scope-mended')).toMatchObject({ data: a });
    expect((await read('lacking'))?.data).toEqual({ a: canary, b: canary });
    expect((await read('extended'))?.data).toEqual(a);
    expect((await read('relabelled'))?.metadata.labels).toEqual({ team: 'a' });
    expect((await read('handed-over'))?.metadata.annotations).toBeUndefined();
    expect((await read('random'))?.data['x']).toBe(canary);
    expect(await read('token')).toBeUndefined();
    for (const name of ['foreign', 'scope-lost', 'other-type']) expect((await read(name))?.data).toEqual(a);
  });

  it('the doctor tells which objects need somebody, in the words of their conditions', async () => {
    const { status, stdout } = await doctor(['--json']);
    expect(status).toBe(4);
    const report = JSON.parse(stdout);
    const failing = situations.filter(({ becomes, codes }) => becomes !== undefined && codes?.[0] !== 'object-invalid');
    expect(report).toMatchObject({ mode: 'health', complete: true });
    for (const { name, becomes = [] } of failing) {
      expect(report.findings).toContainEqual(
        expect.objectContaining({ code: 'object-failing', name, detail: expect.stringMatching(`^${becomes[1]}: `) }),
      );
    }
    expect(Object.keys(codesOf(report, 'SealedSecret')).sort()).toEqual(
      [...failing.map(({ name }) => name), 'cut', 'unclosed'].sort(),
    );
    expect(findTraces([canary, quoted], { stdout })).toEqual([]);
  });
});
