import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { isSealedSecretsError, textAt } from '@waxwing/shared';
import type { CallOptions } from './api.ts';
import type { Credentials, Transport } from './auth.ts';
import {
  type ApiCall,
  ApiError,
  apiErrorFromNetwork,
  apiErrorFromResponse,
  describeCall,
  isCertificateFailure,
} from './errors.ts';
import { createGate, createTokenBucket, sleep } from './gate.ts';
import { createLineSplitter } from './lines.ts';

interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** `application/json` if left out. */
  readonly accept?: string;
  readonly call: ApiCall;
  readonly signal?: AbortSignal | undefined;
  /** Goes at once and is not repeated: leader election, which has deadlines of its own. */
  readonly urgent?: boolean;
  /** Asked right before each attempt is sent; see {@link CallOptions}. */
  readonly permit?: CallOptions['permit'] | undefined;
}

export interface TransportOptions {
  readonly userAgent: string;
  readonly maxConcurrentRequests: number;
  readonly requestTimeoutMs: number;
  /** Requests per second; undefined: no limit but the API server's own (429). */
  readonly qps: number | undefined;
  readonly burst: number;
  /** Each answer or failure: the status, or 0 where there was none. */
  readonly onRequest?: (call: ApiCall, status: number, seconds: number) => void;
  /** Something happened on behalf of the work that this signal can end: its request was sent, answered, or came nearer to its turn. */
  readonly onProgress?: (work: AbortSignal) => void;
  /** Monotonic milliseconds. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}

export interface ApiTransport {
  /** The parsed answer of a successful request. @throws ApiError; the signal's reason. */
  request(request: ApiRequest): Promise<unknown>;
  /**
   * Hands over the lines of an answer as they come. Resolves when the server ends it.
   *
   * @throws ApiError if it cannot be opened, breaks, or is silent for the idle time; the signal's reason.
   */
  stream(request: ApiRequest, receiver: StreamReceiver): Promise<void>;
}

interface StreamReceiver {
  /** So long the server may be silent, counted from the call. */
  readonly idleTimeoutMs: number;
  /** The answer began, with success. */
  onOpen?(): void;
  onLine(line: string): void;
}

/** How often one call is sent again because the API server asked for patience; the queue has more of it. */
const patientRetries = 4;
const longestRetryAfterMs = 30_000;
/** All pauses of one call together: its place among the concurrent requests is missing to others, and those wait as well. */
const longestPatienceMs = 60_000;

/** HTTP/1.1 with pooled connections: as fast against kube-apiserver as HTTP/2 or undici (measured), and one dependency less. */
export function createApiTransport(credentials: Credentials, options: TransportOptions): ApiTransport {
  const gate = createGate(options.maxConcurrentRequests);
  const bucket =
    options.qps === undefined || options.qps < 0
      ? undefined
      : createTokenBucket(options.qps, options.burst, options.now);

  async function transportFor(request: ApiRequest): Promise<Transport> {
    try {
      return await credentials.current();
    } catch (error) {
      throw credentialsError(request.call, error);
    }
  }

  /** True if other credentials can be tried than those that were just refused. */
  async function renewed(used: Transport): Promise<boolean> {
    return credentials.renew(used).catch(() => false);
  }

  async function measured<T>(request: ApiRequest, run: () => Promise<T>, statusOf: (value: T) => number): Promise<T> {
    const startMs = options.now();
    let status = 0;
    try {
      const value = await run();
      status = statusOf(value);
      return value;
    } catch (error) {
      if (error instanceof ApiError) status = error.status;
      throw error;
    } finally {
      progress(request);
      options.onRequest?.(request.call, status, (options.now() - startMs) / 1000);
    }
  }

  function progress({ signal }: ApiRequest): void {
    if (signal !== undefined) options.onProgress?.(signal);
  }

  async function attempt(request: ApiRequest, transport: Transport): Promise<unknown> {
    // Not part of what is measured: nothing is sent if it throws.
    request.permit?.();
    progress(request);
    return measured(
      request,
      async () => {
        const exchange = await open(request, transport, options, options.requestTimeoutMs);
        const { response } = exchange;
        const body = parseBody(await readAll(exchange), response, request.call);
        const status = response.statusCode ?? 0;
        if (status >= 400) throw apiErrorFromResponse(request.call, status, body, retryAfterMs(response));
        return { status, body };
      },
      (answer) => answer.status,
    ).then((answer) => answer.body);
  }

  /** Repeats what is worth repeating at once or when the API server said so; everything else is the caller's to decide. */
  async function send(request: ApiRequest): Promise<unknown> {
    let renewals = 0;
    let resets = 0;
    let waitedMs = 0;
    for (let patience = 0; ; ) {
      if (request.urgent !== true) await bucket?.take(request.signal);
      const transport = await transportFor(request);
      try {
        return await attempt(request, transport);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (isRefusal(error) && renewals++ === 0 && (await renewed(transport))) continue;
        // The server closed a pooled connection just when it was used. Every write of ours may be repeated (architecture 4).
        if (isStaleSocket(error) && resets++ === 0) continue;
        if (error.retryAfterMs === undefined || request.urgent === true || patience++ >= patientRetries) throw error;
        const delayMs = Math.min(error.retryAfterMs, longestRetryAfterMs) * (1 + options.random() / 4);
        waitedMs += delayMs;
        if (waitedMs > longestPatienceMs) throw error;
        await sleep(delayMs, request.signal);
      }
    }
  }

  return {
    async request(request) {
      if (request.urgent === true) return send(request);
      // One that may not be sent need not wait for that.
      request.permit?.();
      const leave = await gate.enter(request.signal, () => progress(request));
      try {
        return await send(request);
      } finally {
        leave();
      }
    },
    async stream(request, receiver) {
      for (let renewals = 0; ; renewals++) {
        const transport = await transportFor(request);
        try {
          await measured(
            request,
            () => streamOnce(request, transport, options, receiver),
            () => 200,
          );
          return;
        } catch (error) {
          if (renewals === 0 && error instanceof ApiError && isRefusal(error) && (await renewed(transport))) continue;
          throw error;
        }
      }
    },
  };
}

function isRefusal(error: ApiError): boolean {
  return error.status === 401 || isCertificateFailure(error.cause);
}

function isStaleSocket(error: ApiError): boolean {
  return error.cause instanceof ReusedSocketError;
}

/** A pooled connection broke before the answer began. */
class ReusedSocketError extends Error {
  readonly code: string;

  constructor(cause: unknown) {
    super('a pooled connection was closed', { cause });
    this.code = 'ECONNRESET';
  }
}

function credentialsError(call: ApiCall, error: unknown): unknown {
  if (isSealedSecretsError(error)) return error;
  const code = textAt(error, 'code');
  const why = code === '' ? '' : ` (${code})`;
  // The cause of a failed plugin is its stderr, which is nobody's to log.
  return new ApiError('ApiUnavailable', `${describeCall(call)}: the credentials cannot be read${why}`, { status: 0 });
}

interface Exchange {
  readonly response: IncomingMessage;
  /** The server is alive: the time starts again. */
  heard(): void;
  /** What a failed body has to be reported as: Node says "aborted" whatever ended it. */
  failure(error: unknown): unknown;
}

/** Sends the request and waits for the answer's head. After `timeoutMs` without `heard` everything ends, body included. */
function open(
  request: ApiRequest,
  transport: Transport,
  options: TransportOptions,
  timeoutMs: number,
): Promise<Exchange> {
  const { server, agent, headers } = transport;
  const { signal } = request;
  signal?.throwIfAborted();
  const permitted = request.permit?.();
  const { promise, resolve, reject } = Promise.withResolvers<Exchange>();
  const outgoing = requestFor(server)({
    protocol: server.protocol,
    hostname: server.hostname.replace(/^\[|\]$/g, ''),
    port: server.port,
    path: `${server.pathname.replace(/\/$/, '')}${request.path}`,
    method: request.method,
    agent,
    headers: {
      'user-agent': options.userAgent,
      accept: request.accept ?? 'application/json',
      ...(request.body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(request.body) }),
      ...headers,
    },
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    outgoing.destroy(timeoutError());
  }, timeoutMs);
  const onAbort = () => outgoing.destroy(new Error('aborted'));
  const failure = (error: unknown) => translate(request, permitted, timedOut ? timeoutError() : error);
  signal?.addEventListener('abort', onAbort, { once: true });
  permitted?.addEventListener('abort', onAbort, { once: true });
  outgoing.on('close', () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    permitted?.removeEventListener('abort', onAbort);
  });
  outgoing.on('error', (error) => reject(failure(asReused(error, outgoing))));
  outgoing.on('response', (response) => resolve({ response, heard: () => timer.refresh(), failure }));
  if (request.permit === undefined) outgoing.end(request.body);
  else outgoing.once('socket', (socket) => whenConnected(socket, () => endIfPermitted(outgoing, request)));
  return promise;
}

/** Connecting takes time, over which the process may have slept: nothing is handed to a connection before it is open. */
function whenConnected(socket: Socket, onConnected: () => void): void {
  const { secureConnecting } = socket as { secureConnecting?: boolean };
  if (secureConnecting === true) socket.once('secureConnect', onConnected);
  else if (socket.connecting) socket.once('connect', onConnected);
  else onConnected();
}

function endIfPermitted(outgoing: ClientRequest, { permit, body }: ApiRequest): void {
  try {
    permit?.();
    outgoing.end(body);
  } catch (error) {
    outgoing.destroy(error as Error);
  }
}

function requestFor(server: URL): (options: RequestOptions) => ClientRequest {
  return server.protocol === 'http:' ? httpRequest : httpsRequest;
}

function timeoutError(): Error {
  return Object.assign(new Error('timed out'), { code: 'ERR_TIMEOUT' });
}

function asReused(error: unknown, outgoing: ClientRequest): unknown {
  const code = textAt(error, 'code');
  return outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE') ? new ReusedSocketError(error) : error;
}

function translate(request: ApiRequest, permitted: AbortSignal | undefined, error: unknown): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  if (permitted?.aborted) return permitted.reason;
  return isSealedSecretsError(error) ? error : apiErrorFromNetwork(request.call, error);
}

async function readAll(exchange: Exchange): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of exchange.response) chunks.push(chunk);
  } catch (error) {
    throw exchange.failure(error);
  }
  return chunks.length === 1 ? String(chunks[0]) : Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string, response: IncomingMessage, call: ApiCall): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy between us and the API server answered; what it says is not ours to repeat.
    if ((response.statusCode ?? 0) >= 400) return undefined;
    throw new ApiError('ApiUnavailable', `${describeCall(call)}: the answer is not JSON`, { status: 0 });
  }
}

/** Seconds, or a date. */
function retryAfterMs(response: IncomingMessage): number | undefined {
  const status = response.statusCode ?? 0;
  const text = response.headers['retry-after'];
  if (status === 429 && text === undefined) return 1000;
  if (text === undefined || (status !== 429 && status < 500)) return undefined;
  const seconds = Number(text);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : 1000;
}

async function streamOnce(
  request: ApiRequest,
  transport: Transport,
  options: TransportOptions,
  receiver: StreamReceiver,
): Promise<void> {
  const exchange = await open(request, transport, options, receiver.idleTimeoutMs);
  const { response } = exchange;
  const status = response.statusCode ?? 0;
  if (status >= 400) {
    const body = parseBody(await readAll(exchange), response, request.call);
    throw apiErrorFromResponse(request.call, status, body, retryAfterMs(response));
  }
  receiver.onOpen?.();
  const splitter = createLineSplitter((line) => receiver.onLine(line));
  try {
    for await (const chunk of response) {
      exchange.heard();
      splitter.push(chunk as Buffer);
    }
  } catch (error) {
    throw exchange.failure(error);
  }
}
