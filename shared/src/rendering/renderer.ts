import { SealedSecretsError } from '../errors.ts';
import {
  byteStringFromBytes,
  byteStringFromText,
  bytesFromByteString,
  renderTemplate,
  type TemplateEffects,
  TemplateError,
  type TemplateLimits,
} from '../gotemplate/index.ts';
import type { TemplateRenderer } from '../template.ts';
import type { RenderRequest } from './rendering-thread.ts';
import { type ResponsiveOptions, renderResponsively } from './responsive.ts';

/**
 * A renderer on the calling thread. Its errors are of code `TemplateError` and read `template: ENTRY:LINE:COLUMN: ...`; they name functions,
 * fields and types, never a value.
 */
export function createTemplateRenderer(
  effects: TemplateEffects,
  limits: Partial<TemplateLimits> = {},
): TemplateRenderer {
  return rendererOf((request) => renderTemplate({ ...request, effects, limits }));
}

/** A renderer that never holds up the calling thread: what is costly or turns out to be long is done in the other one. */
export function createResponsiveRenderer(options: ResponsiveOptions): TemplateRenderer {
  return rendererOf((request) => renderResponsively(request, options));
}

function rendererOf(render: (request: RenderRequest) => string | Promise<string>): TemplateRenderer {
  // All entries of an object share one context, which is converted once.
  const converted = new WeakMap<ReadonlyMap<string, Uint8Array>, ReadonlyMap<string, string>>();
  return async (entry, text, data) => {
    const context = converted.get(data) ?? toByteStrings(data);
    converted.set(data, context);
    try {
      const request = { name: byteStringFromText(entry), text: byteStringFromText(text), data: context };
      return bytesFromByteString(await render(request));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new SealedSecretsError(
        'TemplateError',
        `template: ${entry}:${error.line}:${error.column}: ${error.message}`,
      );
    }
  };
}

function toByteStrings(data: ReadonlyMap<string, Uint8Array>): Map<string, string> {
  return new Map(Array.from(data, ([key, value]) => [byteStringFromText(key), byteStringFromBytes(value)]));
}
