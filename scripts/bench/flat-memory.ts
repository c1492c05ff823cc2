import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { type ControllerProcess, terminate } from '../programs.ts';
import {
  type BenchCluster,
  installTestKey,
  must,
  namespaceOf,
  populate,
  sealedObject,
  startCluster,
} from './cluster.ts';
import { forEachConcurrently } from './pool.ts';
import type { Benchmark, Measurement } from './report.ts';

const objects = 1000;
const early = 3600;
const late = 36_000;
const writers = 16;
const mebibyte = 1 << 20;

/** At SIGUSR2 the process collects its garbage and writes what is left to the file that MEMORY_FILE names. */
const memoryReporter = `
  import { writeFileSync, renameSync } from 'node:fs';
  import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  process.on('SIGUSR2', () => {
    const { rss } = process.memoryUsage();
    gc(); gc();
    const code = getHeapSpaceStatistics()
      .filter(({ space_name }) => /^(code|trusted)/.test(space_name))
      .reduce((sum, { space_used_size }) => sum + space_used_size, 0);
    const heap = process.memoryUsage().heapUsed;
    writeFileSync(process.env.MEMORY_FILE + '.new', JSON.stringify({ heap, code, rss }));
    renameSync(process.env.MEMORY_FILE + '.new', process.env.MEMORY_FILE);
  });`;

interface MemoryUse {
  /** Bytes of V8's heap after collecting garbage. */
  readonly heap: number;
  /** Bytes of it that hold compiled functions: V8 compiles them again, better and larger, the longer they are in use. */
  readonly code: number;
  /** Resident bytes before that. */
  readonly rss: number;
}

async function memoryOf({ child }: ControllerProcess, file: string): Promise<MemoryUse> {
  await rm(file, { force: true });
  child.kill('SIGUSR2');
  const text = await waitFor(() => readFile(file, 'utf8').catch(() => ''), { timeoutMs: 30_000, what: 'memory use' });
  return JSON.parse(text);
}

type Shape = Parameters<typeof populate>[1];

/** Replaces specs, object after object, so many times. */
async function update(cluster: BenchCluster, shape: Shape, from: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  await forEachConcurrently(numbers, writers, async (number) => {
    const index = number % objects;
    const namespace = namespaceOf(shape, index);
    const sealed = JSON.parse(sealedObject(shape, namespace, index));
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${sealed.metadata.name}`;
    const patch = { spec: { encryptedData: sealed.spec.encryptedData } };
    const { status } = await cluster.client.request('PATCH', path, patch, {
      'content-type': 'application/merge-patch+json',
    });
    if (status !== 200) throw new Error(`PATCH ${path}: ${status}`);
  });
}

/** Waits until every status speaks of the current generation. */
async function converged({ client }: BenchCluster): Promise<void> {
  const isDone = async () => {
    const list = (await must(client, 'GET', '/apis/bitnami.com/v1alpha1/sealedsecrets')) as {
      items: { metadata: { generation: number }; status?: { observedGeneration?: number } }[];
    };
    return list.items.every(({ metadata, status }) => status?.observedGeneration === metadata.generation);
  };
  await waitFor(isDone, { timeoutMs: 600_000, what: 'convergence' });
}

/** A leak is memory that grows with what was done, not with what there is. */
export const flatMemory: Benchmark = {
  name: 'flat-memory',
  description: `${late} updates over ${objects} objects: memory against that after ${early}`,
  async run() {
    const cluster = await startCluster();
    const folder = await mkdtemp(join(tmpdir(), 'waxwing-bench-'));
    const file = join(folder, 'memory.json');
    try {
      const key = await installTestKey(cluster.client);
      const shape: Shape = { objects, items: 1, valueBytes: 200, namespaces: 10, keyOf: () => key };
      await populate(cluster.client, shape);
      const controller = await cluster.startController(['--key-renew-period=0'], {
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(memoryReporter)}`,
        MEMORY_FILE: file,
      });
      await update(cluster, shape, 0, early);
      await converged(cluster);
      const before = await memoryOf(controller, file);
      await update(cluster, shape, early, late);
      await converged(cluster);
      const after = await memoryOf(controller, file);
      await terminate(controller.child);
      return [
        growth('heap after collection', before.heap, after.heap, 1.05),
        growth('... without compiled code', before.heap - before.code, after.heap - after.code, 1.05),
        growth('resident', before.rss, after.rss, 1.1),
      ];
    } finally {
      await cluster.stop();
      await rm(folder, { recursive: true });
    }
  },
};

function growth(name: string, before: number, after: number, most: number): Measurement {
  const mebibytes = (bytes: number) => `${(bytes / mebibyte).toFixed(1)} MiB`;
  return {
    name: `${name}: ${mebibytes(before)} after ${early} updates, after ${late}`,
    value: mebibytes(after),
    bar: { text: `at most ${((most - 1) * 100).toFixed(0)} % more`, reached: after <= before * most },
  };
}
