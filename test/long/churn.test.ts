import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, startCluster } from '../integration/cluster.ts';
import type { ControllerProcess } from '../integration/controller-process.ts';
import { startFaultProxy } from '../integration/fault-proxy.ts';
import { startChurn } from './churn.ts';
import { longTestServer, minutesFrom, productionIntervals, seededRandom } from './settings.ts';

const cluster = await startCluster({ kind: longTestServer() });
const { server } = cluster;
const proxy = await startFaultProxy(server);
afterAll(() => proxy.stop());
/** As after a fault of any kind, retries may have reached their longest pause, or a watch its idle time. */
const convergenceMs = 6 * 60_000;

const namespaces = async (count: number) => {
  const names: string[] = [];
  while (names.length < count) names.push(await cluster.createNamespace());
  return names;
};

/** Waits until every object is as it has to be; says how long that took and what took so long, or throws with what is not. */
async function converged(findDeviations: () => Promise<string[]>): Promise<string> {
  const startMs = performance.now();
  const seconds = () => `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
  let deviations: string[] = [];
  let last = '';
  const isDone = async () => {
    deviations = await findDeviations();
    if (deviations.length > 0) last = ` (${seconds()}: ${deviations.length}, such as ${deviations[0]})`;
    return deviations.length === 0;
  };
  await waitFor(isDone, { timeoutMs: convergenceMs, what: 'convergence' }).catch(() => {});
  expect(deviations).toEqual([]);
  return `converged after ${seconds()}${last}`;
}

describe('a cluster without rest', () => {
  it('with two replicas, random SIGKILLs and API faults is right in the end, and nothing was done twice', async () => {
    const durationMs = minutesFrom('WAXWING_CHURN_MINUTES', 10);
    const random = seededRandom(5);
    const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
    const flags = [...productionIntervals, '--leader-elect'];
    let starts = 0;
    const start = () =>
      cluster.startController({
        kubeconfig: proxy.kubeconfig,
        namespace: keyNamespace,
        flags,
        podName: `controller-${starts++}`,
        waitUntilReady: false,
      });
    const replicas: ControllerProcess[] = [await start(), await start()];
    await waitFor(async () => (await replicas[0]?.request('/readyz').catch(() => undefined))?.status === 200, {
      timeoutMs: 60_000,
    });
    const certificatePem = await certificateOf(replicas[0] as ControllerProcess);
    const mark = await cluster.mark();
    const churn = startChurn({
      cluster,
      certificatePem,
      namespaces: await namespaces(5),
      objects: 200,
      random,
      pauseMs: 60,
    });
    const counts = new Map<string, number>();
    const endMs = performance.now() + durationMs;

    const replace = async (index: number, signal: NodeJS.Signals) => {
      replicas[index]?.kill(signal);
      await replicas[index]?.exited();
      replicas[index] = await start();
    };
    const faults: Readonly<Record<string, () => Promise<unknown>>> = {
      SIGKILL: () => replace(Math.floor(random() * 2), 'SIGKILL'),
      'SIGKILL of both': async () => {
        await replace(0, 'SIGKILL');
        await replace(1, 'SIGKILL');
      },
      SIGTERM: () => replace(Math.floor(random() * 2), 'SIGTERM'),
      'SIGSTOP for 20 s': async () => {
        const index = Math.floor(random() * 2);
        replicas[index]?.kill('SIGSTOP');
        await delay(Math.min(20_000, durationMs / 4));
        replicas[index]?.kill('SIGCONT');
      },
      'a fifth of the requests fails': async () => {
        proxy.fail({ share: 0.2, statuses: [429, 500, 409, 503], afterwards: 0.3 });
        await delay(10_000);
        proxy.fail();
      },
      'half-open watches': async () => proxy.freezeWatches(),
      'broken connections': async () => proxy.cut(),
      'no packets for 10 s': async () => {
        proxy.freeze();
        await delay(10_000);
        proxy.thaw();
      },
      'token replaced': () => proxy.replaceToken(),
      'API server away for 5 s, history forgotten': async () => {
        await server.pause();
        await delay(5000);
        await server.resume();
        await server.compact();
      },
    };
    const names = Object.keys(faults);
    for (let round = 0; performance.now() < endMs; round++) {
      // Kills are what the rule is about: every other fault is one.
      const name = round % 2 === 0 ? 'SIGKILL' : (names[Math.floor(random() * names.length)] as string);
      await faults[name]?.();
      counts.set(name, (counts.get(name) ?? 0) + 1);
      // A replica that lost its Lease has ended, as it should.
      for (const [index, replica] of replicas.entries()) {
        if (replica.child.exitCode !== null || replica.child.signalCode !== null) replicas[index] = await start();
      }
      await delay(random() * 6000);
    }
    await churn.stop();
    // They would look at the objects of the next test too, with other keys.
    const end = await converged(churn.findDeviations).finally(() => Promise.all(replicas.map(({ stop }) => stop())));
    const repetitions = await churn.findRepetitions(mark);
    console.log(
      `${new Date().toISOString()}, ${server.kind} API server: ${churn.changes} changes in ${(durationMs / 60_000).toFixed(1)} min, ` +
        `${Array.from(counts, ([name, count]) => `${count} x ${name}`).join(', ')}; ` +
        `${end}, ${repetitions.length} effects too many`,
    );
    expect(repetitions).toEqual([]);
    expect(counts.get('SIGKILL')).toBeGreaterThan(0);
  });

  it('with SIGKILL at random moments loses nothing and does nothing twice', async () => {
    const durationMs = minutesFrom('WAXWING_KILLS_MINUTES', 2);
    const random = seededRandom(9);
    const keyNamespace = await createNamespace(server, { generateName: 'keys-' });
    const start = (round: number) =>
      cluster.startController({ namespace: keyNamespace, podName: `killed-${round}`, waitUntilReady: random() < 0.5 });
    let controller = await cluster.startController({ namespace: keyNamespace });
    const certificatePem = await certificateOf(controller);
    const mark = await cluster.mark();
    const churn = startChurn({
      cluster,
      certificatePem,
      namespaces: await namespaces(2),
      objects: 80,
      random,
      pauseMs: 10,
    });
    const endMs = performance.now() + durationMs;
    let kills = 0;
    for (; performance.now() < endMs; kills++) {
      await delay(random() * 800);
      controller.kill('SIGKILL');
      await controller.exited();
      controller = await start(kills);
    }
    await churn.stop();
    const end = await converged(churn.findDeviations);
    const repetitions = await churn.findRepetitions(mark);
    console.log(
      `${new Date().toISOString()}, ${server.kind} API server: ${churn.changes} changes, ${kills} kills in ${(durationMs / 60_000).toFixed(1)} min; ` +
        `${end}, ${repetitions.length} effects too many`,
    );
    expect(repetitions).toEqual([]);
  });
});
