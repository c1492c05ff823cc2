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

export interface RenderOptions {
  /** The name of the template, as a byte string; a `define` of this name replaces an empty text. */
  readonly name: string;
  /** The text of the template, as a byte string. */
  readonly text: string;
  /** What dot is: byte strings by key, Go's `map[string]string`. */
  readonly data: ReadonlyMap<string, string>;
  readonly effects: TemplateEffects;
  /** Limits that differ from {@link defaultLimits}. */
  readonly limits?: Partial<TemplateLimits>;
}

/**
 * Renders a template. The output is a byte string. Throws {@link TemplateError} for whatever the template does; anything else that is thrown is
 * a defect, of the engine or of the effects.
 */
export function renderTemplate(options: RenderOptions): string {
  const limits = { ...defaultLimits, ...options.limits };
  const parsed = parseOrExplain(options.name, options.text, limits, (name) => templateFunctions.has(name));
  const start = options.effects.now();
  const elapsedMs = (): number => Number((options.effects.now() - start) / 1_000_000n);
  return execute({
    name: options.name,
    parsed,
    data: new GoMap(types.stringMap, new Map(options.data)),
    functions: templateFunctions,
    effects: options.effects,
    budget: new Budget(limits, elapsedMs),
  });
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
        templateName: name,
        ...positionAt(text, error.offset),
      });
    }
    if (error instanceof RangeError) {
      throw new TemplateError('the template nests too deeply', {
        kind: 'limit',
        templateName: name,
        line: 1,
        column: 1,
      });
    }
    throw error;
  }
}
