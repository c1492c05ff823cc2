import { afterAll } from 'vitest';
import type { ApiResponse, Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { type LeaseOptions, leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import type { ControllerOptions, ControllerProcess } from './controller-process.ts';
import { startController } from './controller-process.ts';
import { type SealRequest, seal } from './sealing.ts';

const sealedSecretsPath = (namespace: string) => `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
const corePath = (namespace: string, resource: string) => `/api/v1/namespaces/${namespace}/${resource}`;

/** An API server with a namespace for keys of this file's own, and short words for what the tests do with it. */
export interface Cluster {
  readonly server: ApiServer;
  /** Where the controllers of this file keep their keys. */
  readonly keyNamespace: string;
  createNamespace(): Promise<string>;
  /** Starts a controller that is stopped after the last test at the latest. */
  startController(options?: Partial<ControllerOptions>): Promise<ControllerProcess>;
  apply(sealedSecret: Json): Promise<Json>;
  /** Replaces the spec (and metadata parts) of a SealedSecret that is there. */
  change(namespace: string, name: string, change: (object: Json) => void): Promise<Json>;
  sealedSecret(namespace: string, name: string): Promise<Json>;
  deleteSealedSecret(namespace: string, name: string): Promise<void>;
  createSecret(secret: Json): Promise<Json>;
  /** The Secret with decoded data, or undefined. */
  secret(namespace: string, name: string): Promise<DecodedSecret | undefined>;
  deleteSecret(namespace: string, name: string): Promise<void>;
  patchSecret(namespace: string, name: string, patch: Json): Promise<Json>;
  /** Waits until the Secret has exactly this data. */
  secretWith(namespace: string, name: string, data: Record<string, string>): Promise<DecodedSecret>;
  /** The Synced condition once it speaks of the current generation, with this status (and reason, if given). */
  condition(namespace: string, name: string, status: string, reason?: string): Promise<Json>;
  /** Events of an object by that name, oldest first. */
  events(namespace: string, name: string): Promise<Json[]>;
  event(namespace: string, name: string, reason: string): Promise<Json>;
  /** Writes of controllers so far (audit log): `verb resource namespace/name`. */
  writes(since?: number): Promise<string[]>;
  /** Number of audit events so far, for {@link writes}. */
  mark(): Promise<number>;
}

export interface DecodedSecret {
  readonly data: Record<string, string>;
  readonly metadata: Json;
  readonly type: string;
  readonly immutable?: boolean;
}

async function must(answer: Promise<ApiResponse>): Promise<Json> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(body.message ?? body)}`);
  return body;
}

/**
 * Call once, at the top of a test file. The API server is the file's own as long as it runs: a controller looks at every namespace, so those of
 * two files would work on each other's objects.
 */
export async function startCluster(options: LeaseOptions = {}): Promise<Cluster> {
  const server = await leaseApiServer(options);
  const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
  const controllers: ControllerProcess[] = [];
  afterAll(async () => {
    await Promise.all(controllers.map((controller) => controller.stop()));
    await server.stop();
  });

  const get = async (path: string) => {
    const { status, body } = await server.request('GET', path);
    if (status === 404) return undefined;
    if (status !== 200) throw new Error(`GET ${path}: ${status}`);
    return body;
  };
  const secret = async (namespace: string, name: string) => {
    const raw = await get(`${corePath(namespace, 'secrets')}/${name}`);
    return raw === undefined ? undefined : decodeSecret(raw);
  };
  const events = async (namespace: string, name: string) => {
    const list = await get(`${corePath(namespace, 'events')}?fieldSelector=involvedObject.name%3D${name}`);
    return list.items as Json[];
  };
  const auditEvents = () => server.auditEvents();

  return {
    server,
    keyNamespace,
    createNamespace: () => createNamespace(server),
    async startController(options = {}) {
      const controller = await startController({ kubeconfig: server.kubeconfig, namespace: keyNamespace, ...options });
      controllers.push(controller);
      return controller;
    },
    apply: (sealedSecret) =>
      must(server.request('POST', sealedSecretsPath(sealedSecret.metadata.namespace), sealedSecret)),
    async change(namespace, name, change) {
      const path = `${sealedSecretsPath(namespace)}/${name}`;
      for (;;) {
        const object = await must(server.request('GET', path));
        change(object);
        const answer = await server.request('PUT', path, object);
        if (answer.status !== 409) return must(Promise.resolve(answer));
      }
    },
    sealedSecret: (namespace, name) => must(server.request('GET', `${sealedSecretsPath(namespace)}/${name}`)),
    async deleteSealedSecret(namespace, name) {
      await must(server.request('DELETE', `${sealedSecretsPath(namespace)}/${name}`));
    },
    createSecret: (object) =>
      must(
        server.request('POST', corePath(object.metadata.namespace, 'secrets'), {
          apiVersion: 'v1',
          kind: 'Secret',
          ...object,
        }),
      ),
    secret,
    async deleteSecret(namespace, name) {
      await must(server.request('DELETE', `${corePath(namespace, 'secrets')}/${name}`));
    },
    patchSecret: (namespace, name, patch) =>
      must(
        server.request('PATCH', `${corePath(namespace, 'secrets')}/${name}`, patch, {
          'content-type': 'application/merge-patch+json',
        }),
      ),
    async secretWith(namespace, name, data) {
      let last: DecodedSecret | undefined;
      const isThere = async () => {
        last = await secret(namespace, name);
        return JSON.stringify(sorted(last?.data ?? {})) === JSON.stringify(sorted(data)) && last;
      };
      const seen = () => JSON.stringify(Object.keys(last?.data ?? {}));
      return waitFor(isThere, { timeoutMs: 15_000, what: `Secret ${namespace}/${name}` }).catch((error) => {
        throw new Error(`${error.message} It has ${seen()}.`);
      });
    },
    async condition(namespace, name, status, reason) {
      let last: Json;
      const isThere = async () => {
        last = await get(`${sealedSecretsPath(namespace)}/${name}`);
        const condition = last?.status?.conditions?.find((entry: Json) => entry.type === 'Synced');
        if (last?.status?.observedGeneration !== last?.metadata.generation) return undefined;
        return condition?.status === status && (reason ?? condition.reason) === condition.reason && condition;
      };
      return waitFor(isThere, { timeoutMs: 15_000, what: `condition ${status} ${reason ?? ''}` }).catch((error) => {
        throw new Error(`${error.message} It is ${JSON.stringify(last?.status)}.`);
      });
    },
    events,
    event: (namespace, name, reason) =>
      waitFor(async () => (await events(namespace, name)).findLast((event) => event.reason === reason), {
        timeoutMs: 15_000,
        what: `event ${reason} of ${namespace}/${name}`,
      }),
    async writes(since = 0) {
      const isWrite = new Set(['create', 'update', 'patch', 'delete']);
      return (await auditEvents())
        .slice(since)
        .filter(({ verb, userAgent }) => isWrite.has(verb) && userAgent.startsWith('controller/'))
        .filter(({ resource }) => resource !== 'selfsubjectaccessreviews' && resource !== 'leases')
        .map(({ verb, resource, subresource, namespace, name, responseCode }) =>
          [
            verb,
            subresource === undefined ? resource : `${resource}/${subresource}`,
            `${namespace}/${name ?? ''}`,
            responseCode,
          ].join(' '),
        );
    },
    mark: async () => (await auditEvents()).length,
  };
}

function decodeSecret(raw: Json): DecodedSecret {
  const data = Object.entries((raw.data ?? {}) as Record<string, string>).map(([key, value]) => [
    key,
    Buffer.from(value, 'base64').toString(),
  ]);
  return { ...raw, data: Object.fromEntries(data) };
}

function sorted(data: Record<string, string>): [string, string][] {
  return Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The certificate that a controller hands out. */
export async function certificateOf(controller: ControllerProcess): Promise<string> {
  const { status, body } = await controller.request('/v1/cert.pem');
  if (status !== 200) throw new Error(`no certificate: ${status} ${body}`);
  return body;
}

/** A function that seals under the controller's certificate. */
export async function sealerOf(
  controller: ControllerProcess,
): Promise<(request: Omit<SealRequest, 'certificatePem'>) => Json> {
  const certificatePem = await certificateOf(controller);
  return (request) => seal({ certificatePem, ...request });
}
