import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * TCP ports of 127.0.0.1 that nobody uses, all different. They lie below those that the operating system gives to outgoing connections and
 * to servers without a wish: one of these could take a port before its program listens, or while its program is away.
 */
export async function freePorts(count: 2): Promise<readonly [number, number]>;
export async function freePorts(count: 3): Promise<readonly [number, number, number]>;
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = [];
  // All are held until all are found: the second must not be the first again.
  for (let index = 0; index < count; index++) held.push(await holdPort());
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

/** Each test worker has ports of its own, so that none of them takes what another has just let go for its program; other processes share some. */
const slots = { workers: 8, others: 4, ports: 1000 } as const;
const worker = Number(process.env['VITEST_POOL_ID'] ?? Number.NaN);
const slot = Number.isNaN(worker) ? slots.workers + (process.pid % slots.others) : worker % slots.workers;
let last = randomInt(slots.ports);

/** The next port of ours that is free, from the one that was given out last. */
async function holdPort() {
  for (;;) {
    last = (last + 1) % slots.ports;
    const port = 20_000 + slot * slots.ports + last;
    const server = createServer().listen(port, '127.0.0.1');
    const failure = await once(server, 'listening').then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (failure === undefined) return { port, release: () => once(server.close(), 'close') };
    if (failure.code !== 'EADDRINUSE') throw failure;
  }
}
