import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { type ApiClient, connect } from '../client.ts';
import { crdFile } from '../crd.ts';
import type { ApiServer, Identity } from '../harness.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { type AuditRecord, AuditTrail } from './audit.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificates.ts';
import { bootstrap, createCluster, definitions, followDefinitions, install } from './cluster.ts';
import { FaultControl } from './fault-control.ts';
import type { FaultMatch, Faults } from './faults.ts';
import { GarbageCollector } from './garbage-collection.ts';
import { followNamespaces } from './namespaces.ts';
import { ApiListener } from './server.ts';
import { TokenAuthority } from './tokens.ts';
import type { WatchConnection } from './watches.ts';
import type { Cluster } from './writes.ts';

export type { AuditRecord } from './audit.ts';
export type { ActiveFault, Faults } from './faults.ts';

export interface EmbeddedApiServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Folder for kubeconfigs and the CA file. Default: a temporary one, removed by `stop`. */
  readonly folder?: string;
  /** Plain HTTP instead of HTTPS. Default false. */
  readonly http?: boolean;
  /** Installs the CRD of `crds/`. Default true. */
  readonly installCrd?: boolean;
  /** Changes that each resource remembers for watches at least. Default 10,000. */
  readonly historySize?: number;
  /** How often watches that asked for bookmarks get one. Default 60,000 ms, as of the real one; 0: never. */
  readonly bookmarkIntervalMs?: number;
  /** Delay between the deletion of an owner and that of its dependents. Default 20 ms. */
  readonly garbageCollectionDelayMs?: number;
  /** Seed of the random that picks the share of requests a fault hits. Default 1. */
  readonly seed?: number;
  /** The server's clock in milliseconds since 1970. Default: the machine's. */
  readonly now?: () => number;
}

export interface EmbeddedApiServer extends ApiServer {
  readonly kind: 'embedded';
  readonly faults: Faults;
  auditEvents(): Promise<AuditRecord[]>;
}

/** What a running server consists of; the three mutable parts change by faults. */
interface Running {
  readonly cluster: Cluster;
  readonly tokens: TokenAuthority;
  readonly audit: AuditTrail;
  readonly faultControl: FaultControl;
  readonly collector: GarbageCollector;
  readonly stopNamespaces: () => void;
  readonly listener: ApiListener;
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  readonly caFile: string;
  readonly kubeconfig: string;
  readonly machineClock: () => number;
  clock: () => number;
  authority: CertificateAuthority;
  admin: Promise<ApiClient>;
}

const adminIdentity: Identity = { user: 'waxwing-test-admin', groups: ['system:masters'] };

/** Starts an API server in this process, in a fraction of a second. The caller stops it. */
export async function startEmbeddedApiServer(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
  const running = await start(options);
  const { cluster, listener, folder } = running;
  return {
    kind: 'embedded',
    url: running.url,
    caFile: running.caFile,
    kubeconfig: running.kubeconfig,
    faults: createFaults(running),
    async kubeconfigFor(identity) {
      const file = join(folder, `identity-${randomBytes(6).toString('hex')}.kubeconfig`);
      await writeIdentity(running, file, identity);
      return file;
    },
    request: async (method, path, body, headers) => (await running.admin).request(method, path, body, headers),
    auditEvents: async () => running.audit.records(),
    async followAudit() {
      const next = running.audit.follow();
      return async () => next();
    },
    compact: async () => cluster.store.compact(),
    pause: () => listener.close(),
    resume: () => listener.reopen(),
    async stop() {
      running.collector.stop();
      running.stopNamespaces();
      running.faultControl.stop();
      await listener.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(options: EmbeddedApiServerOptions): Promise<Running> {
  const machineClock = options.now ?? Date.now;
  const time = { now: machineClock };
  const cluster = createCluster(options.historySize ?? 10_000, () => time.now());
  const tokens = new TokenAuthority(cluster.store, cluster.now);
  const audit = new AuditTrail();
  const watches = new Set<WatchConnection>();
  const faultControl = new FaultControl(options.seed ?? 1, watches);
  followDefinitions(cluster);
  cluster.store.subscribe((storage, { type, current }) => {
    if (storage !== definitions || type !== 'DELETED') return;
    // A resource that is no more cannot be watched.
    for (const watch of [...watches]) if (`${watch.type.plural}.${watch.type.group}` === current.key) watch.end();
  });
  const collector = new GarbageCollector(cluster, options.garbageCollectionDelayMs ?? 20);
  const stopNamespaces = followNamespaces(cluster);
  bootstrap(cluster);
  if (options.installCrd !== false) install(cluster, parseYaml(await readFile(crdFile, 'utf8')), 'waxwing-test');

  const authority = createCertificateAuthority('waxwing-test-ca', Date.now());
  const bookmarkIntervalMs = options.bookmarkIntervalMs ?? 60_000;
  const parts = { cluster, tokens, audit, faults: faultControl, watches, bookmarkIntervalMs };
  const isHttp = options.http === true;
  const listener = new ApiListener(parts, isHttp ? undefined : serverCertificate(authority));
  const port = await listener.listen(options.port ?? 0);
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'waxwing-embedded-')));
  await mkdir(folder, { recursive: true });
  const kubeconfig = join(folder, 'admin.kubeconfig');
  const running = {
    ...{
      cluster,
      tokens,
      audit,
      faultControl,
      collector,
      stopNamespaces,
      listener,
      port,
      folder,
      kubeconfig,
      machineClock,
    },
    url: `${isHttp ? 'http' : 'https'}://127.0.0.1:${port}`,
    caFile: join(folder, 'ca.crt'),
    authority,
    get clock() {
      return time.now;
    },
    set clock(now) {
      time.now = now;
    },
  };
  await writeFile(running.caFile, authority.certificatePem);
  await writeIdentity(running, kubeconfig, adminIdentity);
  return Object.assign(running, { admin: connect(kubeconfig) });
}

type Issuer = Pick<Running, 'tokens' | 'url' | 'authority'>;

async function writeIdentity({ tokens, url, authority }: Issuer, file: string, identity: Identity): Promise<void> {
  const token = tokens.issue(identity.user, identity.groups);
  const connection = { server: url, certificateAuthorityPem: authority.certificatePem, token };
  await writeKubeconfig(file, connection, identity.user, identity.namespace);
}

function serverCertificate(authority: CertificateAuthority): { cert: string; key: string } {
  const { certificatePem, privateKeyPem } = authority.issue(
    ['localhost', 'kubernetes', 'kubernetes.default.svc'],
    ['127.0.0.1'],
  );
  return { cert: certificatePem, key: privateKeyPem };
}

function createFaults(running: Running): Faults {
  const { faultControl, listener, tokens, cluster } = running;
  const forEachWatch = (match: FaultMatch | undefined, act: (connection: WatchConnection) => void) => {
    const affected = faultControl.matchingWatches(match);
    for (const connection of affected) act(connection);
    return affected.length;
  };
  return {
    fail: (fault) => faultControl.errors.add(fault),
    delay: (fault) => faultControl.delays.add(fault),
    disconnect: (fault) => faultControl.disconnects.add(fault),
    dropWatches: (match) => forEachWatch(match, (connection) => connection.drop()),
    endWatches: (match) => forEachWatch(match, (connection) => connection.end()),
    silenceWatches: ({ match, newWatches } = {}) => faultControl.silence(match, newWatches ?? 'work'),
    slowWatches: ({ match, delayMs }) => faultControl.slow(match, delayMs),
    refuseConnections: () => listener.close(),
    acceptConnections: () => listener.reopen(),
    compactHistory: () => cluster.store.compact(),
    setGarbageCollectionDelay: (delayMs) => running.collector.setDelay(delayMs),
    revokeTokens: (user) => tokens.revokeUser(user),
    rotateToken(user) {
      const groups = tokens.groupsOf(user);
      tokens.revokeUser(user);
      return tokens.issue(user, groups);
    },
    async replaceCertificateAuthority() {
      running.authority = createCertificateAuthority('waxwing-test-ca', Date.now());
      listener.useCertificate(serverCertificate(running.authority));
      await writeFile(running.caFile, running.authority.certificatePem);
      await writeIdentity(running, running.kubeconfig, adminIdentity);
      running.admin = connect(running.kubeconfig);
      return running.authority.certificatePem;
    },
    replaceServerCertificate: () => listener.useCertificate(serverCertificate(running.authority)),
    setClock(now) {
      running.clock = now ?? running.machineClock;
    },
    clear: () => faultControl.clear(),
  };
}
