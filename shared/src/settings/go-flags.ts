// Go's flag syntax as upstream's controller has it: `--name value`, `--name=value`, one dash or two, booleans only with `=`, `--` ends
// the flags. Values are read as Go's strconv and time packages do.

export interface FlagKind<T> {
  /** For the usage text: `int`, `duration`, `string`; empty for booleans. */
  readonly placeholder: string;
  readonly isBoolean?: boolean;
  /** What is allowed, for error messages: `a duration such as 720h, 1h30m or 0`. */
  readonly allowed: string;
  /** Undefined if the text does not fit. */
  parse(text: string): T | undefined;
}

export const stringFlag: FlagKind<string> = {
  placeholder: 'string',
  allowed: 'any text',
  parse: (text) => text,
};

export const boolFlag: FlagKind<boolean> = {
  placeholder: '',
  isBoolean: true,
  allowed: '1, t, T, TRUE, true, True, 0, f, F, FALSE, false or False',
  parse: parseBool,
};

export const intFlag: FlagKind<number> = {
  placeholder: 'int',
  allowed: 'an integer (decimal, or with 0x, 0o or 0b)',
  parse: parseInteger,
};

export const floatFlag: FlagKind<number> = {
  placeholder: 'float',
  allowed: 'a number',
  parse: parseFloat64,
};

export const durationFlag: FlagKind<number> = {
  placeholder: 'duration',
  allowed: 'a duration such as 720h, 1h30m, 500ms or 0 (units ns, us, ms, s, m, h; no days)',
  parse: parseDuration,
};

/** A kind with fewer values: `fits` decides, `allowed` says which. */
export function restrict<T>(kind: FlagKind<T>, allowed: string, fits: (value: T) => boolean): FlagKind<T> {
  return {
    ...kind,
    allowed,
    parse(text) {
      const value = kind.parse(text);
      return value !== undefined && fits(value) ? value : undefined;
    },
  };
}

/** strconv.ParseBool. */
function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text) ? false : undefined;
}

/** strconv.ParseInt with base 0: a prefix chooses the base (a leading zero alone means octal), `_` may separate digits. */
function parseInteger(text: string): number | undefined {
  const match =
    /^([+-]?)(0[xX]_?[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*|0[oO]?_?[0-7]+(?:_[0-7]+)*|0[bB]_?[01]+(?:_[01]+)*|[1-9]\d*(?:_\d+)*|0)$/.exec(
      text,
    );
  if (match === null) return undefined;
  const digits = (match[2] ?? '').replaceAll('_', '');
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isSafeInteger(value)) return undefined;
  return match[1] === '-' ? 0 - value : value;
}

/** strconv.ParseFloat, decimal only. */
function parseFloat64(text: string): number | undefined {
  if (!/^[+-]?(\d+(_?\d)*\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  const value = Number(text.replaceAll('_', ''));
  return Number.isFinite(value) ? value : undefined;
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** time.ParseDuration, in milliseconds. More than 2^63 ns does not fit. */
function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)(.+)$/.exec(text);
  if (match === null) return undefined;
  const rest = match[2] ?? '';
  if (rest === '0') return 0;
  let totalMs = 0;
  let consumed = 0;
  for (const part of rest.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)) {
    totalMs += Number(part[1]) * (unitMs[part[2] ?? ''] ?? 0);
    consumed += part[0].length;
  }
  if (consumed !== rest.length || totalMs > Number(2n ** 63n) / 1e6) return undefined;
  return match[1] === '-' ? 0 - totalMs : totalMs;
}

/** Milliseconds as time.Duration.String prints them, as far as flag defaults need it: `720h0m0s`, `1m30s`, `5ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (Math.abs(ms) < 1000) return `${ms}ms`;
  const sign = ms < 0 ? '-' : '';
  const seconds = Math.abs(ms) / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = `${Number((seconds % 60).toFixed(3))}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${sign}${minutes}m${rest}` : `${sign}${rest}`;
}

/** One flag as it stood on the command line. `value` is undefined where it needs one and the line ended. */
export interface GivenFlag {
  readonly name: string;
  readonly value: string | undefined;
  /** As written, for messages: `-x` or `--x`. */
  readonly written: string;
}

/**
 * Splits an argument list. Positional arguments mean nothing to the controller; flags behind them count all the same, since
 * `--all-namespaces false --log-level=ERROR` must not lose its second flag silently.
 */
export function splitFlags(
  args: readonly string[],
  kindOf: (name: string) => { readonly isBoolean?: boolean } | undefined,
): { readonly flags: GivenFlag[]; readonly malformed: string[]; readonly positional: string[] } {
  const flags: GivenFlag[] = [];
  const malformed: string[] = [];
  const positional: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (arg === '--') {
      positional.push(...args.slice(i + 1));
      break;
    }
    const match = /^(--?)([^-=][^=]*)(?:=([\s\S]*))?$/.exec(arg);
    if (match === null) {
      (arg.length > 1 && arg.startsWith('-') ? malformed : positional).push(arg);
      continue;
    }
    const [, dashes, name = '', inline] = match;
    const kind = kindOf(name);
    const written = `${dashes}${name}`;
    if (inline !== undefined) flags.push({ name, value: inline, written });
    else if (kind?.isBoolean === true) flags.push({ name, value: 'true', written });
    else flags.push({ name, value: kind === undefined ? undefined : args[++i], written });
  }
  return { flags, malformed, positional };
}
