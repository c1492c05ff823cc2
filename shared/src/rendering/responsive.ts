import { defaultLimits, isCostly, renderTemplate, type TemplateEffects, TemplateError } from '../gotemplate/index.ts';
import type { RenderingThread, RenderRequest } from './rendering-thread.ts';

/** What a template may use on a thread that has other things to do: some tens of milliseconds. */
const limitsOnThisThread = { maxSteps: 50_000, maxAllocatedBytes: 8 * 1024 * 1024, maxMilliseconds: 50 } as const;

export interface ResponsiveOptions {
  /** For what is rendered on the calling thread; without costly functions. */
  readonly effects: TemplateEffects;
  readonly thread: RenderingThread;
}

/**
 * Renders on this thread what is quick, which nearly every template is, and in the other one what generates keys or turns out to be
 * long: no template holds up the caller's timers. Throws `TemplateError` as `renderTemplate` does.
 */
export async function renderResponsively(request: RenderRequest, options: ResponsiveOptions): Promise<string> {
  const { effects, thread } = options;
  if (isCostly(request.text)) return thread.render(request);
  const asked = { ...defaultLimits, ...request.limits };
  const limits = {
    ...asked,
    maxSteps: Math.min(asked.maxSteps, limitsOnThisThread.maxSteps),
    maxAllocatedBytes: Math.min(asked.maxAllocatedBytes, limitsOnThisThread.maxAllocatedBytes),
    maxMilliseconds: Math.min(asked.maxMilliseconds, limitsOnThisThread.maxMilliseconds),
  };
  try {
    return renderTemplate({ ...request, effects, limits });
  } catch (error) {
    if (!(error instanceof TemplateError) || error.kind !== 'limit') throw error;
    return thread.render(request);
  }
}
