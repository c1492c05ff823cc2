import { Worker } from 'node:worker_threads';
import { SealedSecretsError, type SecretTemplate, type TemplateRenderer } from '@waxwing/shared';
import { createBudget } from './http/limits.ts';

/** What a rendering thread is given. */
export interface RenderTask {
  readonly entry: string;
  readonly text: string;
  readonly data: ReadonlyMap<string, Uint8Array>;
}

/** What it answers; an error by its text, since classes do not cross threads. */
export type RenderAnswer = { readonly rendered: Uint8Array } | { readonly error: string };

export interface TemplatesOptions {
  /** The program's own file: in a thread it becomes a renderer instead of a controller. */
  readonly programFile: string;
  /** Templates that make keys, certificates or password hashes get so long; then their thread is ended. */
  readonly deadlineMs: number;
}

/**
 * Renders entries of `spec.template.data`. Nearly all take microseconds and are rendered here; those that may take seconds get a thread of
 * their own, one at a time, so that health checks and leases go on meanwhile. The engine is loaded with the first template.
 */
export function createTemplates({ programFile, deadlineMs }: TemplatesOptions): TemplateRenderer {
  const threads = createBudget({ concurrent: 1, waiting: Number.POSITIVE_INFINITY });
  let local: Promise<TemplateRenderer> | undefined;
  return async (entry, text, data) => {
    const { isCostly } = await import('@waxwing/shared/gotemplate');
    if (isCostly(text)) {
      const answer = await threads.spend(() => renderInThread({ entry, text, data }, programFile, deadlineMs));
      return answer as Uint8Array;
    }
    local ??= createLocalRenderer(false);
    return (await local)(entry, text, data);
  };
}

const localDeadlineMs = 500;

/** A renderer on this thread. */
export async function createLocalRenderer(withCostlyFunctions: boolean): Promise<TemplateRenderer> {
  const { createTemplateEffects, createTemplateRenderer } = await import('@waxwing/shared/rendering');
  // What is rendered on the main thread must not keep it from its other work.
  const limits = withCostlyFunctions ? {} : { maxMilliseconds: localDeadlineMs };
  return createTemplateRenderer(await createTemplateEffects({ withCostlyFunctions }), limits);
}

function renderInThread(task: RenderTask, programFile: string, deadlineMs: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const thread = new Worker(programFile, { workerData: task, env: {}, stdout: true, stderr: true });
  const fail = (text: string) => reject(new SealedSecretsError('TemplateError', text));
  const timer = setTimeout(() => {
    fail(`template: ${task.entry}: rendering took longer than ${deadlineMs} ms`);
    void thread.terminate();
  }, deadlineMs);
  thread.once('message', (answer: RenderAnswer) => {
    if ('error' in answer) fail(answer.error);
    else resolve(answer.rendered);
  });
  // The message of such an error could quote anything.
  thread.once('error', () => fail(`template: ${task.entry}: the rendering thread failed`));
  thread.once('exit', () => {
    clearTimeout(timer);
    fail(`template: ${task.entry}: the rendering thread ended without an answer`);
  });
  return promise;
}

/** Functions whose result depends on more than their arguments (specification 1.5). */
const volatileFunctions =
  /^(now|ago|date|dateInZone|date_in_zone|htmlDate|htmlDateInZone|shuffle|uuidv4|bcrypt|htpasswd|encryptAES|buildCustomCert|rand\w+|gen[A-Z]\w*)$/;

/** Names of the entries that give another result each time they are rendered. */
export async function volatileEntriesOf({ data }: SecretTemplate): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  if (data.size === 0) return names;
  const { parseTemplate } = await import('@waxwing/shared/gotemplate');
  for (const [name, text] of data) {
    // Without an action there is nothing to call.
    if (text?.includes('{{') !== true) continue;
    const { functions } = parseTemplate({ name, text });
    if (functions.some((reference) => volatileFunctions.test(reference.name))) names.add(name);
  }
  return names;
}
