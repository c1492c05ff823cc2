import {
  createRendering,
  type NamedTemplate,
  type TemplateEffects,
  TemplateError,
  type TemplateErrorDetails,
  type TemplateLimits,
} from '../gotemplate/index.ts';

/** What the templates of one object need to be rendered, here or in another thread. All strings are byte strings. */
export interface RenderRequest {
  readonly templates: readonly NamedTemplate[];
  readonly data: ReadonlyMap<string, string>;
  /** Limits that differ from the defaults, for all templates together. */
  readonly limits?: Partial<TemplateLimits>;
}

/** What became of one template. */
export type TemplateOutcome = { readonly output: string } | { readonly failure: TemplateFailure };

/** A `TemplateError` as it goes from thread to thread. */
export interface TemplateFailure extends Omit<TemplateErrorDetails, 'templateName'> {
  readonly message: string;
}

/**
 * Renders the templates of an object one by one, each when the next outcome is asked for. Ends with the failure of the template that uses up what all of
 * them share.
 */
export function* renderEach(
  { templates, data, limits }: RenderRequest,
  effects: TemplateEffects,
): Generator<TemplateOutcome, void> {
  const render = createRendering({ data, effects, ...(limits === undefined ? {} : { limits }) });
  for (const template of templates) {
    const outcome = outcomeOf(() => render(template));
    yield outcome;
    if ('failure' in outcome && usesUpBudget(outcome.failure)) return;
  }
}

function outcomeOf(render: () => string): TemplateOutcome {
  try {
    return { output: render() };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { kind, limit, message, line, column } = error;
    return { failure: { kind, limit, message, line, column } };
  }
}

function usesUpBudget({ limit }: TemplateFailure): boolean {
  return limit === 'budget' || limit === 'time';
}
