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

/**
 * A renderer on the calling thread. Its errors are of code `TemplateError` and read `template: ENTRY:LINE:COLUMN: ...`; they name functions,
 * fields and types, never a value.
 */
export function createTemplateRenderer(
  effects: TemplateEffects,
  limits: Partial<TemplateLimits> = {},
): TemplateRenderer {
  // All entries of an object share one context, which is converted once.
  const converted = new WeakMap<ReadonlyMap<string, Uint8Array>, ReadonlyMap<string, string>>();
  return (entry, text, data) => {
    const context = converted.get(data) ?? toByteStrings(data);
    converted.set(data, context);
    try {
      const name = byteStringFromText(entry);
      return bytesFromByteString(
        renderTemplate({ name, text: byteStringFromText(text), data: context, effects, limits }),
      );
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
