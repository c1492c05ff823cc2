// Looking into JSON that somebody else wrote: what is not there, or of another type, is nothing rather than an error.

/** The own property of that name, and nothing a prototype has. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = path.reduce(property, value);
  return typeof found === 'string' ? found : '';
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = path.reduce(property, value);
  return typeof found === 'number' ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = path.reduce(property, value);
  return Array.isArray(found) ? found : [];
}

/** Entries of an object of texts; anything that is no text is left out. */
export function textsAt(value: unknown, ...path: readonly string[]): ReadonlyMap<string, string> {
  const found = path.reduce(property, value);
  const texts = new Map<string, string>();
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return texts;
  for (const [key, text] of Object.entries(found)) if (typeof text === 'string') texts.set(key, text);
  return texts;
}
