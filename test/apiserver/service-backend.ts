import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { mediaTypes } from './client.ts';
import type { ApiServer } from './harness.ts';

/**
 * An address of this machine that kube-apiserver's Service proxy accepts as a Pod's: 127.0.0.0/8 and link-local ones are
 * refused. Where there is no other (a sandbox without network) root adds one of the range for benchmarks (RFC 2544).
 */
export function podAddress(): string {
  const found = findPodAddress();
  if (found !== undefined) return found;
  const command = ['address', 'add', '198.18.0.1/32', 'dev', 'lo'];
  spawnSync('ip', command);
  const added = findPodAddress();
  if (added !== undefined) return added;
  throw new Error(
    `The Service proxy needs an address besides 127.0.0.1, and there is none. As root: ip ${command.join(' ')}`,
  );
}

function findPodAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, address }) => family === 'IPv4' && !/^(127|169\.254)\./.test(address))?.address;
}

/** Where a Service leads: a process of this machine that listens on `podAddress()`. */
export interface ServiceBackend {
  readonly namespace: string;
  readonly service: string;
  /** Name of the Service's only port; empty for a port without a name. */
  readonly portName: string;
  /** Port of the Service; the backend's own is `targetPort`. */
  readonly port: number;
  readonly targetPort: number;
}

/**
 * Creates a Service with one Pod behind it whose IP is `podAddress()`, as kubelet and the endpoint controller would
 * have written it, so that `/api/v1/namespaces/NS/services/NAME/proxy/` leads to a listener of this machine.
 */
export async function exposeAsService(server: Pick<ApiServer, 'request'>, backend: ServiceBackend): Promise<void> {
  const { namespace, service, portName, port, targetPort } = backend;
  const core = `/api/v1/namespaces/${namespace}`;
  const named = portName === '' ? {} : { name: portName };
  const podIP = podAddress();
  const create = async (path: string, object: object, method = 'POST', headers = {}) => {
    const { status, body } = await server.request(method, path, object, headers);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${body.message}`);
    return body;
  };
  await create(`${core}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: service },
    spec: { clusterIP: 'None', ports: [{ ...named, port, targetPort }] },
  });
  const pod = await create(`${core}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${service}-0` },
    spec: { containers: [{ name: 'main', image: 'none', ports: [{ containerPort: targetPort }] }] },
  });
  const status = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [{ type: 'Ready', status: 'True' }] };
  await create(`${core}/pods/${service}-0/status`, { status }, 'PATCH', mediaTypes.strategicMerge);
  const targetRef = { kind: 'Pod', namespace, name: pod.metadata.name, uid: pod.metadata.uid };
  await create(`${core}/endpoints`, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: service },
    subsets: [{ addresses: [{ ip: podIP, targetRef }], ports: [{ ...named, port: targetPort }] }],
  });
}
