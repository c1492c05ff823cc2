/**
 * Renders `spec.template.data` with the template engine. Apart from the main entry point, because the engine and its regular expressions take
 * time to load and sealing never needs them.
 */
export { createTemplateEffects, type TemplateEffectsOptions } from '../crypto/template-effects.ts';
export { renderForParent } from './render-for-parent.ts';
export { createResponsiveRenderer, createTemplateRenderer } from './renderer.ts';
export { createRenderingThread } from './rendering-thread.ts';
export { createTurns } from './turns.ts';
export { findVolatileTemplates } from './volatile.ts';
