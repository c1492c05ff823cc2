import { parentPort, workerData } from 'node:worker_threads';
import { isSealedSecretsError } from '@waxwing/shared';
import { createLocalRenderer, type RenderAnswer, type RenderTask } from './templates.ts';

/** The other end of `renderInThread`: renders the one entry it was started for and ends. */
export async function renderForParent(): Promise<void> {
  const { entry, text, data } = workerData as RenderTask;
  const render = await createLocalRenderer(true);
  let answer: RenderAnswer;
  try {
    answer = { rendered: await render(entry, text, data) };
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    answer = { error: error.message };
  }
  parentPort?.postMessage(answer);
}
