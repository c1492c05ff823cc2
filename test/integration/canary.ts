import { createPrivateKey, randomBytes } from 'node:crypto';

/** A value that occurs nowhere else, long enough that eight bytes of it are proof. */
export function createCanary(): string {
  return `canary-${randomBytes(18).toString('base64url')}`;
}

const fragmentBytes = 8;

/**
 * Everything a leaked value can look like: raw, JSON-escaped, hex, base64 at each of the three offsets it can have inside a longer
 * text, and eight bytes of it from anywhere in its random part.
 */
export function tracesOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const traces = new Set([value, JSON.stringify(value).slice(1, -1), bytes.toString('hex')]);
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // Characters that also depend on the neighbours are cut off at both ends.
    traces.add(text.slice(offset === 0 ? 0 : 4, -4));
  }
  const random = value.startsWith('canary-') ? value.slice('canary-'.length) : value;
  for (let start = 0; start + fragmentBytes <= random.length; start++) {
    traces.add(random.slice(start, start + fragmentBytes));
  }
  return [...traces];
}

/** Where in the texts a value shows, by the name of the text. */
export function findTraces(values: readonly string[], texts: Readonly<Record<string, string>>): string[] {
  const found: string[] = [];
  for (const [where, text] of Object.entries(texts)) {
    for (const [index, value] of values.entries()) {
      if (tracesOf(value).some((trace) => text.includes(trace))) found.push(`${where}: value ${index}`);
    }
  }
  return found;
}

const bytesPerLine = 48;

/**
 * The lines of a PEM text that hold its secret. An RSA key begins with what is public of it, the modulus: depending on the length of the serial
 * number, the same base64 stands in the certificate, which is logged.
 */
export function linesOfKey(pem: string): string[] {
  const lines = pem.split('\n').filter((line) => line.length >= 40 && !line.startsWith('-----'));
  const { modulusLength = 0 } = createPrivateKey(pem).asymmetricKeyDetails ?? {};
  const publicLines = modulusLength === 0 ? 0 : Math.ceil((modulusLength / 8 + bytesPerLine) / bytesPerLine);
  return lines.slice(publicLines);
}
