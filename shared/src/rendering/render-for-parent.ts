import { parentPort, workerData } from 'node:worker_threads';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import { renderTemplate, TemplateError } from '../gotemplate/index.ts';
import type { WorkerRenderRequest, WorkerRenderResponse } from './render-in-worker.ts';

/** The other end of `renderInWorker`: renders the template this thread was started with and answers once. */
export async function renderForParent(): Promise<void> {
  parentPort?.postMessage(await answer(workerData as WorkerRenderRequest));
}

async function answer(request: WorkerRenderRequest): Promise<WorkerRenderResponse> {
  const effects = await createTemplateEffects({ withCostlyFunctions: true });
  try {
    return { output: renderTemplate({ ...request, effects }) };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { kind, message, line, column } = error;
    return { failure: { kind, message, line, column } };
  }
}
