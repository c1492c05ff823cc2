// SIGUSR1 opens Node's inspector, which reads all private keys, unless somebody listens to it: so this is the first statement, and
// the file has no static imports, which would run before it.
let renewals = 0;
let onRenewal: (() => void) | undefined;
process.on('SIGUSR1', () => {
  renewals++;
  onRenewal?.();
});

async function main(): Promise<void> {
  const { isMainThread } = await import('node:worker_threads');
  if (!isMainThread) return (await import('@waxwing/shared/rendering')).renderForParent();
  // The pool reads its size once, when it is first used. Set by hand it stays what it is.
  const { availableParallelism } = await import('node:os');
  process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(2, availableParallelism()));
  const { runController } = await import('./controller.ts');
  const status = await runController({
    args: process.argv.slice(2),
    env: process.env,
    programFile: process.argv[1] ?? '',
    poolThreads: Number(process.env['UV_THREADPOOL_SIZE']) || 4,
    renewalSignals: {
      get count() {
        return renewals;
      },
      onSignal(listener: () => void) {
        onRenewal = listener;
      },
    },
  });
  // Whatever is still open must not keep a program alive that has said its last words.
  process.exit(status);
}

void main();

export {};
