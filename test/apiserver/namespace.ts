import type { ApiServer } from './harness.ts';

/** Creates a namespace with a name of its own (`PREFIX` and five characters), so that tests on one server keep apart. */
export async function createNamespace(
  server: Pick<ApiServer, 'request'>,
  options: { generateName?: string; labels?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const { generateName = 'test-', labels = {} } = options;
  const created = await server.request('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName, labels },
  });
  if (created.status !== 201) throw new Error(`No namespace: ${created.status} ${created.body.message}`);
  return created.body.metadata.name;
}
