import { parseAllDocuments } from 'yaml';
import { type Json, mediaTypes } from './client.ts';
import type { ApiServer } from './harness.ts';

export interface ApplyOptions {
  /** For objects that name none. Default `default`. */
  readonly namespace?: string;
}

/**
 * Applies every document of a manifest (YAML or JSON, `List` included) server-side, as `kubectl apply --server-side
 * --force-conflicts -f` does, in their order. Returns the objects as the server stored them. Throws on the first
 * refusal, naming the object.
 */
export async function applyManifest(
  server: Pick<ApiServer, 'request'>,
  text: string,
  options: ApplyOptions = {},
): Promise<Json[]> {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  const objects = documents
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as Json;
    })
    .flatMap((object) => (object?.kind === 'List' ? object.items : [object]))
    .filter((object) => object !== null && object !== undefined);
  const stored: Json[] = [];
  for (const object of objects) stored.push(await applyObject(server, object, options));
  return stored;
}

async function applyObject(server: Pick<ApiServer, 'request'>, object: Json, options: ApplyOptions): Promise<Json> {
  const { apiVersion, kind, metadata } = object;
  const root = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const discovered = await server.request('GET', root);
  const resource = discovered.body.resources?.find(
    (candidate: { kind: string; name: string }) => candidate.kind === kind && !candidate.name.includes('/'),
  );
  if (resource === undefined) throw new Error(`The server does not know ${apiVersion} ${kind} (${metadata?.name}).`);
  const namespace = metadata.namespace ?? options.namespace ?? 'default';
  const collection = resource.namespaced
    ? `${root}/namespaces/${namespace}/${resource.name}`
    : `${root}/${resource.name}`;
  const path = `${collection}/${metadata.name}?fieldManager=waxwing-test&force=true`;
  const { status, body } = await server.request('PATCH', path, object, mediaTypes.apply);
  if (status >= 300) throw new Error(`${kind} ${metadata.name} was refused: ${status} ${body.message}`);
  return body;
}
