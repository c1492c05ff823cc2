import { Budget, defaultLimits, type TemplateLimits } from './budget.ts';
import { textFromByteString } from './byte-string.ts';
import type { TemplateEffects } from './effects.ts';
import { positionAt, SyntaxFailure, TemplateError } from './errors.ts';
import { execute } from './exec.ts';
import { templateFunctions } from './functions/index.ts';
import type { ParsedTemplates } from './syntax/nodes.ts';
import { parseTemplateText } from './syntax/parser.ts';
import { types } from './values/types.ts';
import { GoMap } from './values/value.ts';

export interface RenderingOptions {
  /** What dot is: byte strings by key, Go's `map[string]string`. */
  readonly data: ReadonlyMap<string, string>;
  readonly effects: TemplateEffects;
  /** Limits that differ from {@link defaultLimits}. */
  readonly limits?: Partial<TemplateLimits>;
}

/** A template and its name, as byte strings; a `define` of this name replaces an empty text. */
export interface NamedTemplate {
  readonly name: string;
  readonly text: string;
}

export interface RenderOptions extends RenderingOptions, NamedTemplate {}

/**
 * Renders the templates of one object, which share one budget, one after the other. The function that is returned gives the output as a byte
 * string. It throws {@link TemplateError} for whatever the template does; anything else that is thrown is a defect, of the engine or of the
 * effects. After an error whose `limit` is `budget` or `time` there is nothing left for further templates.
 */
export function createRendering({ data, effects, ...options }: RenderingOptions): (template: NamedTemplate) => string {
  const limits = { ...defaultLimits, ...options.limits };
  let usedMs = 0;
  let startedMs = 0;
  const budget = new Budget(limits, () => usedMs + effects.monotonicMs() - startedMs);
  return ({ name, text }) => {
    startedMs = effects.monotonicMs();
    try {
      const parsed = parseOrExplain(name, text, limits, (called) => templateFunctions.has(called));
      // A copy, since functions change maps in place. Where there is no action nobody looks at it.
      const dot = new GoMap(types.stringMap, new Map(text.includes('{{') ? data : []));
      return execute({ name, parsed, data: dot, functions: templateFunctions, effects, budget });
    } finally {
      usedMs += effects.monotonicMs() - startedMs;
    }
  };
}

/** Renders a template that is alone. Output and errors are those of {@link createRendering}. */
export function renderTemplate(options: RenderOptions): string {
  return createRendering(options)(options);
}

/** Parses a template and turns every refusal into a {@link TemplateError}. */
export function parseOrExplain(
  name: string,
  text: string,
  limits: TemplateLimits,
  hasFunction: (name: string) => boolean,
): ParsedTemplates {
  try {
    if (text.length > limits.maxTemplateBytes) {
      throw new SyntaxFailure(`the template has more than ${limits.maxTemplateBytes} bytes`, 0, 'limit');
    }
    return parseTemplateText(name, text, hasFunction);
  } catch (error) {
    if (error instanceof SyntaxFailure) {
      throw new TemplateError(textFromByteString(error.message), {
        kind: error.kind,
        limit: error.kind === 'limit' ? 'template' : undefined,
        templateName: name,
        ...positionAt(text, error.offset),
      });
    }
    if (error instanceof RangeError) {
      throw new TemplateError('the template nests too deeply', {
        kind: 'limit',
        limit: 'template',
        templateName: name,
        line: 1,
        column: 1,
      });
    }
    throw error;
  }
}
