import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ApiError, badRequest, methodNotAllowed, notFound } from './errors.ts';
import { arrayAt, at, type KubeObject, stringAt } from './json.ts';
import type { RequestInfo } from './requests.ts';
import type { Store } from './store.ts';

/** `[scheme:]name[:port]` of `services/.../proxy`. */
interface Target {
  readonly scheme: 'http' | 'https';
  readonly service: string;
  /** Name or number of the Service's port; empty for a port without a name. */
  readonly port: string;
}

const connectTimeoutMs = 30_000;

/** Headers that belong to one connection, and the caller's credentials, which must not reach the backend. */
const droppedHeaders = new Set([
  'authorization',
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
]);

/**
 * Forwards a request to an address of a Service, as kube-apiserver does; unlike there, loopback addresses are fine.
 * Resolves when the backend has answered, with what then sends the answer. Throws 503 if nothing can be reached.
 */
export async function proxyService(
  store: Store,
  request: RequestInfo,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<() => void> {
  if (request.resource !== 'services') throw methodNotAllowed();
  const target = parseTarget(request.name);
  const { host, port } = resolve(store, request.namespace, target);
  const path = pathBehind(incoming.url ?? '');
  if (path === undefined) return () => redirect(response, incoming.url ?? '');
  const send = target.scheme === 'https' ? httpsRequest : httpRequest;
  const outgoing = send({
    host,
    port,
    path,
    method: incoming.method ?? 'GET',
    headers: forwardedHeaders(incoming, `${host}:${port}`),
    timeout: connectTimeoutMs,
    // As the real one: it does not check certificates of backends.
    ...(target.scheme === 'https' ? { rejectUnauthorized: false } : {}),
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('i/o timeout')));
  // Errors before the answer are awaited below; later ones end the answer, and must not end the process.
  outgoing.on('error', () => {});
  incoming.pipe(outgoing);
  let answer: IncomingMessage;
  try {
    [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  } catch (error) {
    throw unavailable(`error trying to reach service: ${error instanceof Error ? error.message : String(error)}`);
  }
  response.on('close', () => outgoing.destroy());
  return () => {
    response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers));
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  };
}

function parseTarget(id: string): Target {
  const parts = id.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: 'http', service: first, port: '' };
  if (parts.length === 2) return { scheme: 'http', service: first, port: second };
  if (parts.length === 3 && ['', 'http', 'https'].includes(first)) {
    return { scheme: first === 'https' ? 'https' : 'http', service: second, port: third };
  }
  throw badRequest(`invalid service request ${JSON.stringify(id)}`);
}

/** An address behind a Service: of its Endpoints, or of its EndpointSlices. */
function resolve(store: Store, namespace: string, { service, port }: Target): { host: string; port: number } {
  const key = `${namespace}/${service}`;
  const object = store.collection('/services').get(key)?.object;
  if (object === undefined) throw notFound({ group: '', plural: 'services' }, service);
  const portName = /^\d+$/.test(port) ? nameOfPort(object, Number(port), service) : port;
  const endpoints = store.collection('/endpoints').get(key)?.object;
  const candidates = endpoints === undefined ? sliceAddresses(store, namespace, service) : endpointAddresses(endpoints);
  const found = candidates.find((candidate) => candidate.portName === portName);
  if (found === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(service)}`);
  return found;
}

function nameOfPort(service: KubeObject, port: number, name: string): string {
  const found = arrayAt(service, 'spec', 'ports').find((entry) => at(entry, 'port') === port);
  if (found === undefined) throw unavailable(`no service port ${port} found for service ${JSON.stringify(name)}`);
  return stringAt(found, 'name') ?? '';
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly portName: string;
}

function endpointAddresses(endpoints: KubeObject): Address[] {
  return arrayAt(endpoints, 'subsets').flatMap((subset) =>
    arrayAt(subset, 'ports').flatMap((port) =>
      arrayAt(subset, 'addresses').map((address) => ({
        host: stringAt(address, 'ip') ?? '',
        port: Number(at(port, 'port')),
        portName: stringAt(port, 'name') ?? '',
      })),
    ),
  );
}

function sliceAddresses(store: Store, namespace: string, service: string): Address[] {
  return [...store.collection('discovery.k8s.io/endpointslices').sorted(`${namespace}/`)]
    .filter(({ object }) => object.metadata.labels?.['kubernetes.io/service-name'] === service)
    .flatMap(({ object }) =>
      arrayAt(object, 'ports').flatMap((port) =>
        arrayAt(object, 'endpoints')
          .filter((endpoint) => at(endpoint, 'conditions', 'ready') !== false)
          .flatMap((endpoint) =>
            arrayAt(endpoint, 'addresses').map((host) => ({
              host: String(host),
              port: Number(at(port, 'port')),
              portName: stringAt(port, 'name') ?? '',
            })),
          ),
      ),
    );
}

function unavailable(message: string): ApiError {
  return new ApiError(503, 'ServiceUnavailable', message);
}

/** Path and query behind `/proxy`; `undefined` when not even a slash follows, which is answered by a redirect. */
function pathBehind(url: string): string | undefined {
  return /^\/api\/v1\/namespaces\/[^/]+\/services\/[^/]+\/proxy(\/[^#]*)/.exec(url)?.[1];
}

function redirect(response: ServerResponse, url: string): void {
  const questionMark = url.indexOf('?');
  const location = questionMark === -1 ? `${url}/` : `${url.slice(0, questionMark)}/${url.slice(questionMark)}`;
  response.writeHead(301, { location }).end();
}

function forwardedHeaders(incoming: IncomingMessage, host: string): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(incoming.headers)) if (!droppedHeaders.has(name)) headers[name] = value;
  const client = incoming.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
  const before = incoming.headers['x-forwarded-for'];
  headers['x-forwarded-for'] = before === undefined ? client : `${String(before)}, ${client}`;
  headers['x-forwarded-host'] = incoming.headers.host ?? '';
  headers['x-forwarded-proto'] = 'encrypted' in incoming.socket ? 'https' : 'http';
  headers['x-forwarded-uri'] = (incoming.url ?? '').replace(/\?.*/, '');
  headers.host = host;
  return headers;
}

function withoutConnection(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = { ...headers };
  for (const name of ['connection', 'keep-alive', 'transfer-encoding']) delete kept[name];
  return kept;
}
