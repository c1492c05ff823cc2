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

/** A value that is still to be written, or text that comes after one. */
type Pending = { readonly value: unknown } | string;

/** Without recursion: the API server takes values that are nested 10,000 deep, also where nobody reads them, and that is more than a stack holds. */
function canonicalJson(root: unknown): string {
  const pending: Pending[] = [{ value: root }];
  let text = '';
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string') text += next;
    else text += openingOf(next.value, pending);
  }
  return text;
}

/** The text a value begins with, which is all of a scalar; the rest of it is put on the stack, its end first. */
function openingOf(value: unknown, pending: Pending[]): string {
  if (Array.isArray(value)) {
    pending.push(']');
    for (let i = value.length - 1; i >= 0; i--) pending.push({ value: value[i] }, i === 0 ? '' : ',');
    return '[';
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const keys = Object.keys(value).sort();
  pending.push('}');
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string;
    pending.push({ value: property(value, key) }, `${i === 0 ? '' : ','}${JSON.stringify(key)}:`);
  }
  return '{';
}
