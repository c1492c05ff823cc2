import type { TemplateRenderer } from '@waxwing/shared';
import { isCostly } from '@waxwing/shared/gotemplate';
import { createTemplateEffects, createTemplateRenderer } from '@waxwing/shared/rendering';
import type { Io } from './io.ts';

/** Renders template entries on this thread. The libraries for keys, certificates and password hashes are loaded by the first object that needs them. */
export function createRenderer(io: Io): TemplateRenderer {
  const renderers = new Map<boolean, Promise<TemplateRenderer>>();
  return async (entries, data) => {
    const withCostlyFunctions = entries.values().some(isCostly);
    let renderer = renderers.get(withCostlyFunctions);
    if (renderer === undefined) {
      renderer = createTemplateEffects({ now: () => io.now().getTime(), withCostlyFunctions }).then((effects) =>
        createTemplateRenderer(effects),
      );
      renderers.set(withCostlyFunctions, renderer);
    }
    return await (await renderer)(entries, data);
  };
}
