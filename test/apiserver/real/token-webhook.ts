import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Identity } from '../harness.ts';

const prefix = 'waxwing-test.';

/**
 * A token that says itself whom it stands for. kube-apiserver reads token files only at its start; with such tokens and
 * this webhook any test makes any identity at any time, from any process. Of course nobody else may ever accept them.
 */
export function tokenFor(identity: Identity): string {
  const { user, groups = [] } = identity;
  return prefix + Buffer.from(JSON.stringify({ user, groups })).toString('base64url');
}

/** Answers kube-apiserver's TokenReviews (authentication.k8s.io/v1) for tokens of `tokenFor`; a free port of 127.0.0.1. */
export async function startTokenWebhook(): Promise<{ url: string; stop(): void }> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { apiVersion, kind, spec } = JSON.parse(await text(request));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ apiVersion, kind, status: statusOf(spec.token) }));
  };
  // An API server that is killed ends its connection in the middle of a question.
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  server.unref();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no port.');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function statusOf(token: string): object {
  if (!token.startsWith(prefix)) return { authenticated: false };
  try {
    const { user, groups } = JSON.parse(Buffer.from(token.slice(prefix.length), 'base64url').toString('utf8'));
    return {
      authenticated: true,
      user: { username: user, uid: user, groups: [...groups, ...serviceAccountGroups(user)] },
    };
  } catch {
    return { authenticated: false, error: 'malformed test token' };
  }
}

/** The groups that kube-apiserver gives to a service account's own token. */
function serviceAccountGroups(user: string): string[] {
  const namespace = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user)?.[1];
  return namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}
