import { createHash } from 'node:crypto';
import { type DocumentMap, type DocumentValue, isSealedSecretsError } from '@waxwing/shared';
import { type Backoff, delayAfterFailures } from '../backoff.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Timers } from '../queue.ts';
import type { EventsApi } from './api.ts';

/** What an event is about: a SealedSecret at one generation, or any other object (a key Secret). */
interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

type EventType = 'Normal' | 'Warning';
type EventReason = 'Unsealed' | 'ErrUnsealFailed' | 'ErrUpdateFailed' | (string & {});

export interface EventToPost {
  readonly subject: EventSubject;
  readonly type: EventType;
  readonly reason: EventReason;
  readonly message: string;
  /**
   * What makes this event the same as one posted before, besides the subject's uid: generation, outcome, Secret uid.
   * The event's name is derived from it, so that a repeat counts as posted.
   */
  readonly identity: readonly string[];
}

/** `limited`: this object had too many events lately, so this one was not posted. */
type EventResult = 'created' | 'exists' | 'failed' | 'limited';

export interface EventRecorder {
  /**
   * Never rejects but for an aborted signal; `failed` was logged and counted. Where the API server is to blame the event is posted again later, as long
   * as this process lives: neither the Secret nor the status waits for it.
   */
  post(event: EventToPost, signal?: AbortSignal): Promise<EventResult>;
}

export interface EventRecorderOptions {
  readonly events: EventsApi;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'eventPosted'>;
  /** `reportingInstance`: the name of the Pod. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  now(): number;
  /** For events that are posted again. */
  readonly timers: Pick<Timers, 'after'>;
  /** In [0, 1). */
  random(): number;
}

const repostBackoff: Backoff = { baseMs: 1000, maxMs: 60_000 };
/** An API server that takes no events for hours must not fill the memory. */
const mostWaiting = 1000;

/** What upstream's events name as their source (specification 4.7). */
const component = 'sealed-secrets';
const longestMessage = 1024;
const longestName = 253;
const longestInstance = 128;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { events, logger, metrics } = options;
  const limit = createSpamLimit(options.now);
  let lastFailure = '';
  let waiting = 0;

  /** Under its old name: one that arrived although its answer said otherwise is refused, and counts as posted. */
  function postAgain(event: EventToPost, document: DocumentMap, failures: number): void {
    if (waiting >= mostWaiting) return;
    waiting++;
    options.timers.after(delayAfterFailures(failures, repostBackoff, options.random), () => {
      waiting--;
      void create(event, document, failures, undefined).then(metrics.eventPosted);
    });
  }

  async function create(
    event: EventToPost,
    document: DocumentMap,
    failures: number,
    signal: AbortSignal | undefined,
  ): Promise<EventResult> {
    const { subject, reason } = event;
    try {
      const result = await events.create(subject.namespace, document, signal === undefined ? {} : { signal });
      lastFailure = '';
      return result;
    } catch (error) {
      if (signal?.aborted === true || !isSealedSecretsError(error)) throw error;
      // Forbidden events would otherwise make one line per object.
      const level = lastFailure === error.code ? 'debug' : 'warn';
      lastFailure = error.code;
      const hint = error.hint === undefined ? {} : { hint: error.hint };
      const object = `${subject.namespace}/${subject.name}`;
      logger[level]('an event cannot be posted', { object, reason, error: error.message, ...hint });
      if (error.code === 'ApiUnavailable' || error.code === 'ApiConflict') postAgain(event, document, failures + 1);
      return 'failed';
    }
  }

  return {
    async post(event, signal) {
      const { kind, uid } = event.subject;
      const result = limit.allows(`${kind}/${uid}`)
        ? await create(event, eventDocument(event, options.instance, options.now()), 0, signal)
        : 'limited';
      metrics.eventPosted(result);
      return result;
    },
  };
}

/** The same for the same outcome of the same object, after a restart too, so that the API server refuses the second one. */
export function eventName({ subject, type, reason, identity }: EventToPost): string {
  const parts = JSON.stringify([subject.uid, type, reason, ...identity]);
  const digest = createHash('sha256').update(parts).digest('hex').slice(0, 16);
  const room = longestName - digest.length - 1;
  // Cut, the name may end in a dash or a dot, which may not stand before the next dot.
  const name = subject.name.slice(0, room).replace(/[-.]+$/, '');
  return `${name}.${digest}`;
}

function eventDocument(event: EventToPost, instance: string, nowMs: number): DocumentMap {
  const { subject, type, reason, message } = event;
  const { kind, namespace, name, uid, apiVersion, resourceVersion } = subject;
  const time = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  const involvedObject = { kind, namespace, name, uid, apiVersion, resourceVersion };
  return new Map<string, DocumentValue>([
    ['apiVersion', 'v1'],
    ['kind', 'Event'],
    ['metadata', textMap({ name: eventName(event), namespace })],
    ['involvedObject', textMap(involvedObject)],
    ['reason', reason],
    ['message', shortened(message)],
    ['source', textMap({ component })],
    ['firstTimestamp', time],
    ['lastTimestamp', time],
    ['count', 1],
    ['type', type],
    ['reportingComponent', component],
    ['reportingInstance', instance.slice(0, longestInstance)],
  ]);
}

function textMap(entries: Readonly<Record<string, string>>): DocumentMap {
  return new Map(Object.entries(entries).filter(([, text]) => text !== ''));
}

function shortened(message: string): string {
  const bytes = Buffer.from(message, 'utf8');
  if (bytes.length <= longestMessage) return message;
  // Decoding makes U+FFFD of a character that was cut in two.
  return `${bytes
    .subarray(0, longestMessage - 3)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')}...`;
}

const burst = 25;
const refillMs = 300_000;
const remembered = 4096;

/** As client-go limits events: 25 of one object at once, then one every five minutes. The longest unused objects are forgotten. */
function createSpamLimit(now: () => number): { allows(object: string): boolean } {
  const buckets = new Map<string, { tokens: number; filledMs: number }>();
  return {
    allows(object) {
      const nowMs = now();
      const bucket = buckets.get(object) ?? { tokens: burst, filledMs: nowMs };
      buckets.delete(object);
      buckets.set(object, bucket);
      if (buckets.size > remembered) {
        const [oldest] = buckets.keys();
        if (oldest !== undefined) buckets.delete(oldest);
      }
      bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, nowMs - bucket.filledMs) / refillMs);
      bucket.filledMs = nowMs;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
