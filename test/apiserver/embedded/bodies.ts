import { parse as parseYaml } from 'yaml';
import { applyDefaults, type DecodingProblems, decodeBuiltIn, prune } from './decoding.ts';
import { duplicateFields } from './duplicates.ts';
import { ApiError, badRequest, invalid, invalidValue, unsupportedValue } from './errors.ts';
import { isObject, type JsonObject, type KubeObject, own, stringAt } from './json.ts';
import { decodeProtobuf, protobufMediaType } from './protobuf.ts';
import { apiVersionOf, objectMetaSchema, type ResourceType, splitApiVersion } from './resources.ts';
import type { SchemaNode } from './schema.ts';

/** What to do with fields that the schema does not know: the query parameter `fieldValidation`. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

const jsonTypes = new Set(['application/json', 'application/yaml', '']);

/** A body, and the keys that stand twice in an object of it. */
export interface ParsedBody {
  readonly value: unknown;
  readonly duplicates: readonly string[];
  /** The value is the result of server-side apply, where null is a value and not an absence. */
  readonly keepsNulls?: boolean;
}

/** Parses a body by its media type. Throws 415 for a format that is not understood. */
export function parseTypedBody(body: Buffer, contentType: string | undefined): ParsedBody {
  const mediaType = (contentType ?? '').split(';')[0]?.trim() ?? '';
  if (mediaType === protobufMediaType) return { value: decodeProtobuf(body), duplicates: [] };
  if (jsonTypes.has(mediaType)) return parseBody(body);
  throw new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, ${protobufMediaType}`,
    {},
  );
}

/** Parses a body as JSON, or as YAML if it is none. Throws 400. */
export function parseBody(body: Buffer): ParsedBody {
  const text = body.toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    return { value, duplicates: duplicateFields(text, value) };
  } catch (error) {
    if (/^\s*[{[]/.test(text) || text.trim() === '')
      throw badRequest(`error decoding JSON: ${(error as Error).message}`);
  }
  try {
    return { value: parseYaml(text, { version: '1.2', uniqueKeys: false }), duplicates: [] };
  } catch {
    throw badRequest('error converting YAML to JSON');
  }
}

/**
 * Reads a value as an object of a resource: kind and version must fit, fields of unknown name are dropped and, as asked,
 * reported. Throws 400. `warnings` receives what the answer has to carry in `Warning` headers.
 */
export function readObject(
  { value, duplicates, keepsNulls = false }: ParsedBody,
  type: ResourceType,
  validation: FieldValidation,
  warnings: string[],
): KubeObject {
  if (!isObject(value))
    throw badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: the body is no object`,
    );
  const target = { apiVersion: apiVersionOf(type), kind: type.kind, schema: type.schema, isCustom: type.isCustom };
  assertKind(value, target);
  const problems: DecodingProblems = { unknown: [] };
  const object = decode(value, target, problems, keepsNulls);
  const lines = [
    ...duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...problems.unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  if (lines.length > 0 && validation === 'Strict') {
    throw badRequest(`${cannotHandle(target)}: strict decoding error: ${lines.join(', ')}`);
  }
  if (validation === 'Warn') warnings.push(...lines);
  return (isObject(object['metadata']) ? object : { ...object, metadata: {} }) as KubeObject;
}

interface Target {
  readonly apiVersion: string;
  readonly kind: string;
  readonly schema: SchemaNode;
  readonly isCustom: boolean;
}

function decode(value: JsonObject, target: Target, problems: DecodingProblems, keepsNulls: boolean): JsonObject {
  if (target.isCustom) return readCustom(value, target, problems, keepsNulls);
  return decodeOrRefuse(
    { ...value, apiVersion: target.apiVersion, kind: target.kind },
    target.schema,
    '',
    target,
    problems,
  );
}

function decodeOrRefuse(
  value: unknown,
  schema: SchemaNode,
  path: string,
  target: Target,
  problems: DecodingProblems,
): JsonObject {
  try {
    return decodeBuiltIn(value, schema, path, problems) as JsonObject;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw badRequest(`${cannotHandle(target)}: ${error.message}`);
  }
}

function cannotHandle(target: Target, kind = target.kind): string {
  const version = target.apiVersion.slice(target.apiVersion.indexOf('/') + 1);
  return `${kind} in version "${version}" cannot be handled as a ${target.kind}`;
}

function assertKind(value: JsonObject, target: Target): void {
  const kind = own(value, 'kind') ?? '';
  const apiVersion = own(value, 'apiVersion') ?? '';
  if (target.isCustom && kind === '') {
    throw badRequest(`the object provided is unrecognized (must be of type ${target.kind}): Object 'Kind' is missing`);
  }
  if ((target.isCustom || apiVersion !== '') && apiVersion !== target.apiVersion) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${target.apiVersion})`,
    );
  }
  if (kind === '' || kind === target.kind) return;
  if (!target.isCustom) throw badRequest(cannotHandle(target, String(kind)));
  const [group] = splitApiVersion(target.apiVersion);
  throw invalid({ group, kind: String(kind) }, stringAt(value, 'metadata', 'name') ?? '', [
    invalidValue('kind', kind, `must be ${target.kind}`),
  ]);
}

/** A custom resource: metadata as of every object, the rest pruned and completed by the schema of the CRD. */
function readCustom(value: JsonObject, target: Target, problems: DecodingProblems, keepsNulls: boolean): JsonObject {
  const metadata = decodeOrRefuse(own(value, 'metadata') ?? {}, objectMetaSchema, 'metadata', target, problems);
  const pruned = prune({ ...value, metadata }, target.schema, '', problems, true) as JsonObject;
  return applyDefaults(pruned, target.schema, keepsNulls) as JsonObject;
}

/** Reads `fieldValidation`; a server that gets none warns. Throws 422 on any other word. */
export function parseFieldValidation(text: string | null, optionsKind: string): FieldValidation {
  if (text === null || text === '') return 'Warn';
  if (text === 'Ignore' || text === 'Warn' || text === 'Strict') return text;
  throw invalid({ group: 'meta.k8s.io', kind: optionsKind }, '', [
    unsupportedValue('fieldValidation', text, ['', 'Ignore', 'Strict', 'Warn']),
  ]);
}
