import { SealedSecretsError, type Secret } from '@waxwing/shared';
import { aSecret } from '@waxwing/shared/testing';
import { describe, expect, it } from 'vitest';
import { type CleanUpDeps, cleanUp } from './leftovers.ts';
import { createTestLogger } from './testing.ts';

const owner = {
  apiVersion: 'bitnami.com/v1alpha1',
  kind: 'SealedSecret',
  name: 'db-credentials',
  uid: 'dead',
  controller: true,
};
type Metadata = NonNullable<NonNullable<Parameters<typeof aSecret>[0]>['metadata']>;
const secretOf = (metadata: Metadata = {}): Secret =>
  aSecret({ metadata: { uid: 's', resourceVersion: '7', ownerReferences: [owner], ...metadata } });
const request = {
  key: 'payments/db-credentials',
  namespace: 'payments',
  name: 'db-credentials',
  priority: 'resync',
  failures: 0,
  dueMs: 0,
  signal: new AbortController().signal,
} as const;

interface Parts {
  readonly sealedSecret?: unknown;
  readonly secret?: Secret | undefined;
  readonly overdueUid?: string | undefined;
  readonly oldGcBehavior?: boolean;
  readonly refusal?: SealedSecretsError;
}

/** A cluster whose SealedSecret is gone and whose Secret is overdue, but for what is given. */
function setUp(parts: Parts = {}) {
  const { sealedSecret, secret, overdueUid, oldGcBehavior, refusal } = {
    secret: secretOf(),
    overdueUid: 's',
    oldGcBehavior: false,
    ...parts,
  };
  const calls: string[] = [];
  const logger = createTestLogger();
  const deps: CleanUpDeps = {
    client: {
      sealedSecrets: {
        get: async () => {
          calls.push('get SealedSecret');
          return sealedSecret;
        },
      },
      secrets: {
        get: async () => secret,
        delete: async ({ uid, resourceVersion }: { uid: string; resourceVersion: string }) => {
          if (refusal !== undefined) throw refusal;
          calls.push(`delete ${uid} ${resourceVersion}`);
          return true;
        },
      },
    } as unknown as CleanUpDeps['client'],
    memory: { forget: () => {} },
    metrics: { objectDeleted: () => {} },
    orphans: { overdueUid: () => overdueUid },
    logger,
    settings: { oldGcBehavior },
  };
  return { run: () => cleanUp(request, deps), calls, logger };
}

describe('the Secret of a SealedSecret that is gone', () => {
  it('is left to the garbage collector, and nothing is asked', async () => {
    const { run, calls } = setUp({ overdueUid: undefined });
    expect(await run()).toEqual({ type: 'done', action: 'gone' });
    expect(calls).toEqual([]);
  });

  it('that no garbage collector took is deleted in the version that was looked at', async () => {
    const { run, calls, logger } = setUp();
    expect(await run()).toEqual({ type: 'done', action: 'deleted the Secret' });
    expect(calls).toEqual(['get SealedSecret', 'delete s 7']);
    expect(logger.records).toMatchObject([{ level: 'warn', attributes: { 'sealed-secret': request.key } }]);
  });

  it.each<[string, Parts]>([
    ['is another one by now', { secret: secretOf({ uid: 'other' }) }],
    ['has a further owner', { secret: secretOf({ ownerReferences: [owner, { ...owner, controller: false }] }) }],
    ['nobody controls', { secret: secretOf({ ownerReferences: [] }) }],
    ['something else controls', { secret: secretOf({ ownerReferences: [{ ...owner, kind: 'X' }] }) }],
    ['a SealedSecret of another name controls', { secret: secretOf({ ownerReferences: [{ ...owner, name: 'x' }] }) }],
    ['belongs to one that the API server has, whatever the cache says', { sealedSecret: {} }],
  ])('that %s is left alone', async (_what, parts) => {
    const { run, calls } = setUp(parts);
    expect(await run()).toMatchObject({ type: 'done', action: expect.stringMatching(/^left alone/) });
    expect(calls).toEqual(['get SealedSecret']);
  });

  it('that we may not delete is told with the command that does, and waits', async () => {
    const { run } = setUp({ refusal: new SealedSecretsError('ApiForbidden', 'forbidden') });
    const hint = 'Delete it: kubectl -n payments delete secret db-credentials';
    expect(await run()).toMatchObject({ type: 'wait', error: { code: 'WaitingForGarbageCollection', hint } });
  });

  it('that was changed meanwhile is looked at again', async () => {
    const { run } = setUp({ refusal: new SealedSecretsError('ApiConflict', 'changed') });
    await expect(run()).rejects.toMatchObject({ code: 'ApiConflict' });
  });

  it('is deleted at once with --old-gc-behavior', async () => {
    const { run, calls } = setUp({ overdueUid: undefined, oldGcBehavior: true });
    expect(await run()).toEqual({ type: 'done', action: 'deleted the Secret' });
    expect(calls).toEqual(['get SealedSecret', 'delete s 7']);
  });
});
