import { parentPort } from 'node:worker_threads';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import { type RenderRequest, renderEach } from './outcomes.ts';
import type { RenderResponse } from './rendering-thread.ts';

/** The other end of `createRenderingThread`: answers with each outcome as it comes, then with the end, until the thread is ended. */
export async function renderForParent(): Promise<void> {
  const effects = await createTemplateEffects({ withCostlyFunctions: true });
  const answer = (response: RenderResponse) => parentPort?.postMessage(response);
  parentPort?.on('message', (request: RenderRequest) => {
    for (const outcome of renderEach(request, effects)) answer(outcome);
    answer('done');
    forgetLastMatch();
  });
}

/** The engine remembers the text in which it last found something: `RegExp.input` (ECMA-262, annex B). That may be a value of a secret. */
export function forgetLastMatch(): void {
  /^nothing$/.test('nothing');
}
