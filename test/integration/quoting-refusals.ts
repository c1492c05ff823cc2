import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Json } from '../apiserver/client.ts';
import { createCertificateAuthority } from '../apiserver/embedded/certificates.ts';
import type { ApiServer } from '../apiserver/harness.ts';

/** What writes of Secrets in one namespace are refused with. */
export interface Refusal {
  readonly namespace: string;
  readonly status: 403 | 409 | 429 | 500;
  /** The one value that is written there, which the refusal quotes. */
  readonly value: string;
}

export interface Refusals {
  /** How often Secrets of the namespace were refused so far. */
  hits(namespace: string): number;
  /** Nothing is refused any more. */
  stop(): Promise<void>;
}

/**
 * Refuses to have Secrets written and quotes the values in every way an admission webhook may. On the real API server an admission webhook does
 * so; the one in memory, which has none, answers as a server does that asked one.
 */
export async function startQuotingRefusals(server: ApiServer, refusals: readonly Refusal[]): Promise<Refusals> {
  if (server.faults === undefined) return startWebhook(server, refusals);
  const { faults } = server;
  const active = new Map(
    refusals.map(({ namespace, status, value }) => [
      namespace,
      faults.fail({
        status,
        message: `admission webhook "quoting.waxwing.test" denied the request: ${quoted(value)}`,
        match: { verb: 'create', resource: 'secrets', namespace },
      }),
    ]),
  );
  return {
    hits: (namespace) => active.get(namespace)?.hits ?? 0,
    async stop() {
      for (const fault of active.values()) fault.remove();
    },
  };
}

/** The value at the beginning and, should somebody cut what is too long, in its middle: each way of writing it once. */
function quoted(value: string): string {
  const bytes = Buffer.from(value);
  const shifted = (by: number) => Buffer.concat([Buffer.alloc(by, 'x'), bytes]).toString('base64');
  const ways = [
    value,
    bytes.toString('base64'),
    bytes.toString('base64url'),
    shifted(1),
    shifted(2),
    bytes.toString('hex'),
    JSON.stringify(JSON.stringify({ password: value })),
    value.slice(10, 22),
  ];
  return `no password may be ${ways.map((way) => way.slice(0, 300)).join(' or ')}`;
}

const reasons = { 403: 'Forbidden', 409: 'Conflict', 429: 'TooManyRequests', 500: 'InternalError' } as const;
const configurations = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

async function startWebhook(server: ApiServer, refusals: readonly Refusal[]): Promise<Refusals> {
  const authority = createCertificateAuthority('admission webhook', Date.now());
  const { certificatePem, privateKeyPem } = authority.issue(['localhost'], ['127.0.0.1']);
  const hits = new Map<string, number>();
  const review = async (incoming: IncomingMessage, response: ServerResponse) => {
    const { request } = (await json(incoming)) as Json;
    hits.set(request.namespace, (hits.get(request.namespace) ?? 0) + 1);
    const refusal = refusals.find(({ namespace }) => namespace === request.namespace);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(reviewOf(request, refusal)));
  };
  // `stop` may end a connection in the middle of a review: the API server asks for a while after the configuration is gone.
  const webhook = createServer({ cert: certificatePem, key: privateKeyPem }, (incoming, response) => {
    review(incoming, response).catch(() => response.destroy());
  });
  webhook.listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  const { port } = webhook.address() as AddressInfo;
  const name = `quoting-${port}`;
  const configuration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'quoting.waxwing.test',
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: Buffer.from(authority.certificatePem).toString('base64'),
        },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] }],
        namespaceSelector: {
          matchExpressions: [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'In',
              values: refusals.map(({ namespace }) => namespace),
            },
          ],
        },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 10,
      },
    ],
  };
  const { status, body } = await server.request('POST', configurations, configuration);
  if (status !== 201) throw new Error(`webhook: ${status} ${JSON.stringify(body)}`);
  return {
    hits: (namespace) => hits.get(namespace) ?? 0,
    async stop() {
      await server.request('DELETE', `${configurations}/${name}`);
      webhook.close();
      webhook.closeAllConnections();
    },
  };
}

function reviewOf(request: Json, refusal: Refusal | undefined): Json {
  const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' };
  if (refusal === undefined) return { ...review, response: { uid: request.uid, allowed: true } };
  const message = quoted(refusal.value);
  return {
    ...review,
    response: {
      uid: request.uid,
      allowed: false,
      status: {
        code: refusal.status,
        reason: reasons[refusal.status],
        message,
        details: { causes: [{ reason: refusal.value, field: `data[${refusal.value}]`, message }] },
      },
      warnings: [message.slice(0, 200)],
    },
  };
}
