/** Attributes of a record. Names of objects, items, fingerprints; never values, keys or tokens. */
export type Attributes = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, attributes?: Attributes): void;
  info(message: string, attributes?: Attributes): void;
  warn(message: string, attributes?: Attributes): void;
  error(message: string, attributes?: Attributes): void;
}
