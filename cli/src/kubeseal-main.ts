import { runKubeseal } from './kubeseal.ts';
import { createNodeIo } from './node-io.ts';
import { version } from './version.ts';

// No top-level await: the bundle is CommonJS, which starts faster. Everything is written when the promise resolves, and nothing may
// keep the process alive after that, such as an idle connection.
runKubeseal(process.argv.slice(2), createNodeIo(process), version).then((status) => process.exit(status));
