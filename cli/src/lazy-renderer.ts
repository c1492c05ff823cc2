import type { TemplateRenderer } from '@waxwing/shared';
import type { Io } from './io.ts';

/** Renders entries of `spec.template.data`. The template engine is loaded when the first entry has to be rendered. */
export function lazyRenderer(io: Io): TemplateRenderer {
  let renderer: Promise<TemplateRenderer> | undefined;
  return async (entries, data) => {
    renderer ??= import('./template-renderer.ts').then(({ createRenderer }) => createRenderer(io));
    return await (await renderer)(entries, data);
  };
}
