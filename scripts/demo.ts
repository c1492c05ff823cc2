import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNarrator } from './demo/narrator.ts';
import { runStory } from './demo/story.ts';
import { startWorld, type World } from './demo/world.ts';

const usage = `Shows the whole life of a sealed secret on this machine.

  npm run demo                        with an example secret
  npm run demo -- my-secret.yaml      with a Secret of yours (its values are never printed)
  npm run demo -- --real              on the real kube-apiserver (needs Go; built on first use)
  npm run demo -- --keep              leaves the cluster running and prints a kubeconfig
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      real: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const narrator = createNarrator(process.stdout, process.env);
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-demo-'));
  let world: World | undefined;
  const cleanUp = async () => {
    await world?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  // Ctrl-C at any moment: stop the programs, remove the folder, and end as a shell expects it.
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(signal));
  const interrupted = new Promise<never>((_, reject) => {
    interrupt.signal.addEventListener('abort', () =>
      reject(new Error(`interrupted (${String(interrupt.signal.reason)})`)),
    );
  });
  interrupted.catch(() => {});
  try {
    const work = async () => {
      world = await startWorld({ folder, kind: values.real ? 'real' : 'embedded', narrator });
      await runStory({ world, narrator, folder, cleansUp: !values.keep, secretFile: positionals[0] });
    };
    await Promise.race([work(), interrupted]);
    if (values.keep && world !== undefined) {
      narrator.keepRunning(world.server.kubeconfig);
      await interrupted.catch(() => {});
    }
  } catch (error) {
    narrator.failed(error, world?.controllerLogFile);
    process.exitCode = interrupt.signal.aborted ? 130 : 1;
  } finally {
    await cleanUp();
  }
}

await main();
// A watch or a keep-alive connection may still be open; everything that had to be stopped is.
process.exit();
