import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isSealedSecretsError } from '@waxwing/shared';
import { type Config, readConfig } from '@waxwing/shared/settings';
import type { Foundation, Keys, Reconciling } from './assemble.ts';
import { assembleKeys, assembleReconciling, assembleServer } from './assemble.ts';
import { createFoundation } from './foundation.ts';
import { createApp, createMetricsApp, listenPatiently, type RunningServer } from './http/server.ts';
import { type Heap, keepIdleMemorySmall } from './idle-memory.ts';
import type { RenewalSignals } from './keys/life.ts';
import { manifestAge } from './manifest-version.ts';
import { reportMissingPermissions } from './permissions.ts';
import { processTimers } from './queue.ts';
import { version } from './version.ts';

/** What the process gives the program. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly renewalSignals: RenewalSignals;
  readonly poolThreads: number;
  /** The file that was started. */
  readonly programFile: string;
}

/** Exit statuses: a graceful end, a failed start or a lost lease, and a mistake in flags or environment. */
const exitStatus = { ok: 0, failed: 1, misconfigured: 2 } as const;

/** The whole program; resolves with the exit status. */
export async function runController(surroundings: Surroundings): Promise<number> {
  const invocation = readConfig({ ...surroundings, hostname: hostname(), readFile: readTextFile });
  switch (invocation.type) {
    case 'help':
      process.stderr.write(invocation.text);
      return exitStatus.ok;
    case 'version':
      process.stdout.write(`controller version: ${version}\n`);
      return exitStatus.ok;
    case 'invalid':
      process.stderr.write(invocation.text);
      return exitStatus.misconfigured;
    case 'run':
      return runConfigured(invocation.config, invocation.warnings, surroundings);
  }
}

/** A manifest of another version may lack rights or settings that this program needs, or name some that it does not know. */
function reportManifest(manifest: string | undefined, { logger, metrics }: Foundation): void {
  const age = manifestAge(manifest, version);
  if (manifest === undefined || age === 'same' || age === 'unknown') return;
  logger.warn(`the manifest is ${age} than the controller: apply the one of the controller's version`, {
    manifest,
    controller: version,
  });
  metrics.manifestMismatch(manifest, age);
}

function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

async function runConfigured(config: Config, warnings: readonly string[], surroundings: Surroundings): Promise<number> {
  const stopping = stopOnSignals();
  keepMemoryPrivate();
  tuneEngine();
  const foundation = createFoundation(config, {
    ...surroundings,
    stopping: stopping.signal,
    // At once: another replica writes from now on, and runs under way here must not.
    onLeaseLost: () => process.exit(exitStatus.failed),
  });
  const { logger } = foundation;
  if (inspectorUrl() !== undefined) {
    logger.error(
      'a debugger is listening, which could read every private key; the controller does not start like this',
    );
    return exitStatus.failed;
  }
  logger.info('starting sealed-secrets controller', { version, poolThreads: surroundings.poolThreads });
  for (const warning of warnings) logger.warn(warning);
  reportManifest(config.manifestVersion, foundation);
  const keys = assembleKeys(foundation);
  const reconciling = assembleReconciling(foundation, keys);
  try {
    return await runAssembled(foundation, keys, reconciling);
  } catch (error) {
    if (stopping.signal.aborted) return exitStatus.ok;
    logger.error('the controller cannot go on', { error: error instanceof Error ? error.message : 'unknown' });
    return exitStatus.failed;
  }
}

/** SIGTERM and SIGINT end the program politely, from its first moment on; a second one ends it at once. */
function stopOnSignals(): AbortController {
  const controller = new AbortController();
  for (const [signal, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
  ] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(128 + number);
      controller.abort(new Error(`stopped by ${signal}`));
    });
  }
  return controller;
}

/** Settings of V8 that cost or save memory and time here, each measured (DESIGN.md, Memory). They can be set while it runs. */
function tuneEngine(): void {
  // The space for old objects may grow to a multiple of what is alive before it is collected; it grows in smaller steps instead.
  setFlagsFromString('--heap-growing-percent=40');
  // Threads that are to help with the young generation have to wait for a core themselves.
  setFlagsFromString('--no-parallel-scavenge');
  // The second of V8's optimizing compilers takes as much time as it saves, and memory for its code.
  setFlagsFromString('--no-turbofan');
}

/** This process's heap. */
const processHeap: Heap = {
  usedBytes: () => getHeapStatistics().used_heap_size,
  collect() {
    // Only contexts that are made after V8 was told to have the function.
    setFlagsFromString('--expose-gc');
    runInNewContext('gc()');
  },
};

/** Diagnostic reports hold the environment and parts of memory. */
function keepMemoryPrivate(): void {
  const { report } = process;
  report.reportOnFatalError = false;
  report.reportOnSignal = false;
  report.reportOnUncaughtException = false;
}

/** The order of start (specification 4.2): keys, servers, election, caches, workers; then it waits for the end. */
async function runAssembled(foundation: Foundation, keys: Keys, reconciling: Reconciling): Promise<number> {
  const { config, election, logger, client, stopping } = foundation;
  const { scopes, workers, orphans } = reconciling;
  const loading = loadKeysOnce(keys);
  await Promise.race([loading, stopped(stopping), delay(longestSilenceMs, undefined, { ref: false })]);
  if (stopping.aborted) return exitStatus.ok;
  const servers = await startServers(foundation, keys, reconciling);
  void reportMissingPermissions(config, client.access, logger, stopping);
  election.start();
  const { watch, follower } = keys.follow();
  scopes.start();
  const working = startWork(foundation, keys, reconciling, loading);
  const stopCollecting = keepIdleMemorySmall({
    heap: processHeap,
    isBusy: () => workers.running > 0,
    timers: processTimers,
  });
  await ended(stopping, working);
  logger.info('shutting down controller', {
    reason: String((stopping.reason as Error | undefined)?.message ?? 'ended'),
  });
  const stopByMs = performance.now() + config.shutdownTimeoutMs;
  stopCollecting();
  orphans.stop();
  keys.life.stop();
  await workers.stop(config.shutdownTimeoutMs);
  // Not before the last write was made: the Lease is given back.
  const following = [follower.stop(), watch.stop(), scopes.stop(), election.stop()];
  await Promise.race([Promise.all(following), delay(longestFarewellMs)]);
  const restMs = Math.max(shortestDrainMs, stopByMs - performance.now());
  await Promise.all(servers.map((server) => server.stop(restMs)));
  await client.close();
  return exitStatus.ok;
}

/** All of this is over at once but for giving the Lease back, unless something hangs that cannot be ended, such as a credential plugin. */
const longestFarewellMs = 5_000;
/** Requests of people get so much time at the end, even if the shutdown timeout is over. */
const shortestDrainMs = 1_000;

/** So long the first attempt to load keys may keep the servers waiting: half the period of the health checks of the manifests. */
const longestSilenceMs = 5_000;

/**
 * One attempt before anything listens, so that nobody normally meets a server without a key. If the API server is away, or does not answer, the
 * servers start all the same: a process that does not answer its health check is restarted, which would not help.
 */
async function loadKeysOnce({ life }: Keys): Promise<boolean> {
  try {
    await life.load();
    return true;
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    // `startWork` tries again, and reports what is wrong.
    return false;
  }
}

/** An address that another process holds may be free a moment later. */
const listenRetryIntervalMs = 5_000;

async function startServers(
  foundation: Foundation,
  keys: Keys,
  { scopes, workers }: Reconciling,
): Promise<Pick<RunningServer, 'stop'>[]> {
  const { config, logger, metrics, stopping } = foundation;
  let wasReady = false;
  const health = {
    ready: () => {
      wasReady ||= scopes.synced;
      return wasReady && keys.registry.ring.keys.length > 0;
    },
    stuck: () => whatIsStuck(scopes, workers),
  };
  const { listen, listenMetrics, readTimeoutMs, writeTimeoutMs } = config.http;
  const serve = (name: string, app: Parameters<typeof listenPatiently>[0], address: typeof listen) =>
    listenPatiently(app, {
      address,
      readTimeoutMs,
      writeTimeoutMs,
      retryIntervalMs: listenRetryIntervalMs,
      signal: stopping,
      onListening: (port) => logger.info(`${name} serving`, { addr: `${address.host}:${port}` }),
      onFailure: (error) =>
        logger.error(`${name} cannot listen, will try again`, {
          addr: `${address.host}:${address.port}`,
          error: error instanceof Error ? error.message : 'unknown',
        }),
    });
  return [
    await serve('HTTP server', createApp(assembleServer(foundation, keys, health)), listen),
    await serve('HTTP metrics server', createMetricsApp(metrics.registry, logger), listenMetrics),
  ];
}

/** Only our own loops count: an API server that is away, or has no time for us, is no reason to restart. */
function whatIsStuck(scopes: Reconciling['scopes'], workers: Reconciling['workers']): string | undefined {
  const nowMs = performance.now();
  for (const [name, { state }] of scopes.reflectors)
    if (nowMs > state.deadlineMs) return `the watch of ${name} is stuck`;
  const [key] = workers.stuck();
  return key === undefined ? undefined : `reconciling ${key} is stuck`;
}

/** Waits for the lease, the keys and the first lists, then reconciles and renews. */
async function startWork(
  { election, logger, stopping }: Foundation,
  { life, registry }: Keys,
  { scopes, workers, triggers, orphans }: Reconciling,
  loading: Promise<boolean>,
): Promise<void> {
  const mayWrite = election.leadership !== 'following';
  if (!(await loading)) await life.loadUntilDone();
  await election.whenLeading();
  if (stopping.aborted) return;
  // A follower that had no key, or none new enough, may make one now.
  if (!mayWrite) await life.loadUntilDone();
  await scopes.headStart(stopping);
  if (stopping.aborted) return;
  logger.info('reconciling', { keys: registry.ring.keys.length });
  triggers.exportConditions();
  workers.start();
  orphans.start();
  life.startRenewal();
}

/** Resolves when the program is to stop, rejects when the work could not be begun. */
async function ended(stopping: AbortSignal, working: Promise<void>): Promise<void> {
  const end = stopped(stopping);
  await Promise.race([end, working.then(() => end)]);
}

function stopped(stopping: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (stopping.aborted) resolve(undefined);
    stopping.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
