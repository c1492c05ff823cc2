import { SealedSecretsError } from '@waxwing/shared';
import { aSealedSecret } from '@waxwing/shared/testing';
import { expect, test } from 'vitest';
import { ApiError } from './kube/errors.ts';
import { createStatusWriter } from './status-writer.ts';
import type { Target } from './target.ts';

const target: Target = {
  key: 'payments/db-credentials',
  namespace: 'payments',
  name: 'db-credentials',
  uid: 'a-uid',
  resourceVersion: '1',
  generation: 1,
  createdMs: undefined,
  specHash: 'a-hash',
  instanceLabel: '',
  status: undefined,
  sealedSecret: aSealedSecret(),
};
const failed = { synced: false, reason: 'UnknownKey', message: 'no key opens it' } as const;

function writerThatMeets(error: SealedSecretsError) {
  return createStatusWriter({
    sealedSecrets: {
      get: async () => undefined,
      updateStatus: async () => {
        throw error;
      },
    },
    specHashOf: () => 'a-hash',
    nowMs: () => 0,
    controller: 'kube-system/a',
    enabled: true,
    onPruning: () => {},
  });
}

test.each([
  ['of the object itself has nowhere to be written', 'db-credentials', 'stored'],
  ['of the whole resource, as without the CRD or from a proxy, is a failure that is tried again', '', 'failed'],
])('a status whose write is answered with "not found" %s', async (_what, objectName, type) => {
  const notFound = new ApiError('NotFound', 'not found', { status: 404, reason: 'NotFound', objectName });
  const written = await writerThatMeets(notFound).write(target, failed, new AbortController().signal);
  expect(written.type).toBe(type);
});

test('what is not a failure of the API is not taken for one', async () => {
  const defect = new TypeError('a defect') as unknown as SealedSecretsError;
  await expect(writerThatMeets(defect).write(target, failed, new AbortController().signal)).rejects.toThrow('a defect');
});

test('any failure of the API is handed on', async () => {
  const refused = new SealedSecretsError('ApiUnavailable', 'refused');
  const written = await writerThatMeets(refused).write(target, failed, new AbortController().signal);
  expect(written).toEqual({ type: 'failed', error: refused });
});
