import { Worker } from 'node:worker_threads';
import {
  defaultLimits,
  isCostly,
  renderTemplate,
  type TemplateEffects,
  TemplateError,
  type TemplateErrorKind,
  type TemplateLimits,
} from '../gotemplate/index.ts';

/** What one template needs to be rendered in another thread. All strings are byte strings. */
export interface WorkerRenderRequest {
  readonly name: string;
  readonly text: string;
  readonly data: ReadonlyMap<string, string>;
  readonly limits?: Partial<TemplateLimits>;
}

export interface WorkerRenderOptions {
  /** After this many milliseconds the thread is ended, whatever it does, and the template fails with kind `limit`. */
  readonly deadlineMs: number;
  /** The program the thread runs; in a thread it has to call `renderForParent`. */
  readonly threadFile: string | URL;
  /** Decides when a thread may run, for callers that do not want many at once. Default: at once. */
  readonly schedule?: (run: () => Promise<string>) => Promise<string>;
}

/** What the thread answers. */
export type WorkerRenderResponse = { readonly output: string } | { readonly failure: WorkerFailure };

interface WorkerFailure {
  readonly kind: TemplateErrorKind;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** Room for the thread; a template that needs more ends with kind `limit` long before the process is in danger. */
const heapMegabytes = 256;

/**
 * Renders a template in a thread of its own, for templates that generate keys or certificates or hash passwords (`isCostly`): the
 * calling thread goes on answering meanwhile. Throws `TemplateError` as `renderTemplate` does.
 */
export async function renderInWorker(request: WorkerRenderRequest, options: WorkerRenderOptions): Promise<string> {
  const { schedule = (run) => run() } = options;
  return await schedule(() => runThread(request, options));
}

async function runThread(request: WorkerRenderRequest, options: WorkerRenderOptions): Promise<string> {
  const worker = new Worker(options.threadFile, {
    workerData: request,
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    // The thread sees no environment and its streams lead nowhere.
    env: {},
    stdout: true,
    stderr: true,
  });
  const response = await responseOf(worker, options.deadlineMs);
  // Not awaited: a key that is being generated delays the end of the thread, not of the caller.
  void worker.terminate();
  if ('output' in response) return response.output;
  const { message, ...details } = response.failure;
  throw new TemplateError(message, { ...details, templateName: request.name });
}

/** The thread's answer, or that of the deadline; rejects where the thread breaks down for another reason than the template. */
function responseOf(worker: Worker, deadlineMs: number): Promise<WorkerRenderResponse> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => resolve(limitReached(`the template takes longer than ${deadlineMs} ms`)),
      deadlineMs,
    );
    worker.once('message', (response: WorkerRenderResponse) => {
      clearTimeout(timer);
      resolve(response);
    });
    worker.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve(limitReached('the template needs too much memory'));
      else reject(error);
    });
    worker.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the thread that renders templates ended early, with ${code}`));
    });
  });
}

function limitReached(message: string): WorkerRenderResponse {
  return { failure: { kind: 'limit', message, line: 1, column: 1 } };
}

/** What a template may use on a thread that has other things to do: some tens of milliseconds. */
const limitsOnThisThread = { maxSteps: 50_000, maxAllocatedBytes: 8 * 1024 * 1024, maxMilliseconds: 50 } as const;

/**
 * Renders on this thread what is quick, which nearly every template is, and in a thread of its own what generates keys or turns out to be
 * long: no template holds up the caller's timers. Throws `TemplateError` as `renderTemplate` does.
 */
export async function renderResponsively(
  request: WorkerRenderRequest,
  options: WorkerRenderOptions & { readonly effects: TemplateEffects },
): Promise<string> {
  if (isCostly(request.text)) return renderInWorker(request, options);
  const asked = { ...defaultLimits, ...request.limits };
  const limits = {
    ...asked,
    maxSteps: Math.min(asked.maxSteps, limitsOnThisThread.maxSteps),
    maxAllocatedBytes: Math.min(asked.maxAllocatedBytes, limitsOnThisThread.maxAllocatedBytes),
    maxMilliseconds: Math.min(asked.maxMilliseconds, limitsOnThisThread.maxMilliseconds),
  };
  try {
    return renderTemplate({ ...request, effects: options.effects, limits });
  } catch (error) {
    if (!(error instanceof TemplateError) || error.kind !== 'limit') throw error;
    return renderInWorker(request, options);
  }
}
