import { Worker } from 'node:worker_threads';
import { createExclusive, type ExclusiveOptions } from './exclusive.ts';
import type { RenderRequest, TemplateOutcome } from './outcomes.ts';

export interface RenderingThreadOptions extends ExclusiveOptions {
  /** The program the thread runs; in a thread it has to call `renderForParent`. */
  readonly threadFile: string | URL;
  /**
   * An object that takes longer, in milliseconds, the start of the thread included and waiting for it not, fails with the limit `time`, and the thread is
   * ended whatever it does.
   */
  readonly deadlineMs: number;
  /** After so many milliseconds without a template the thread is ended: it holds some ten MiB, and what it has rendered. Default 10 s. */
  readonly idleMs?: number;
}

/** A thread for objects with templates that generate keys or certificates, hash passwords, or turn out to be long. */
export interface RenderingThread {
  /**
   * Renders one object after the other, in the order of the calls; the calling thread goes on answering meanwhile. The outcomes are those of
   * `renderEach`. The first object starts the thread; one that breaks it down fails alone, and the next one starts another.
   * Throws SealedSecretsError `RendererBusy` where others are before it for too long.
   */
  render(request: RenderRequest): Promise<readonly TemplateOutcome[]>;
}

/** What the thread answers: the outcomes in the order of the templates, then that these were all. */
export type RenderResponse = TemplateOutcome | 'done';

/** Room for the thread; a template that needs more ends with kind `limit` long before the process is in danger. */
const heapMegabytes = 256;

/** Nothing runs before the first template, and an idle thread keeps no process alive. */
export function createRenderingThread(options: RenderingThreadOptions): RenderingThread {
  const { threadFile, deadlineMs, idleMs = 10_000 } = options;
  let thread: Thread | undefined;
  let idle: NodeJS.Timeout | undefined;
  const exclusively = createExclusive(options);

  async function renderNext(request: RenderRequest): Promise<readonly TemplateOutcome[]> {
    clearTimeout(idle);
    if (thread?.isUsable !== true) thread = startThread(threadFile);
    const outcomes = await thread.ask(request, deadlineMs);
    idle = setTimeout(() => thread?.end(), idleMs).unref();
    return outcomes;
  }

  return { render: (request) => exclusively(() => renderNext(request)) };
}

interface Thread {
  /** False once it has ended or was told to. */
  readonly isUsable: boolean;
  /** The thread's answers, the last of them that of the deadline; rejects where the thread breaks down for another reason than the template. */
  ask(request: RenderRequest, deadlineMs: number): Promise<readonly TemplateOutcome[]>;
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
  let hear: ((response: RenderResponse | Error) => void) | undefined;
  const breakDown = (last: TemplateOutcome | Error) => {
    isUsable = false;
    hear?.(last);
    hear?.('done');
  };

  // Listened to as long as the thread lives: an error without a listener would end the process.
  worker.on('message', (response: RenderResponse) => hear?.(response));
  worker.on('error', (error: NodeJS.ErrnoException) => {
    const isFull = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    breakDown(isFull ? limitReached('the template needs too much memory', 'budget') : error);
  });
  worker.on('exit', (code) => breakDown(new Error(`the thread that renders templates ended early, with ${code}`)));

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
        const outcomes: TemplateOutcome[] = [];
        const timer = setTimeout(() => {
          end();
          breakDown(limitReached(`the template takes longer than ${deadlineMs} ms`, 'time'));
        }, deadlineMs);
        hear = (response) => {
          if (response !== 'done' && !(response instanceof Error)) {
            // The end of the thread may come between the last outcome and the word that it was the last.
            if (outcomes.length < request.templates.length) outcomes.push(response);
            return;
          }
          hear = undefined;
          clearTimeout(timer);
          worker.unref();
          if (response instanceof Error) reject(response);
          else resolve(outcomes);
        };
        worker.ref();
        worker.postMessage(request);
      });
    },
  };
}

function limitReached(message: string, limit: 'budget' | 'time'): TemplateOutcome {
  return { failure: { kind: 'limit', limit, message, line: 1, column: 1 } };
}
