import { describe, expect, test } from 'vitest';
import {
  type ApiCall,
  ApiError,
  apiErrorFromNetwork,
  apiErrorFromResponse,
  isCertificateFailure,
  isRetryable,
} from './errors.ts';

const call: ApiCall = { verb: 'update', group: '', resource: 'secrets', namespace: 'payments', name: 'db' };

function statusBody(parts: { reason?: string; message?: string; causes?: unknown[] }): unknown {
  const { causes, ...rest } = parts;
  return {
    kind: 'Status',
    ...rest,
    details: { name: 'db', kind: 'secrets', ...(causes === undefined ? {} : { causes }) },
  };
}

const rbac =
  'secrets "db" is forbidden: User "system:serviceaccount:kube-system:ssc" cannot update resource "secrets" in API group "" in the namespace "payments"';
const terminating =
  'secrets "db" is forbidden: unable to create new content in namespace payments because it is being terminated';
const quota =
  'secrets "db" is forbidden: exceeded quota: small, requested: secrets=1, used: secrets=3, limited: secrets=3';

describe('failures of the API', () => {
  test.each([
    [401, { message: 'Unauthorized' }, 'ApiForbidden'],
    [403, { message: rbac }, 'ApiForbidden'],
    [403, { message: terminating }, 'NamespaceTerminating'],
    [403, { message: quota }, 'QuotaExceeded'],
    [403, { message: 'admission webhook "p.example" denied the request: no' }, 'ApiRejected'],
    [
      403,
      { message: 'secrets "db" is forbidden: ValidatingAdmissionPolicy "p" with binding "b" denied request: no' },
      'ApiRejected',
    ],
    [404, { reason: 'NotFound', message: 'secrets "db" not found' }, 'NotFound'],
    [409, { reason: 'Conflict', message: 'the object has been modified' }, 'ApiConflict'],
    [409, { reason: 'AlreadyExists', message: 'secrets "db" already exists' }, 'ApiConflict'],
    [410, { reason: 'Expired', message: 'too old resource version' }, 'ApiConflict'],
    [413, { message: 'Request entity too large' }, 'ApiRejected'],
    [422, { reason: 'Invalid', message: 'Secret "db" is invalid' }, 'ApiRejected'],
    [429, { reason: 'TooManyRequests', message: 'slow down' }, 'ApiUnavailable'],
    [500, { message: 'etcdserver: request timed out' }, 'ApiUnavailable'],
    [503, undefined, 'ApiUnavailable'],
    [504, { reason: 'Timeout', message: 'timeout' }, 'ApiUnavailable'],
  ])('%i %j is %s', (status, body, code) => {
    expect(apiErrorFromResponse(call, status, body === undefined ? undefined : statusBody(body)).code).toBe(code);
  });

  test('an immutable Secret is told from other refusals, alone or among several causes', () => {
    const field = 'field is immutable when `immutable` is set';
    const one = statusBody({ message: `Secret "db" is invalid: data: Forbidden: ${field}` });
    expect(apiErrorFromResponse(call, 422, one)).toMatchObject({
      code: 'ImmutableSecret',
      hint: expect.stringContaining('kubectl -n payments delete secret db'),
    });
    const causes = [
      { field: 'data', message: `Forbidden: ${field}` },
      { field: 'type', message: 'Invalid value: "b": field is immutable' },
    ];
    const several = apiErrorFromResponse(call, 422, statusBody({ message: 'Secret "db" is invalid: [...]', causes }));
    expect(several.code).toBe('ImmutableSecret');
    expect(isRetryable(several)).toBe(false);
  });

  test('what is forbidden is named with the rule that would grant it', () => {
    const error = apiErrorFromResponse(
      { ...call, group: 'bitnami.com', resource: 'sealedsecrets/status' },
      403,
      statusBody({ message: rbac }),
    );
    expect(error.message).toContain('may not update sealedsecrets/status "db" in namespace "payments"');
    expect(error.hint).toContain('{apiGroups: ["bitnami.com"], resources: [sealedsecrets/status], verbs: [update]}');
  });

  test('no value of a Secret gets into a message, whoever quotes it', () => {
    const canary = 'canary-value-4711';
    const base64 = Buffer.from(canary).toString('base64');
    const secretValues = () => [Buffer.from(canary)];
    const bodies = [
      statusBody({ message: `admission webhook "p" denied the request: password is ${canary}` }),
      statusBody({ message: `Secret "db" is invalid: data[p]: Invalid value: "${base64}": bad` }),
      statusBody({
        message: 'Secret "db" is invalid',
        causes: [{ reason: 'FieldValueInvalid', field: 'data[p]', message: `Invalid value: "${canary}": bad` }],
      }),
      statusBody({ message: `error decoding: ${base64.slice(0, 14)} is not base64` }),
    ];
    for (const body of bodies) {
      for (const status of [400, 403, 422, 500]) {
        const error = apiErrorFromResponse({ ...call, secretValues }, status, body);
        const all = `${error.message} ${error.hint} ${JSON.stringify(error)}`;
        expect(all).not.toContain('canary-v');
        for (let at = 0; at + 8 <= base64.length; at++) expect(all).not.toContain(base64.slice(at, at + 8));
      }
    }
  });

  test('of a Secret too large to be searched for, what can be no value is told, and nothing else', () => {
    const canary = 'canary-value-4711';
    const secretValues = () => [Buffer.from(canary), Buffer.alloc(1024 * 1024, 7)];
    const ofLarge = (status: number, body: unknown) => apiErrorFromResponse({ ...call, secretValues }, status, body);
    const webhook = ofLarge(
      403,
      statusBody({ reason: canary, message: `admission webhook "p.example" denied the request: it is ${canary}` }),
    );
    expect(webhook.code).toBe('ApiRejected');
    expect(webhook.message).toContain('HTTP 403 admission webhook "p.example" denied the request (the rest');
    const causes = [
      { reason: 'FieldValueTooLong', field: 'data', message: `Too long: ${canary}` },
      { reason: canary, field: `data[${canary}]`, message: canary },
    ];
    const invalid = ofLarge(422, statusBody({ reason: 'Invalid', message: canary, causes }));
    expect(invalid.message).toContain('HTTP 422 Invalid, data: FieldValueTooLong (the rest');
    for (const { message } of [webhook, invalid]) expect(message).not.toContain('canary');
    expect(ofLarge(403, statusBody({ message: quota })).code).toBe('QuotaExceeded');
    expect(ofLarge(503, undefined).message).toBe('update secrets "db" in namespace "payments": HTTP 503');
  });

  test('a text of any length is read to a bound', () => {
    const long = statusBody({
      message: `${', used: '.repeat(1_000_000)}`,
      causes: Array(100_000).fill({ field: 'f' }),
    });
    for (const status of [403, 422]) {
      expect(apiErrorFromResponse(call, status, long).message.length).toBeLessThan(10_000);
    }
  });

  test('messages do not change from one attempt to the next: what a quota has used is left out', () => {
    const error = apiErrorFromResponse(call, 403, statusBody({ message: quota }));
    expect(error.message).toContain('exceeded quota: small, requested: secrets=1, limited: secrets=3');
    expect(error.message).not.toContain('used');
  });

  test.each([
    ['ECONNREFUSED', 'connection refused'],
    ['ERR_TIMEOUT', 'no answer in time'],
    ['ENOTFOUND', 'host name not found'],
    ['E_ODD', 'E_ODD'],
  ])('no answer because of %s is said without addresses', (code, text) => {
    const error = apiErrorFromNetwork(call, Object.assign(new Error('connect 10.0.0.1:443'), { code }));
    expect(error).toMatchObject({ code: 'ApiUnavailable', status: 0 });
    expect(error.message).toContain(text);
    expect(error.message).not.toContain('10.0.0.1');
  });

  test('what time may mend is retryable', () => {
    const codes = [
      'ApiForbidden',
      'ApiUnavailable',
      'ApiConflict',
      'ApiRejected',
      'NotFound',
      'NamespaceTerminating',
      'QuotaExceeded',
    ] as const;
    for (const code of codes) expect(isRetryable(new ApiError(code, '', { status: 0 }))).toBe(true);
    expect(isRetryable(new ApiError('ImmutableSecret', '', { status: 422 }))).toBe(false);
    expect(isRetryable(new Error('x'))).toBe(false);
  });

  test('an unknown authority is told from other network failures', () => {
    const failure = (code: string) => Object.assign(new Error('x'), { code });
    expect(isCertificateFailure(failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'))).toBe(true);
    expect(isCertificateFailure(failure('SELF_SIGNED_CERT_IN_CHAIN'))).toBe(true);
    expect(isCertificateFailure(failure('CERT_HAS_EXPIRED'))).toBe(true);
    expect(isCertificateFailure(failure('ECONNRESET'))).toBe(false);
  });
});
