import { SealedSecretsError } from '../errors.ts';
import {
  byteStringFromBytes,
  byteStringFromText,
  bytesFromByteString,
  type TemplateEffects,
  type TemplateLimits,
} from '../gotemplate/index.ts';
import type { RenderedEntry, TemplateRenderer } from '../template.ts';
import { type RenderRequest, renderEach, type TemplateFailure, type TemplateOutcome } from './outcomes.ts';
import { type ResponsiveOptions, renderResponsively } from './responsive.ts';

/**
 * A renderer on the calling thread. Its errors read `template: ENTRY:LINE:COLUMN: ...`; they name functions, fields and types, never a value.
 */
export function createTemplateRenderer(effects: TemplateEffects, limits?: Partial<TemplateLimits>): TemplateRenderer {
  const options = limits === undefined ? {} : { limits };
  return rendererOf((request) => [...renderEach({ ...request, ...options }, effects)]);
}

/** A renderer that never holds up the calling thread: what is costly or turns out to be long is done in the other one. */
export function createResponsiveRenderer(options: ResponsiveOptions): TemplateRenderer {
  return rendererOf((request) => renderResponsively(request, options));
}

function rendererOf(
  render: (request: RenderRequest) => readonly TemplateOutcome[] | Promise<readonly TemplateOutcome[]>,
): TemplateRenderer {
  return async (entries, data) => {
    const outcomes = await render({
      templates: Array.from(entries, ([entry, text]) => ({
        name: byteStringFromText(entry),
        text: byteStringFromText(text),
      })),
      data: new Map(Array.from(data, ([key, value]) => [byteStringFromText(key), byteStringFromBytes(value)])),
    });
    const names = entries.keys();
    return new Map(outcomes.map((outcome) => renderedEntry(names.next().value as string, outcome)));
  };
}

function renderedEntry(entry: string, outcome: TemplateOutcome): [string, RenderedEntry] {
  return [entry, 'output' in outcome ? bytesFromByteString(outcome.output) : errorOf(entry, outcome.failure)];
}

function errorOf(entry: string, { limit, line, column, message }: TemplateFailure): SealedSecretsError {
  const code = limit === 'time' ? 'TemplateTimeout' : 'TemplateError';
  return new SealedSecretsError(code, `template: ${entry}:${line}:${column}: ${message}`);
}
