import type { IncomingMessage, ServerResponse } from 'node:http';
import type { User } from './access.ts';
import { methodNotAllowed } from './errors.ts';
import type { RequestInfo } from './requests.ts';
import type { Cluster } from './writes.ts';

export function proxyService(_cluster: Cluster, _request: RequestInfo, _incoming: IncomingMessage, _response: ServerResponse, _user: User): () => void {
  throw methodNotAllowed();
}
