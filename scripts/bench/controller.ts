import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { type ControllerProcess, terminate } from '../programs.ts';
import {
  type BenchCluster,
  type BenchKey,
  countEvents,
  countOf,
  installNewKey,
  installTestKey,
  metric,
  metricIn,
  metricsOf,
  must,
  namespaceOf,
  populate,
  startCluster,
} from './cluster.ts';
import { decryptionRate } from './decryption-rate.ts';
import { type Benchmark, formatMs, formatRatio, type Measurement, median, percentile } from './report.ts';
import { writeOnlyRates } from './write-loop.ts';

const mebibyte = 1 << 20;
/** Below this the machine is too busy for the figures to mean anything. */
const leastWriteRate = 300;
/** Renewal would cost seconds of CPU in the middle of a measurement. */
const steadyKeys = ['--key-renew-period=0'];

async function withCluster<T>(run: (cluster: BenchCluster) => Promise<T>): Promise<T> {
  const cluster = await startCluster();
  try {
    return await run(cluster);
  } finally {
    await cluster.stop();
  }
}

/** Resident memory of a process now and at its highest, CPU seconds used so far. Linux only. */
function processUsage({ child }: ControllerProcess): { rss: number; peak: number; cpuSeconds: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN);
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const ticksPerSecond = 100;
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  return { rss: kilobytes('VmRSS') * 1024, peak: kilobytes('VmHWM') * 1024, cpuSeconds };
}

async function usageMeasurements(controller: ControllerProcess): Promise<Measurement[]> {
  const { peak, cpuSeconds } = processUsage(controller);
  // Nobody asks for metrics before: these cover the whole life of the process, its start included.
  const page = await metricsOf(controller);
  const lag = (which: string) => formatMs(metricIn(page, `nodejs_eventloop_lag_${which}_seconds`) * 1000);
  return [
    {
      name: 'controller: event-loop delay, median / p99 / max',
      value: `${lag('p50')} / ${lag('p99')} / ${lag('max')}`,
    },
    { name: 'controller: CPU', value: `${cpuSeconds.toFixed(1)} s` },
    { name: 'controller: peak memory', value: `${(peak / mebibyte).toFixed(0)} MiB` },
  ];
}

/** API calls of the controller by verb and resource, from the server's audit trail. */
async function apiCalls(cluster: BenchCluster, since: string): Promise<Measurement[]> {
  const counts = new Map<string, number>();
  for (const event of await cluster.server.auditEvents()) {
    if (event.requestReceivedTimestamp < since || !/waxwing-controller|^controller/.test(event.userAgent)) continue;
    const subresource = event.subresource === undefined ? '' : `/${event.subresource}`;
    const key = `${event.verb} ${event.resource ?? 'other'}${subresource}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Array.from(counts, ([name, count]) => ({ name: `controller: ${name}`, value: String(count) }));
}

const coldObjects = 2000;
/** A thousand for each concurrency: in so many a fresh API server collects garbage about once. */
const loopObjects = 4000;

/**
 * The bars of 55 % and 68 % were set on a machine where arithmetic allows 72 %: RSA and the writes share the cores and nothing else is done.
 * Elsewhere RSA costs more, or less, so what is asked for is the same part of what is possible.
 */
const partOfLimit = 0.55 / 0.72;
const aimOfLimit = 0.68 / 0.72;

/**
 * Writing alone and a cold start take turns: what else the machine does changes both by a fifth from one minute to the next. Each round has an
 * API server of its own. One that is kept holds gigabytes after two rounds and collects garbage once in 4,000 objects, for two seconds: most
 * cold starts have such a collection in them, and the best of four short loops never has.
 */
const coldRounds = 5;

interface ColdRound {
  /** Per second, each measured alone: RSA operations, and objects written by the loop, by its concurrency. */
  readonly decryptions: number;
  readonly writes: ReadonlyMap<number, number>;
  /** Objects per second of the cold start. */
  readonly rate: number;
  /** What kube's garbage collector asked for meanwhile. */
  readonly collectorCalls: number;
  /** Secrets there are in the end. */
  readonly secrets: number;
  readonly usage: readonly Measurement[];
}

export const coldStart: Benchmark = {
  name: 'cold-start',
  description: `${coldObjects} one-item objects, RSA 4096, against writing alone, ${coldRounds} times; then a warm restart of the same`,
  run: () => measureColdStart(({ client }) => installTestKey(client)),
};

/** Where RSA is slow its share drowns everything else, and a cold start of 4096 bits tells little of what the controller itself costs. */
export const coldStartSmallerKey: Benchmark = {
  name: 'cold-start-3072',
  description: 'the same with RSA 3072, which on a machine without AVX-512 IFMA costs what 4096 costs on one with it',
  run: () => measureColdStart(({ client }) => installNewKey(client, 3072, new Date())),
};

async function measureColdStart(
  installedKey: (cluster: BenchCluster) => Promise<BenchKey>,
): Promise<readonly Measurement[]> {
  const rounds: ColdRound[] = [];
  let restart: readonly Measurement[] = [];
  while (rounds.length < coldRounds) {
    await withCluster(async (cluster) => {
      rounds.push(await measureColdRound(cluster, await installedKey(cluster)));
      if (rounds.length === coldRounds) restart = await warmRestart(cluster, coldObjects);
    });
  }
  return [...judgeColdRounds(rounds), ...(rounds.at(-1)?.usage ?? []), ...restart];
}

const coldShape = (key: BenchKey) => ({
  items: 1,
  valueBytes: 32,
  keyOf: () => key,
  objects: coldObjects,
  namespaces: 10,
});

async function measureColdRound(cluster: BenchCluster, key: BenchKey): Promise<ColdRound> {
  const { client, server } = cluster;
  const shape = coldShape(key);
  const decryptions = await decryptionRate(key.privateKey);
  const loop = { ...shape, objects: loopObjects, namespaces: 1, namespacePrefix: 'loop' };
  const writes = await measureLoop(cluster, loop);
  await populate(client, shape);
  const events = await countEvents(server);
  const since = new Date().toISOString();
  const started = Date.now();
  const controller = await cluster.startController(steadyKeys);
  const rate = coldObjects / (((await events.until(coldObjects)) - started) / 1000);
  const secrets = await countOf(client, '/api/v1/secrets?labelSelector=!sealedsecrets.bitnami.com/sealed-secrets-key');
  const usage = [...(await usageMeasurements(controller)), ...(await apiCalls(cluster, since))];
  await terminate(controller.child);
  return { decryptions, writes, rate, secrets, usage, collectorCalls: await collectorCalls(cluster, since) };
}

/** A collector that is still busy with what was there before takes CPU from what is measured. */
async function collectorCalls({ server }: BenchCluster, since: string): Promise<number> {
  const events = await server.auditEvents();
  return events.filter(
    ({ requestReceivedTimestamp, resource, userAgent }) =>
      requestReceivedTimestamp >= since && resource === 'secrets' && userAgent.startsWith('kube-controller-manager'),
  ).length;
}

/**
 * The loop's rates at its best concurrency, one for each round. The best of all single rates would be that of the machine's best moment, to which
 * no cold start, ten times as long, compares.
 */
function bestWrites(rounds: readonly ColdRound[]): readonly number[] {
  const concurrencies = Array.from(rounds[0]?.writes.keys() ?? []);
  const candidates = concurrencies.map((concurrency) => rounds.map(({ writes }) => writes.get(concurrency) ?? 0));
  return candidates.toSorted((a, b) => median(b) - median(a))[0] ?? [];
}

function judgeColdRounds(rounds: readonly ColdRound[]): Measurement[] {
  const writes = bestWrites(rounds);
  const isSteady = Math.min(...writes) >= leastWriteRate && Math.max(...writes) <= Math.min(...writes) * 1.2;
  const decryptions = rounds.map((round) => round.decryptions);
  const rates = rounds.map(({ rate }) => rate);
  const limit = 1 / (1 / median(writes) + 1 / median(decryptions));
  const share = median(rates) / median(writes);
  const shareOfLimit = median(rates) / limit;
  const calls = Math.max(...rounds.map((round) => round.collectorCalls));
  const list = (values: readonly number[]) => values.map((value) => value.toFixed(0)).join(', ');
  const percent = (value: number) => `${(value * 100).toFixed(0)} %`;
  return [
    {
      name: 'write-only loop (Secret, status, event)',
      value: `${list(writes)}/s`,
      bar: {
        text: `each at least ${leastWriteRate}/s and within 20 %, else the run is INVALID: the machine is busy`,
        reached: isSteady,
      },
    },
    {
      name: `cold start (${list(rates)}/s, ${rounds.at(-1)?.secrets} Secrets) against the loop`,
      value: percent(share),
      bar: { text: 'at least 55 %, aim at 68 %', reached: share >= 0.55 },
    },
    {
      name: '... where one RSA operation costs, measured in one object of the loop (0.39 where the bar was set)',
      value: formatRatio(median(writes) / median(decryptions)),
    },
    {
      name: `... against what ${list(decryptions)} decryptions/s allow here (${limit.toFixed(0)}/s)`,
      value: percent(shareOfLimit),
      bar: {
        text: `at least ${(partOfLimit * 100).toFixed(0)} %, aim at ${(aimOfLimit * 100).toFixed(0)} %`,
        reached: shareOfLimit >= partOfLimit,
      },
    },
    {
      name: 'calls of the garbage collector during a cold start, at most',
      value: String(calls),
      bar: { text: 'at most 20: it takes CPU from what is measured', reached: calls <= 20 },
    },
  ];
}

/**
 * The objects of a population and what was made of them. The Secrets first: the garbage collector asks the API server for each Secret whose
 * owner went before it, 40 of them a second, which takes an eighth of two cores for minutes.
 */
async function removeObjects({ client }: BenchCluster, shape: Parameters<typeof namespaceOf>[0]): Promise<void> {
  const namespaces = Array.from({ length: shape.namespaces }, (_, index) => namespaceOf(shape, index));
  for (const namespace of namespaces) await must(client, 'DELETE', `/api/v1/namespaces/${namespace}/secrets`);
  for (const namespace of namespaces) {
    await must(client, 'DELETE', `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`);
  }
}

/** Writes per second without a controller; what was written for it is gone afterwards, and leaves the garbage collector nothing to look up. */
async function measureLoop(
  cluster: BenchCluster,
  shape: Parameters<typeof populate>[1],
): Promise<ReadonlyMap<number, number>> {
  const { client } = cluster;
  const namespace = namespaceOf(shape, 0);
  await populate(client, shape);
  const rates = await writeOnlyRates(client, namespace);
  await removeObjects(cluster, shape);
  return rates;
}

/** Starts the controller over objects that are all done: nothing may be written, nothing decrypted. */
async function warmRestart(cluster: BenchCluster, objects: number): Promise<Measurement[]> {
  const since = new Date().toISOString();
  const started = performance.now();
  const controller = await cluster.startController(steadyKeys);
  const readyMs = performance.now() - started;
  // Long enough for a controller that wanted to write to have begun.
  await delay(5000);
  const events = (await cluster.server.auditEvents()).filter((event) => event.requestReceivedTimestamp >= since);
  const writes = events.filter(
    ({ verb, userAgent, resource }) =>
      ['create', 'update', 'patch', 'delete'].includes(verb) &&
      /waxwing-controller|^controller/.test(userAgent) &&
      ['secrets', 'sealedsecrets', 'events'].includes(resource ?? ''),
  ).length;
  const usage = await usageMeasurements(controller);
  const attempts = await metric(controller, 'waxwing_unseal_attempts_per_item_sum');
  const result: Measurement[] = [
    {
      name: `warm restart over ${objects} objects: ready`,
      value: formatMs(readyMs),
      bar: { text: 'at most 5 s', reached: readyMs <= 5000 },
    },
    { name: 'warm restart: writes', value: String(writes), bar: { text: '0', reached: writes === 0 } },
    { name: 'warm restart: decryptions', value: String(attempts), bar: { text: '0', reached: attempts === 0 } },
    ...usage,
  ];
  await terminate(controller.child);
  return result;
}

const oldKeys = 23;
const manyKeysObjects = 300;
/** The bar of 5 s, on the machine where it was set: 4,800 decryptions at 1,550/s and 300 times the writes at 500/s are 3.7 s. */
const partsOfLimit = 5 / 3.7;

export const manyKeys: Benchmark = {
  name: 'many-keys',
  description: `${manyKeysObjects} objects x 5 items, each under one of ${oldKeys} keys, over 50 namespaces`,
  run: () =>
    withCluster(async (cluster) => {
      const keys: BenchKey[] = [];
      for (let age = oldKeys; age > 0; age--) {
        keys.push(await installNewKey(cluster.client, 4096, new Date(Date.now() - age * 30 * 86_400_000)));
      }
      const measurements: Measurement[] = [];
      const newest = keys.at(-1) as BenchKey;
      const decryptions = await decryptionRate(newest.privateKey);
      const shuffled = (index: number) => keys[(index * 7919) % oldKeys] as BenchKey;
      const mixed = (index: number, item: number) => keys[(index * 7919 + item * 104_729) % oldKeys] as BenchKey;
      const cases = [
        { name: 'one key', keyOf: () => newest, withHint: false },
        { name: `${oldKeys} keys, no hints`, keyOf: shuffled, withHint: false },
        { name: `${oldKeys} keys, with hints`, keyOf: shuffled, withHint: true },
        { name: `${oldKeys} keys, another one for each item, no hints`, keyOf: mixed, withHint: false },
      ];
      const loop = {
        objects: 800,
        items: 1,
        valueBytes: 64,
        keyOf: () => newest,
        namespaces: 1,
        namespacePrefix: 'loop',
      };
      const writeRate = Math.max(...(await measureLoop(cluster, loop)).values());
      let oneKeyMs = Number.NaN;
      for (const [index, { name, keyOf, withHint }] of cases.entries()) {
        const prefix = `case${index}`;
        const shape = { objects: manyKeysObjects, items: 5, valueBytes: 64, namespaces: 50 };
        await populate(cluster.client, { ...shape, keyOf, withHint, namePrefix: prefix });
        const events = await countEvents(cluster.server);
        const started = Date.now();
        const controller = await cluster.startController(steadyKeys);
        const ms = (await events.until(manyKeysObjects)) - started;
        const attempts = await metric(controller, 'waxwing_unseal_attempts_per_item_sum');
        await terminate(controller.child);
        if (index === 0) oneKeyMs = ms;
        const limitMs = (attempts / decryptions + manyKeysObjects / writeRate) * 1000;
        measurements.push(
          {
            name: `${name}: all Synced after`,
            value: formatMs(ms),
            ...(index === 1 ? { bar: { text: 'at most 5 s', reached: ms <= 5000 } } : {}),
            ...(index === 2 ? { bar: { text: 'at most 1.2 x one key', reached: ms <= 1.2 * oneKeyMs } } : {}),
          },
          {
            name: `... against ${formatMs(limitMs)} that ${attempts.toFixed(0)} decryptions and the writes take here`,
            value: formatRatio(ms / limitMs),
            ...(index === 1
              ? { bar: { text: `at most ${partsOfLimit.toFixed(2)} x`, reached: ms <= partsOfLimit * limitMs } }
              : {}),
          },
        );
      }
      return measurements;
    }),
};

const probes = 40;

export const newObject: Benchmark = {
  name: 'new-object',
  description: 'a new object while 4,000 old ones, and while 150 of 40 items under 12 keys, are being worked on',
  run: async () => [
    ...(await withCluster(async (cluster) => {
      const key = await installTestKey(cluster.client);
      await populate(cluster.client, { ...oneItem(key), objects: 4000, namespaces: 10, namePrefix: 'old' });
      return measureNewObjects(cluster, key, 'many objects');
    })),
    ...(await withCluster(async (cluster) => {
      const keys: BenchKey[] = [];
      for (let age = 12; age > 0; age--) {
        keys.push(await installNewKey(cluster.client, 4096, new Date(Date.now() - age * 30 * 86_400_000)));
      }
      const keyOf = (index: number, item: number) => keys[(index * 7919 + item * 104_729) % 12] as BenchKey;
      const shape = { items: 40, valueBytes: 32, objects: 150, namespaces: 10, namePrefix: 'large' };
      await populate(cluster.client, { ...shape, keyOf });
      return measureNewObjects(cluster, keys.at(-1) as BenchKey, 'costly objects');
    })),
  ],
};

const oneItem = (key: BenchKey) => ({ items: 1, valueBytes: 32, keyOf: () => key });

/** How long new objects take while there is other work to do: once that is done there is nothing to wait behind. */
async function measureNewObjects(
  cluster: BenchCluster,
  key: BenchKey,
  beside: string,
): Promise<readonly Measurement[]> {
  const controller = await cluster.startController(steadyKeys);
  const latencies: number[] = [];
  const isBusy = async () => (await metric(controller, 'waxwing_queue_depth')) > 0;
  for (let probe = 0; probe < probes && (await isBusy()); probe++) {
    const namePrefix = `probe-${probe}`;
    const since = performance.now();
    await populate(cluster.client, { ...oneItem(key), objects: 1, namespaces: 1, namePrefix });
    const path = `/api/v1/namespaces/bench-0/secrets/${namePrefix}-0`;
    await waitFor(async () => (await cluster.client.request('GET', path)).status === 200, { timeoutMs: 60_000 });
    latencies.push(performance.now() - since);
  }
  const p95 = percentile(latencies, 0.95);
  return [
    { name: `probes while ${beside} were waiting`, value: String(latencies.length) },
    { name: `beside ${beside}: new object to Secret, median`, value: formatMs(percentile(latencies, 0.5)) },
    {
      name: `beside ${beside}: new object to Secret, 95th percentile`,
      value: formatMs(p95),
      bar: { text: 'at most 1 s', reached: p95 <= 1000 },
    },
    ...(await usageMeasurements(controller)),
  ];
}

const manyObjects = 10_000;

export const memory: Benchmark = {
  name: 'memory',
  description: `${manyObjects} objects x 3 items of 200 bytes, last-applied annotations present; then a warm restart`,
  run: () =>
    withCluster(async (cluster) => {
      const key = await installTestKey(cluster.client);
      const shape = { items: 3, valueBytes: 200, keyOf: () => key, withLastApplied: true };
      await populate(cluster.client, { ...shape, objects: manyObjects, namespaces: 20 });
      const events = await countEvents(cluster.server);
      const controller = await cluster.startController(steadyKeys);
      await events.until(manyObjects);
      const { peak } = processUsage(controller);
      await delay(60_000);
      const { rss } = processUsage(controller);
      const measurements: Measurement[] = [
        {
          name: 'memory, peak from start to convergence',
          value: `${(peak / mebibyte).toFixed(0)} MiB`,
          bar: { text: 'at most 300 MiB', reached: peak <= 300 * mebibyte },
        },
        {
          name: 'memory, resident 60 s after convergence',
          value: `${(rss / mebibyte).toFixed(0)} MiB`,
          bar: { text: 'at most 150 MiB', reached: rss <= 150 * mebibyte },
        },
        ...(await usageMeasurements(controller)),
      ];
      await terminate(controller.child);
      return [...measurements, ...(await warmRestart(cluster, manyObjects))];
    }),
};
