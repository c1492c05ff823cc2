// A parser with the rules of Go's pflag library, which upstream uses. They differ from every parser on npm: `-o=yaml`, `-oyaml`, bundled
// shorthands, `--raw=false`, lists as CSV, values that begin with a dash, and the texts of its errors, which scripts match on.

export type FlagType =
  | 'bool'
  | 'string'
  /** A text that must be one of {@link Flag.choices}, or empty. */
  | 'enum'
  /** Comma separated (CSV, RFC 4180) and repeatable. */
  | 'strings'
  /** Repeatable; commas mean nothing. */
  | 'array'
  | 'int'
  | 'uint'
  /** A level of the logging library: a name or a number. */
  | 'severity';

export interface Flag {
  readonly name: string;
  readonly shorthand?: string;
  readonly type: FlagType;
  readonly default: FlagValue;
  /** One line for `--help`. Words in back quotes name the value. */
  readonly usage: string;
  /** The type as `--help` shows it, where it is not the obvious one. */
  readonly typeName?: string;
  /** The default as `--help` shows it, where it is not the obvious one. */
  readonly defaultText?: string;
  readonly choices?: readonly string[];
  /** Not in `--help`; its use is answered with this text. */
  readonly deprecated?: string;
  /** Whether an environment variable sets it too. */
  readonly fromEnv: boolean;
}

export type FlagValue = boolean | string | number | readonly string[];

export interface ParsedFlags {
  /** One value for every flag of the table. */
  readonly values: ReadonlyMap<string, FlagValue>;
  /** Flags given in argv or by the environment. */
  readonly given: ReadonlySet<string>;
  readonly positional: readonly string[];
  /** For standard error. */
  readonly warnings: readonly string[];
  /** Unusable values of the environment that argv does not replace. Not thrown, so that `--help` and `--version` work all the same. */
  readonly environmentErrors: readonly FlagError[];
}

/** A mistake in argv. The message is the one of the Go library. */
export class FlagError extends Error {
  override readonly name = 'FlagError';
}

/** `-h` where the table has no such flag. */
export class HelpRequested extends Error {
  override readonly name = 'HelpRequested';
}

/** The environment variable of a flag. */
export function environmentVariable(prefix: string, flag: string): string {
  return `${prefix}${flag.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * Parses a command line. Values of the environment stand below those of argv; for lists both are taken, as upstream does it.
 *
 * @param env variables that set flags, by the name of the flag
 * @throws FlagError for the first mistake; HelpRequested for `-h`.
 */
export function parseFlags(
  table: readonly Flag[],
  argv: readonly string[],
  env: ReadonlyMap<string, { readonly variable: string; readonly value: string }> = new Map(),
): ParsedFlags {
  const state = createState(table);
  const environmentErrors = new Map<string, FlagError>();
  for (const flag of table) {
    const set = flag.fromEnv ? env.get(flag.name) : undefined;
    if (set === undefined) continue;
    try {
      assign(state, flag, set.value, () => `environment variable ${set.variable}`);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      environmentErrors.set(flag.name, error);
    }
  }
  for (const { flag, value } of occurrences(state, argv)) {
    assign(state, flag, value, () => flagInWords(flag));
    // A value that the command line replaces does no harm.
    if (!isList(flag)) environmentErrors.delete(flag.name);
    if (flag.deprecated !== undefined) {
      state.warnings.push(`Flag --${flag.name} has been deprecated, ${flag.deprecated}`);
    }
  }
  const { values, given, positional, warnings } = state;
  return { values, given, positional, warnings, environmentErrors: [...environmentErrors.values()] };
}

interface State {
  readonly byName: ReadonlyMap<string, Flag>;
  readonly byShorthand: ReadonlyMap<string, Flag>;
  readonly values: Map<string, FlagValue>;
  readonly given: Set<string>;
  readonly positional: string[];
  readonly warnings: string[];
}

interface Occurrence {
  readonly flag: Flag;
  readonly value: string;
}

function createState(table: readonly Flag[]): State {
  return {
    byName: new Map(table.map((flag) => [flag.name, flag])),
    byShorthand: new Map(table.flatMap((flag) => (flag.shorthand === undefined ? [] : [[flag.shorthand, flag]]))),
    values: new Map(table.map((flag) => [flag.name, flag.default])),
    given: new Set(),
    positional: [],
    warnings: [],
  };
}

function* occurrences(state: State, argv: readonly string[]): Generator<Occurrence> {
  const waiting = [...argv];
  for (let argument = waiting.shift(); argument !== undefined; argument = waiting.shift()) {
    if (argument === '--') {
      state.positional.push(...waiting);
      return;
    }
    if (argument.length < 2 || !argument.startsWith('-')) state.positional.push(argument);
    else if (argument.startsWith('--')) yield longFlag(state, argument, waiting);
    else yield* shortFlags(state, argument, waiting);
  }
}

function longFlag(state: State, argument: string, waiting: string[]): Occurrence {
  const text = argument.slice(2);
  if (text.startsWith('-') || text.startsWith('=')) throw new FlagError(`bad flag syntax: ${argument}`);
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  const flag = state.byName.get(name);
  if (flag === undefined) throw new FlagError(`unknown flag: --${name}`);
  if (equals !== -1) return { flag, value: text.slice(equals + 1) };
  if (flag.type === 'bool') return { flag, value: 'true' };
  const value = waiting.shift();
  if (value === undefined) throw new FlagError(`flag needs an argument: ${argument}`);
  return { flag, value };
}

function* shortFlags(state: State, argument: string, waiting: string[]): Generator<Occurrence> {
  let rest = argument.slice(1);
  while (rest !== '') {
    const letter = rest.slice(0, 1);
    const flag = state.byShorthand.get(letter);
    if (flag === undefined) {
      if (letter === 'h') throw new HelpRequested();
      throw new FlagError(`unknown shorthand flag: '${letter}' in -${rest}`);
    }
    // `-o=` alone has the value "=": the library wants something behind the sign.
    if (rest.length > 2 && rest[1] === '=') {
      yield { flag, value: rest.slice(2) };
      return;
    }
    if (flag.type === 'bool') {
      yield { flag, value: 'true' };
      rest = rest.slice(1);
      continue;
    }
    const value = rest.length > 1 ? rest.slice(1) : waiting.shift();
    if (value === undefined) throw new FlagError(`flag needs an argument: '${letter}' in -${rest}`);
    yield { flag, value };
    return;
  }
}

function flagInWords(flag: Flag): string {
  const long = `--${flag.name}`;
  return `"${flag.shorthand === undefined ? long : `-${flag.shorthand}, ${long}`}" flag`;
}

function isList(flag: Flag): boolean {
  return flag.type === 'strings' || flag.type === 'array';
}

function assign(state: State, flag: Flag, text: string, place: () => string): void {
  let value: FlagValue;
  try {
    value = parseValue(flag, text);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new FlagError(`invalid argument ${JSON.stringify(text)} for ${place()}: ${error.message}`);
  }
  const previous = state.given.has(flag.name) ? state.values.get(flag.name) : undefined;
  const accumulated = isList(flag) && Array.isArray(previous) && Array.isArray(value) ? [...previous, ...value] : value;
  state.values.set(flag.name, accumulated);
  state.given.add(flag.name);
}

function parseValue(flag: Flag, text: string): FlagValue {
  switch (flag.type) {
    case 'bool':
      return parseBool(text);
    case 'string':
      return text;
    case 'enum':
      if (text !== '' && !flag.choices?.includes(text)) {
        throw new FlagError(`must be one of: ${flag.choices?.join(', ')}`);
      }
      return text;
    case 'strings':
      return parseCsv(text);
    case 'array':
      return [text];
    case 'int':
      return parseInteger(text, 'ParseInt', -(2n ** 31n), 2n ** 31n - 1n);
    case 'uint':
      return parseInteger(text, 'ParseUint', 0n, 2n ** 64n - 1n);
    case 'severity':
      return severities.includes(text.toUpperCase())
        ? text.toUpperCase()
        : parseInteger(text, 'ParseInt', -(2n ** 31n), 2n ** 31n - 1n);
  }
}

const severities = ['INFO', 'WARNING', 'ERROR', 'FATAL'];

function parseBool(text: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw new FlagError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function parseInteger(text: string, goFunction: 'ParseInt' | 'ParseUint', min: bigint, max: bigint): number {
  const fail = (reason: string) => new FlagError(`strconv.${goFunction}: parsing ${JSON.stringify(text)}: ${reason}`);
  const match = /^([+-]?)(\d+|0[xX][\da-fA-F]+|0[oO][0-7]+|0[bB][01]+)$/.exec(text);
  if (match === null || (goFunction === 'ParseUint' && match[1] !== '')) throw fail('invalid syntax');
  const value = BigInt(match[2] as string) * (match[1] === '-' ? -1n : 1n);
  if (value < min || value > max) throw fail('value out of range');
  return Number(value);
}

/** One record of CSV as Go's reader takes it: quotes only around a whole field. */
function parseCsv(text: string): string[] {
  if (text === '') return [];
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      at++;
      for (;;) {
        const quote = text.indexOf('"', at);
        if (quote === -1)
          throw new FlagError(
            `parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`,
          );
        field += text.slice(at, quote);
        at = quote + 1;
        if (text[at] !== '"') break;
        field += '"';
        at++;
      }
      if (at < text.length && text[at] !== ',') {
        throw new FlagError(`parse error on line 1, column ${at}: extraneous or missing " in quoted-field`);
      }
      fields.push(field);
    } else {
      const comma = text.indexOf(',', at);
      const field = text.slice(at, comma === -1 ? undefined : comma);
      const quote = field.indexOf('"');
      if (quote !== -1)
        throw new FlagError(`parse error on line 1, column ${at + quote + 1}: bare " in non-quoted field`);
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    at++;
  }
}

const typeNames: Readonly<Record<FlagType, string>> = {
  bool: '',
  string: 'string',
  enum: 'string',
  strings: 'strings',
  array: 'stringArray',
  int: 'int',
  uint: 'uint',
  severity: 'severity',
};

/** The list of flags as the Go library prints it: sorted by name, aligned, with types and defaults. */
export function formatFlagList(table: readonly Flag[]): string {
  const rows = table
    .filter((flag) => flag.deprecated === undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => [flagColumn(flag), flag.usage.replaceAll('`', '') + defaultColumn(flag)] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}   ${right}\n`).join('');
}

function flagColumn(flag: Flag): string {
  const shorthand = flag.shorthand === undefined ? '    ' : `-${flag.shorthand}, `;
  const typeName = /`([^`]+)`/.exec(flag.usage)?.[1] ?? flag.typeName ?? typeNames[flag.type];
  return `  ${shorthand}--${flag.name}${typeName === '' ? '' : ` ${typeName}`}`;
}

function defaultColumn(flag: Flag): string {
  if (flag.defaultText !== undefined) return ` (default ${flag.defaultText})`;
  const value = flag.default;
  if (value === '' || value === false || value === 0 || Array.isArray(value)) return '';
  return ` (default ${flag.type === 'string' ? JSON.stringify(value) : String(value)})`;
}
