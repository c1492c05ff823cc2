import { afterAll, expect } from 'vitest';
import { type ApiClient, type ApiResponse, connect, type Json, mediaTypes } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { leaseApiServer } from '../apiserver/leased-server.ts';
import { createNamespace } from '../apiserver/namespace.ts';

export interface Suite {
  readonly server: ApiServer;
  /** Cluster admin. */
  readonly admin: ApiClient;
  /** A namespace of this test file's own. */
  readonly namespace: string;
}

/** The server under test and a fresh namespace; call it once, at the top of a test file. */
export async function startSuite(): Promise<Suite> {
  const server = await leaseApiServer();
  afterAll(() => server.stop());
  const namespace = await createNamespace(server);
  return { server, admin: await connect(server.kubeconfig), namespace };
}

export { mediaTypes };

/** Path of a collection, or of one object of it, in the core group. */
export function corePath(namespace: string, resource: string, name?: string): string {
  return `/api/v1/namespaces/${namespace}/${resource}${name === undefined ? '' : `/${name}`}`;
}

export function sealedSecretPath(namespace: string, name?: string): string {
  return `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets${name === undefined ? '' : `/${name}`}`;
}

export function aSecret(name: string, extra: object = {}): Json {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name },
    type: 'Opaque',
    data: { password: 'c2VzYW1l' },
    ...extra,
  };
}

export function aConfigMap(name: string, labels: Record<string, string> = {}): Json {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { color: 'green' } };
}

export function aSealedSecret(name: string, spec: object = {}): Json {
  return {
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    metadata: { name },
    spec: { encryptedData: { password: 'AgBsealed' }, ...spec },
  };
}

/** Sends a request that has to succeed, and returns the answer's body. */
export async function succeed(answer: Promise<ApiResponse>): Promise<Json> {
  const { status, body } = await answer;
  if (status < 200 || status > 299) throw new Error(`Refused with ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Sends a request that has to be refused with this HTTP status and Status reason, and returns the Status. */
export async function refuse(answer: Promise<ApiResponse>, code: number, reason: string): Promise<Json> {
  const { status, body } = await answer;
  expect({ httpStatus: status, ...body }).toMatchObject({
    httpStatus: code,
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code,
    reason,
    message: expect.stringMatching(/\S/),
  });
  return body;
}
