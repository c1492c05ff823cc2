import { LimitError } from './errors.ts';
import type { StepCounter } from './values/inspect.ts';

/**
 * What the templates of one object may use together, unless it is said to be of each. Every limit ends in a `TemplateError` of kind `limit`.
 */
export interface TemplateLimits {
  /** Size of the text of each, in bytes. */
  readonly maxTemplateBytes: number;
  /** Size of all output, in bytes. */
  readonly maxOutputBytes: number;
  /** Bytes of all intermediate strings and lists together (8 bytes per element). */
  readonly maxAllocatedBytes: number;
  /** Nodes evaluated, elements visited, and units of work of functions. */
  readonly maxSteps: number;
  /** How deep the definitions of each may call each other. */
  readonly maxTemplateDepth: number;
  /** Calls of key generation, certificates, bcrypt and scrypt, in cost units: see `cost` in the function table. */
  readonly maxCostlyUnits: number;
  /** Time spent rendering, measured on the monotonic clock among the effects; waiting in between does not count. */
  readonly maxMilliseconds: number;
  /** Size of each regular expression, in bytes. */
  readonly maxPatternBytes: number;
  /** Instructions of each compiled regular expression. */
  readonly maxPatternInstructions: number;
}

/** Generous for configuration files, small for a process that serves others. */
export const defaultLimits: TemplateLimits = {
  maxTemplateBytes: 1024 * 1024,
  maxOutputBytes: 4 * 1024 * 1024,
  maxAllocatedBytes: 64 * 1024 * 1024,
  maxSteps: 1_000_000,
  maxTemplateDepth: 400,
  maxCostlyUnits: 400,
  maxMilliseconds: 30_000,
  maxPatternBytes: 16 * 1024,
  maxPatternInstructions: 20_000,
};

/** Reading the clock costs more than a step; it is read once in so many. */
const stepsPerClockReading = 4096;

/** Counts what the templates of an object use and throws `LimitError` when something runs out. */
export class Budget implements StepCounter {
  readonly limits: TemplateLimits;
  readonly #elapsedMs: () => number;
  #steps = 0;
  #allocated = 0;
  #costly = 0;
  #output = 0;
  #nextClockReading = stepsPerClockReading;

  constructor(limits: TemplateLimits, elapsedMs: () => number) {
    this.limits = limits;
    this.#elapsedMs = elapsedMs;
  }

  /** Uses steps. */
  step(amount = 1): void {
    this.#steps += amount;
    if (this.#steps > this.limits.maxSteps) {
      throw new LimitError(`the template needs more than ${this.limits.maxSteps} steps`, 'budget');
    }
    if (this.#steps >= this.#nextClockReading) this.#readClock();
  }

  #readClock(): void {
    this.#nextClockReading = this.#steps + stepsPerClockReading;
    if (this.#elapsedMs() > this.limits.maxMilliseconds) {
      throw new LimitError(`the template takes longer than ${this.limits.maxMilliseconds} ms`, 'time');
    }
  }

  /** Uses memory for an intermediate value; called before the value is made where its size can be told beforehand. */
  allocate(bytes: number): void {
    this.#allocated += bytes;
    if (this.#allocated > this.limits.maxAllocatedBytes) {
      throw new LimitError(`the template makes values of more than ${this.limits.maxAllocatedBytes} bytes`, 'budget');
    }
    // Work grows with size: a step for every kilobyte.
    this.step(bytes >> 10);
  }

  /** Uses units of costly work, and checks the time. */
  spend(units: number): void {
    this.#costly += units;
    if (this.#costly > this.limits.maxCostlyUnits) {
      throw new LimitError(
        `the template generates more keys, certificates and password hashes than allowed (${this.limits.maxCostlyUnits})`,
        'budget',
      );
    }
    this.#readClock();
  }

  /** Uses room for output. */
  write(bytes: number): void {
    this.#output += bytes;
    if (this.#output > this.limits.maxOutputBytes) {
      throw new LimitError(`the output is larger than ${this.limits.maxOutputBytes} bytes`, 'budget');
    }
  }
}
