import type { TemplateRenderer } from '@waxwing/shared';
import type { Io } from './io.ts';

/** Renders entries of `spec.template.data`. The template engine is loaded when the first entry has to be rendered. */
export function lazyRenderer(io: Pick<Io, 'now' | 'randomBytes'>): TemplateRenderer {
  let renderer: Promise<TemplateRenderer> | undefined;
  return async (entry, text, data) => {
    renderer ??= import('./template-renderer.ts').then(({ createTemplateRenderer }) => createTemplateRenderer(io));
    return await (await renderer)(entry, text, data);
  };
}
