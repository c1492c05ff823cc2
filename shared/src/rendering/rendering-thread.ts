import { Worker } from 'node:worker_threads';
import { TemplateError, type TemplateErrorKind, type TemplateLimits } from '../gotemplate/index.ts';

/** What one template needs to be rendered in another thread. All strings are byte strings. */
export interface RenderRequest {
  readonly name: string;
  readonly text: string;
  readonly data: ReadonlyMap<string, string>;
  readonly limits?: Partial<TemplateLimits>;
}

export interface RenderingThreadOptions {
  /** The program the thread runs; in a thread it has to call `renderForParent`. */
  readonly threadFile: string | URL;
  /** A template that takes longer, in milliseconds, the start of the thread included, fails with kind `limit`, and the thread is ended whatever it does. */
  readonly deadlineMs: number;
  /** After so many milliseconds without a template the thread is ended: it holds some ten MiB, and what it has rendered. Default 10 s. */
  readonly idleMs?: number;
}

/** A thread for templates that generate keys or certificates, hash passwords, or turn out to be long. */
export interface RenderingThread {
  /**
   * Renders one template after the other, in the order of the calls; the calling thread goes on answering meanwhile. Throws `TemplateError` as
   * `renderTemplate` does. The first one starts the thread; one that breaks it down fails alone, and the next one starts another.
   */
  render(request: RenderRequest): Promise<string>;
}

/** What the thread answers. */
export type RenderResponse = { readonly output: string } | { readonly failure: RenderFailure };

interface RenderFailure {
  readonly kind: TemplateErrorKind;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** Room for the thread; a template that needs more ends with kind `limit` long before the process is in danger. */
const heapMegabytes = 256;

/** Nothing runs before the first template, and an idle thread keeps no process alive. */
export function createRenderingThread(options: RenderingThreadOptions): RenderingThread {
  const { threadFile, deadlineMs, idleMs = 10_000 } = options;
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function renderNext(request: RenderRequest): Promise<string> {
    clearTimeout(idle);
    if (thread?.isUsable !== true) thread = startThread(threadFile);
    const response = await thread.ask(request, deadlineMs);
    idle = setTimeout(() => thread?.end(), idleMs).unref();
    if ('output' in response) return response.output;
    const { message, ...details } = response.failure;
    throw new TemplateError(message, { ...details, templateName: request.name });
  }

  return {
    render(request) {
      const rendering = last.then(() => renderNext(request));
      // Only that it has ended: the output may be a private key.
      const ended = () => {};
      last = rendering.then(ended, ended);
      return rendering;
    },
  };
}

interface Thread {
  /** False once it has ended or was told to. */
  readonly isUsable: boolean;
  /** The thread's answer, or that of the deadline; rejects where the thread breaks down for another reason than the template. */
  ask(request: RenderRequest, deadlineMs: number): Promise<RenderResponse>;
  end(): void;
}

function startThread(threadFile: string | URL): Thread {
  const worker = new Worker(threadFile, {
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    // The thread sees no environment and its streams lead nowhere.
    env: {},
    stdout: true,
    stderr: true,
  });
  let isUsable = true;
  let settle: ((response: RenderResponse | Error) => void) | undefined;

  // Listened to as long as the thread lives: an error without a listener would end the process.
  worker.on('message', (response: RenderResponse) => settle?.(response));
  worker.on('error', (error: NodeJS.ErrnoException) => {
    isUsable = false;
    settle?.(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? limitReached('the template needs too much memory') : error);
  });
  worker.on('exit', (code) => {
    isUsable = false;
    settle?.(new Error(`the thread that renders templates ended early, with ${code}`));
  });

  const end = () => {
    isUsable = false;
    // Not awaited: a key that is being generated delays the end of the thread, not of the caller.
    void worker.terminate();
  };

  return {
    get isUsable() {
      return isUsable;
    },
    end,
    ask(request, deadlineMs) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          end();
          settle?.(limitReached(`the template takes longer than ${deadlineMs} ms`));
        }, deadlineMs);
        settle = (response) => {
          settle = undefined;
          clearTimeout(timer);
          worker.unref();
          if (response instanceof Error) reject(response);
          else resolve(response);
        };
        worker.ref();
        worker.postMessage(request);
      });
    },
  };
}

function limitReached(message: string): RenderResponse {
  return { failure: { kind: 'limit', message, line: 1, column: 1 } };
}
