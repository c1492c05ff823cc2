import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../apiserver/embedded/faults.ts';
import type { ApiServer } from '../apiserver/harness.ts';
import { readKubeconfig } from '../apiserver/kubeconfig.ts';

/** What happens to requests while it lasts. */
export interface RequestFault {
  /** Share of the requests that are hit, 0 to 1. */
  readonly share: number;
  /** One of these is answered instead of the API server's own answer. */
  readonly statuses: readonly (403 | 409 | 429 | 500 | 503)[];
  /** Share of the hit requests that are carried out all the same, so that only the answer is lost. Default 0. */
  readonly afterwards?: number;
  /** Default: every request, watches included. */
  readonly match?: (request: { readonly method: string; readonly path: string }) => boolean;
}

/**
 * A way to an API server on which things go wrong on request, for the real one as for the embedded one. Controllers that use `kubeconfig` go
 * through it; the test itself does not.
 */
export interface FaultProxy {
  /** Token in a file, so that it can be replaced. */
  readonly kubeconfig: string;
  /** Requests that came so far, refused ones included. */
  readonly requests: number;
  /** Open watches get nothing any more while their connections stay; new ones work. Returns how many. */
  freezeWatches(): number;
  /** Nothing comes through in either direction, on old and new connections, while all of them stay. */
  freeze(): void;
  thaw(): void;
  /** Breaks every connection. */
  cut(): void;
  /** Answers requests with errors until it is called again; without a fault everything works. */
  fail(fault?: RequestFault): void;
  /** Writes another token to the file and refuses the old one from now on. Open watches stay open. */
  replaceToken(): Promise<void>;
  /** How many requests came with a token that is refused. */
  readonly refused: number;
  stop(): Promise<void>;
}

const messages: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

export async function startFaultProxy(server: ApiServer, seed = 1): Promise<FaultProxy> {
  const target = await readKubeconfig(server.kubeconfig);
  const agent = new Agent({ ca: target.certificateAuthorityPem, keepAlive: true, maxSockets: 256 });
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-proxy-'));
  const random = seededRandom(seed);
  const watches = new Map<ServerResponse, IncomingMessage>();
  let fault: RequestFault | undefined;
  let isFrozen = false;
  let requests = 0;
  let refused = 0;
  let tokens = 0;

  const refuse = (response: ServerResponse, status: number) => {
    const message = `fault of the test: ${messages[status]}`;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(status === 429 ? { 'retry-after': '1' } : {}),
    });
    const reason = messages[status];
    response.end(
      JSON.stringify({
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        message,
        reason,
        code: status,
        details: {},
      }),
    );
  };

  const forward = async (incoming: IncomingMessage, response: ServerResponse, lostAs: number | undefined) => {
    const headers = { ...incoming.headers, host: new URL(target.server).host, authorization: `Bearer ${target.token}` };
    const outgoing = httpsRequest(`${target.server}${incoming.url}`, {
      method: incoming.method ?? 'GET',
      agent,
      headers,
    });
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    if (isFrozen) return;
    if (lostAs !== undefined) {
      answer.resume();
      await once(answer, 'end');
      refuse(response, lostAs);
      return;
    }
    if (/[?&]watch=(true|1)\b/.test(incoming.url ?? '')) watches.set(response, answer);
    answer.on('error', () => response.destroy());
    response.on('close', () => watches.delete(response));
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  };

  const proxy = createServer(async (incoming, response) => {
    requests++;
    if (isFrozen) return;
    if (incoming.headers.authorization !== `Bearer token-${tokens}`) {
      refused++;
      refuse(response, 401);
      return;
    }
    const request = { method: incoming.method ?? '', path: incoming.url ?? '' };
    const isHit = fault !== undefined && (fault.match?.(request) ?? true) && random() < fault.share;
    const status = isHit ? fault?.statuses[Math.floor(random() * fault.statuses.length)] : undefined;
    if (status !== undefined && random() >= (fault?.afterwards ?? 0)) {
      incoming.resume();
      refuse(response, status);
      return;
    }
    await forward(incoming, response, status).catch(() => response.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');

  const tokenFile = join(folder, 'token');
  const kubeconfig = join(folder, 'kubeconfig');
  const replaceToken = () => writeFile(tokenFile, `token-${++tokens}\n`, { mode: 0o600 });
  await replaceToken();
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` } }],
    users: [{ name: 'proxy', user: { tokenFile } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    'current-context': 'proxy',
  };
  await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  const freezeWatches = () => {
    for (const [response, answer] of watches) answer.unpipe(response);
    const count = watches.size;
    watches.clear();
    return count;
  };
  return {
    kubeconfig,
    get requests() {
      return requests;
    },
    get refused() {
      return refused;
    },
    freezeWatches,
    freeze() {
      isFrozen = true;
      freezeWatches();
    },
    thaw() {
      isFrozen = false;
      // As when a network comes back: what was on its way is lost, and so are the connections.
      proxy.closeAllConnections();
    },
    cut: () => proxy.closeAllConnections(),
    fail(next) {
      fault = next;
    },
    replaceToken,
    async stop() {
      proxy.close();
      proxy.closeAllConnections();
      agent.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
