import { defaultLimits, isCostly, type TemplateEffects, type TemplateLimits } from '../gotemplate/index.ts';
import { type RenderRequest, renderEach, type TemplateOutcome } from './outcomes.ts';
import type { RenderingThread } from './rendering-thread.ts';
import type { Turns } from './turns.ts';

/** What the templates of one object may use on a thread that has other things to do: some tens of milliseconds together. */
const limitsOnThisThread = { maxSteps: 50_000, maxAllocatedBytes: 8 * 1024 * 1024, maxMilliseconds: 50 } as const;

/** Texts with actions are only looked at here up to this size, in bytes: parsing is no step of any budget, and takes a millisecond per KiB at worst. */
export const maxTextOnThisThread = 32 * 1024;

export interface ResponsiveOptions {
  /** For what is rendered on the calling thread; without costly functions. */
  readonly effects: TemplateEffects;
  readonly thread: RenderingThread;
  /** Shared by everything that is rendered on the calling thread. */
  readonly turns: Turns;
}

/**
 * Renders an object on this thread if all of it is quick, which nearly every one is, and in the other one if it generates keys or turns out to be
 * long: no object holds up the caller's timers. Then it begins anew, so that what it may use does not depend on where it is rendered.
 * Throws as the other thread does.
 */
export async function renderResponsively(
  request: RenderRequest,
  options: ResponsiveOptions,
): Promise<readonly TemplateOutcome[]> {
  const outcomes = isShort(request) ? await renderHere(request, options) : undefined;
  return outcomes ?? options.thread.render(request);
}

function isShort({ templates }: RenderRequest): boolean {
  const sizes = templates.map(({ text }) => (text.includes('{{') ? text.length : 0));
  return sizes.reduce((sum, size) => sum + size, 0) <= maxTextOnThisThread;
}

/** Undefined where the object is too much for this thread. */
async function renderHere(
  request: RenderRequest,
  { effects, turns }: ResponsiveOptions,
): Promise<readonly TemplateOutcome[] | undefined> {
  if (await turns.take(() => request.templates.some(({ text }) => isCostly(text)))) return undefined;
  const outcomes: TemplateOutcome[] = [];
  const each = renderEach({ ...request, limits: limitsHere(request) }, effects);
  for (;;) {
    const { done, value } = await turns.take(() => each.next());
    if (done === true) return outcomes;
    if ('failure' in value && value.failure.kind === 'limit') return undefined;
    outcomes.push(value);
  }
}

function limitsHere({ limits }: RenderRequest): TemplateLimits {
  const asked = { ...defaultLimits, ...limits };
  return {
    ...asked,
    maxSteps: Math.min(asked.maxSteps, limitsOnThisThread.maxSteps),
    maxAllocatedBytes: Math.min(asked.maxAllocatedBytes, limitsOnThisThread.maxAllocatedBytes),
    maxMilliseconds: Math.min(asked.maxMilliseconds, limitsOnThisThread.maxMilliseconds),
  };
}
