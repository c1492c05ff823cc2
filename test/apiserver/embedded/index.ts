import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { connect } from '../client.ts';
import { crdFile } from '../crd.ts';
import type { ApiServer, Identity } from '../harness.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { type AuditRecord, AuditTrail } from './audit.ts';
import { type CertificateAuthority, createCertificateAuthority } from './certificates.ts';
import { bootstrap, createCluster, followDefinitions, install } from './cluster.ts';
import { FaultControl } from './fault-control.ts';
import type { Faults } from './faults.ts';
import { GarbageCollector } from './garbage-collection.ts';
import { followNamespaces } from './namespaces.ts';
import { ApiListener } from './server.ts';
import { TokenAuthority } from './tokens.ts';
import type { WatchConnection } from './watches.ts';

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
  /** Changes that each resource remembers for watches at least. Default 100,000. */
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

/** Starts an API server in this process, in some 30 ms. The caller stops it. */
export async function startEmbeddedApiServer(options: EmbeddedApiServerOptions = {}): Promise<EmbeddedApiServer> {
  const machineClock = options.now ?? Date.now;
  let clock = machineClock;
  const now = () => clock();
  const cluster = createCluster(options.historySize ?? 100_000, now);
  const tokens = new TokenAuthority(cluster.store, now);
  const audit = new AuditTrail();
  const watches = new Set<WatchConnection>();
  const faultControl = new FaultControl(options.seed ?? 1, watches);
  followDefinitions(cluster);
  const collector = new GarbageCollector(cluster, options.garbageCollectionDelayMs ?? 20);
  const stopNamespaces = followNamespaces(cluster);
  bootstrap(cluster);
  if (options.installCrd !== false) install(cluster, parseYaml(await readFile(crdFile, 'utf8')), 'waxwing-test');

  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'waxwing-embedded-')));
  await mkdir(folder, { recursive: true });
  const caFile = join(folder, 'ca.crt');
  let authority = createCertificateAuthority('waxwing-test-ca', Date.now());
  const isHttp = options.http === true;
  const parts = {
    cluster,
    tokens,
    audit,
    faults: faultControl,
    watches,
    bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
  };
  const listener = new ApiListener(parts, isHttp ? undefined : serverCertificate(authority));
  const port = await listener.listen(options.port ?? 0);
  const url = `${isHttp ? 'http' : 'https'}://127.0.0.1:${port}`;
  await writeFile(caFile, authority.certificatePem);

  const writeConfig = async (file: string, identity: Identity) => {
    const token = tokens.issue(identity.user, identity.groups);
    await writeKubeconfig(
      file,
      { server: url, certificateAuthorityPem: authority.certificatePem, token },
      identity.user,
      identity.namespace,
    );
    return file;
  };
  const kubeconfig = await writeConfig(join(folder, 'admin.kubeconfig'), {
    user: 'waxwing-test-admin',
    groups: ['system:masters'],
  });
  let admin = connect(kubeconfig);

  const faults: Faults = {
    fail: (fault) => faultControl.errors.add(fault),
    delay: (fault) => faultControl.delays.add(fault),
    disconnect: (fault) => faultControl.disconnects.add(fault),
    dropWatches(match) {
      const affected = faultControl.matchingWatches(match);
      for (const connection of affected) connection.drop();
      return affected.length;
    },
    endWatches(match) {
      const affected = faultControl.matchingWatches(match);
      for (const connection of affected) connection.end();
      return affected.length;
    },
    silenceWatches: ({ match, newWatches } = {}) => faultControl.silence(match, newWatches ?? 'work'),
    slowWatches: ({ match, delayMs }) => faultControl.slow(match, delayMs),
    refuseConnections: () => listener.close(),
    acceptConnections: async () => {
      await listener.listen(port);
    },
    compactHistory: () => cluster.store.compact(),
    setGarbageCollectionDelay: (delayMs) => collector.setDelay(delayMs),
    revokeTokens: (user) => tokens.revokeUser(user),
    rotateToken(user) {
      const groups = tokens.groupsOf(user);
      tokens.revokeUser(user);
      return tokens.issue(user, groups);
    },
    async replaceCertificateAuthority() {
      authority = createCertificateAuthority('waxwing-test-ca', Date.now());
      listener.useCertificate(serverCertificate(authority));
      await writeFile(caFile, authority.certificatePem);
      await writeConfig(kubeconfig, { user: 'waxwing-test-admin', groups: ['system:masters'] });
      admin = connect(kubeconfig);
      return authority.certificatePem;
    },
    replaceServerCertificate: () => listener.useCertificate(serverCertificate(authority)),
    setClock(next) {
      clock = next ?? machineClock;
    },
    clear: () => faultControl.clear(),
  };

  return {
    kind: 'embedded',
    url,
    caFile,
    kubeconfig,
    faults,
    kubeconfigFor: (identity) =>
      writeConfig(join(folder, `identity-${randomBytes(6).toString('hex')}.kubeconfig`), identity),
    request: async (method, path, body, headers) => (await admin).request(method, path, body, headers),
    auditEvents: async () => audit.records(),
    compact: async () => cluster.store.compact(),
    pause: () => listener.close(),
    resume: async () => {
      await listener.listen(port);
    },
    async stop() {
      collector.stop();
      stopNamespaces();
      faultControl.stop();
      await listener.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function serverCertificate(authority: CertificateAuthority): { cert: string; key: string } {
  const { certificatePem, privateKeyPem } = authority.issue(
    ['localhost', 'kubernetes', 'kubernetes.default.svc'],
    ['127.0.0.1'],
  );
  return { cert: certificatePem, key: privateKeyPem };
}
