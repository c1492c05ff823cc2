import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, connect } from '../client.ts';
import { applyCrd } from '../crd.ts';
import { freePorts } from '../free-ports.ts';
import type { ApiServer } from '../harness.ts';
import { writeKubeconfig } from '../kubeconfig.ts';
import { waitFor } from '../wait-for.ts';
import { auditPolicy, openAuditLog } from './audit-log.ts';
import { goTool } from './build.ts';
import { apiServerFlags, controllerManagerFlags, etcdFlags, fileIn, type RealServerFiles } from './flags.ts';
import { type Program, startProgram } from './processes.ts';
import { startTokenWebhook, tokenFor } from './token-webhook.ts';

/** Twenty times what it takes on an idle machine. */
const firstReadyTimeoutMs = 60_000;
/** A server that ran before, and whose clients are being tested, is not made anew: it gets the time of two attempts. */
const nextReadyTimeoutMs = 120_000;
const maxStarts = 3;

/** One of the programs ended instead of serving; the message has its last words. */
class ProgramEnded extends Error {}

/** All programs run, and there was no good answer in time. */
class NotReadyInTime extends Error {}

/**
 * Starts etcd, kube-apiserver and kube-controller-manager (garbage collector, namespaces, service accounts) on free
 * ports with all files in a temporary folder, installs the CRD, and resolves when requests are served: about 3 s.
 * Builds the programs first if needed. Throws with a program's last words if it does not come up.
 */
export async function startRealApiServer(): Promise<RealApiServer> {
  // One after the other: each build uses all cores, and two at a time need the memory of both.
  const etcd = await goTool('etcd');
  const apiServer = await goTool('kube-apiserver');
  const controllerManager = await goTool('kube-controller-manager');
  for (let attempt = 1; ; attempt++) {
    try {
      return await start({ etcd, apiServer, controllerManager });
    } catch (error) {
      if (attempt === maxStarts || !isChance(error)) throw error;
      process.stderr.write(`kube-apiserver did not start, trying once more: ${(error as Error).message}\n`);
    }
  }
}

/**
 * Another process may have taken a port between our finding it and listening on it, and a start may hang on a machine that is short of
 * something: neither says anything about what is tested, and another attempt need not meet it again.
 */
function isChance(error: unknown): boolean {
  if (error instanceof ProgramEnded) return error.message.includes('address already in use');
  return error instanceof NotReadyInTime;
}

interface ProgramPaths {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
}

async function start({ etcd, apiServer, controllerManager }: ProgramPaths): Promise<RealApiServer> {
  const files = await prepareFiles();
  const webhook = await startTokenWebhook();
  const programs = new Map<string, Program>();
  const run = (name: string, command: string, flags: string[]) => {
    const removing = name === 'etcd' ? { removeFolder: files.folder } : {};
    const program = startProgram(name, command, flags, { log: fileIn(files, `${name}.log`), ...removing });
    programs.set(name, program);
    return program;
  };
  const stop = async () => {
    // Clients first: an etcd that goes away under kube-apiserver makes it write pages of complaints.
    for (const program of [...programs.values()].reverse()) await program.kill();
    webhook.stop();
    await rm(files.folder, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    await writeTokenFiles(files, webhook.url);
    const storage = run('etcd', etcd, etcdFlags(files));
    const startServing = async (timeoutMs: number) => {
      const program = run('kube-apiserver', apiServer, apiServerFlags(files));
      await waitUntilReady(files, [storage, program], timeoutMs);
    };
    await startServing(firstReadyTimeoutMs);
    const server = await connectRealApiServer(files);
    await applyCrd(server);
    // After the CRD: the garbage collector looks for new resource types every 30 s only.
    run('kube-controller-manager', controllerManager, controllerManagerFlags(server.kubeconfig));
    return {
      ...server,
      async compact() {
        await compactEtcd(files);
        // The watch cache remembers what etcd has forgotten; a new process starts with what there is.
        await programs.get('kube-apiserver')?.kill();
        await startServing(nextReadyTimeoutMs);
      },
      async pause() {
        await programs.get('kube-apiserver')?.kill();
      },
      resume: () => startServing(nextReadyTimeoutMs),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What one process has to tell another for `connectRealApiServer`. */
export type RealServerCoordinates = RealServerFiles;

export interface RealApiServer extends ApiServer {
  readonly coordinates: RealServerCoordinates;
}

/**
 * A real API server that another process of this test run started, by the coordinates it gave. It can be used, but only that process can
 * pause, compact or stop it.
 *
 * @param auditFrom byte of the audit log from which `auditEvents` begins
 */
export async function connectRealApiServer(files: RealServerCoordinates, auditFrom = 0): Promise<RealApiServer> {
  const url = `https://127.0.0.1:${files.port}`;
  const caFile = fileIn(files, 'certificates/apiserver.crt');
  const kubeconfig = fileIn(files, 'admin.kubeconfig');
  const admin: ApiClient = await connect(kubeconfig);
  const auditFile = fileIn(files, 'audit.log');
  const audit = openAuditLog(auditFile, auditFrom);
  const notMine = () => Promise.reject(new Error('This API server belongs to another process.'));
  return {
    kind: 'real',
    coordinates: files,
    url,
    caFile,
    kubeconfig,
    async kubeconfigFor(identity) {
      const file = fileIn(files, `identity-${randomBytes(6).toString('hex')}.kubeconfig`);
      const certificateAuthorityPem = await readFile(caFile, 'utf8');
      const token = tokenFor(identity);
      await writeKubeconfig(file, { server: url, certificateAuthorityPem, token }, identity.user, identity.namespace);
      return file;
    },
    request: (method, path, body, headers) => admin.request(method, path, body, headers),
    auditEvents: audit.all,
    async followAudit() {
      const log = openAuditLog(auditFile, (await stat(auditFile)).size);
      return log.next;
    },
    compact: notMine,
    pause: notMine,
    resume: notMine,
    stop: notMine,
  };
}

async function prepareFiles(): Promise<RealServerFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-apiserver-'));
  const [port, etcdPort, etcdPeerPort] = await freePorts(3);
  return { folder, port, etcdPort, etcdPeerPort };
}

async function writeTokenFiles(files: RealServerFiles, webhookUrl: string): Promise<void> {
  const adminToken = randomBytes(16).toString('hex');
  const serviceAccountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const webhook = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'webhook', cluster: { server: webhookUrl } }],
    users: [{ name: 'kube-apiserver', user: {} }],
    contexts: [{ name: 'webhook', context: { cluster: 'webhook', user: 'kube-apiserver' } }],
    'current-context': 'webhook',
  };
  const contents: Record<string, string> = {
    'admin.token': adminToken,
    'tokens.csv': `${adminToken},waxwing-test-admin,waxwing-test-admin,"system:masters"\n`,
    'token-webhook.kubeconfig': JSON.stringify(webhook),
    'service-account.key': serviceAccountKey.export({ type: 'sec1', format: 'pem' }).toString(),
    'audit-policy.json': JSON.stringify(auditPolicy),
  };
  await Promise.all(
    Object.entries(contents).map(([name, text]) => writeFile(fileIn(files, name), text, { mode: 0o600 })),
  );
}

/**
 * Waits for /readyz; the admin's kubeconfig is written as soon as the server has made its certificate. The file is read again after each
 * failure: the first look may find a half-written one, which no answer would ever fit.
 */
async function waitUntilReady(files: RealServerFiles, programs: readonly Program[], timeoutMs: number): Promise<void> {
  let client: ApiClient | undefined;
  let lastAnswer = 'none';
  const isReady = async () => {
    for (const program of programs) {
      if (program.isRunning()) continue;
      throw new ProgramEnded(`${program.name} ended with ${await program.exited}:\n${await program.lastWords()}`);
    }
    try {
      client ??= await connectAsAdmin(files);
      const { status } = await client.request('GET', '/readyz');
      lastAnswer = `status ${status}`;
      return status === 200;
    } catch (error) {
      client = undefined;
      lastAnswer = (error as Error).message;
      return false;
    }
  };
  try {
    await waitFor(isReady, { timeoutMs, what: 'kube-apiserver to be ready' });
  } catch (error) {
    if (error instanceof ProgramEnded) throw error;
    const logs = await Promise.all(programs.map(async ({ name, lastWords }) => `${name}:\n${await lastWords()}`));
    throw new NotReadyInTime(`${(error as Error).message} Last answer: ${lastAnswer}\n${logs.join('\n')}`);
  }
}

async function connectAsAdmin(files: RealServerFiles): Promise<ApiClient> {
  const certificateAuthorityPem = await readFile(fileIn(files, 'certificates/apiserver.crt'), 'utf8');
  const token = await readFile(fileIn(files, 'admin.token'), 'utf8');
  const kubeconfig = fileIn(files, 'admin.kubeconfig');
  const server = `https://127.0.0.1:${files.port}`;
  await writeKubeconfig(kubeconfig, { server, certificateAuthorityPem, token }, 'waxwing-test-admin');
  return connect(kubeconfig);
}

/** etcd's JSON gateway: the revision of now, and forget what was before it. */
async function compactEtcd(files: RealServerFiles): Promise<void> {
  const etcd = async (path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${files.etcdPort}/v3/kv/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return response.json() as Promise<{ header: { revision: string } }>;
  };
  const { header } = await etcd('range', { key: Buffer.from('none').toString('base64') });
  await etcd('compaction', { revision: header.revision, physical: true });
}
