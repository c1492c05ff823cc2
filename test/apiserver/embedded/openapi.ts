import type { JsonObject } from './json.ts';
import type { TypeRegistry } from './resources.ts';

/** `/openapi/v2`, `/openapi/v3` and the documents below it. `undefined`: there is no such document. */
export function openApiDocument(_types: TypeRegistry, _path: string): JsonObject | undefined {
  return undefined;
}
