import { type ErrorCode, isSealedSecretsError, listAt, numberAt, SealedSecretsError, textAt } from '@waxwing/shared';
import { rbacRule } from '@waxwing/shared/settings';
import { redactFieldErrors, redactValues } from './redact.ts';

/** What was asked of the API server, for messages. */
export interface ApiCall {
  readonly verb: string;
  readonly group: string;
  /** Plural, with the subresource: `sealedsecrets/status`. */
  readonly resource: string;
  /** Empty: all namespaces, or cluster-scoped. */
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  /** What the request carried and no message may repeat. */
  readonly secretValues?: () => Iterable<Uint8Array>;
}

/** A failed call. `status` is the HTTP status, 0 if there was no answer. */
export class ApiError extends SealedSecretsError {
  readonly status: number;
  /** `reason` of the Status body, such as `AlreadyExists`; empty if there is none. Not to be shown: an admission webhook may have written it. */
  readonly reason: string;
  /** `details.name` of the Status body: the object it is about. Empty if the whole resource is not known. */
  readonly objectName: string;
  /** What the API server asked for in Retry-After. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    parts: {
      readonly status: number;
      readonly reason?: string;
      readonly objectName?: string;
      readonly retryAfterMs?: number | undefined;
      readonly hint?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(code, message, {
      ...(parts.hint === undefined ? {} : { hint: parts.hint }),
      ...(parts.cause === undefined ? {} : { cause: parts.cause }),
    });
    this.status = parts.status;
    this.reason = parts.reason ?? '';
    this.objectName = parts.objectName ?? '';
    this.retryAfterMs = parts.retryAfterMs;
  }

  /** A create failed because the name is taken. */
  get alreadyExists(): boolean {
    return this.reason === 'AlreadyExists';
  }

  /** The resource version or continue token is too old: list again from the start. */
  get gone(): boolean {
    return this.status === 410;
  }
}

const retryableCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ApiForbidden',
  'ApiUnavailable',
  'ApiConflict',
  'ApiRejected',
  'NotFound',
  'NamespaceTerminating',
  'QuotaExceeded',
]);

/** True if time alone may mend it. ImmutableSecret waits for somebody to delete the Secret instead. */
export function isRetryable(error: unknown): boolean {
  return isSealedSecretsError(error) && retryableCodes.has(error.code);
}

/** The whole message of an immutable Secret's refusal ends with this; upstream decides by it too. */
const immutableText = 'field is immutable when `immutable` is set';

/**
 * An answer of status 400 or more as one of our errors. The text of the API server is kept, without anything that could be a value
 * and without what differs from one attempt to the next.
 */
export function apiErrorFromResponse(call: ApiCall, status: number, body: unknown, retryAfterMs?: number): ApiError {
  const original = serverText(status, body);
  const reason = textAt(body, 'reason');
  const code = codeOf(call, status, reason, original);
  const text = original === '' ? `HTTP ${status}` : showable(call, status, body, original);
  const message = code === 'ApiForbidden' ? forbiddenText(call, status, text) : `${describeCall(call)}: ${text}`;
  const objectName = textAt(body, 'details', 'name');
  return new ApiError(code, message, { status, reason, objectName, retryAfterMs, hint: hintFor(code, call) });
}

function codeOf(call: ApiCall, status: number, reason: string, text: string): ErrorCode {
  switch (status) {
    case 401:
      return 'ApiForbidden';
    case 403:
      return forbiddenCode(text);
    case 404:
      return 'NotFound';
    case 409:
    case 410:
    case 412:
      return 'ApiConflict';
    case 422:
      return call.resource === 'secrets' && text.includes(immutableText) ? 'ImmutableSecret' : 'ApiRejected';
    case 408:
    case 429:
      return 'ApiUnavailable';
    default:
      return status >= 500 || reason === 'Timeout' ? 'ApiUnavailable' : 'ApiRejected';
  }
}

/** RBAC, namespaces, quotas and admission all answer 403. */
function forbiddenCode(text: string): ErrorCode {
  if (text.includes('because it is being terminated')) return 'NamespaceTerminating';
  if (text.includes('exceeded quota') || text.includes('failed quota')) return 'QuotaExceeded';
  if (text.includes('denied the request') || text.includes('denied request')) return 'ApiRejected';
  return / cannot [a-z]+ resource /.test(text) || !text.includes(' is forbidden: ') ? 'ApiForbidden' : 'ApiRejected';
}

/** More of a text is not looked at: somebody else decides how long it is. */
const longestServerText = 8192;
const mostCauses = 64;

/** What the API server says, without what it calls values; empty if it says nothing. */
function serverText(status: number, body: unknown): string {
  const plain = (text: string) => redactFieldErrors(text.slice(0, longestServerText));
  const listed = listAt(body, 'details', 'causes').slice(0, mostCauses);
  const causes = listed.map((cause) => {
    const field = textAt(cause, 'field').slice(0, longestServerText);
    const message = plain(textAt(cause, 'message'));
    return field === '' ? message : `${field}: ${message}`;
  });
  // The causes of a rejected document repeat its message, field by field, and their values end where the text ends.
  const text = status === 422 && causes.length > 0 ? causes.join(', ') : plain(textAt(body, 'message'));
  return withoutCounts(text.slice(0, longestServerText));
}

function showable(call: ApiCall, status: number, body: unknown, text: string): string {
  if (call.secretValues === undefined) return text;
  return redactValues(text, call.secretValues()) ?? `HTTP ${status}${withheldText(body, text)}`;
}

/** Of an answer that cannot be searched for values: what can be none, because it is a word of Kubernetes or a name of the cluster. */
function withheldText(body: unknown, text: string): string {
  const facts = new Set<string>();
  const reason = textAt(body, 'reason');
  if (statusReasons.has(reason)) facts.add(reason);
  for (const cause of listAt(body, 'details', 'causes').slice(0, mostCauses)) {
    const field = textAt(cause, 'field');
    const what = [fieldsOfSecrets.has(field) ? field : '', causeReasonOf(cause)].filter((part) => part !== '');
    if (what.length > 0) facts.add(what.join(': '));
  }
  const webhook = /^admission webhook "[a-z0-9.-]{1,253}" denied the request(?=:| without)/.exec(text);
  if (webhook !== null) facts.add(webhook[0]);
  const known = facts.size === 0 ? '' : ` ${[...facts].join(', ')}`;
  return `${known} (the rest of the answer is left out: the Secret is too large to search the text for its values)`;
}

function causeReasonOf(cause: unknown): string {
  const reason = textAt(cause, 'reason');
  return causeReasons.has(reason) ? reason : '';
}

/** `StatusReason` and `CauseType` of apimachinery's meta/v1 and validation/field, as far as writes get them. */
const statusReasons: ReadonlySet<string> = new Set([
  'AlreadyExists',
  'BadRequest',
  'Conflict',
  'Forbidden',
  'InternalError',
  'Invalid',
  'NotAcceptable',
  'NotFound',
  'RequestEntityTooLarge',
  'ServerTimeout',
  'ServiceUnavailable',
  'Timeout',
  'TooManyRequests',
  'Unauthorized',
  'UnsupportedMediaType',
]);
const causeReasons: ReadonlySet<string> = new Set([
  'FieldValueDuplicate',
  'FieldValueForbidden',
  'FieldValueInvalid',
  'FieldValueNotFound',
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
  'UnexpectedServerResponse',
]);
const fieldsOfSecrets: ReadonlySet<string> = new Set([
  'data',
  'immutable',
  'metadata',
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.ownerReferences',
  'type',
]);

/** Messages become conditions, and those must not change with every attempt. */
function withoutCounts(text: string): string {
  return text.replace(/, used: [^:]*?(?=, limited: |$)/g, '');
}

function forbiddenText(call: ApiCall, status: number, text: string): string {
  if (status === 401) return `${describeCall(call)}: the API server refused the controller's credentials (401)`;
  return `the controller may not ${describeCall(call)}: ${text}`;
}

function hintFor(code: ErrorCode, call: ApiCall): string | undefined {
  switch (code) {
    case 'ApiForbidden':
      return `grant it with this RBAC rule: ${rbacRule(call)}`;
    case 'ImmutableSecret':
      return `delete the Secret and it is made again: kubectl -n ${call.namespace} delete secret ${call.name}`;
    case 'QuotaExceeded':
      return `raise the quota or delete what is not needed: kubectl -n ${call.namespace} describe resourcequota`;
    default:
      return undefined;
  }
}

/** `create secrets "a/b"`: the call for people. */
export function describeCall(call: ApiCall): string {
  const where = call.namespace === '' ? '' : ` in namespace ${JSON.stringify(call.namespace)}`;
  const what = call.name === '' ? '' : ` ${JSON.stringify(call.name)}`;
  return `${call.verb} ${call.resource}${what}${where}`;
}

/** No answer at all, or one cut short. */
export function apiErrorFromNetwork(call: ApiCall, error: unknown): ApiError {
  const code = textAt(error, 'code');
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    EPIPE: 'connection closed',
    ETIMEDOUT: 'connection timed out',
    EHOSTUNREACH: 'host unreachable',
    ENETUNREACH: 'network unreachable',
    ENOTFOUND: 'host name not found',
    EAI_AGAIN: 'host name not found',
    ERR_TIMEOUT: 'no answer in time',
  };
  const reason = reasons[code] ?? (code === '' ? 'the connection failed' : code);
  return new ApiError('ApiUnavailable', `${describeCall(call)}: cannot reach the API server: ${reason}`, {
    status: 0,
    cause: error,
  });
}

/** True if the server's certificate was refused: the CA may have been replaced. */
export function isCertificateFailure(error: unknown): boolean {
  const code = textAt(error, 'code');
  return (
    /^(ERR_TLS_|CERT_|ERR_SSL_|ERR_OSSL_|SELF_SIGNED_|UNABLE_TO_)/.test(code) || code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
  );
}

/** An ERROR event of a watch: its object is a Status. */
export function apiErrorFromStatus(call: ApiCall, status: unknown): ApiError {
  return apiErrorFromResponse(call, numberAt(status, 'code') ?? 500, status);
}
