import type { Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';

/** What controllers brought about for one SealedSecret. */
interface Effects {
  /** Creates and updates of its Secret that took effect, by the audit log. */
  readonly secretWrites: number;
  /** Of those, creates. */
  readonly secretCreates: number;
  /** Writes of its status that took effect, by the audit log. */
  readonly statusWrites: number;
  /** Events that say it was unsealed. */
  readonly unsealedEvents: number;
  /** Events that say what went wrong. */
  readonly warnings: number;
}

const none: Effects = { secretWrites: 0, secretCreates: 0, statusWrites: 0, unsealedEvents: 0, warnings: 0 };

/**
 * Effects of controllers by `namespace/name`, from the `mark`th entry of the audit log on. A request whose client did not wait for the answer
 * any more counts as the API server finished it.
 */
async function effectsSince(
  server: Pick<ApiServer, 'auditEvents' | 'request'>,
  mark: number,
): Promise<Map<string, Effects>> {
  const effects = new Map<string, Effects>();
  const count = (key: string, what: keyof Effects) => {
    const before = effects.get(key) ?? none;
    effects.set(key, { ...before, [what]: before[what] + 1 });
  };
  for (const event of (await server.auditEvents()).slice(mark)) {
    const { verb, resource, subresource, namespace, name, responseCode, userAgent } = event;
    if (!userAgent.startsWith('controller/') || responseCode < 200 || responseCode >= 300) continue;
    if (verb !== 'create' && verb !== 'update' && verb !== 'patch') continue;
    const key = `${namespace}/${name}`;
    if (resource === 'secrets') {
      count(key, 'secretWrites');
      if (verb === 'create') count(key, 'secretCreates');
    } else if (resource === 'sealedsecrets' && subresource === 'status') {
      count(key, 'statusWrites');
    }
  }
  const { status, body } = await server.request('GET', '/api/v1/events');
  if (status !== 200) throw new Error(`events: ${status}`);
  for (const { involvedObject, reason } of body.items as Json[]) {
    if (involvedObject.kind !== 'SealedSecret') continue;
    const key = `${involvedObject.namespace}/${involvedObject.name}`;
    count(key, reason === 'Unsealed' ? 'unsealedEvents' : 'warnings');
  }
  return effects;
}

/**
 * Where more was done than one effective write and one event per object and generation, as sentences. `generations` says how many specs each
 * object had since `mark`; objects whose Secrets others touched do not belong in it. A failure that lasts may be told in between.
 */
export async function findRepeatedEffects(
  server: Pick<ApiServer, 'auditEvents' | 'request'>,
  mark: number,
  generations: ReadonlyMap<string, number>,
): Promise<string[]> {
  const effects = await effectsSince(server, mark);
  return Array.from(generations).flatMap(([key, allowed]) => {
    const { secretWrites, secretCreates, unsealedEvents } = effects.get(key) ?? none;
    return [
      secretWrites > allowed ? `${key}: ${secretWrites} writes of the Secret for ${allowed} generations` : '',
      secretCreates > 1 ? `${key}: its Secret was created ${secretCreates} times` : '',
      unsealedEvents > allowed ? `${key}: ${unsealedEvents} events for ${allowed} generations` : '',
    ].filter((text) => text !== '');
  });
}
