import { once } from 'node:events';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { readKubeconfig } from './kubeconfig.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers of an API server are looked into by tests, which say what they expect of them.
export type Json = any;

export interface ApiResponse {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if the answer is JSON, otherwise the text. */
  readonly body: Json;
}

/** Content types of the four kinds of patch, as headers. */
export const mediaTypes = {
  mergePatch: { 'content-type': 'application/merge-patch+json' },
  jsonPatch: { 'content-type': 'application/json-patch+json' },
  strategicMerge: { 'content-type': 'application/strategic-merge-patch+json' },
  apply: { 'content-type': 'application/apply-patch+yaml' },
} as const;

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Json;
}

/** An open watch. Nothing is lost between two calls: events wait until they are asked for. */
export interface Watch extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** The next event, or `undefined` when the server has ended the watch. Throws after `timeoutMs` (10 s). */
  next(timeoutMs?: number): Promise<WatchEvent | undefined>;
  /** Events up to and including the first that fits; throws if the watch ends or `timeoutMs` (10 s) pass before. */
  until(fits: (event: WatchEvent) => boolean, timeoutMs?: number): Promise<WatchEvent[]>;
}

/** A plain HTTP client of one identity: no retries, no cache, no knowledge of resources. */
export interface ApiClient {
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiResponse>;
  /** Opens a watch; `path` has to carry `watch=true`. A refusal is an answer too: look at `status`. */
  watch(path: string, headers?: Readonly<Record<string, string>>): Promise<Watch>;
}

/** A client for the current context of a kubeconfig that the harness wrote. */
export async function connect(kubeconfig: string): Promise<ApiClient> {
  const connection = await readKubeconfig(kubeconfig);
  const isHttp = connection.server.startsWith('http://');
  const limits = { keepAlive: true, maxSockets: 64 };
  const agent = isHttp ? new HttpAgent(limits) : new HttpsAgent({ ca: connection.certificateAuthorityPem, ...limits });
  const startRequest = isHttp ? httpRequest : httpsRequest;

  async function send(
    method: string,
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>>,
  ): Promise<IncomingMessage> {
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const request = startRequest(`${connection.server}${path}`, {
      method,
      agent,
      headers: {
        authorization: `Bearer ${connection.token}`,
        accept: 'application/json',
        'user-agent': 'waxwing-test',
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
        ...headers,
      },
    });
    // An error after the answer began is the answer's to report; without a listener here it would end the process.
    request.on('error', () => {});
    request.end(payload);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  }

  return {
    async request(method, path, body, headers = {}) {
      const response = await send(method, path, body, headers);
      const text = await readText(response);
      const isJson = /[/+]json\b/.test(response.headers['content-type'] ?? '');
      return {
        status: response.statusCode ?? 0,
        headers: responseHeaders(response),
        body: isJson && text !== '' ? JSON.parse(text) : text,
      };
    },
    async watch(path, headers = {}) {
      return openWatch(await send('GET', path, undefined, headers));
    },
  };
}

function responseHeaders(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  return headers;
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function openWatch(response: IncomingMessage): Watch {
  const waiting: WatchEvent[] = [];
  let ended = false;
  let wake = () => {};
  const lines = createInterface({ input: response });
  lines.on('line', (line) => {
    waiting.push(JSON.parse(line));
    wake();
  });
  const end = () => {
    ended = true;
    wake();
  };
  lines.on('close', end);
  // readline passes on what goes wrong with its input, a reset connection for example: the watch is over.
  lines.on('error', end);
  response.on('error', end);

  async function next(timeoutMs = 10_000): Promise<WatchEvent | undefined> {
    const deadline = performance.now() + timeoutMs;
    while (waiting.length === 0 && !ended) {
      const remainingMs = deadline - performance.now();
      if (remainingMs <= 0) throw new Error(`The watch sent nothing within ${timeoutMs} ms.`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remainingMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return waiting.shift();
  }

  return {
    status: response.statusCode ?? 0,
    headers: responseHeaders(response),
    next,
    async until(fits, timeoutMs = 10_000) {
      const deadline = performance.now() + timeoutMs;
      const events: WatchEvent[] = [];
      for (;;) {
        const event = await next(Math.max(1, deadline - performance.now()));
        if (event === undefined)
          throw new Error(`The watch ended after ${events.length} events, before the awaited one.`);
        events.push(event);
        if (fits(event)) return events;
      }
    },
    async [Symbol.asyncDispose]() {
      response.destroy();
    },
  };
}
