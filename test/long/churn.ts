import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../integration/cluster.ts';
import { findRepeatedEffects } from '../integration/effects.ts';
import { seal, sealItem } from '../integration/sealing.ts';

/** How the world has to look in the end. */
interface Wanted {
  /** `undefined`: the SealedSecret was deleted. */
  readonly value: string | undefined;
  /** Its Secret was deleted or changed by others, or it was made anew: then writes are not counted. */
  readonly isDisturbed: boolean;
}

export interface ChurnOptions {
  readonly cluster: Cluster;
  readonly certificatePem: string;
  readonly namespaces: readonly string[];
  readonly objects: number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly pauseMs: number;
}

export interface Churn {
  readonly changes: number;
  /** Ends the changes; what was begun is finished. */
  stop(): Promise<void>;
  /** Objects that are not as they have to be, as sentences: condition and Secret. */
  findDeviations(): Promise<string[]>;
  /** Objects for which more was done than one effective write and one event per generation, as sentences. */
  findRepetitions(mark: number): Promise<string[]>;
}

/** Creates, changes, disturbs and deletes SealedSecrets in turn, and knows what has to come of it. One of four is disturbed now and then. */
export function startChurn({ cluster, certificatePem, namespaces, objects, random, pauseMs }: ChurnOptions): Churn {
  const wanted = new Map<string, Wanted>();
  let isOver = false;
  let changes = 0;

  async function step(): Promise<void> {
    const index = Math.floor(random() * objects);
    const namespace = namespaces[index % namespaces.length] as string;
    const name = `app-${index}`;
    const key = `${namespace}/${name}`;
    const before = wanted.get(key);
    const value = `${index} ${changes}`;
    if (before?.value === undefined) {
      const sealed = seal({ certificatePem, namespace, name, data: { a: value } });
      await untilDone(() => cluster.apply(sealed).catch(ignore('409')));
      wanted.set(key, { value, isDisturbed: before !== undefined });
    } else if (index % 4 === 0 && random() < 0.3) {
      const disturbance = disturbances[Math.floor(random() * disturbances.length)] as Disturbance;
      const isThere = await untilDone(() => disturbance(cluster, namespace, name).catch(ignore('404')));
      wanted.set(key, { value: isThere === 'deleted' ? undefined : before.value, isDisturbed: true });
    } else {
      const item = sealItem(certificatePem, namespace, name, value);
      await untilDone(() =>
        cluster.change(namespace, name, ({ spec }) => {
          spec.encryptedData.a = item;
        }),
      );
      wanted.set(key, { ...before, value });
    }
    changes++;
  }

  const run = async () => {
    while (!isOver) {
      await step();
      await delay(random() * 2 * pauseMs);
    }
  };
  const running = run();
  return {
    get changes() {
      return changes;
    },
    async stop() {
      isOver = true;
      await running;
    },
    async findDeviations() {
      const found = await Promise.all(Array.from(wanted, ([key, { value }]) => deviationOf(cluster, key, value)));
      return found.filter((text) => text !== undefined);
    },
    async findRepetitions(mark) {
      const counted = Array.from(wanted).filter(([, { isDisturbed }]) => !isDisturbed);
      const generations = await Promise.all(
        counted.map(async ([key]) => {
          const [namespace = '', name = ''] = key.split('/');
          const { metadata } = await cluster.sealedSecret(namespace, name);
          return [key, metadata.generation] as const;
        }),
      );
      return findRepeatedEffects(cluster.server, mark, new Map(generations));
    },
  };
}

type Disturbance = (cluster: Cluster, namespace: string, name: string) => Promise<unknown>;

const disturbances: readonly Disturbance[] = [
  (cluster, namespace, name) => cluster.deleteSecret(namespace, name),
  (cluster, namespace, name) => cluster.patchSecret(namespace, name, { stringData: { a: 'theirs' } }),
  (cluster, namespace, name) => cluster.patchSecret(namespace, name, { metadata: { labels: { seen: 'yes' } } }),
  async (cluster, namespace, name) => {
    await cluster.deleteSealedSecret(namespace, name).catch(ignore('404'));
    return 'deleted';
  },
];

async function deviationOf(cluster: Cluster, key: string, value: string | undefined): Promise<string | undefined> {
  const [namespace = '', name = ''] = key.split('/');
  const secret = await cluster.secret(namespace, name);
  if (value === undefined) return secret === undefined ? undefined : `${key}: its Secret outlived it`;
  if (secret === undefined) return `${key}: there is no Secret`;
  if (secret.data['a'] !== value) return `${key}: the Secret holds the value of another generation`;
  const { metadata, status } = await cluster.sealedSecret(namespace, name);
  const [condition] = status?.conditions ?? [];
  if (secret.metadata.ownerReferences?.[0]?.uid !== metadata.uid) return `${key}: the Secret belongs to another one`;
  if (condition?.status !== 'True' || status.observedGeneration !== metadata.generation) {
    return `${key}: its condition is ${condition?.status} ${condition?.reason} for generation ${status?.observedGeneration} of ${metadata.generation}`;
  }
  return undefined;
}

/** An answer of that status is as good as success: an earlier attempt got through, or somebody else was faster. */
function ignore(status: string): (error: Error) => void {
  return (error) => {
    if (!error.message.startsWith(status)) throw error;
  };
}

/** The test's own requests meet the API server's absences too. */
async function untilDone<T>(action: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!/ECONN|socket hang up|EPIPE|^(429|500|503|504)|not ready|unable to/i.test(String((error as Error).message)))
        throw error;
      await delay(200);
    }
  }
}
