import type { JsonObject } from './json.ts';

/** One entry of `details.causes` of an Invalid status; `text` is the message without the field. */
export interface FieldError {
  readonly type:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueTypeInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound';
  readonly field: string;
  readonly text: string;
}

/** What the API calls an object in messages: `secrets "x"`, `sealedsecrets.bitnami.com "x"`. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** A refusal that is answered as a `Status` object with this code. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** `metadata` of the Status: only an expired continue token has some. */
  readonly listMeta: JsonObject;

  constructor(
    code: number,
    reason: string,
    message: string,
    details?: JsonObject,
    extra: { headers?: Readonly<Record<string, string>>; listMeta?: JsonObject; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.headers = extra.headers ?? {};
    this.listMeta = extra.listMeta ?? {};
  }

  status(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.listMeta,
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** `secrets` or `sealedsecrets.bitnami.com`. */
function qualifiedResource(resource: ResourceName): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}

function detailsOf(resource: ResourceName, name: string, more: JsonObject = {}): JsonObject {
  return {
    ...(name === '' ? {} : { name }),
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    ...more,
  };
}

export function notFound(resource: ResourceName, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualifiedResource(resource)} "${name}" not found`, detailsOf(resource, name));
}

/** The answer to a path that is no resource of a group the server knows. */
export function unknownResource(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: ResourceName, name: string): ApiError {
  const message = `${qualifiedResource(resource)} "${name}" already exists`;
  return new ApiError(409, 'AlreadyExists', message, detailsOf(resource, name));
}

export function conflict(resource: ResourceName, name: string, why: string, details: JsonObject = {}): ApiError {
  const message = `Operation cannot be fulfilled on ${qualifiedResource(resource)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(resource, name, details));
}

export const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

export function forbidden(resource: ResourceName, name: string, why: string, more: JsonObject = {}): ApiError {
  const subject = name === '' ? qualifiedResource(resource) : `${qualifiedResource(resource)} "${name}"`;
  return new ApiError(403, 'Forbidden', `${subject} is forbidden: ${why}`, detailsOf(resource, name, more));
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
}

export function expired(message: string, continueToken?: string): ApiError {
  return new ApiError(
    410,
    'Expired',
    message,
    undefined,
    continueToken === undefined ? {} : { listMeta: { continue: continueToken } },
  );
}

/** 422 with one cause per field error. Throws nothing itself; callers throw the result. */
export function invalid(kind: { group: string; kind: string }, name: string, errors: readonly FieldError[]): ApiError {
  const seen = new Set<string>();
  const distinct = errors.filter((error) => {
    const line = `${error.field}: ${error.text}`;
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  });
  const lines = [...seen];
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const summary = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  return new ApiError(422, 'Invalid', `${qualified} "${name}" is invalid: ${summary}`, {
    ...(name === '' ? {} : { name }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    ...(kind.kind === '' ? {} : { kind: kind.kind }),
    causes: distinct.map((error) => ({ reason: error.type, message: error.text, field: error.field })),
  });
}

/** A value as Kubernetes prints it in `Invalid value: ...`: strings quoted as Go quotes them, everything else as JSON. */
function printedValue(value: unknown): string {
  if (value === undefined) return 'null';
  return JSON.stringify(value);
}

export function invalidValue(field: string, value: unknown, why: string): FieldError {
  return { type: 'FieldValueInvalid', field, text: `Invalid value: ${printedValue(value)}: ${why}` };
}

export function requiredField(field: string, why = ''): FieldError {
  return { type: 'FieldValueRequired', field, text: why === '' ? 'Required value' : `Required value: ${why}` };
}

export function forbiddenField(field: string, why: string): FieldError {
  return { type: 'FieldValueForbidden', field, text: `Forbidden: ${why}` };
}

export function immutableField(field: string, value: unknown): FieldError {
  return invalidValue(field, value, 'field is immutable');
}

export function unsupportedValue(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const list = supported.map(printedValue).join(', ');
  return {
    type: 'FieldValueNotSupported',
    field,
    text: `Unsupported value: ${printedValue(value)}: supported values: ${list}`,
  };
}

export function successStatus(details: JsonObject): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
