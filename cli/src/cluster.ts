import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster as ClientCluster, type User as ClientUser, KubeConfig } from '@kubernetes/client-node';
import { type DocumentValue, isDocumentMap, isSealedSecretsError, SealedSecretsError } from '@waxwing/shared';
import { describeSystemError } from './descriptors.ts';
import { exchange, type HttpResponse, NetworkError, withoutPassword } from './http-client.ts';
import { readFile } from './input.ts';
import type { Io } from './io.ts';
import {
  type ClusterOptions,
  contextOf,
  isConfigured,
  isInCluster,
  type Kubeconfig,
  type KubeconfigEntry,
  loadKubeconfig,
  noConfiguration,
  pathOf,
  serviceAccountFiles,
  textOf,
} from './kubeconfig.ts';
import { resolvePath } from './paths.ts';
import { proxyFor } from './proxy.ts';

/** The Service of the controller. */
export interface ControllerService {
  readonly namespace: string;
  readonly name: string;
}

/** What the controller answers to a request that reached it. */
export interface ControllerAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** The failure in the words of a Kubernetes client, for any status that is not 2xx. */
  readonly failure: string;
}

/** The controller as it is reached through the API server's Service proxy. */
export interface Controller {
  /** The PEM of the certificate that seals. @throws SealedSecretsError `ControllerUnreachable`, `ApiForbidden`, ... */
  fetchCertificate(): Promise<Buffer>;
  /** Sends a SealedSecret as compact JSON. */
  verify(sealedSecret: string): Promise<ControllerAnswer>;
  /** Sends a SealedSecret as compact JSON; the answer's body is the new one. */
  reencrypt(sealedSecret: string): Promise<ControllerAnswer>;
}

const answerLimitBytes = 64 * 1024 * 1024;
const maxRetries = 10;
/** Without `--request-timeout` a connection may be silent for so long. */
const idleTimeoutMs = 60_000;

/**
 * Finds the controller: configuration, credentials, Service and its first port.
 *
 * @throws SealedSecretsError `InvalidConfiguration`; `ControllerNotFound`, `ControllerUnreachable` or `ApiForbidden` with the command that
 *   shows why.
 */
export async function connectController(
  io: Io,
  options: ClusterOptions,
  service: ControllerService,
): Promise<Controller> {
  const connection = await connect(io, options);
  const { namespace, name } = service;
  const port = await findPort(connection, service);
  const proxyPath = `/api/v1/namespaces/${namespace}/services/http:${name}:${port}/proxy`;
  const target = `services http:${name}:${port}`;
  const post = async (path: string, body: string): Promise<ControllerAnswer> => {
    const response = await connection.request('POST', `${proxyPath}${path}`, { Accept: 'application/json, */*' }, body);
    return { status: response.status, body: response.body, failure: describeFailure(response, `post ${target}`) };
  };
  return {
    fetchCertificate: async () => {
      const accept = { Accept: 'application/x-pem-file, */*' };
      const response = await connection.request('GET', `${proxyPath}/v1/cert.pem`, accept);
      if (response.status === 200) return response.body;
      throw new SealedSecretsError(
        codeOf(response.status, 'ControllerUnreachable'),
        `cannot fetch certificate: ${describeFailure(response, `get ${target}`)}`,
        {
          hint: `See how the controller is: kubectl -n ${namespace} get endpointslices,pods -l kubernetes.io/service-name=${name}`,
        },
      );
    },
    verify: (sealedSecret) => post('/v1/verify', sealedSecret),
    reencrypt: (sealedSecret) => post('/v1/rotate', sealedSecret),
  };
}

async function findPort(connection: Connection, { namespace, name }: ControllerService): Promise<string> {
  const advice =
    'Please, use the flag --controller-name and --controller-namespace to set up the name and namespace of the sealed secrets controller';
  const path = `/api/v1/namespaces/${namespace}/services/${name}`;
  let response: HttpResponse;
  try {
    response = await connection.request('GET', path, { Accept: 'application/json' });
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    throw new SealedSecretsError(
      'ControllerUnreachable',
      `cannot get sealed secret service: ${error.message}.\n${advice}`,
      {
        hint: 'See whether the cluster answers: kubectl version',
      },
    );
  }
  if (response.status !== 200) {
    const failure = describeFailure(response, `get services ${name}`);
    const hint =
      response.status === 401
        ? 'See who you are to the cluster: kubectl auth whoami'
        : response.status === 403
          ? `See what you may do: kubectl -n ${namespace} auth can-i get services/${name}`
          : `See which controllers there are: kubectl get services --all-namespaces | grep -i sealed`;
    throw new SealedSecretsError(
      codeOf(response.status, 'ControllerNotFound'),
      `cannot get sealed secret service: ${failure}.\n${advice}`,
      { hint },
    );
  }
  const service = parseJson(response.body);
  const ports = (service as { spec?: { ports?: { name?: unknown }[] } } | undefined)?.spec?.ports ?? [];
  if (ports.length === 0) {
    throw new SealedSecretsError('ControllerNotFound', `the service ${namespace}/${name} has no ports`, {
      hint: `Look at it: kubectl -n ${namespace} get service ${name} -o yaml`,
    });
  }
  return textOf(ports[0]?.name as DocumentValue);
}

function codeOf(status: number, otherwise: 'ControllerNotFound' | 'ControllerUnreachable') {
  if (status === 401 || status === 403) return 'ApiForbidden';
  return status === 404 ? 'ControllerNotFound' : otherwise;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** An answer that is not 2xx in the words of Go's Kubernetes client. */
function describeFailure(response: HttpResponse, action: string): string {
  const status = parseJson(response.body) as { kind?: unknown; message?: unknown } | undefined | null;
  if (status?.kind === 'Status' && typeof status.message === 'string') return status.message;
  const text = JSON.stringify(response.body.toString('utf8').trim().slice(0, 2048));
  return `${genericFailure(response.status, text)} (${action})`;
}

function genericFailure(status: number, text: string): string {
  switch (status) {
    case 401:
      return 'the server has asked for the client to provide credentials';
    case 403:
      return 'the server does not allow this';
    case 404:
      return 'the server could not find the requested resource';
    case 409:
      return 'the server reported a conflict';
    case 429:
      return 'the server has received too many requests and has asked us to try again later';
    case 503:
      return 'the server is currently unable to handle the request';
    default:
      return status >= 500
        ? `an error on the server (${text}) has prevented the request from succeeding`
        : `the server responded with the status code ${status} but did not return more information`;
  }
}

export interface Connection {
  /** Address of the API server. */
  readonly server: string;
  /** Repeats as the server asks for it. @throws SealedSecretsError `ControllerUnreachable`. */
  request(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    headers: OutgoingHttpHeaders,
    body?: string,
  ): Promise<HttpResponse>;
}

/** Connects to the API server that the configuration names. @throws SealedSecretsError `InvalidConfiguration`. */
export async function connect(io: Io, options: ClusterOptions): Promise<Connection> {
  const { cluster, user, impersonation } = await resolveCluster(io, options);
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, user);
  const base = cluster.server.replace(/\/+$/, '');
  const timeouts = options.requestTimeoutMs === undefined ? { idleTimeoutMs } : { timeoutMs: options.requestTimeoutMs };
  return {
    server: base,
    async request(method, path, headers, body) {
      const url = new URL(base + path);
      for (let attempt = 0; ; attempt++) {
        const transport = await credentials(config);
        let response: HttpResponse;
        try {
          response = await exchange({
            method,
            url,
            headers: { 'User-Agent': 'kubeseal', ...impersonation, ...headers },
            ...(body === undefined ? {} : { body }),
            transport,
            ...timeouts,
            limitBytes: answerLimitBytes,
          });
        } catch (error) {
          if (!(error instanceof NetworkError)) throw error;
          const verb = method.charAt(0) + method.slice(1).toLowerCase();
          const text = `${verb} ${JSON.stringify(withoutPassword(url))}: ${error.message}`;
          throw new SealedSecretsError('ControllerUnreachable', text, { cause: error });
        }
        const waitMs = retryAfterMs(response);
        if (waitMs === undefined || attempt === maxRetries) return response;
        await sleep(waitMs);
      }
    },
  };
}

/** Certificates, tokens and what exec plug-ins say. Asked for every request; the library caches. */
async function credentials(config: KubeConfig): Promise<RequestOptions> {
  const transport: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(transport);
  } catch (cause) {
    throw new SealedSecretsError('InvalidConfiguration', `getting credentials: ${describeCredentialFailure(cause)}`, {
      hint: 'Try the same credentials with: kubectl auth whoami',
    });
  }
  return transport;
}

/** What an exec plug-in wrote to its standard error, or why it could not be started. */
function describeCredentialFailure(cause: unknown): string {
  const { path } = cause as { readonly path?: unknown };
  const text = describeSystemError(cause).trim();
  return typeof path === 'string'
    ? `exec: ${path}: ${text}`
    : `exec: ${text === '' ? 'the plug-in failed without a word' : text}`;
}

/** What the server asks for, in answers that may be repeated: 429 and 5xx with a `Retry-After` in seconds. */
function retryAfterMs(response: HttpResponse): number | undefined {
  if (response.status !== 429 && response.status < 500) return undefined;
  const seconds = response.headers['retry-after'];
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

interface ResolvedCluster {
  readonly cluster: ClientCluster;
  readonly user: ClientUser;
  readonly impersonation: OutgoingHttpHeaders;
}

/** Puts kubeconfig and command line together; the command line wins field by field. */
async function resolveCluster(io: Io, options: ClusterOptions): Promise<ResolvedCluster> {
  const kubeconfig = await loadKubeconfig(io, options);
  const context = contextOf(kubeconfig, options);
  if (!isConfigured(kubeconfig, options)) {
    if (!isInCluster(io)) throw noConfiguration();
    return await resolveInCluster(io, options);
  }
  const clusterName = options.cluster || textOf(context?.fields.get('cluster'));
  const userName = options.user || textOf(context?.fields.get('user'));
  const clusterEntry = entryOf(kubeconfig.clusters, 'cluster', clusterName, options.server === '', kubeconfig);
  const userEntry = entryOf(kubeconfig.users, 'auth info', userName, true, kubeconfig);
  return {
    cluster: await clusterOf(io, options, clusterEntry),
    user: await userOf(io, options, userEntry),
    impersonation: impersonationOf(options, userEntry),
  };
}

function entryOf(
  entries: Kubeconfig['clusters'],
  kind: string,
  name: string,
  needed: boolean,
  kubeconfig: Kubeconfig,
): KubeconfigEntry | undefined {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  if (name !== '' && needed)
    throw new SealedSecretsError('InvalidConfiguration', `${kind} ${JSON.stringify(name)} does not exist`);
  if (kind === 'cluster' && needed) {
    const contexts = [...kubeconfig.contexts.keys()].join(', ');
    throw new SealedSecretsError('InvalidConfiguration', 'invalid configuration: no context is selected', {
      hint: `Select one with --context or kubectl config use-context. There are: ${contexts === '' ? 'none' : contexts}`,
    });
  }
  return undefined;
}

async function clusterOf(io: Io, options: ClusterOptions, entry: KubeconfigEntry | undefined): Promise<ClientCluster> {
  const server = serverUrl(options.server || textOf(entry?.fields.get('server')));
  const caData = await materialOf(io, options.certificateAuthority, entry, 'certificate-authority');
  const skipTlsVerify = options.insecureSkipTlsVerify || entry?.fields.get('insecure-skip-tls-verify') === true;
  const tlsServerName = options.tlsServerName || textOf(entry?.fields.get('tls-server-name'));
  const proxyUrl = options.proxyUrl || textOf(entry?.fields.get('proxy-url')) || proxyFor(new URL(server), io.env);
  return {
    name: 'cluster',
    server,
    // For plain http the library insists on it.
    skipTLSVerify: skipTlsVerify || server.startsWith('http:'),
    ...(caData === '' ? {} : { caData }),
    ...(tlsServerName === '' ? {} : { tlsServerName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

/** A certificate or key, base64: from the file of the command line, else the data of the entry, else the file of the entry. */
async function materialOf(io: Io, given: string, entry: KubeconfigEntry | undefined, field: string): Promise<string> {
  const data = given === '' ? textOf(entry?.fields.get(`${field}-data`)) : '';
  if (data !== '') return data;
  const file = given === '' ? pathOf(entry, field) : given;
  return file === '' ? '' : (await readFile(io, file, answerLimitBytes)).toString('base64');
}

function serverUrl(server: string): string {
  const url = server.includes('://') ? server : `http://${server === '' ? 'localhost:8080' : server}`;
  if (URL.canParse(url)) return url;
  throw new SealedSecretsError(
    'InvalidConfiguration',
    `the address of the API server is no URL: ${JSON.stringify(server)}`,
  );
}

async function userOf(io: Io, options: ClusterOptions, entry: KubeconfigEntry | undefined): Promise<ClientUser> {
  const field = (name: string) => textOf(entry?.fields.get(name));
  const token = options.token || (await tokenOf(io, entry));
  const username = options.username || field('username');
  const password = options.password || field('password');
  const certData = await materialOf(io, options.clientCertificate, entry, 'client-certificate');
  const keyData = await materialOf(io, options.clientKey, entry, 'client-key');
  // Credentials of the command line replace plug-ins, which would overwrite them.
  const plugins = options.token === '' && options.username === '';
  const exec = plugins ? execOf(entry) : undefined;
  const authProvider = plugins ? plainOf(entry?.fields.get('auth-provider')) : undefined;
  return {
    name: 'user',
    ...(token === '' ? {} : { token }),
    ...(username === '' ? {} : { username, password }),
    ...(certData === '' ? {} : { certData }),
    ...(keyData === '' ? {} : { keyData }),
    ...(exec === undefined ? {} : { exec }),
    ...(authProvider === undefined ? {} : { authProvider }),
  };
}

/** A token file is stronger than a token beside it. */
async function tokenOf(io: Io, entry: KubeconfigEntry | undefined): Promise<string> {
  const file = pathOf(entry, 'tokenFile');
  if (file === '') return textOf(entry?.fields.get('token'));
  return (await readFile(io, file, answerLimitBytes)).toString('utf8').trim();
}

/** The exec plug-in of a user, with the variable that the plug-in protocol promises it and with its path made absolute. */
function execOf(entry: KubeconfigEntry | undefined): unknown {
  const exec = plainOf(entry?.fields.get('exec')) as
    | { apiVersion?: unknown; command?: unknown; env?: { name: string; value: string }[] | null }
    | undefined;
  if (entry === undefined || exec === undefined) return undefined;
  const command = String(exec.command ?? '');
  const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  return {
    ...exec,
    command: command.includes('/') ? resolvePath({ workingFolder: entry.folder }, command) : command,
    env: [...(exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }],
  };
}

/** A document as the plain objects that the library expects. */
function plainOf(value: DocumentValue | undefined): unknown {
  if (isDocumentMap(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [key, plainOf(item)]));
  if (Array.isArray(value)) return value.map(plainOf);
  return typeof value === 'bigint' ? Number(value) : (value ?? undefined);
}

function impersonationOf(options: ClusterOptions, entry: KubeconfigEntry | undefined): OutgoingHttpHeaders {
  const user = options.impersonate.user || textOf(entry?.fields.get('as'));
  const uid = options.impersonate.uid || textOf(entry?.fields.get('as-uid'));
  const own = entry?.fields.get('as-groups');
  const groups =
    options.impersonate.groups.length > 0 ? options.impersonate.groups : Array.isArray(own) ? own.map(String) : [];
  return {
    ...(user === '' ? {} : { 'Impersonate-User': user }),
    ...(uid === '' ? {} : { 'Impersonate-Uid': uid }),
    ...(groups.length === 0 ? {} : { 'Impersonate-Group': [...groups] }),
  };
}

async function resolveInCluster(io: Io, options: ClusterOptions): Promise<ResolvedCluster> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = io.env;
  const server = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const entry: KubeconfigEntry = {
    folder: '/',
    fields: new Map([
      ['server', server],
      ['certificate-authority', serviceAccountFiles.certificateAuthority],
      ['tokenFile', serviceAccountFiles.token],
    ]),
  };
  return {
    cluster: await clusterOf(io, options, entry),
    user: await userOf(io, options, entry),
    impersonation: impersonationOf(options, entry),
  };
}
