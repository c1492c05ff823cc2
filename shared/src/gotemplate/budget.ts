import { LimitError } from './errors.ts';
import type { StepCounter } from './values/inspect.ts';

/** What one rendering may use. Every limit ends in a `TemplateError` of kind `limit`. */
export interface TemplateLimits {
  /** Size of the text, in bytes. */
  readonly maxTemplateBytes: number;
  /** Size of the output, in bytes. */
  readonly maxOutputBytes: number;
  /** Bytes of all intermediate strings and lists together (8 bytes per element). */
  readonly maxAllocatedBytes: number;
  /** Nodes evaluated, elements visited, and units of work of functions. */
  readonly maxSteps: number;
  /** How deep templates may call each other. */
  readonly maxTemplateDepth: number;
  /** Calls of key generation, certificates, bcrypt and scrypt, in cost units: see `cost` in the function table. */
  readonly maxCostlyUnits: number;
  /** Time, measured on the clock among the effects. */
  readonly maxMilliseconds: number;
  /** Size of a regular expression, in bytes. */
  readonly maxPatternBytes: number;
  /** Instructions of a compiled regular expression. */
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

/** Counts what a rendering uses and throws `LimitError` when something runs out. */
export class Budget implements StepCounter {
  readonly limits: TemplateLimits;
  readonly #elapsedMs: () => number;
  #steps = 0;
  #allocated = 0;
  #costly = 0;
  #nextClockReading = stepsPerClockReading;

  constructor(limits: TemplateLimits, elapsedMs: () => number) {
    this.limits = limits;
    this.#elapsedMs = elapsedMs;
  }

  /** Uses steps. */
  step(amount = 1): void {
    this.#steps += amount;
    if (this.#steps > this.limits.maxSteps) {
      throw new LimitError(`the template needs more than ${this.limits.maxSteps} steps`);
    }
    if (this.#steps >= this.#nextClockReading) this.#readClock();
  }

  #readClock(): void {
    this.#nextClockReading = this.#steps + stepsPerClockReading;
    if (this.#elapsedMs() > this.limits.maxMilliseconds) {
      throw new LimitError(`the template takes longer than ${this.limits.maxMilliseconds} ms`);
    }
  }

  /** Uses memory for an intermediate value; called before the value is made where its size can be told beforehand. */
  allocate(bytes: number): void {
    this.#allocated += bytes;
    if (this.#allocated > this.limits.maxAllocatedBytes) {
      throw new LimitError(`the template makes values of more than ${this.limits.maxAllocatedBytes} bytes`);
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
      );
    }
    this.#readClock();
  }

  /** Checks the size of the output so far. */
  checkOutput(bytes: number): void {
    if (bytes > this.limits.maxOutputBytes) {
      throw new LimitError(`the output is larger than ${this.limits.maxOutputBytes} bytes`);
    }
  }
}
