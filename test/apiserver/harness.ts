import type { ApiResponse } from './client.ts';
import type { Faults } from './embedded/faults.ts';

/** The in-memory server of this repository, or kube-apiserver with etcd and kube-controller-manager. */
export type ApiServerKind = 'embedded' | 'real';

/** Who a kubeconfig speaks for. `system:serviceaccount:NAMESPACE:NAME` gets the groups of a service account by itself. */
export interface Identity {
  readonly user: string;
  readonly groups?: readonly string[];
  /** Default namespace of the kubeconfig's context; `default` if left out. */
  readonly namespace?: string;
}

/** One request as the API server's audit log has it at level Metadata. No body, neither of the request nor the response. */
export interface AuditEvent {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; `get`, `post`, ... outside of resources. */
  readonly verb: string;
  readonly user: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Path and query as requested. */
  readonly requestURI: string;
  /** HTTP status; of a watch that is still open, the status it started with. */
  readonly responseCode: number;
  readonly userAgent: string;
  /** RFC 3339 with fractions of a second, UTC. */
  readonly requestReceivedTimestamp: string;
}

/**
 * A running API server, embedded or real; what holds for one holds for the other, `faults` apart.
 * The CRD of `crds/` is installed, RBAC decides, owner references and namespaces are cleaned up.
 */
export interface ApiServer {
  readonly kind: ApiServerKind;
  /** `https://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  /** PEM file of the authority that signed the server's certificate. */
  readonly caFile: string;
  /** File with the kubeconfig of a cluster admin (group `system:masters`, token authentication). */
  readonly kubeconfig: string;
  /** Writes a kubeconfig with a token of another identity, which may do nothing until RBAC says so. Returns its path. */
  kubeconfigFor(identity: Identity): Promise<string>;
  /** A request as cluster admin, JSON in and out. Answers of every status are returned; only a broken connection throws. */
  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<ApiResponse>;
  /** Every request so far, in the order in which they were received. */
  auditEvents(): Promise<AuditEvent[]>;
  /** Gives a function that tells, at each call, which requests came to their end since the call before (the first time: since now). */
  followAudit(): Promise<() => Promise<AuditEvent[]>>;
  /**
   * Forgets all history, as etcd's compaction does after five minutes: watches, exact lists and continue tokens of any
   * earlier resource version are answered with 410 from now on.
   */
  compact(): Promise<void>;
  /** The server goes away: open connections break, new ones are refused. */
  pause(): Promise<void>;
  /** It comes back after `pause` with the same data, port and certificate. */
  resume(): Promise<void>;
  /** Faults on request; only the embedded server has them. */
  readonly faults?: Faults;
  stop(): Promise<void>;
}

export interface ApiServerOptions {
  /** Default: the environment's `WAXWING_API_SERVER`, else `embedded`. */
  readonly kind?: ApiServerKind;
}

/** What WAXWING_API_SERVER asks for. Throws if it is neither of the two. */
export function apiServerKind(environment: NodeJS.ProcessEnv = process.env): ApiServerKind {
  const kind = environment['WAXWING_API_SERVER'] ?? 'embedded';
  if (kind !== 'embedded' && kind !== 'real') {
    throw new Error(`WAXWING_API_SERVER is ${JSON.stringify(kind)}; it must be "embedded" or "real".`);
  }
  return kind;
}

/**
 * Starts an API server of its own for the caller, who stops it. The real one takes about 3 s; test files get theirs from
 * `leaseApiServer` of `leased-server.ts`.
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const kind = options.kind ?? apiServerKind();
  if (kind === 'real') return (await import('./real/server.ts')).startRealApiServer();
  return (await import('./embedded/index.ts')).startEmbeddedApiServer();
}
