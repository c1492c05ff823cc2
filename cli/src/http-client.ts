import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import * as http from 'node:http';
import * as https from 'node:https';
import * as tls from 'node:tls';
import { SealedSecretsError } from '@waxwing/shared';
import type { Io } from './io.ts';
import { proxyFor } from './proxy.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  /** Agent, TLS material and credentials. */
  readonly transport?: https.RequestOptions;
  /** For the whole exchange; 0 or absent for no limit. */
  readonly timeoutMs?: number;
  /** How long nothing may come or go; 0 or absent for no limit. */
  readonly idleTimeoutMs?: number;
  readonly limitBytes: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An exchange that did not come to an answer. The message says why, without the address. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
}

/** One exchange over http or https. Redirects are answers like any other. @throws NetworkError */
export async function exchange(request: HttpRequest): Promise<HttpResponse> {
  const { method, url, headers = {}, body, transport = {}, timeoutMs = 0, idleTimeoutMs = 0, limitBytes } = request;
  const client = url.protocol === 'https:' ? https : http;
  const signal = timeoutMs > 0 ? AbortSignal.timeout(timeoutMs) : undefined;
  return await new Promise<HttpResponse>((resolve, reject) => {
    const fail = (error: unknown) =>
      reject(new NetworkError(signal?.aborted ? tooLate(timeoutMs) : describeNetworkError(error), { cause: error }));
    const contentLength = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const outgoing = client.request(url, {
      ...transport,
      method,
      headers: { ...transport.headers, ...headers, ...contentLength },
      ...(signal === undefined ? {} : { signal }),
    });
    if (idleTimeoutMs > 0) {
      outgoing.setTimeout(idleTimeoutMs, () => outgoing.destroy(new NetworkError(tooLate(idleTimeoutMs))));
    }
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      const parts: Buffer[] = [];
      let length = 0;
      incoming.on('data', (part: Buffer) => {
        length += part.length;
        if (length > limitBytes) incoming.destroy(new NetworkError(`the answer is larger than ${limitBytes} bytes`));
        else parts.push(part);
      });
      incoming.on('error', fail);
      incoming.on('end', () => {
        const { statusCode: status = 0, statusMessage: statusText = '' } = incoming;
        resolve({ status, statusText, headers: incoming.headers, body: Buffer.concat(parts) });
      });
    });
    outgoing.end(body);
  });
}

function tooLate(ms: number): string {
  return `no answer within ${ms / 1000} s`;
}

interface SocketError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

const certificateProblems = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/;

/** A failure of the network in the words of Go's clients, which people search for. */
function describeNetworkError(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeNetworkError(error.errors[0]);
  if (error instanceof NetworkError || !(error instanceof Error))
    return error instanceof Error ? error.message : String(error);
  const { code = '', address = '', port = '', hostname = '' } = error as SocketError;
  const host = address.includes(':') ? `[${address}]` : address;
  if (code === 'ECONNREFUSED') return `dial tcp ${host}:${port}: connect: connection refused`;
  if (code === 'ETIMEDOUT') return `dial tcp ${host}:${port}: i/o timeout`;
  if (code === 'EHOSTUNREACH') return `dial tcp ${host}:${port}: connect: no route to host`;
  if (code === 'ENETUNREACH') return `dial tcp ${host}:${port}: connect: network is unreachable`;
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`;
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: temporary failure in name resolution`;
  if (code === 'ECONNRESET') return 'the connection was reset by the other side';
  if (certificateProblems.test(code)) return `tls: failed to verify certificate: ${error.message}`;
  return error.message;
}

const maxRedirects = 10;
const idleTimeoutMs = 30_000;

/**
 * Downloads a URL as upstream does: proxies of the environment, redirects, the system's certificate authorities beside Node's.
 *
 * @throws SealedSecretsError `ControllerUnreachable` with the texts `Get "URL": ...` or `cannot fetch "URL": 404 Not Found`.
 */
export async function fetchUrl(
  source: string,
  options: { readonly env: Io['env']; readonly limitBytes: number },
): Promise<Buffer> {
  if (!URL.canParse(source)) {
    throw new SealedSecretsError('InvalidUsage', `parse ${JSON.stringify(source)}: not a URL`);
  }
  let url = new URL(source);
  for (let redirects = 0; ; redirects++) {
    const response = await get(url, options);
    const location = response.status >= 300 && response.status < 400 ? response.headers.location : undefined;
    if (location !== undefined && URL.canParse(location, url)) {
      if (redirects === maxRedirects) throw unreachable(url, `stopped after ${maxRedirects} redirects`);
      const next = new URL(location, url);
      if (url.protocol === 'https:' && next.protocol === 'http:') {
        throw unreachable(url, 'redirected from https to http, where anybody could replace the certificate');
      }
      url = next;
      continue;
    }
    if (response.status === 200) return response.body;
    const status = response.statusText || http.STATUS_CODES[response.status] || '';
    throw new SealedSecretsError(
      'ControllerUnreachable',
      `cannot fetch ${JSON.stringify(withoutPassword(url))}: ${response.status} ${status}`,
    );
  }
}

async function get(url: URL, { env, limitBytes }: { env: Io['env']; limitBytes: number }): Promise<HttpResponse> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw unreachable(url, `unsupported protocol scheme ${JSON.stringify(url.protocol.slice(0, -1))}`);
  }
  const proxy = proxyFor(url, env);
  const proxyEnv = { proxyEnv: proxy === undefined ? {} : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
  const transport: https.RequestOptions =
    url.protocol === 'https:'
      ? { agent: new https.Agent(proxyEnv), ca: trustedAuthorities() }
      : { agent: new http.Agent(proxyEnv) };
  try {
    return await exchange({ method: 'GET', url, transport, idleTimeoutMs, limitBytes });
  } catch (error) {
    if (error instanceof NetworkError) throw unreachable(url, error.message, error);
    throw error;
  }
}

function unreachable(url: URL, reason: string, cause?: unknown): SealedSecretsError {
  return new SealedSecretsError('ControllerUnreachable', `Get ${JSON.stringify(withoutPassword(url))}: ${reason}`, {
    cause,
  });
}

/** Companies install their own authorities into the system's store, which Node does not read by itself. */
function trustedAuthorities(): string[] {
  return [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
}

/** A URL as it may be shown. */
export function withoutPassword(url: URL): string {
  if (url.password === '') return url.href;
  const shown = new URL(url);
  shown.password = 'xxxxx';
  return shown.href;
}
