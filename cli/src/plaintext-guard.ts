import { appliedConfigurationAnnotations, type Secret } from '@waxwing/shared';

/** An annotation that shows a value which is about to be sealed. */
export interface PlaintextFinding {
  readonly annotation: string;
  /** The item whose value it shows. */
  readonly item: string;
}

/** Shorter values are found by accident: `admin` is a part of many texts. */
const minimalBytes = 8;

/**
 * Looks for values in the annotations that sealing copies into the template, where everybody could read them: as they are and as base64
 * (standard and URL alphabet, at any offset of a longer encoded text). Names, labels, types and keys are not looked at: a Secret
 * `myapp` with `username: myapp` is fine. The annotations in which tools keep a copy of the whole object are never sealed, so they are left out.
 */
export function findPlaintext(secret: Secret): PlaintextFinding[] {
  const annotations = Array.from(secret.metadata.annotations).filter(
    ([name, text]) => text.length >= minimalBytes && !appliedConfigurationAnnotations.includes(name),
  );
  const findings: PlaintextFinding[] = [];
  if (annotations.length === 0) return findings;
  for (const [item, value] of secret.data) {
    const patterns = patternsOf(value);
    for (const [annotation, text] of annotations) {
      if (patterns.some((pattern) => text.includes(pattern))) findings.push({ annotation, item });
    }
  }
  return findings;
}

function patternsOf(value: Uint8Array): string[] {
  const bytes = withoutOuterWhitespace(value);
  if (bytes.length < minimalBytes) return [];
  const patterns = [Buffer.from(bytes).toString('utf8')];
  for (let offset = 0; offset < 3; offset++) {
    const standard = encodedAtOffset(bytes, offset);
    patterns.push(standard, standard.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return [...new Set(patterns)];
}

/** A newline at the end of a file is rarely repeated in an annotation. */
function withoutOuterWhitespace(value: Uint8Array): Uint8Array {
  const isSpace = (byte: number | undefined) => byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value[start])) start++;
  while (end > start && isSpace(value[end - 1])) end--;
  return value.subarray(start, end);
}

/** The characters of base64 that depend on these bytes alone when they stand at that offset (modulo 3) of a longer text. */
function encodedAtOffset(bytes: Uint8Array, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  const first = Math.ceil((offset * 8) / 6);
  const last = Math.floor(((offset + bytes.length) * 8) / 6);
  return text.slice(first, last);
}
