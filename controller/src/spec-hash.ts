import { createHash } from 'node:crypto';
import { clusterWideAnnotation, namespaceWideAnnotation, property, textAt } from '@waxwing/shared';

/**
 * SHA-256, hex, over everything of a SealedSecret that decides about its Secret: the spec and the two scope annotations of the top level
 * (architecture 4, restart). Ciphertext only, so it tells nothing about values. Taken from the undecoded object, so that invalid ones
 * have one too; the order of keys means nothing.
 */
export function specHashOf(raw: unknown): string {
  return hashText(specTextOf(raw));
}

/** What {@link specHashOf} hashes; its length says how much memory the spec takes. */
export function specTextOf(raw: unknown): string {
  const scopes = [clusterWideAnnotation, namespaceWideAnnotation].map((name) =>
    textAt(raw, 'metadata', 'annotations', name),
  );
  return canonicalJson([property(raw, 'spec') ?? null, scopes]);
}

export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.keys(value).sort();
  return `{${entries.map((key) => `${JSON.stringify(key)}:${canonicalJson(property(value, key))}`).join(',')}}`;
}
