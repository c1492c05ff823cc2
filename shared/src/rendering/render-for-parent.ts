import { parentPort } from 'node:worker_threads';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import { renderTemplate, type TemplateEffects, TemplateError } from '../gotemplate/index.ts';
import type { RenderRequest, RenderResponse } from './rendering-thread.ts';

/** The other end of `createRenderingThread`: answers each template once, until the thread is ended. */
export async function renderForParent(): Promise<void> {
  const effects = await createTemplateEffects({ withCostlyFunctions: true });
  parentPort?.on('message', (request: RenderRequest) => {
    parentPort?.postMessage(answer(request, effects));
    forgetLastMatch();
  });
}

/** The engine remembers the text in which it last found something: `RegExp.input` (ECMA-262, annex B). That may be a value of a secret. */
export function forgetLastMatch(): void {
  /^nothing$/.test('nothing');
}

function answer(request: RenderRequest, effects: TemplateEffects): RenderResponse {
  try {
    return { output: renderTemplate({ ...request, effects }) };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { kind, message, line, column } = error;
    return { failure: { kind, message, line, column } };
  }
}
