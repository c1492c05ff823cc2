import { isSealedSecretsError } from '@waxwing/shared';
import { formatLogLevel } from '@waxwing/shared/settings';
import { pino } from 'pino';

/** Attributes of a record. Names of objects, items, fingerprints; never values, keys or tokens. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, attributes?: Attributes): void;
  info(message: string, attributes?: Attributes): void;
  warn(message: string, attributes?: Attributes): void;
  error(message: string, attributes?: Attributes): void;
}

export interface LogStream {
  write(text: string): void;
}

export interface LoggerOptions {
  readonly format: 'text' | 'json';
  /** The lowest level to write, as slog counts: DEBUG -4, INFO 0, WARN 4, ERROR 8. */
  readonly level: number;
  /** Info and below to stdout, the rest to stderr; false: all to stderr. */
  readonly infoToStdout: boolean;
  readonly stdout: LogStream;
  readonly stderr: LogStream;
  /** Milliseconds since the epoch. */
  now(): number;
}

const debugLevel = -4;
const infoLevel = 0;
const warnLevel = 4;
const errorLevel = 8;

/** Structured records as upstream has them: `time`, `level`, `msg`, then the attributes; one line each. */
export function createLogger(options: LoggerOptions): Logger {
  const format = options.format === 'json' ? (line: string) => line : textLine;
  const streamFor = (level: number): pino.Logger => {
    const target = level <= infoLevel && options.infoToStdout ? options.stdout : options.stderr;
    return recordWriter((line) => target.write(format(line)), level, options.now);
  };
  const at = (level: number) => {
    if (level < options.level) return () => {};
    const writer = streamFor(level);
    return (message: string, attributes: Attributes = {}) =>
      writer.info({ msg: cleanText(message), ...clean(attributes) });
  };
  return { debug: at(debugLevel), info: at(infoLevel), warn: at(warnLevel), error: at(errorLevel) };
}

/** Standard output or error of the process, written at once, so that the last words before an exit are not lost. */
export function processStream(fd: 1 | 2): LogStream {
  return pino.destination({ fd, sync: true });
}

function recordWriter(write: (line: string) => void, level: number, now: () => number): pino.Logger {
  return pino(
    {
      base: null,
      timestamp: () => `,"time":${JSON.stringify(new Date(now()).toISOString())}`,
      formatters: { level: () => ({ level: formatLogLevel(level) }) },
    },
    {
      write: (line: string) => write(timeFirst(line)),
    },
  );
}

/** Slog's order, which differs from pino's in the first two. A line per object is written: taking it apart again would be felt. */
function timeFirst(line: string): string {
  return line.replace(/^\{("level":"[^"]*"),("time":"[^"]*")/, '{$2,$1');
}

/** A JSON record as slog's text handler writes it. */
function textLine(line: string): string {
  const fields = Object.entries(JSON.parse(line) as Record<string, unknown>);
  return `${fields.map(([key, value]) => `${quoted(key)}=${quoted(plain(value))}`).join(' ')}\n`;
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** slog quotes what is empty and what holds spaces, quotes, equal signs or anything not printable. */
function quoted(text: string): string {
  return /^[\x21\x23-\x3c\x3e-\x7e]+$/.test(text) ? text : JSON.stringify(text);
}

const forbiddenNames =
  /^(data|stringdata|encrypteddata|value|values|plaintext|token|authorization|password|passphrase|privatekey|tlskey|secretkey|tls\.key|cookie|body|headers)$/i;

/**
 * Redaction by construction: only texts, numbers and booleans get through, and lists of them. Objects, bytes and maps, in which values
 * travel, are replaced by what they are; of an error that is not ours only its kind and code.
 */
function clean(attributes: Attributes): Attributes {
  const entries = Object.entries(attributes).map(([name, value]) => {
    const safeName = ['time', 'level', 'msg'].includes(name) ? `${name}_` : name;
    return [safeName, forbiddenNames.test(name) ? '[redacted]' : cleanValue(value)];
  });
  return Object.fromEntries(entries);
}

function cleanValue(value: unknown): unknown {
  switch (typeof value) {
    case 'string':
      return cleanText(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
      return value.toString();
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(cleanValue);
      return value instanceof Error ? errorText(value) : '[object]';
    default:
      return `[${typeof value}]`;
  }
}

function errorText(error: Error): string {
  if (isSealedSecretsError(error)) return cleanText(`${error.code}: ${error.message}`);
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.name} (${code})` : error.name;
}

const privateBlock = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const ageIdentity = /AGE-SECRET-KEY-[A-Z0-9-]+/gi;
/** A JSON Web Token: what service accounts authenticate with. */
const webToken = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
const bearerToken = /\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi;

/** The second fence: what looks like a key or a token is no text for a log, wherever it came from. */
function cleanText(text: string): string {
  return text
    .replace(privateBlock, '[redacted private key]')
    .replace(ageIdentity, '[redacted age identity]')
    .replace(webToken, '[redacted token]')
    .replace(bearerToken, '$1 [redacted]');
}
