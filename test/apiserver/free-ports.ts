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

async function holdPort() {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const failure = await once(server, 'listening').then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );
    if (failure === undefined) return { port, release: () => once(server.close(), 'close') };
    if (failure.code !== 'EADDRINUSE') throw failure;
  }
}
