import type { Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import type { SealedSecret } from '@waxwing/shared';
import { isSealedSecretsError } from '@waxwing/shared';
import type { ListenAddress } from '@waxwing/shared/settings';
import type { Express, NextFunction, Request, Response } from 'express';
import express from 'express';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { readBody } from './body.ts';
import type { Budget, RateDecision, RateLimiter } from './limits.ts';

/** What a caller may do with an object; undefined lets the request pass. */
export type Refusal = { readonly status: 401 | 403 | 503; readonly message: string } | undefined;

/** Checks the caller of an endpoint; see `auth.ts`. */
export type Authorize = (
  token: string | undefined,
  endpoint: 'verify' | 'rotate',
  target: SealedSecret,
) => Promise<Refusal>;

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
  /** For everything that decrypts. */
  readonly cryptoBudget: Budget;
  /** Undefined: nobody is asked who they are, as upstream does it. */
  readonly authorize: Authorize | undefined;
  readonly metrics: Pick<Metrics, 'httpRequest'>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** The HTTP API (specification 5.1): built from functions, knows no controller. Methods are not looked at, as upstream does not. */
export function createApp(options: ServerOptions): Express {
  const app = plainApp();
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
  app.all('/v1/verify', measured(options), limited(options), withObject(options, 'verify', answerVerify));
  app.all('/v1/rotate', measured(options), limited(options), withObject(options, 'rotate', answerRotate));
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

/** Starts to listen; rejects where the address cannot be had. */
export async function listen(
  app: Express,
  options: { readonly address: ListenAddress; readonly readTimeoutMs: number; readonly writeTimeoutMs: number },
): Promise<RunningServer> {
  const server = createHttpServer(app);
  server.requestTimeout = options.readTimeoutMs;
  server.headersTimeout = options.readTimeoutMs;
  server.timeout = options.writeTimeoutMs;
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
    // The first header line alone, as upstream: the API server appends the address it saw to it.
    const [forwardedFor = ''] = request.headersDistinct['x-forwarded-for'] ?? [];
    const client = clientLimiter.take(`${forwardedFor.toLowerCase()}\n${request.path}`);
    setRateHeaders(response, client);
    const peer = client.allowed ? peerLimiter.take(request.socket.remoteAddress ?? '') : client;
    if (peer.allowed) next();
    else tooMany(response, peer.retryAfterMs);
  };
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

/** Reads the body, checks the caller, and answers within the crypto budget. */
function withObject(options: ServerOptions, endpoint: 'verify' | 'rotate', answer: Answer) {
  return async (request: Request, response: Response): Promise<void> => {
    const body = await readBody(request, options.maxBodyBytes);
    if (body === 'broken') return void response.status(400).end();
    if (body === 'too-large') {
      response.set('Connection', 'close');
      return text(response, 413, `body is longer than ${options.maxBodyBytes} bytes\n`);
    }
    const sealedSecret = parse(options, body, endpoint);
    if (sealedSecret === undefined) return void response.status(500).end();
    const refusal = await options.authorize?.(request.get('X-Waxwing-Token'), endpoint, sealedSecret);
    if (refusal !== undefined) return text(response, refusal.status, `${refusal.message}\n`);
    const done = await options.cryptoBudget.spend(async () => {
      await answer(options, sealedSecret, response);
      return true;
    });
    if (done === undefined) tooMany(response, 1000);
  };
}

function parse(options: ServerOptions, body: Uint8Array, endpoint: 'verify' | 'rotate'): SealedSecret | undefined {
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
