import { isSignedKind, isUnsignedKind } from '../values/types.ts';
import { GoInteger, type GoValue } from '../values/value.ts';

/** The part of a format between the percent sign and the verb. */

const largestNumber = 1_000_000;
const tooLarge = (number: number): boolean => number > largestNumber || number < -largestNumber;

/** Flags, width and precision of a directive. */
export interface Flags {
  width: number | undefined;
  precision: number | undefined;
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  /** `%+v` and `%#v`, which change how structs and nested values are printed instead of acting on each number. */
  plusV: boolean;
  sharpV: boolean;
}

export function noFlags(): Flags {
  return {
    width: undefined,
    precision: undefined,
    minus: false,
    plus: false,
    sharp: false,
    space: false,
    zero: false,
    plusV: false,
    sharpV: false,
  };
}

/** Reads flags, width, precision and argument indexes of one directive, up to its verb. */
export class DirectiveReader {
  position: number;
  argumentIndex: number;
  reordered = false;
  goodArgument = true;
  readonly #format: string;
  readonly #args: readonly GoValue[];
  readonly #flags: Flags;
  #afterIndex = false;

  constructor(format: string, position: number, args: readonly GoValue[], argumentIndex: number, flags: Flags) {
    this.#format = format;
    this.position = position;
    this.#args = args;
    this.argumentIndex = argumentIndex;
    this.#flags = flags;
  }

  /** Gives the complaints to print before the value. */
  read(): string {
    this.#readFlags();
    this.#readIndex();
    const complaint = this.#readWidth();
    return complaint + this.#readPrecision();
  }

  #readFlags(): void {
    for (; ; this.position++) {
      switch (this.#format[this.position]) {
        case '#':
          this.#flags.sharp = true;
          break;
        case '0':
          this.#flags.zero = true;
          break;
        case '+':
          this.#flags.plus = true;
          break;
        case '-':
          this.#flags.minus = true;
          break;
        case ' ':
          this.#flags.space = true;
          break;
        default:
          return;
      }
    }
  }

  /** `[3]` chooses the next argument. */
  #readIndex(): void {
    if (this.#format[this.position] !== '[') {
      this.#afterIndex = false;
      return;
    }
    this.reordered = true;
    const close = this.#format.indexOf(']', this.position + 1);
    if (close < 0 || this.#format.length - this.position < 3) {
      this.goodArgument = false;
      this.#afterIndex = false;
      this.position++;
      return;
    }
    const digits = this.#format.slice(this.position + 1, close);
    this.position = close + 1;
    const number = /^[0-9]+$/.test(digits) ? Number(digits) : Number.NaN;
    const wellFormed = !Number.isNaN(number) && !tooLargeText(digits);
    this.#afterIndex = wellFormed;
    if (wellFormed && number >= 1 && number <= this.#args.length) this.argumentIndex = number - 1;
    else this.goodArgument = false;
  }

  #readWidth(): string {
    if (this.#format[this.position] !== '*') {
      this.#flags.width = this.#readNumber();
      if (this.#afterIndex && this.#flags.width !== undefined) this.goodArgument = false;
      return '';
    }
    this.position++;
    const width = this.#integerArgument();
    this.#afterIndex = false;
    this.#flags.width = width;
    if (width === undefined) return '%!(BADWIDTH)';
    if (width < 0) {
      this.#flags.width = -width;
      this.#flags.minus = true;
      this.#flags.zero = false;
    }
    return '';
  }

  #readPrecision(): string {
    let complaint = '';
    if (this.position + 1 < this.#format.length && this.#format[this.position] === '.') {
      this.position++;
      if (this.#afterIndex) this.goodArgument = false;
      this.#readIndex();
      if (this.#format[this.position] === '*') {
        this.position++;
        const precision = this.#integerArgument();
        this.#afterIndex = false;
        this.#flags.precision = precision !== undefined && precision >= 0 ? precision : undefined;
        if (this.#flags.precision === undefined) complaint = '%!(BADPREC)';
      } else this.#flags.precision = this.#readNumber() ?? 0;
    }
    if (!this.#afterIndex) this.#readIndex();
    return complaint;
  }

  /** A number of the format; one that is too large swallows the rest, as in Go. */
  #readNumber(): number | undefined {
    const digits = /^[0-9]*/.exec(this.#format.slice(this.position, this.position + 4096))?.[0] ?? '';
    if (digits === '') return undefined;
    if (tooLargeText(digits)) {
      this.position = this.#format.length;
      return undefined;
    }
    this.position += digits.length;
    return Number(digits);
  }

  #integerArgument(): number | undefined {
    if (this.argumentIndex >= this.#args.length) return undefined;
    const argument = this.#args[this.argumentIndex++];
    if (!(argument instanceof GoInteger)) return undefined;
    if (!isSignedKind(argument.type.kind) && !isUnsignedKind(argument.type.kind)) return undefined;
    const value = Number(argument.value);
    return tooLarge(value) ? undefined : value;
  }
}

/** Go gives up at a digit that comes after the number has passed the largest one. */
function tooLargeText(digits: string): boolean {
  return digits.length > 1 && Number(digits.slice(0, -1)) > largestNumber;
}
