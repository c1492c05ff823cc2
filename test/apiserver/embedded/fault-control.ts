import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './errors.ts';
import {
  type ActiveFault,
  type DelayFault,
  type ErrorFault,
  FaultList,
  type FaultMatch,
  type FaultRequest,
  matchesFault,
  type NewWatches,
  seededRandom,
} from './faults.ts';
import type { RequestInfo } from './requests.ts';
import type { WatchConnection } from './watches.ts';

type WatchFault =
  | { readonly kind: 'silence'; readonly match: FaultMatch | undefined; readonly newWatches: NewWatches }
  | { readonly kind: 'slow'; readonly match: FaultMatch | undefined; readonly delayMs: number };

const reasons: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: '',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The faults that are active, as the server asks for them. */
export class FaultControl {
  readonly errors: FaultList<ErrorFault>;
  readonly delays: FaultList<DelayFault>;
  readonly disconnects: FaultList<{ match?: FaultMatch; share?: number; count?: number; afterwards?: boolean }>;
  readonly #watchFaults = new Set<WatchFault>();
  readonly #watches: ReadonlySet<WatchConnection>;
  readonly #stopping = new AbortController();

  constructor(seed: number, watches: ReadonlySet<WatchConnection>) {
    const random = seededRandom(seed);
    this.errors = new FaultList(random);
    this.delays = new FaultList(random);
    this.disconnects = new FaultList(random);
    this.#watches = watches;
  }

  async pause(delayMs: number): Promise<void> {
    await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  errorOf(fault: ErrorFault, request: RequestInfo): ApiError {
    const retryAfter = fault.retryAfterSeconds ?? (fault.status === 429 ? 1 : undefined);
    const message = fault.message ?? `fault on request: ${request.verb} ${request.resource || request.path}`;
    const details = { ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }) };
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
    return new ApiError(fault.status, reasons[fault.status] ?? '', message, details, { headers });
  }

  matchingWatches(match: FaultMatch | undefined): WatchConnection[] {
    return [...this.#watches].filter((connection) => matchesFault(match, asFaultRequest(connection)));
  }

  silence(match: FaultMatch | undefined, newWatches: NewWatches): ActiveFault {
    const affected = this.matchingWatches(match);
    for (const connection of affected) connection.silent = true;
    return this.#addWatchFault({ kind: 'silence', match, newWatches }, () => affected.length);
  }

  slow(match: FaultMatch | undefined, delayMs: number): ActiveFault {
    const affected = this.matchingWatches(match);
    for (const connection of affected) connection.delayMs = delayMs;
    return this.#addWatchFault(
      { kind: 'slow', match, delayMs },
      () => affected.length,
      () => {
        for (const connection of affected) connection.delayMs = 0;
      },
    );
  }

  #addWatchFault(fault: WatchFault, hits: () => number, onRemove: () => void = () => {}): ActiveFault {
    this.#watchFaults.add(fault);
    const remove = () => {
      if (this.#watchFaults.delete(fault)) onRemove();
    };
    return {
      get hits() {
        return hits();
      },
      remove,
      [Symbol.dispose]: remove,
    };
  }

  /** Applies the watch faults to a new watch; false: it is refused. */
  admitWatch(connection: WatchConnection, request: FaultRequest): boolean {
    for (const fault of this.#watchFaults) {
      if (!matchesFault(fault.match, request)) continue;
      if (fault.kind === 'slow') connection.delayMs = fault.delayMs;
      else if (fault.newWatches === 'refused') return false;
      else if (fault.newWatches === 'silent') connection.silent = true;
    }
    return true;
  }

  clear(): void {
    this.errors.clear();
    this.delays.clear();
    this.disconnects.clear();
    this.#watchFaults.clear();
    for (const connection of this.#watches) connection.delayMs = 0;
  }

  /** Ends delays that are under way. */
  stop(): void {
    this.#stopping.abort();
  }
}

function asFaultRequest(connection: WatchConnection): FaultRequest {
  return { ...connection.request, user: connection.user, userAgent: connection.userAgent };
}
