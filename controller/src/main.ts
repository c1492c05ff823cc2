// SIGUSR1 opens Node's inspector, which reads all private keys, unless somebody listens to it: so this is the first statement, and
// the file has no static imports, which would run before it.
let renewals = 0;
let onRenewal: (() => void) | undefined;
process.on('SIGUSR1', () => {
  renewals++;
  onRenewal?.();
});

// The pool reads its size once, when it is first used. Set by hand it stays what it is.
void import('node:os')
  .then(({ availableParallelism }) => {
    process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(2, availableParallelism()));
    return import('./controller.ts');
  })
  .then(({ runController }) =>
    runController({
      args: process.argv.slice(2),
      env: process.env,
      poolThreads: Number(process.env['UV_THREADPOOL_SIZE']) || 4,
      renewalSignals: {
        get count() {
          return renewals;
        },
        onSignal(listener) {
          onRenewal = listener;
        },
      },
    }),
  )
  .then((status) => {
    process.exitCode = status;
  });

export {};
