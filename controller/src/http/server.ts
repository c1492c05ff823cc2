import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { SealedSecret } from '@waxwing/shared';
import { isSealedSecretsError } from '@waxwing/shared';
import type { ListenAddress } from '@waxwing/shared/settings';
import type { Express, NextFunction, Request, Response } from 'express';
import express from 'express';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { type BodyFailure, readBody } from './body.ts';
import type { Budget, MemoryBudget, RateDecision, RateLimiter, Turns } from './limits.ts';
import { createTurns } from './limits.ts';

/** Why a caller gets no answer. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
}

type Endpoint = 'verify' | 'rotate';

/** Somebody whose token was good. */
export interface Caller {
  /** Undefined if the caller may use the endpoint for the object. */
  refusalFor(endpoint: Endpoint, target: SealedSecret): Promise<Refusal | undefined>;
}

/** Finds out who sent a token; see `auth.ts`. */
export type Authenticate = (token: string | undefined) => Promise<Caller | Refusal>;

export interface ServerOptions {
  /** The certificate to seal with, in PEM. Throws SealedSecretsError, whose code and text tell why there is none. */
  readonly currentCertificate: () => string;
  /** Whether everything in it opens. */
  readonly verify: (sealedSecret: SealedSecret) => Promise<boolean>;
  /** The same object under the newest key. Rejects with SealedSecretsError. */
  readonly reencrypt: (sealedSecret: SealedSecret) => Promise<SealedSecret>;
  /** The one SealedSecret of a body; throws SealedSecretsError. `single` refuses a body of several documents. */
  readonly parseBody: (body: Uint8Array, options: { readonly single: boolean }) => SealedSecret;
  /** The object as compact JSON. */
  readonly formatBody: (sealedSecret: SealedSecret) => string;
  readonly ready: () => boolean;
  /** What is stuck, for `/healthz`; undefined while nothing is. */
  readonly stuck: () => string | undefined;
  readonly maxBodyBytes: number;
  /** Per client as the API server reports it, and path. */
  readonly clientLimiter: RateLimiter;
  /** Per TCP peer, whoever it says it speaks for. */
  readonly peerLimiter: RateLimiter;
  /** For everything that parses and decrypts. */
  readonly cryptoBudget: Budget;
  /** For bodies, from their first byte until they are answered. */
  readonly bodyMemory: MemoryBudget;
  /** Undefined: nobody is asked who they are, as upstream does it. */
  readonly authenticate: Authenticate | undefined;
  readonly metrics: Pick<Metrics, 'httpRequest'>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** The HTTP API (specification 5.1): built from functions, knows no controller. Methods are not looked at, as upstream does not. */
export function createApp(options: ServerOptions): Express {
  const app = plainApp();
  const turns = createTurns(options.nowMs);
  app.all('/healthz', (_request, response) => {
    const stuck = options.stuck();
    if (stuck === undefined) text(response, 200, 'ok\n');
    else text(response, 500, `${stuck}\n`);
  });
  app.all('/readyz', (_request, response) => {
    if (options.ready()) text(response, 200, 'ok\n');
    else text(response, 503, 'not ready\n');
  });
  app.all('/v1/cert.pem', measured(options), (_request, response) => sendCertificate(options, response));
  app.all('/v1/verify', measured(options), limited(options), withObject(options, turns, 'verify', answerVerify));
  app.all('/v1/rotate', measured(options), limited(options), withObject(options, turns, 'rotate', answerRotate));
  app.use(notFound);
  app.use(failed(options.logger));
  return app;
}

/** The metrics endpoint, on a port of its own, with nothing else on it. */
export function createMetricsApp(
  registry: { readonly contentType: string; metrics(): Promise<string> },
  logger: Logger,
): Express {
  const app = plainApp();
  app.all('/metrics', async (_request, response) => {
    const body = await registry.metrics();
    response.status(200).set('Content-Type', registry.contentType).end(body);
  });
  app.use(notFound);
  app.use(failed(logger));
  return app;
}

/** A running server. */
export interface RunningServer {
  /** The real port, where 0 was asked for. */
  readonly port: number;
  /** Ends idle connections and waits for requests under way, at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly address: ListenAddress;
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
}

/** As Go's servers take them, bytes. */
const longestHeaders = 1 << 20;

/** Starts to listen; rejects where the address cannot be had. */
export async function listen(app: Express, options: ListenOptions): Promise<RunningServer> {
  const server = createHttpServer({ maxHeaderSize: longestHeaders }, app);
  server.requestTimeout = options.readTimeoutMs;
  server.headersTimeout = options.readTimeoutMs;
  server.timeout = options.writeTimeoutMs;
  // As Go's servers do. Node's five seconds would end connections that the API server's proxy is just about to use again.
  server.keepAliveTimeout = options.readTimeoutMs;
  const { host, port } = options.address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    stop: (timeoutMs) => stopServer(server, timeoutMs),
  };
}

/**
 * Starts to listen, and goes on trying where the address cannot be had: others may hold it for a moment, and reconciling needs no server
 * (specification 4.2). Resolves after the first attempt. The signal ends the trying, not a server that runs.
 */
export async function listenPatiently(
  app: Express,
  options: ListenOptions & {
    readonly retryIntervalMs: number;
    readonly signal: AbortSignal;
    onListening(port: number): void;
    onFailure(error: unknown): void;
  },
): Promise<Pick<RunningServer, 'stop'>> {
  let server: RunningServer | undefined;
  const attempt = async () => {
    try {
      server = await listen(app, options);
      options.onListening(server.port);
    } catch (error) {
      options.onFailure(error);
    }
  };
  await attempt();
  const trying = (async () => {
    while (server === undefined && !options.signal.aborted) {
      await delay(options.retryIntervalMs, undefined, { signal: options.signal }).catch(() => {});
      if (!options.signal.aborted) await attempt();
    }
  })();
  return {
    async stop(timeoutMs) {
      await trying;
      await server?.stop(timeoutMs);
    },
  };
}

async function stopServer(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const deadline = setTimeout(() => server.closeAllConnections(), timeoutMs);
  await closed;
  clearTimeout(deadline);
}

function plainApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  return app;
}

function text(response: Response, status: number, body: string): void {
  response.status(status).set('Content-Type', 'text/plain; charset=utf-8').end(body);
}

function notFound(_request: Request, response: Response): void {
  text(response, 404, '404 page not found\n');
}

/** Four parameters make it an error handler. Nothing of the error reaches the caller. */
function failed(logger: Logger) {
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    logger.error('request failed', { path: request.path, error: error instanceof Error ? error.message : 'unknown' });
    if (response.headersSent) response.destroy();
    else response.status(500).end();
  };
}

const knownMethods = new Set([
  'get',
  'put',
  'head',
  'post',
  'delete',
  'connect',
  'options',
  'notify',
  'trace',
  'patch',
]);

function measured({ metrics, nowMs }: ServerOptions) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedMs = nowMs();
    const method = request.method.toLowerCase();
    response.on('close', () => {
      const seconds = (nowMs() - startedMs) / 1000;
      metrics.httpRequest(request.path, knownMethods.has(method) ? method : 'unknown', response.statusCode, seconds);
    });
    next();
  };
}

function sendCertificate({ currentCertificate, logger }: ServerOptions, response: Response): void {
  try {
    const pem = currentCertificate();
    response.status(200).set('Content-Type', 'application/x-pem-file').end(pem);
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    logger.error('cannot get certificate', { reason: error.code, error: error.message });
    text(
      response,
      500,
      error.code === 'NoKeys' ? 'cannot get certificate\n' : `cannot get certificate: ${error.message}\n`,
    );
  }
}

function limited({ clientLimiter, peerLimiter }: ServerOptions) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const clientKey = clientKeyOf(request);
    const peerKey = request.socket.remoteAddress ?? '';
    // A peer that has used up its budget may not fill the memory with clients it makes up; one client's refused requests, on the other
    // hand, must not use up the budget of the peer that speaks for all.
    const peer = peerLimiter.peek(peerKey);
    const client = peer.allowed ? clientLimiter.take(clientKey) : clientLimiter.peek(clientKey);
    setRateHeaders(response, client);
    const refused = [peer, client].find(({ allowed }) => !allowed);
    if (refused === undefined) {
      peerLimiter.take(peerKey);
      next();
    } else tooMany(response, refused.retryAfterMs);
  };
}

/** The first header line alone and the path, as upstream: the API server appends the address it saw to it. As a digest: a header may be long. */
function clientKeyOf(request: Request): string {
  const [forwardedFor = ''] = request.headersDistinct['x-forwarded-for'] ?? [];
  return createHash('sha256').update(`${forwardedFor.toLowerCase()}\n${request.path}`).digest('base64');
}

function setRateHeaders(response: Response, { limit, remaining, resetAfterMs }: RateDecision): void {
  response.set({
    'X-RateLimit-Limit': String(limit),
    'X-RateLimit-Remaining': String(remaining),
    'X-RateLimit-Reset': String(Math.ceil(resetAfterMs / 1000)),
  });
}

function tooMany(response: Response, retryAfterMs: number): void {
  response.set('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  text(response, 429, 'limit exceeded\n');
}

type Answer = (options: ServerOptions, sealedSecret: SealedSecret, response: Response) => Promise<void>;

/** Finds out who asks, reads the body, and parses and answers it within the budgets. */
function withObject(options: ServerOptions, turns: Turns, endpoint: Endpoint, answer: Answer) {
  return async (request: Request, response: Response): Promise<void> => {
    const caller = await options.authenticate?.(request.get('X-Waxwing-Token'));
    if (caller !== undefined && 'status' in caller) return refuse(response, caller);
    const memory = options.bodyMemory.open();
    try {
      const body = await readBody(request, options.maxBodyBytes, memory);
      if (typeof body === 'string') return withoutBody(options, body, response);
      const done = await options.cryptoBudget.spend(async () => {
        const sealedSecret = await turns(() => parse(options, body, endpoint));
        if (sealedSecret === undefined) response.status(500).end();
        else {
          const refusal = await caller?.refusalFor(endpoint, sealedSecret);
          if (refusal === undefined) await answer(options, sealedSecret, response);
          else refuse(response, refusal);
        }
        return true;
      });
      if (done === undefined) tooMany(response, 1000);
    } finally {
      memory.release();
    }
  };
}

function refuse(response: Response, { status, message }: Refusal): void {
  text(response, status, `${message}\n`);
}

/** The connection ends where there is more to come than anybody wants to read. */
function withoutBody({ maxBodyBytes }: ServerOptions, failure: BodyFailure, response: Response): void {
  if (failure === 'broken') return void response.status(400).end();
  response.set('Connection', 'close');
  if (failure === 'no-memory') tooMany(response, 1000);
  else text(response, 413, `body is longer than ${maxBodyBytes} bytes\n`);
}

function parse(options: ServerOptions, body: Uint8Array, endpoint: Endpoint): SealedSecret | undefined {
  try {
    return options.parseBody(body, { single: endpoint === 'verify' });
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    options.logger.error(`cannot ${endpoint}: the body is no SealedSecret`, {
      reason: error.code,
      error: error.message,
    });
    return undefined;
  }
}

async function answerVerify(options: ServerOptions, sealedSecret: SealedSecret, response: Response): Promise<void> {
  response.status((await options.verify(sealedSecret)) ? 200 : 409).end();
}

async function answerRotate(options: ServerOptions, sealedSecret: SealedSecret, response: Response): Promise<void> {
  try {
    const body = options.formatBody(await options.reencrypt(sealedSecret));
    response.status(200).set('Content-Type', 'application/json').end(body);
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    const { namespace, name } = sealedSecret.metadata;
    options.logger.error('cannot re-encrypt', {
      sealedSecret: `${namespace}/${name}`,
      reason: error.code,
      error: error.message,
    });
    response.status(500).end();
  }
}
