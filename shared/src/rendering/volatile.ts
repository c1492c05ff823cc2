import { byteStringFromText, mayBeVolatile, parseTemplate, TemplateError } from '../gotemplate/index.ts';
import { maxTextOnThisThread } from './responsive.ts';
import type { Turns } from './turns.ts';

/** Names of the entries of `spec.template.data` that give another result each time they are rendered. */
export async function findVolatileTemplates(
  entries: ReadonlyMap<string, string | null>,
  turns: Turns,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const [name, text] of entries) {
    // Without an action there is nothing to call, and most others need not be parsed for this either.
    if (text === null || !text.includes('{{') || !mayBeVolatile(text)) continue;
    // A long one is not parsed on this thread; that it names such a function is enough.
    if (text.length > maxTextOnThisThread || (await turns.take(() => isVolatile(name, text)))) names.add(name);
  }
  return names;
}

function isVolatile(name: string, text: string): boolean {
  try {
    return parseTemplate({ name: byteStringFromText(name), text: byteStringFromText(text) }).isVolatile;
  } catch (error) {
    // Rendering reports it; an entry without a result cannot change.
    if (!(error instanceof TemplateError)) throw error;
    return false;
  }
}
