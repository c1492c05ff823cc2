/**
 * The embedded API server as a program, for the demo and for looking around with kubectl:
 *
 *     node test/apiserver/embedded/main.ts --data-dir DIR [--port N] [--kubeconfig FILE]
 *
 * Prints one JSON line with `url` and `kubeconfig` when it is ready and stops on SIGTERM or SIGINT.
 */
import { copyFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startEmbeddedApiServer } from './index.ts';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    port: { type: 'string', default: '0' },
    kubeconfig: { type: 'string' },
  },
});
const folder = values['data-dir'];
const port = Number(values.port);
if (folder === undefined || !Number.isInteger(port) || port < 0 || port > 65535) {
  process.stderr.write('usage: main.ts --data-dir DIR [--port 0..65535] [--kubeconfig FILE]\n');
  process.exit(2);
}
const server = await startEmbeddedApiServer({ folder, port });
if (values.kubeconfig !== undefined) await copyFile(server.kubeconfig, values.kubeconfig);
const stop = async () => {
  await server.stop();
  process.exit(0);
};
process.on('SIGTERM', () => void stop());
process.on('SIGINT', () => void stop());
process.stdout.write(`${JSON.stringify({ url: server.url, kubeconfig: values.kubeconfig ?? server.kubeconfig })}\n`);
