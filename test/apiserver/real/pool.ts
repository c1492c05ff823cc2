import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RealApiServer, type RealServerCoordinates, startRealApiServer } from './server.ts';

/** What a client is told of the server it was given. */
export interface Lease {
  readonly id: number;
  readonly coordinates: RealServerCoordinates;
}

export interface ServerPool {
  /** Where clients in other processes ask; see {@link leaseRealApiServer}. */
  readonly url: string;
  stop(): Promise<void>;
}

interface Member {
  readonly id: number;
  readonly server: RealApiServer;
  free: boolean;
}

/** What can be asked for a leased server: `POST /ACTION?id=ID`. */
type Action = (member: Member) => Promise<void>;

/**
 * Real API servers for test files that run in processes of their own, one file at a time each. Starting one takes three seconds of CPU, so
 * a file that is done hands its server on. Another one is started when none is free: there are as many as files that run side by side.
 *
 * `POST /lease` answers with a {@link Lease}; `/return`, `/discard`, `/pause`, `/resume` and `/compact` take `?id=`.
 */
export async function startServerPool(): Promise<ServerPool> {
  const members: Member[] = [];
  let lastId = 0;

  async function lease(): Promise<Lease> {
    const found = members.find(({ free }) => free);
    if (found !== undefined) {
      found.free = false;
      return { id: found.id, coordinates: found.server.coordinates };
    }
    lastId++;
    const member = { id: lastId, server: await startRealApiServer(), free: false };
    members.push(member);
    return { id: member.id, coordinates: member.server.coordinates };
  }

  const actions: Readonly<Record<string, Action>> = {
    async return(member) {
      member.free = true;
    },
    async discard(member) {
      members.splice(members.indexOf(member), 1);
      await member.server.stop();
    },
    pause: ({ server }) => server.pause(),
    resume: ({ server }) => server.resume(),
    compact: ({ server }) => server.compact(),
  };

  async function answer(path: string): Promise<unknown> {
    const { pathname, searchParams } = new URL(path, 'http://pool');
    if (pathname === '/lease') return lease();
    const member = members.find(({ id }) => String(id) === searchParams.get('id'));
    const action = actions[pathname.slice(1)];
    if (member === undefined || action === undefined) throw new Error(`the pool does not know ${path}`);
    await action(member);
    return {};
  }

  const http = createServer((request, response) => {
    answer(request.url ?? '').then(
      (body) => response.end(JSON.stringify(body)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async stop() {
      http.close();
      http.closeAllConnections();
      await Promise.all(members.map(({ server }) => server.stop()));
    },
  };
}
