import type { TemplateRenderer } from '@waxwing/shared';
import { isCostly } from '@waxwing/shared/gotemplate';
import { createTemplateEffects, createTemplateRenderer } from '@waxwing/shared/rendering';
import type { Io } from './io.ts';

/** Renders template entries on this thread. The libraries for keys, certificates and password hashes are loaded by the first entry that needs them. */
export function createRenderer(io: Io): TemplateRenderer {
  const renderers = new Map<boolean, Promise<TemplateRenderer>>();
  return async (entry, text, data) => {
    const withCostlyFunctions = isCostly(text);
    let renderer = renderers.get(withCostlyFunctions);
    if (renderer === undefined) {
      renderer = createTemplateEffects({ now: () => io.now().getTime(), withCostlyFunctions }).then((effects) =>
        createTemplateRenderer(effects),
      );
      renderers.set(withCostlyFunctions, renderer);
    }
    return await (await renderer)(entry, text, data);
  };
}
