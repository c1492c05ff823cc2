import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { mediaTypes } from './client.ts';
import type { ApiServer } from './harness.ts';
import { waitFor } from './wait-for.ts';

/** The CustomResourceDefinition that the product ships. */
export const crdFile = fileURLToPath(new URL('../../crds/bitnami.com_sealedsecrets.yaml', import.meta.url));

const crdPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Installs the CRD (or brings it back to what the file says) and waits until SealedSecrets are served. */
export async function applyCrd(server: Pick<ApiServer, 'request'>): Promise<void> {
  const crd = parse(await readFile(crdFile, 'utf8'));
  const path = `${crdPath}/${crd.metadata.name}`;
  const applied = await server.request('PATCH', `${path}?fieldManager=waxwing-test&force=true`, crd, mediaTypes.apply);
  if (applied.status >= 300) throw new Error(`The CRD was refused: ${applied.status} ${applied.body.message}`);
  await waitFor(
    async () => (await server.request('GET', '/apis/bitnami.com/v1alpha1/sealedsecrets?limit=1')).status === 200,
    { what: 'SealedSecrets to be served', timeoutMs: 30_000 },
  );
}
