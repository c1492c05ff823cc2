import { parentPort, workerData } from 'node:worker_threads';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import { renderTemplate, TemplateError } from '../gotemplate/index.ts';
import type { WorkerRenderRequest, WorkerRenderResponse } from './render-in-worker.ts';

/** The thread of `renderInWorker`: renders the template it was started with and answers once. */

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

// No await at the top level: bundles are CommonJS. A failure ends the thread with an error, which the caller sees.
void answer(workerData as WorkerRenderRequest).then((response) => parentPort?.postMessage(response));
