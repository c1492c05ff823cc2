import { isObject } from './json.ts';
import { childPath } from './schema.ts';

/**
 * Paths of keys that stand more than once in one object of a JSON text, which JSON.parse keeps to itself. `parsed` is the
 * text's value; comparing the number of keys makes the usual case, no duplicates, cheap.
 */
export function duplicateFields(text: string, parsed: unknown): string[] {
  if (keysInText(text) === keysInValue(parsed)) return [];
  const duplicates: string[] = [];
  new Walker(text, duplicates).value('');
  return duplicates;
}

/** A string literal is a key if a colon follows it. */
function keysInText(text: string): number {
  let count = 0;
  for (let start = text.indexOf('"'); start !== -1; ) {
    let end = closingQuote(text, start) + 1;
    while (isSpace(text.charCodeAt(end))) end++;
    if (text[end] === ':') count++;
    start = text.indexOf('"', end);
  }
  return count;
}

function closingQuote(text: string, opening: number): number {
  let end = text.indexOf('"', opening + 1);
  for (;;) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0 || end === -1) return end === -1 ? text.length : end;
    end = text.indexOf('"', end + 1);
  }
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function keysInValue(value: unknown): number {
  let count = 0;
  if (Array.isArray(value)) for (const entry of value) count += keysInValue(entry);
  else if (isObject(value)) {
    for (const key of Object.keys(value)) count += 1 + keysInValue(value[key]);
  }
  return count;
}

/** Walks through a text that is known to be valid JSON. */
class Walker {
  readonly #text: string;
  readonly #duplicates: string[];
  #position = 0;

  constructor(text: string, duplicates: string[]) {
    this.#text = text;
    this.#duplicates = duplicates;
  }

  value(path: string): void {
    const first = this.#next();
    if (first === '{') this.#object(path);
    else if (first === '[') this.#array(path);
    else if (first === '"') this.#string();
    else
      while (this.#position < this.#text.length && !',]}'.includes(this.#text[this.#position] ?? '')) this.#position++;
  }

  #object(path: string): void {
    const seen = new Set<string>();
    this.#position++;
    while (this.#next() !== '}') {
      if (this.#text[this.#position] === ',') {
        this.#position++;
        continue;
      }
      const key = this.#string();
      const keyPath = childPath(path, key);
      if (seen.has(key)) this.#duplicates.push(keyPath);
      seen.add(key);
      this.#next();
      this.#position++;
      this.value(keyPath);
    }
    this.#position++;
  }

  #array(path: string): void {
    this.#position++;
    for (let index = 0; this.#next() !== ']'; ) {
      if (this.#text[this.#position] === ',') {
        this.#position++;
        index++;
      } else this.value(`${path}[${index}]`);
    }
    this.#position++;
  }

  #string(): string {
    const start = this.#position;
    this.#position = closingQuote(this.#text, start) + 1;
    return JSON.parse(this.#text.slice(start, this.#position));
  }

  #next(): string | undefined {
    while (isSpace(this.#text.charCodeAt(this.#position))) this.#position++;
    return this.#text[this.#position];
  }
}
