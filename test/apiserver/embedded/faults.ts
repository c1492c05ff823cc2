import type { RequestInfo } from './requests.ts';

/** A request as faults see it. */
export interface FaultRequest
  extends Pick<RequestInfo, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'path'> {
  readonly user: string;
  readonly userAgent: string;
}

/** Which requests a fault concerns: all fields given must be equal, or a predicate. Left out: every request. */
export type FaultMatch =
  | Partial<Pick<FaultRequest, 'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'user'>>
  | ((request: FaultRequest) => boolean);

interface FaultScope {
  readonly match?: FaultMatch;
  /** Share of matching requests that are hit, from a seeded random: 0 to 1. Default 1. */
  readonly share?: number;
  /** The fault ends by itself after so many hits. Default: it does not. */
  readonly count?: number;
}

export interface ErrorFault extends FaultScope {
  readonly status: 401 | 403 | 404 | 409 | 410 | 429 | 500 | 502 | 503 | 504;
  /** `Retry-After` of the answer in seconds; 429 gets 1 if it is left out. */
  readonly retryAfterSeconds?: number;
  readonly message?: string;
  /** The request is carried out before the error is answered, as when an answer is lost on its way. Default false. */
  readonly afterwards?: boolean;
}

export interface DelayFault extends FaultScope {
  readonly delayMs: number;
}

/** A fault that is active until it is removed or its count is used up. */
export interface ActiveFault extends Disposable {
  /** How many requests it has hit. */
  readonly hits: number;
  remove(): void;
}

/** What a half-open fault does to watches that are opened while it lasts. */
export type NewWatches = 'work' | 'silent' | 'refused';

/** Faults that the embedded server shows on request. Nothing of it is random without a seed. */
export interface Faults {
  /** Answers matching requests with an error. */
  fail(fault: ErrorFault): ActiveFault;
  /** Delays matching requests before they are looked at. */
  delay(fault: DelayFault): ActiveFault;
  /** Breaks the connection of matching requests without an answer; with `afterwards` after carrying them out. */
  disconnect(fault: FaultScope & { readonly afterwards?: boolean }): ActiveFault;
  /** Breaks all matching watches that are open. Returns how many. */
  dropWatches(match?: FaultMatch): number;
  /** Ends all matching watches in good order, as a server does after their timeout. Returns how many. */
  endWatches(match?: FaultMatch): number;
  /**
   * Open watches that match get nothing any more while their connections stay. Removing the fault does not bring them
   * back: what was not sent is lost, as with a real half-open connection.
   */
  silenceWatches(options?: { readonly match?: FaultMatch; readonly newWatches?: NewWatches }): ActiveFault;
  /** Events of matching watches, open ones and new ones, arrive late. */
  slowWatches(options: { readonly delayMs: number; readonly match?: FaultMatch }): ActiveFault;
  /** Connections are refused and open ones break, until `acceptConnections`. Data, port and certificates stay. */
  refuseConnections(): Promise<void>;
  acceptConnections(): Promise<void>;
  /** Forgets all history: every earlier resource version is answered with 410. */
  compactHistory(): void;
  /** Delay of the garbage collector; `Infinity` stops it. Dependents that wait already wait anew. */
  setGarbageCollectionDelay(delayMs: number): void;
  /** All tokens of a user are answered with 401 from now on. */
  revokeTokens(user: string): void;
  /** Revokes all tokens of a user and returns a new one. */
  rotateToken(user: string): string;
  /** New connections get a certificate of a new authority, whose PEM this returns (and writes to `caFile`). */
  replaceCertificateAuthority(): Promise<string>;
  /** New connections get a new certificate of the same authority. */
  replaceServerCertificate(): void;
  /** The server's clock (creationTimestamp, token expiry) from now on; `undefined`: the machine's clock. */
  setClock(now: (() => number) | undefined): void;
  /** Ends every fault. */
  clear(): void;
}

/** A reproducible random between 0 and 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function matchesFault(match: FaultMatch | undefined, request: FaultRequest): boolean {
  if (match === undefined) return true;
  if (typeof match === 'function') return match(request);
  return Object.entries(match).every(([field, value]) => request[field as keyof FaultRequest] === value);
}

/** The list of active faults of one kind. */
export class FaultList<Fault extends FaultScope> {
  readonly #active = new Set<{ fault: Fault; hits: number }>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(fault: Fault): ActiveFault {
    const entry = { fault, hits: 0 };
    this.#active.add(entry);
    const remove = () => {
      this.#active.delete(entry);
    };
    return {
      get hits() {
        return entry.hits;
      },
      remove,
      [Symbol.dispose]: remove,
    };
  }

  /** The first fault that hits this request, counted. */
  hit(request: FaultRequest): Fault | undefined {
    if (this.#active.size === 0) return undefined;
    for (const entry of this.#active) {
      const { fault } = entry;
      if (!matchesFault(fault.match, request)) continue;
      if (fault.share !== undefined && this.#random() >= fault.share) continue;
      entry.hits++;
      if (fault.count !== undefined && entry.hits >= fault.count) this.#active.delete(entry);
      return fault;
    }
    return undefined;
  }

  clear(): void {
    this.#active.clear();
  }
}
