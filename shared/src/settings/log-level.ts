const levels: ReadonlyMap<string, number> = new Map([
  ['DEBUG', -4],
  ['INFO', 0],
  ['WARN', 4],
  ['ERROR', 8],
]);

/** A level as slog reads it, case-insensitively: a name, perhaps with an offset such as `INFO+2`. Undefined if it is none. */
export function parseLogLevel(text: string): number | undefined {
  const match = /^([a-z]+)([+-]\d+)?$/i.exec(text);
  const base = levels.get((match?.[1] ?? '').toUpperCase());
  return base === undefined ? undefined : base + Number(match?.[2] ?? 0);
}

/** A level as slog writes it. */
export function formatLogLevel(level: number): string {
  const [name, base] = [...levels].findLast(([, least]) => level >= least) ?? ['DEBUG', -4];
  const offset = level - base;
  return offset === 0 ? name : `${name}${offset > 0 ? '+' : ''}${offset}`;
}
