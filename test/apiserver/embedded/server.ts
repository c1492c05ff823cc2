import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import {
  type Attributes,
  accessDenied,
  grantFor,
  parseServiceAccountUser,
  serviceAccountGroups,
  type User,
} from './access.ts';
import type { AuditEntry, AuditTrail } from './audit.ts';
import {
  acceptsAggregated,
  aggregatedDiscovery,
  coreVersions,
  groupList,
  resourceList,
  singleGroup,
  versionInfo,
} from './discovery.ts';
import { ApiError, badRequest, unknownResource } from './errors.ts';
import type { FaultControl } from './fault-control.ts';
import type { FaultRequest } from './faults.ts';
import { negotiateForm } from './forms.ts';
import { openApiDocument } from './openapi.ts';
import { proxyService } from './proxy.ts';
import { parseRequest, type RequestInfo } from './requests.ts';
import { answerResource, assertServed, type ResourceCall } from './resource-requests.ts';
import { answerReview, isReview } from './reviews.ts';
import type { TokenAuthority } from './tokens.ts';
import { WatchConnection } from './watches.ts';
import type { Cluster } from './writes.ts';

/** What etcd takes in one object and the API server in one request. */
const maximumBodyBytes = 3 * 1024 * 1024;

interface ServerParts {
  readonly cluster: Cluster;
  readonly tokens: TokenAuthority;
  readonly audit: AuditTrail;
  readonly faults: FaultControl;
  readonly watches: Set<WatchConnection>;
  readonly bookmarkIntervalMs: number;
}

/** One request on its way through the server. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly request: RequestInfo;
  readonly userAgent: string;
  readonly receivedAt: number;
  readonly audit: AuditEntry;
  user: User;
  /** Name of the object that a POST brings along. */
  createdName: string;
  /** Texts of the answer's `Warning` headers, refusals included. */
  readonly warnings: string[];
  /** Status of what was done, although a fault may let the client see another or none. */
  doneStatus: number | undefined;
  requestBytes: number;
}

const anonymous: User = { name: 'system:anonymous', uid: '', groups: ['system:unauthenticated'], extra: {} };

/** The HTTP side of the server: can stop answering and come back on the same port. */
export class ApiListener {
  readonly #parts: ServerParts;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server | HttpsServer;
  #port = 0;

  constructor(parts: ServerParts, tls: { cert: string; key: string } | undefined) {
    this.#parts = parts;
    const listener = (incoming: IncomingMessage, response: ServerResponse) => {
      void answer(this.#parts, incoming, response);
    };
    this.#server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
    this.#server.keepAliveTimeout = 120_000;
    this.#server.requestTimeout = 0;
    this.#server.on('connection', (socket: Socket) => {
      // Small answers must not wait for the client's delayed acknowledgement.
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Listens on loopback, on a free port if it is 0. Returns the port. */
  async listen(port: number): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  /** After `close`: listens on the same port again. */
  async reopen(): Promise<void> {
    if (!this.#server.listening) await this.listen(this.#port);
  }

  /** New connections are refused, open ones break. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** New connections get another certificate. */
  useCertificate(tls: { cert: string; key: string }): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }
}

async function answer(parts: ServerParts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange: Exchange = {
    incoming,
    response,
    request: parseRequest(incoming.method ?? 'GET', incoming.url ?? '/'),
    userAgent: incoming.headers['user-agent'] ?? '',
    receivedAt: Date.now(),
    audit: parts.audit.begin(),
    user: anonymous,
    createdName: '',
    warnings: [],
    doneStatus: undefined,
    requestBytes: 0,
  };
  response.on('close', () =>
    recordAudit(exchange, exchange.doneStatus ?? (response.headersSent ? response.statusCode : 0)),
  );
  try {
    await handle(parts, exchange);
  } catch (error) {
    sendError(exchange, error);
  }
}

function recordAudit(exchange: Exchange, code: number): void {
  const { request, user } = exchange;
  const optional = (name: 'resource' | 'subresource' | 'namespace') =>
    request[name] === '' ? {} : { [name]: request[name] };
  const name = request.name || exchange.createdName;
  exchange.audit.record = {
    verb: request.verb,
    user: user.name,
    groups: user.groups,
    ...optional('resource'),
    ...optional('subresource'),
    ...optional('namespace'),
    ...(name === '' ? {} : { name }),
    requestURI: exchange.incoming.url ?? '',
    responseCode: code,
    userAgent: exchange.userAgent,
    requestReceivedTimestamp: preciseTime(exchange.receivedAt),
    stageTimestamp: preciseTime(Date.now()),
    requestBytes: exchange.requestBytes,
  };
}

function preciseTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

async function handle(parts: ServerParts, exchange: Exchange): Promise<void> {
  const { request, incoming } = exchange;
  exchange.user = impersonated(parts, authenticate(parts, incoming), incoming);
  const faultRequest: FaultRequest = { ...request, user: exchange.user.name, userAgent: exchange.userAgent };
  const delayMs = parts.faults.delays.hit(faultRequest)?.delayMs;
  if (delayMs !== undefined) await parts.faults.pause(delayMs);
  const broken = parts.faults.disconnects.hit(faultRequest);
  if (broken !== undefined && broken.afterwards !== true) {
    exchange.response.destroy();
    return;
  }
  const failure = parts.faults.errors.hit(faultRequest);
  if (failure !== undefined && failure.afterwards !== true) {
    await readBody(exchange);
    throw parts.faults.errorOf(failure, request);
  }
  authorize(parts, exchange);
  const send = await carryOut(parts, exchange, faultRequest);
  if (broken !== undefined) exchange.response.destroy();
  else if (failure !== undefined) throw parts.faults.errorOf(failure, request);
  else send();
}

function authenticate(parts: ServerParts, incoming: IncomingMessage): User {
  const token = /^bearer\s+(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
  if (token === undefined) return anonymous;
  const authenticated = parts.tokens.authenticate(token);
  if (authenticated === undefined || !parts.tokens.isForApi(authenticated))
    throw new ApiError(401, 'Unauthorized', 'Unauthorized');
  return authenticated.user;
}

/** The user that `Impersonate-*` headers name, if the caller may act as that one. Throws 403. */
function impersonated(parts: ServerParts, caller: User, { headersDistinct }: IncomingMessage): User {
  const name = headersDistinct['impersonate-user']?.[0];
  if (name === undefined) return caller;
  const groups = headersDistinct['impersonate-group'] ?? [];
  const account = parseServiceAccountUser(name);
  const assertMay = (resource: string, namespace: string, target: string) => {
    const attributes = {
      verb: 'impersonate',
      group: '',
      resource,
      subresource: '',
      namespace,
      name: target,
      path: undefined,
    };
    if (grantFor(parts.cluster.store, caller, attributes) === undefined) throw accessDenied(caller, attributes);
  };
  if (account === undefined) assertMay('users', '', name);
  else assertMay('serviceaccounts', account.namespace, account.name);
  for (const group of groups) assertMay('groups', '', group);
  const implied = account === undefined ? ['system:authenticated'] : serviceAccountGroups(account.namespace);
  return {
    name,
    uid: headersDistinct['impersonate-uid']?.[0] ?? '',
    groups: [...new Set([...groups, ...implied])],
    extra: {},
  };
}

function authorize(parts: ServerParts, { request, user }: Exchange): void {
  const attributes: Attributes = { ...request, path: request.isResource ? undefined : request.path };
  if (grantFor(parts.cluster.store, user, attributes) === undefined) throw accessDenied(user, attributes);
}

/** Does what the request asks for and returns how to answer, so that a fault may lose the answer. */
async function carryOut(parts: ServerParts, exchange: Exchange, faultRequest: FaultRequest): Promise<() => void> {
  const { request, response } = exchange;
  if (!request.isResource) {
    const body = await readBody(exchange);
    return answerPath(parts, exchange, body);
  }
  const type = parts.cluster.types.find(request.group, request.version, request.resource);
  if (type === undefined) {
    if (parts.cluster.types.isBuiltIn(request.group, request.version)) throw unknownResource();
    return () => sendText(response, 404, '404 page not found\n');
  }
  if (type.storage === '/endpoints') {
    exchange.warnings.push('v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice');
  }
  if (request.subresource === 'proxy') return proxyService(parts.cluster.store, request, exchange.incoming, response);
  if (request.verb === 'watch') {
    assertServed(type, request);
    return openWatch(parts, exchange, type, faultRequest);
  }
  const call: ResourceCall = {
    request,
    type,
    form: negotiateForm(exchange.incoming.headers.accept),
    body: await readBody(exchange),
    contentType: exchange.incoming.headers['content-type'],
    userAgent: exchange.userAgent,
    warnings: exchange.warnings,
    onName: (name) => {
      exchange.createdName = name;
    },
  };
  const answered = isReview(type, request)
    ? answerReview(parts, exchange.user, call)
    : answerResource(parts.cluster, call);
  exchange.doneStatus = answered.status;
  return () => {
    addWarnings(exchange);
    sendJsonText(response, answered.status, answered.json);
  };
}

function addWarnings({ response, warnings }: Exchange): void {
  for (const warning of warnings) response.appendHeader('warning', `299 - ${JSON.stringify(warning)}`);
}

function openWatch(
  parts: ServerParts,
  exchange: Exchange,
  type: ResourceCall['type'],
  faultRequest: FaultRequest,
): () => void {
  const { request, response, incoming, user } = exchange;
  const connection = new WatchConnection(
    {
      store: parts.cluster.store,
      type,
      request,
      user: user.name,
      userAgent: exchange.userAgent,
      form: negotiateForm(incoming.headers.accept),
      include:
        request.query.get('includeObject') === 'Object'
          ? 'Object'
          : request.query.get('includeObject') === 'None'
            ? 'None'
            : 'Metadata',
      bookmarkIntervalMs: parts.bookmarkIntervalMs,
      now: parts.cluster.now,
    },
    response,
  );
  return () => {
    if (!parts.faults.admitWatch(connection, faultRequest)) {
      response.destroy();
      return;
    }
    parts.watches.add(connection);
    recordAudit(exchange, 200);
    try {
      connection.start(() => parts.watches.delete(connection));
    } catch (error) {
      parts.watches.delete(connection);
      sendError(exchange, error);
    }
  };
}

/** Everything that is no resource: discovery, health, version, OpenAPI. */
function answerPath(parts: ServerParts, { request, response, incoming }: Exchange, _body: Buffer): () => void {
  const path = request.path.replace(/\/+$/, '') || '/';
  const { types } = parts.cluster;
  if (path === '/healthz' || path === '/livez' || path === '/readyz') return () => sendText(response, 200, 'ok');
  const json = (value: unknown, contentType?: string) => () =>
    sendJsonText(response, 200, JSON.stringify(value), contentType);
  if (path === '/version') return json(versionInfo());
  const aggregated = acceptsAggregated(incoming.headers.accept);
  const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  if (path === '/api')
    return aggregated ? json(aggregatedDiscovery(types, true), aggregatedType) : json(coreVersions());
  if (path === '/apis')
    return aggregated ? json(aggregatedDiscovery(types, false), aggregatedType) : json(groupList(types));
  const [, root, group = '', version] = path.split('/');
  if (root === 'api') {
    if (version !== undefined || group !== 'v1') throw unknownResource();
    return found(resourceList(types, '', group));
  }
  if (root === 'apis')
    return found(version === undefined ? singleGroup(types, group) : resourceList(types, group, version));
  if (root === 'openapi') return found(openApiDocument(types, path));
  return () => sendText(response, 404, '404 page not found\n');

  function found(value: unknown): () => void {
    return value === undefined ? () => sendText(response, 404, '404 page not found\n') : json(value);
  }
}

/** Reads the whole body. One that is too large is read to its end too, or the client would never read the 413. */
async function readBody(exchange: Exchange): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of exchange.incoming) {
    exchange.requestBytes += chunk.length;
    if (exchange.requestBytes <= maximumBodyBytes) chunks.push(chunk);
  }
  if (exchange.requestBytes > maximumBodyBytes) {
    throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maximumBodyBytes}`);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

function sendError(exchange: Exchange, error: unknown): void {
  const { response } = exchange;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  addWarnings(exchange);
  const refusal =
    error instanceof ApiError
      ? error
      : error instanceof URIError
        ? badRequest(error.message)
        : new ApiError(
            500,
            'InternalError',
            `Internal error occurred: ${error instanceof Error ? error.stack : String(error)}`,
            {},
          );
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  sendJsonText(response, refusal.code, JSON.stringify(refusal.status()));
}

function sendJsonText(response: ServerResponse, status: number, json: string, contentType = 'application/json'): void {
  response.writeHead(status, {
    'content-type': contentType,
    'cache-control': 'no-cache, private',
    'content-length': Buffer.byteLength(json),
  });
  response.end(json);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
