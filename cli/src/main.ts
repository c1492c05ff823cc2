import { createNodeIo } from './node-io.ts';
import { runWaxwing } from './program.ts';

// No top-level await: the bundle is CommonJS, which starts faster. Everything is written when the promise resolves, and nothing may
// keep the process alive after that, such as an idle connection.
runWaxwing(process.argv.slice(2), createNodeIo(process)).then((status) => process.exit(status));
