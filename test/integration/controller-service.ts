import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterAll } from 'vitest';
import type { ApiServer } from '../apiserver/harness.ts';
import { exposeAsService, podAddress } from '../apiserver/service-backend.ts';

/** Has a Service lead to a listener on loopback, where Pods are not reached: by way of the address that stands for one. */
export async function exposeLocalPort(
  server: Pick<ApiServer, 'request'>,
  target: string,
  service: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const { hostname, port } = new URL(target);
  const forwarder = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
  });
  afterAll(() => {
    forwarder.close();
  });
  forwarder.listen(0, podAddress());
  await once(forwarder, 'listening');
  const { port: targetPort } = forwarder.address() as { port: number };
  await exposeAsService(server, {
    namespace: service.namespace,
    service: service.name,
    portName: 'http',
    port: 8080,
    targetPort,
  });
}
