import { setImmediate } from 'node:timers/promises';
import type { SecretTemplate, TemplateRenderer } from '@waxwing/shared';

export interface TemplatesOptions {
  /** The program's own file: in a thread it becomes a renderer instead of a controller. */
  readonly programFile: string;
  /** After so long the thread that renders an object is ended. */
  readonly deadlineMs: number;
  /** So many objects wait for the thread at most, each in a worker that does nothing else meanwhile. */
  readonly maxWaiting: number;
  /** So long they wait at most. */
  readonly maxWaitMs: number;
  /** Monotonic milliseconds. */
  monotonicMs(): number;
}

export interface Templates {
  /**
   * Renders the entries of `spec.template.data`. Nearly all objects take microseconds and are rendered here, with a look at timers and input every few
   * milliseconds; what makes keys, certificates or password hashes, or turns out to be long, goes to another thread, so that health checks and leases
   * go on meanwhile.
   */
  readonly render: TemplateRenderer;
  /** Names of the entries that give another result each time they are rendered. */
  readonly volatileEntries: (template: SecretTemplate) => Promise<ReadonlySet<string>>;
}

/** The engine is loaded with the first template. */
export function createTemplates(options: TemplatesOptions): Templates {
  let loaded: Promise<Templates> | undefined;
  const load = () => {
    loaded ??= loadTemplates(options);
    return loaded;
  };
  return {
    render: async (entries, data) => (await load()).render(entries, data),
    volatileEntries: async (template) =>
      template.data.size === 0 ? new Set() : (await load()).volatileEntries(template),
  };
}

async function loadTemplates({ programFile, monotonicMs, ...limits }: TemplatesOptions): Promise<Templates> {
  const { createRenderingThread, createResponsiveRenderer, createTemplateEffects, createTurns, findVolatileTemplates } =
    await import('@waxwing/shared/rendering');
  const turns = createTurns({ monotonicMs, yieldTurn: () => setImmediate() });
  return {
    render: createResponsiveRenderer({
      effects: await createTemplateEffects({ monotonicMs, withCostlyFunctions: false }),
      thread: createRenderingThread({ threadFile: programFile, ...limits }),
      turns,
    }),
    volatileEntries: ({ data }) => findVolatileTemplates(data, turns),
  };
}
