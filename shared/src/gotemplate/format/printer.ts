import { countRunes, decodeRune, encodeRune, maxRune, runeError } from '../byte-string.ts';
import { formatDuration } from '../time/duration.ts';
import { monthName, timeGoString, timeText, weekdayName } from '../time/layout.ts';
import { GoTime, localLocation, secondsBeforeUnixEpoch, TimeLocation, utcLocation } from '../time/time.ts';
import { isPrint } from '../unicode.ts';
import { checkNesting, kindOf, type StepCounter, typeName } from '../values/inspect.ts';
import { isUnsignedKind, types } from '../values/types.ts';
import {
  GoCertificate,
  GoComplex,
  GoInteger,
  GoMap,
  GoSlice,
  type GoValue,
  GoVersion,
  uint64,
} from '../values/value.ts';
import { DirectiveReader, noFlags } from './directive.ts';
import { type FloatFormat, formatFloat } from './float-text.ts';
import { canBackquote, quote, quoteRune } from './quote.ts';

/** Go's package fmt over our values: `Sprint`, `Sprintln`, `Sprintf` with every verb, flag, width, precision and its complaints. */

/** What printing may use. */
export interface PrintMeter extends StepCounter {
  allocate(bytes: number): void;
}

/** `fmt.Sprint`: a space between operands when neither is a string. */
export function sprint(args: readonly GoValue[], meter: PrintMeter): string {
  const printer = new Printer(meter);
  let afterString = false;
  for (const [index, arg] of args.entries()) {
    const isString = typeof arg === 'string';
    if (index > 0 && !isString && !afterString) printer.write(' ');
    printer.printArgument(arg, 'v');
    afterString = isString;
  }
  return printer.output;
}

/** `fmt.Sprintln`: always a space between operands, and a newline. */
export function sprintln(args: readonly GoValue[], meter: PrintMeter): string {
  const printer = new Printer(meter);
  for (const [index, arg] of args.entries()) {
    if (index > 0) printer.write(' ');
    printer.printArgument(arg, 'v');
  }
  printer.write('\n');
  return printer.output;
}

/** `fmt.Sprintf`. */
export function sprintf(format: string, args: readonly GoValue[], meter: PrintMeter): string {
  const printer = new Printer(meter);
  printer.printFormatted(format, args);
  return printer.output;
}

/** One value as `%v` prints it. */
export function displayText(value: GoValue, meter: PrintMeter): string {
  return typeof value === 'string' ? value : sprint([value], meter);
}

/** The text of values that have Go's `String` method. */
export function stringerText(value: GoValue): string | undefined {
  if (value instanceof GoInteger) {
    if (value.type === types.duration) return formatDuration(value.value);
    if (value.type === types.month) return monthName(value.value);
    if (value.type === types.weekday) return weekdayName(value.value);
    return undefined;
  }
  if (value instanceof GoTime) return timeText(value);
  if (value instanceof TimeLocation) return value.name;
  return value instanceof GoVersion ? value.text : undefined;
}

/** Names and values of the fields of a struct, as Go's reflection lists them. */
function structFields(value: GoValue): ReadonlyArray<readonly [string, GoValue]> {
  if (value instanceof GoCertificate) {
    return [
      ['Cert', value.certificatePem],
      ['Key', value.keyPem],
    ];
  }
  if (value instanceof GoVersion) {
    return [
      ['major', uint64(value.major)],
      ['minor', uint64(value.minor)],
      ['patch', uint64(value.patch)],
      ['pre', value.prerelease],
      ['metadata', value.metadata],
      ['original', value.original],
    ];
  }
  if (value instanceof TimeLocation) {
    const none = new GoSlice(types.anySlice, undefined);
    return [
      ['name', value.name],
      ['zone', none],
      ['tx', none],
      ['extend', ''],
      ['cacheStart', new GoInteger(types.int64, 0n)],
      ['cacheEnd', new GoInteger(types.int64, 0n)],
      // A nil pointer, as the location of UTC is.
      ['cacheZone', utcLocation],
    ];
  }
  if (value instanceof GoTime) {
    return [
      ['wall', uint64(BigInt(value.nanosecond))],
      ['ext', new GoInteger(types.int64, value.unixSeconds + secondsBeforeUnixEpoch)],
      ['loc', value.location],
    ];
  }
  return [];
}

// A stand-in for addresses of pointers, which Go prints and nobody can rely on.
const someAddress = 0xc000012345n;

class Printer {
  output = '';
  readonly #meter: PrintMeter;
  #flags = noFlags();
  /** While an error text is printed, methods of values are left alone. */
  #erroring = false;

  constructor(meter: PrintMeter) {
    this.#meter = meter;
  }

  write(text: string): void {
    this.#meter.allocate(text.length);
    this.output += text;
  }

  // ---- formats ----

  printFormatted(format: string, args: readonly GoValue[]): void {
    let index = 0;
    let reordered = false;
    let i = 0;
    while (i < format.length) {
      const percent = format.indexOf('%', i);
      const literalEnd = percent < 0 ? format.length : percent;
      if (literalEnd > i) this.write(format.slice(i, literalEnd));
      if (percent < 0) break;
      this.#meter.step();
      this.#flags = noFlags();
      const directive = new DirectiveReader(format, percent + 1, args, index, this.#flags);
      const complaints = directive.read();
      reordered ||= directive.reordered;
      this.write(complaints);
      i = directive.position;
      index = directive.argumentIndex;
      if (i >= format.length) {
        this.write('%!(NOVERB)');
        break;
      }
      const { rune, size } = decodeRune(format, i);
      i += size;
      const verb = encodeRune(rune);
      if (verb === '%') this.write('%');
      else if (!directive.goodArgument) this.write(`%!${verb}(BADINDEX)`);
      else if (index >= args.length) this.write(`%!${verb}(MISSING)`);
      else this.#printVerb(args[index++] ?? null, verb);
    }
    if (!reordered && index < args.length) this.#printExtra(args.slice(index));
  }

  #printVerb(arg: GoValue, verb: string): void {
    if (verb === 'v' || verb === 'w') {
      this.#flags.sharpV = this.#flags.sharp;
      this.#flags.sharp = false;
      this.#flags.plusV = this.#flags.plus;
      this.#flags.plus = false;
    }
    this.printArgument(arg, verb);
  }

  #printExtra(args: readonly GoValue[]): void {
    this.#flags = noFlags();
    this.write('%!(EXTRA ');
    for (const [index, arg] of args.entries()) {
      if (index > 0) this.write(', ');
      if (arg === null) {
        this.write('<nil>');
        continue;
      }
      this.write(`${typeName(arg)}=`);
      this.printArgument(arg, 'v');
    }
    this.write(')');
  }

  // ---- values ----

  printArgument(arg: GoValue, verb: string): void {
    if (arg === null) {
      if (verb === 'v' || verb === 'T') this.#pad('<nil>');
      else this.#badVerb(undefined, verb);
      return;
    }
    if (verb === 'T') this.#printString(typeName(arg), 's');
    else if (verb === 'p') this.#printPointer(arg, 'p');
    else if (!this.#handledByMethod(arg, verb)) this.#printValue(arg, verb, 0);
  }

  #handledByMethod(value: GoValue, verb: string): boolean {
    if (this.#erroring) return false;
    if (verb === 'w') {
      this.#badVerb(value, verb);
      return true;
    }
    if (this.#flags.sharpV) {
      if (!(value instanceof GoTime)) return false;
      this.#pad(timeGoString(value));
      return true;
    }
    if (!['v', 's', 'x', 'X', 'q'].includes(verb)) return false;
    const text = stringerText(value);
    if (text === undefined) return false;
    this.#printString(text, verb);
    return true;
  }

  #badVerb(value: GoValue | undefined, verb: string): void {
    this.#erroring = true;
    this.write(`%!${verb}(`);
    if (value === undefined || value === null) this.write('<nil>');
    else {
      this.write(`${typeName(value)}=`);
      this.#printValue(value, 'v', 0);
    }
    this.write(')');
    this.#erroring = false;
  }

  #printValue(value: GoValue, verb: string, depth: number): void {
    this.#meter.step();
    checkNesting(depth);
    if (depth > 0 && value !== null && this.#handledByMethod(value, verb)) return;
    if (value === null) this.write(this.#flags.sharpV ? 'interface {}(nil)' : '<nil>');
    else if (typeof value === 'string') this.#printString(value, verb);
    else if (typeof value === 'boolean') this.#printBoolean(value, verb);
    else if (typeof value === 'number') this.#printFloat(value, verb, value);
    else if (value instanceof GoInteger) this.#printInteger(value, verb);
    else if (value instanceof GoComplex) this.#printComplex(value, verb);
    else if (value instanceof GoSlice) this.#printSlice(value, verb, depth);
    else if (value instanceof GoMap) this.#printMap(value, verb, depth);
    else if (kindOf(value) === 'ptr') this.#printPointerValue(value, verb, depth);
    else this.#printStruct(value, verb, depth);
  }

  #printBoolean(value: boolean, verb: string): void {
    if (verb === 't' || verb === 'v') this.#pad(String(value));
    else this.#badVerb(value, verb);
  }

  #printSlice(slice: GoSlice, verb: string, depth: number): void {
    const isBytes = slice.type === types.byteSlice;
    if (isBytes && ['s', 'q', 'x', 'X'].includes(verb)) {
      this.#printString(bytesOf(slice), verb);
      return;
    }
    const { sharpV } = this.#flags;
    if (sharpV) {
      this.write(isBytes && depth === 0 ? '[]byte' : slice.type.name);
      if (slice.isNil) {
        this.write('(nil)');
        return;
      }
    }
    this.write(sharpV ? '{' : '[');
    for (let i = 0; i < slice.length; i++) {
      if (i > 0) this.write(sharpV ? ', ' : ' ');
      this.#printValue(slice.at(i), verb, depth + 1);
    }
    this.write(sharpV ? '}' : ']');
  }

  #printMap(map: GoMap, verb: string, depth: number): void {
    const { sharpV } = this.#flags;
    if (sharpV) {
      this.write(map.type.name);
      if (map.entries === undefined) {
        this.write('(nil)');
        return;
      }
    }
    this.write(sharpV ? '{' : 'map[');
    let first = true;
    for (const key of map.sortedKeys()) {
      if (!first) this.write(sharpV ? ', ' : ' ');
      first = false;
      this.#printValue(key, verb, depth + 1);
      this.write(':');
      this.#printValue(map.get(key) ?? null, verb, depth + 1);
    }
    this.write(sharpV ? '}' : ']');
  }

  #printStruct(value: GoValue, verb: string, depth: number): void {
    const { sharpV, plusV } = this.#flags;
    if (sharpV) this.write(typeName(value).replace(/^\*/, ''));
    this.write('{');
    for (const [index, [name, field]] of structFields(value).entries()) {
      if (index > 0) this.write(sharpV ? ', ' : ' ');
      if (plusV || sharpV) this.write(`${name}:`);
      this.#printField(field, verb, depth + 1, value instanceof GoCertificate);
    }
    this.write('}');
  }

  /** Fields that are not exported print without the methods of their values. */
  #printField(field: GoValue, verb: string, depth: number, isExported: boolean): void {
    const erroring = this.#erroring;
    this.#erroring ||= !isExported;
    this.#printValue(field, verb, depth);
    this.#erroring = erroring;
  }

  #printPointerValue(value: GoValue, verb: string, depth: number): void {
    if (depth === 0 && (value instanceof GoVersion || value === localLocation)) {
      this.write('&');
      this.#printStruct(value, verb, depth + 1);
    } else this.#printPointer(value, verb);
  }

  #printPointer(value: GoValue, verb: string): void {
    if (!['map', 'slice', 'ptr'].includes(kindOf(value))) {
      this.#badVerb(value, verb);
      return;
    }
    const address = value === utcLocation ? 0n : someAddress;
    if (verb === 'v') {
      if (this.#flags.sharpV)
        this.write(`(${typeName(value)})(${address === 0n ? 'nil' : `0x${address.toString(16)}`})`);
      else if (address === 0n) this.#pad('<nil>');
      else this.#printUnsignedHex(address, !this.#flags.sharp);
    } else if (verb === 'p') this.#printUnsignedHex(address, !this.#flags.sharp);
    else if (['b', 'o', 'd', 'x', 'X'].includes(verb)) this.#printInteger(uint64(address), verb);
    else this.#badVerb(value, verb);
  }

  // ---- strings ----

  #printString(text: string, verb: string): void {
    switch (verb) {
      case 'v':
        if (this.#flags.sharpV) this.#printQuoted(text);
        else this.#pad(this.#truncate(text));
        break;
      case 's':
        this.#pad(this.#truncate(text));
        break;
      case 'x':
      case 'X':
        this.#printHexBytes(text, verb);
        break;
      case 'q':
        this.#printQuoted(text);
        break;
      default:
        this.#badVerb(text, verb);
    }
  }

  /** The first runes, as many as the precision says. */
  #truncate(text: string): string {
    const { precision } = this.#flags;
    if (precision === undefined) return text;
    let end = 0;
    for (let count = 0; count < precision && end < text.length; count++) end += decodeRune(text, end).size;
    return text.slice(0, end);
  }

  #printQuoted(text: string): void {
    const truncated = this.#truncate(text);
    if (this.#flags.sharp && canBackquote(truncated)) this.#pad(`\`${truncated}\``);
    else this.#pad(quote(truncated, this.#flags.plus));
  }

  #printHexBytes(text: string, verb: 'x' | 'X'): void {
    const { precision, space, sharp, width, minus } = this.#flags;
    const bytes = precision === undefined ? text : text.slice(0, precision);
    if (bytes === '') {
      if (width !== undefined) this.#writePadding(width);
      return;
    }
    const prefix = sharp ? `0${verb}` : '';
    const hexOf = (byte: string): string => {
      const digits = byte.charCodeAt(0).toString(16).padStart(2, '0');
      return verb === 'X' ? digits.toUpperCase() : digits;
    };
    const parts = Array.from(bytes, hexOf);
    const result = space ? parts.map((part) => prefix + part).join(' ') : prefix + parts.join('');
    const padding = (width ?? 0) - result.length;
    if (!minus) this.#writePadding(padding);
    this.write(result);
    if (minus) this.#writePadding(padding);
  }

  #writePadding(count: number): void {
    if (count > 0) this.write((this.#flags.zero && !this.#flags.minus ? '0' : ' ').repeat(count));
  }

  #pad(text: string): void {
    const { width, minus } = this.#flags;
    if (width === undefined || width === 0) {
      this.write(text);
      return;
    }
    const padding = width - countRunes(text);
    if (!minus) this.#writePadding(padding);
    this.write(text);
    if (minus) this.#writePadding(padding);
  }

  #padWithSpaces(text: string): void {
    const { zero } = this.#flags;
    this.#flags.zero = false;
    this.#pad(text);
    this.#flags.zero = zero;
  }

  // ---- numbers ----

  #printInteger(integer: GoInteger, verb: string): void {
    const { kind } = integer.type;
    const { value } = integer;
    switch (verb) {
      case 'v':
        if (this.#flags.sharpV && isUnsignedKind(kind)) this.#printUnsignedHex(value, true);
        else this.#printDigits(value, 10, verb);
        break;
      case 'd':
        this.#printDigits(value, 10, verb);
        break;
      case 'b':
        this.#printDigits(value, 2, verb);
        break;
      case 'o':
      case 'O':
        this.#printDigits(value, 8, verb);
        break;
      case 'x':
      case 'X':
        this.#printDigits(value, 16, verb);
        break;
      case 'c':
        this.#pad(encodeRune(runeOf(value)));
        break;
      case 'q':
        this.#pad(quoteRune(runeOf(value), this.#flags.plus));
        break;
      case 'U':
        this.#printUnicode(BigInt.asUintN(64, value));
        break;
      default:
        this.#badVerb(integer, verb);
    }
  }

  #printUnsignedHex(value: bigint, withPrefix: boolean): void {
    const { sharp } = this.#flags;
    this.#flags.sharp = withPrefix;
    this.#printDigits(value, 16, 'v');
    this.#flags.sharp = sharp;
  }

  #printDigits(value: bigint, base: 2 | 8 | 10 | 16, verb: string): void {
    const flags = this.#flags;
    const negative = value < 0n;
    const magnitude = negative ? -value : value;
    let precision = 0;
    if (flags.precision !== undefined) {
      precision = flags.precision;
      if (precision === 0 && magnitude === 0n) {
        flags.zero = false;
        this.#writePadding(flags.width ?? 0);
        return;
      }
    } else if (flags.zero && !flags.minus && flags.width !== undefined) {
      precision = flags.width - (negative || flags.plus || flags.space ? 1 : 0);
    }
    let digits = magnitude.toString(base).padStart(precision, '0');
    if (verb === 'X') digits = digits.toUpperCase();
    if (flags.sharp) {
      if (base === 2) digits = `0b${digits}`;
      else if (base === 8 && digits[0] !== '0') digits = `0${digits}`;
      else if (base === 16) digits = (verb === 'X' ? '0X' : '0x') + digits;
    }
    if (verb === 'O') digits = `0o${digits}`;
    this.#padWithSpaces((negative ? '-' : flags.plus ? '+' : flags.space ? ' ' : '') + digits);
  }

  #printUnicode(value: bigint): void {
    const precision = Math.max(this.#flags.precision ?? 4, 4);
    let text = `U+${value.toString(16).toUpperCase().padStart(precision, '0')}`;
    if (this.#flags.sharp && value <= BigInt(maxRune) && isPrint(Number(value))) {
      text += ` '${encodeRune(Number(value))}'`;
    }
    this.#padWithSpaces(text);
  }

  #printFloat(value: number, verb: string, whole: GoValue): void {
    switch (verb) {
      case 'v':
        this.#writeFloat(value, 'g', -1);
        break;
      case 'b':
      case 'g':
      case 'G':
      case 'x':
      case 'X':
        this.#writeFloat(value, verb, -1);
        break;
      case 'f':
      case 'F':
        this.#writeFloat(value, 'f', 6);
        break;
      case 'e':
      case 'E':
        this.#writeFloat(value, verb, 6);
        break;
      default:
        this.#badVerb(whole, verb);
    }
  }

  #writeFloat(value: number, format: FloatFormat, defaultPrecision: number): void {
    const flags = this.#flags;
    const precision = flags.precision ?? defaultPrecision;
    const formatted = formatFloat(value, format, precision);
    let sign = formatted[0] === '-' ? '-' : '+';
    let digits = formatted.replace(/^[+-]/, '');
    if (flags.space && sign === '+' && !flags.plus) sign = ' ';
    if (digits[0] === 'I' || digits[0] === 'N') {
      // Infinity always shows its sign, NaN only where one is asked for.
      const showSign = digits[0] === 'I' || flags.space || flags.plus;
      this.#padWithSpaces(showSign ? sign + digits : digits);
      return;
    }
    if (flags.sharp && format !== 'b') digits = withTrailingZeros(digits, format, precision);
    if (!flags.plus && sign === '+') {
      this.#pad(digits);
      return;
    }
    const padding = (flags.width ?? 0) - digits.length - 1;
    if (flags.zero && !flags.minus && padding > 0) {
      this.write(sign);
      this.#writePadding(padding);
      this.write(digits);
    } else this.#pad(sign + digits);
  }

  #printComplex(value: GoComplex, verb: string): void {
    if (!'vbgGxXfFeE'.includes(verb)) {
      this.#badVerb(value, verb);
      return;
    }
    const { plus } = this.#flags;
    this.write('(');
    this.#printFloat(value.real, verb, value);
    this.#flags.plus = true;
    this.#printFloat(value.imaginary, verb, value);
    this.write('i)');
    this.#flags.plus = plus;
  }
}

/** `#` keeps the decimal point, and for `g` the zeros that the precision asks for. */
function withTrailingZeros(text: string, format: FloatFormat, precision: number): string {
  const isHex = format === 'x' || format === 'X';
  const exponentAt = text.search(isHex ? /[pP]/ : /[eEpP]/);
  const tail = exponentAt < 0 ? '' : text.slice(exponentAt);
  let digits = exponentAt < 0 ? text : text.slice(0, exponentAt);
  let missing = 0;
  if (format === 'g' || format === 'G' || format === 'x') missing = precision === -1 ? 6 : precision;
  let sawNonzero = false;
  for (const character of digits) {
    if (character === '.') continue;
    if (character !== '0') sawNonzero = true;
    if (sawNonzero) missing--;
  }
  if (!digits.includes('.')) {
    // A single zero counts as one significant digit.
    if (digits === '0') missing--;
    digits += '.';
  }
  return digits + '0'.repeat(Math.max(missing, 0)) + tail;
}

function runeOf(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value);
  return unsigned > BigInt(maxRune) ? runeError : Number(unsigned);
}

/** The bytes of a `[]uint8` as a byte string. */
export function bytesOf(slice: GoSlice): string {
  let result = '';
  for (let i = 0; i < slice.length; i++) {
    const element = slice.at(i);
    result += String.fromCharCode(element instanceof GoInteger ? Number(element.value) : 0);
  }
  return result;
}
