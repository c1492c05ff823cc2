import type { SecretTemplate, TemplateRenderer } from '@waxwing/shared';

export interface TemplatesOptions {
  /** The program's own file: in a thread it becomes a renderer instead of a controller. */
  readonly programFile: string;
  /** After so long the thread of a template is ended. */
  readonly deadlineMs: number;
}

/**
 * Renders entries of `spec.template.data`. Nearly all take microseconds and are rendered here; what makes keys, certificates or password
 * hashes, or turns out to be long, goes to another thread, so that health checks and leases go on meanwhile. The
 * engine is loaded with the first template.
 */
export function createTemplates({ programFile, deadlineMs }: TemplatesOptions): TemplateRenderer {
  let renderer: Promise<TemplateRenderer> | undefined;
  const load = async () => {
    const { createRenderingThread, createResponsiveRenderer, createTemplateEffects } = await import(
      '@waxwing/shared/rendering'
    );
    const effects = await createTemplateEffects({ withCostlyFunctions: false });
    return createResponsiveRenderer({
      effects,
      thread: createRenderingThread({ threadFile: programFile, deadlineMs }),
    });
  };
  return async (entry, text, data) => {
    renderer ??= load();
    return (await renderer)(entry, text, data);
  };
}

/** Names of the entries that give another result each time they are rendered. */
export async function volatileEntriesOf({ data }: SecretTemplate): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  if (data.size === 0) return names;
  const { byteStringFromText, parseTemplate, TemplateError } = await import('@waxwing/shared/gotemplate');
  for (const [name, text] of data) {
    // Without an action there is nothing to call.
    if (text?.includes('{{') !== true) continue;
    try {
      if (parseTemplate({ name: byteStringFromText(name), text: byteStringFromText(text) }).isVolatile) names.add(name);
    } catch (error) {
      // Rendering reports it; an entry without a result cannot change.
      if (!(error instanceof TemplateError)) throw error;
    }
  }
  return names;
}
