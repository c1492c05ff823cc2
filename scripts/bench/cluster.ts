import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  activeKeyLabelValue,
  emptyMetadata,
  formatJsonCompact,
  generateSealingKey,
  issueCertificate,
  keyIdAnnotation,
  keyIdOf,
  keyLabel,
  type Secret,
  sealedSecretDocument,
  sealSecret,
  sealValue,
} from '@waxwing/shared';
import { type ApiClient, connect } from '../../test/apiserver/client.ts';
import { type ApiServer, type AuditEvent, startApiServer } from '../../test/apiserver/harness.ts';
import { goToolsBlocker } from '../../test/apiserver/real/build.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { type ControllerProcess, startController, terminate } from '../programs.ts';
import { forEachConcurrently } from './pool.ts';

const writers = 32;

/** An API server with SealedSecrets for the controller to work on. The real one where there is Go. */
export interface BenchCluster {
  readonly server: ApiServer;
  readonly client: ApiClient;
  readonly logFile: string;
  startController(flags?: readonly string[], env?: Readonly<Record<string, string>>): Promise<ControllerProcess>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<BenchCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-bench-'));
  const server = await startApiServer({ kind: goToolsBlocker() === undefined ? 'real' : 'embedded' });
  const client = await connect(server.kubeconfig);
  const logFile = join(folder, 'controller.log');
  const controllers: ControllerProcess[] = [];
  return {
    server,
    client,
    logFile,
    async startController(flags = [], env = {}) {
      const controller = await startController({ kubeconfig: server.kubeconfig, logFile, flags, env });
      controllers.push(controller);
      return controller;
    },
    async stop() {
      for (const { child } of controllers) await terminate(child);
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A sealing key of the benchmark, written to the cluster as the controller's own format. */
export interface BenchKey {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The public test key of the vectors: making 4096-bit keys takes seconds that are not measured here. */
export async function installTestKey(client: ApiClient): Promise<BenchKey> {
  const file = join(import.meta.dirname, '../../test/vectors/test-keys/alpha.key.pem');
  return installKey(client, await readFile(file, 'utf8'), new Date());
}

export async function installNewKey(client: ApiClient, bits: number, notBefore: Date): Promise<BenchKey> {
  const { privateKey } = await generateSealingKey(bits);
  return installKey(client, privateKey.export({ type: 'pkcs1', format: 'pem' }) as string, notBefore);
}

async function installKey(client: ApiClient, keyPem: string, notBefore: Date): Promise<BenchKey> {
  const privateKey = createPrivateKey(keyPem);
  const publicKey = createPublicKey(privateKey);
  const certificate = await issueCertificate({
    privateKey,
    publicKey,
    commonName: '',
    notBefore,
    validForMs: 10 * 365 * 86_400_000,
    randomBytes: (length) => randomBytes(length),
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { generateName: 'sealed-secrets-key', labels: { [keyLabel]: activeKeyLabelValue } },
    type: 'kubernetes.io/tls',
    data: { 'tls.key': base64(keyPem), 'tls.crt': base64(certificate) },
  };
  await must(client, 'POST', '/api/v1/namespaces/kube-system/secrets', secret);
  return { keyId: keyIdOf(publicKey), privateKey, publicKey };
}

export interface Population {
  readonly objects: number;
  readonly items: number;
  readonly valueBytes: number;
  readonly namespaces: number;
  /** The key of an item, by the numbers of object and item. */
  readonly keyOf: (index: number, item: number) => BenchKey;
  readonly withHint?: boolean;
  /** Adds what `kubectl apply` leaves on objects: a last-applied annotation as large as the object. */
  readonly withLastApplied?: boolean;
  readonly namePrefix?: string;
  /** Namespaces are called `PREFIX-0` and so on; `bench` if left out. */
  readonly namespacePrefix?: string;
}

type Namespaces = Pick<Population, 'namespaces' | 'namespacePrefix'>;

export function namespaceOf({ namespaces, namespacePrefix = 'bench' }: Namespaces, index: number): string {
  return `${namespacePrefix}-${index % namespaces}`;
}

/** Creates namespaces and SealedSecrets; returns when all are stored. */
export async function populate(client: ApiClient, population: Population): Promise<void> {
  for (let index = 0; index < population.namespaces; index++) {
    const metadata = { name: namespaceOf(population, index) };
    const { status } = await client.request('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata,
    });
    if (status !== 201 && status !== 409) throw new Error(`namespace ${metadata.name}: ${status}`);
  }
  const indices = Array.from({ length: population.objects }, (_, index) => index);
  await forEachConcurrently(indices, writers, async (index) => {
    const namespace = namespaceOf(population, index);
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets?fieldManager=kubectl-client-side-apply`;
    await must(client, 'POST', path, sealedObject(population, namespace, index));
  });
}

/** A SealedSecret of the population with fresh values, as JSON. */
export function sealedObject(population: Population, namespace: string, index: number): string {
  const key = population.keyOf(index, 0);
  const data = new Map<string, Uint8Array>();
  for (let item = 0; item < population.items; item++) data.set(`item-${item}`, randomBytes(population.valueBytes));
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...emptyMetadata, name: `${population.namePrefix ?? 'secret'}-${index}`, namespace },
    type: 'Opaque',
    data,
  };
  const sealed = sealSecret(secret, { publicKey: key.publicKey, randomBytes });
  sealOtherItems(sealed.spec.encryptedData, population, secret, index);
  const annotations = new Map(sealed.metadata.annotations);
  if (population.withHint === true) annotations.set(keyIdAnnotation, key.keyId);
  const plain = formatJsonCompact(sealedSecretDocument({ ...sealed, metadata: { ...sealed.metadata, annotations } }));
  if (population.withLastApplied !== true) return plain;
  annotations.set('kubectl.kubernetes.io/last-applied-configuration', plain);
  return formatJsonCompact(sealedSecretDocument({ ...sealed, metadata: { ...sealed.metadata, annotations } }));
}

/** Seals again, each under its own key, the items that do not share the first one's. */
function sealOtherItems(
  encryptedData: ReadonlyMap<string, string>,
  population: Population,
  secret: Secret,
  index: number,
): void {
  const items = encryptedData as Map<string, string>;
  const first = population.keyOf(index, 0);
  const { name, namespace } = secret.metadata;
  for (let item = 1; item < population.items; item++) {
    const key = population.keyOf(index, item);
    const value = secret.data.get(`item-${item}`);
    if (key === first || value === undefined) continue;
    const label = { scope: 'strict', namespace, name } as const;
    items.set(`item-${item}`, sealValue(value, label, { publicKey: key.publicKey, randomBytes }));
  }
}

/** Sends a request that has to succeed. */
export async function must(client: ApiClient, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await client.request(method, path, body);
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
  return answer.body;
}

/** The value of a counter or gauge of the controller's metrics, summed over its labels; 0 where there is none. */
export async function metric(controller: ControllerProcess, name: string, labels = ''): Promise<number> {
  return metricIn(await metricsOf(controller), name, labels);
}

/** The metrics page. Reading it resets the event-loop delays. */
export async function metricsOf(controller: ControllerProcess): Promise<string> {
  return (await fetch(`${controller.metricsUrl}/metrics`)).text();
}

export function metricIn(page: string, name: string, labels = ''): number {
  return page
    .split('\n')
    .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

const metadataOnly = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' };

/** How many objects a list has. Lists from the API server's cache do not tell how many remain; those are counted, metadata only. */
export async function countOf(client: ApiClient, path: string): Promise<number> {
  const separator = path.includes('?') ? '&' : '?';
  const { body } = await client.request('GET', `${path}${separator}limit=1`, undefined, metadataOnly);
  const { continue: token = '', remainingItemCount } = body.metadata;
  if (token === '' || remainingItemCount !== undefined) return body.items.length + (remainingItemCount ?? 0);
  const all = await client.request('GET', path, undefined, metadataOnly);
  return all.body.items.length;
}

/** Waits for events to be posted, and takes as little of the machine as it can: what it waits for is being measured. */
export interface EventCounter {
  /** Resolves, when so many were posted since the counter was made, with the time at which the last one reached the API server (Unix, ms). */
  until(count: number): Promise<number>;
}

/** Reads the audit log now and then: a watch would make the API server write each event once more. */
export async function countEvents(server: ApiServer): Promise<EventCounter> {
  const next = await server.followAudit();
  const isPosted = ({ verb, resource, responseCode }: AuditEvent) =>
    verb === 'create' && resource === 'events' && responseCode === 201;
  const posted: AuditEvent[] = [];
  return {
    async until(count) {
      const isComplete = async () => {
        posted.push(...(await next()).filter(isPosted));
        return posted.length >= count;
      };
      await waitFor(isComplete, { timeoutMs: 600_000, what: `${count} events` });
      return Math.max(...posted.map(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp)));
    },
  };
}
