import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createSecureContext } from 'node:tls';

/** What a connection is authenticated with, as it is on disk (or in a plugin's answer) at one moment. */
export interface Material {
  /** `https://host:port`, perhaps with a path, without a slash at the end. */
  readonly server: string;
  /** `Authorization`, `Impersonate-User`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
  readonly skipVerify?: boolean;
  readonly proxyUrl?: string | undefined;
}

/** Where material comes from. `fresh`: the last one was refused, so nothing that is remembered may be used again. */
export interface CredentialSource {
  load(fresh: boolean): Promise<Material>;
}

/** What to send a request with. A new CA or client certificate makes a new agent; open connections of the old one live on. */
export interface Transport {
  readonly server: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: HttpAgent;
}

export interface Credentials {
  /** The transport; what it is made from is read again if the last look is older than the check interval. */
  current(): Promise<Transport>;
  /** Reads at once, because `used` was refused (401, unknown CA). False if that changed nothing. */
  renew(used: Transport): Promise<boolean>;
  close(): void;
}

/** Connections that idle longer are closed by us: kube-apiserver closes them after 90 s. */
const idleSocketMs = 60_000;

export function createCredentials(
  source: CredentialSource,
  options: { readonly checkIntervalMs: number; now(): number },
): Credentials {
  let transport: Transport | undefined;
  let tlsFingerprint = '';
  let checkedMs = Number.NEGATIVE_INFINITY;
  let loading: Promise<Transport> | undefined;

  async function load(fresh: boolean): Promise<Transport> {
    checkedMs = options.now();
    try {
      return renewTransport(await source.load(fresh));
    } catch (error) {
      // A file that is being replaced must not stop requests that the old content still serves.
      if (transport === undefined || fresh) throw error;
      return transport;
    }
  }

  function renewTransport(material: Material): Transport {
    const fingerprint = fingerprintOf(material);
    const sameHeaders = JSON.stringify(transport?.headers) === JSON.stringify(material.headers);
    if (transport !== undefined && fingerprint === tlsFingerprint && sameHeaders) return transport;
    const agent = transport !== undefined && fingerprint === tlsFingerprint ? transport.agent : createAgent(material);
    if (transport !== undefined && agent !== transport.agent) retire(transport.agent);
    tlsFingerprint = fingerprint;
    transport = { server: new URL(material.server), headers: material.headers, agent };
    return transport;
  }

  /** One load at a time; everybody who asks meanwhile gets its result. */
  function loadOnce(fresh: boolean): Promise<Transport> {
    loading ??= load(fresh).finally(() => {
      loading = undefined;
    });
    return loading;
  }

  return {
    async current() {
      if (transport !== undefined && options.now() - checkedMs < options.checkIntervalMs) return transport;
      return loadOnce(false);
    },
    async renew(used) {
      if (transport !== used) return true;
      await loading?.catch(() => {});
      if (transport !== used) return true;
      return (await loadOnce(true)) !== used;
    },
    close() {
      transport?.agent.destroy();
    },
  };
}

function fingerprintOf(material: Material): string {
  const { server, ca, certificate, key, serverName, skipVerify, proxyUrl } = material;
  const parts = [server, ca, certificate, key, serverName, skipVerify, proxyUrl];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function createAgent(material: Material): HttpAgent {
  const proxy = material.proxyUrl;
  const pooling = {
    keepAlive: true,
    keepAliveMsecs: 30_000,
    scheduling: 'lifo',
    timeout: idleSocketMs,
    // Node's own proxy support takes its settings in the shape of the environment's variables.
    ...(proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy, HTTP_PROXY: proxy } }),
  } as const;
  if (material.server.startsWith('http:')) return new HttpAgent(pooling);
  const { ca, certificate: cert, key } = material;
  return new HttpsAgent({
    ...pooling,
    // Once for all connections, which would otherwise each read the certificates again.
    secureContext: createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    }),
    ...(material.serverName === undefined ? {} : { servername: material.serverName }),
    ...(material.skipVerify === true ? { rejectUnauthorized: false } : {}),
  });
}

/** No connection of this agent is used for another request; those in use end with their request, watches included. */
function retire(agent: HttpAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  // Read by the agent each time a request ends: the socket is destroyed instead of pooled.
  (agent as unknown as { keepAlive: boolean }).keepAlive = false;
}

/** Where kubelet puts the service account's files. */
const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The service account of the Pod: kubelet replaces token and CA while the process runs, so both are read each time. */
export function inClusterSource(
  address: { readonly host: string; readonly port: string },
  directory = serviceAccountDir,
): CredentialSource {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    async load() {
      const [token, ca] = await Promise.all([
        readFile(`${directory}/token`, 'utf8'),
        readFile(`${directory}/ca.crt`, 'utf8'),
      ]);
      return { server: `https://${host}:${address.port}`, headers: bearer(token), ca };
    },
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token.trim()}` };
}
