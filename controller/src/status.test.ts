import type { SealedSecretStatus, SecretRecord } from '@waxwing/shared';
import { describe, expect, it } from 'vitest';
import type { StatusContext, StatusOutcome } from './status.ts';
import { nextStatus } from './status.ts';

const record: SecretRecord = { uid: 's', resourceVersion: '7', specHash: 'h', rendererRevision: 1 };
const success: StatusOutcome = { synced: true, record };
const failure: StatusOutcome = { synced: false, reason: 'UnknownKey', message: 'no key could decrypt secret (a)' };
const context: StatusContext = {
  generation: 2,
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  controller: 'kube-system/one',
  prunesOwnFields: false,
};
const now = '2026-01-02T03:04:05Z';
const earlier = '2026-01-01T00:00:00Z';
const synced = (parts: Partial<SealedSecretStatus> = {}): SealedSecretStatus => ({
  observedGeneration: 2,
  conditions: [
    { type: 'Synced', status: 'True', lastUpdateTime: earlier, lastTransitionTime: earlier, reason: 'Unsealed' },
  ],
  secret: record,
  controller: 'kube-system/one',
  ...parts,
});

describe('nextStatus', () => {
  it('gives a fresh object equal transition and update times, in whole seconds', () => {
    const { status, changed } = nextStatus(undefined, success, context);
    expect(changed).toBe(true);
    expect(status).toEqual({
      observedGeneration: 2,
      conditions: [
        { type: 'Synced', status: 'True', lastUpdateTime: now, lastTransitionTime: now, reason: 'Unsealed' },
      ],
      secret: record,
      controller: 'kube-system/one',
    });
  });

  it('writes nothing when the same outcome comes again', () => {
    expect(nextStatus(synced(), success, context)).toMatchObject({ changed: false, outcomeChanged: false });
  });

  it('writes for a new generation and leaves the transition time', () => {
    const next = nextStatus(synced({ observedGeneration: 1 }), success, context);
    expect(next.changed).toBe(true);
    expect(next.status.conditions[0]).toMatchObject({ lastUpdateTime: now, lastTransitionTime: earlier });
  });

  it('moves the transition time when success becomes failure', () => {
    const next = nextStatus(synced(), failure, context);
    expect(next.status.conditions[0]).toMatchObject({
      status: 'False',
      reason: 'UnknownKey',
      message: 'no key could decrypt secret (a)',
      lastTransitionTime: now,
    });
  });

  it('clears the message on success', () => {
    const failed = nextStatus(undefined, failure, context).status;
    const [condition] = nextStatus(failed, success, context).status.conditions;
    expect(condition).not.toHaveProperty('message');
    expect(condition?.reason).toBe('Unsealed');
  });

  it('writes another reason or message at the same generation', () => {
    const failed = nextStatus(undefined, failure, context).status;
    expect(nextStatus(failed, failure, context).changed).toBe(false);
    expect(nextStatus(failed, { ...failure, message: 'something else' }, context).changed).toBe(true);
    expect(nextStatus(failed, { ...failure, reason: 'ScopeMismatch' } as StatusOutcome, context).changed).toBe(true);
  });

  it('keeps the conditions of others in their places', () => {
    const foreign = { type: 'Ready', status: 'Unknown', message: 'mine' } as const;
    const previous = { ...synced(), conditions: [foreign, ...synced().conditions] };
    const { conditions } = nextStatus(previous, failure, context).status;
    expect(conditions[0]).toEqual(foreign);
    expect(conditions).toHaveLength(2);
  });

  it('keeps the record of the last success when unsealing fails', () => {
    expect(nextStatus(synced(), failure, context).status.secret).toEqual(record);
  });

  it('refreshes a record whose Secret has another resource version, which nobody has to be told', () => {
    const next = nextStatus(synced(), { synced: true, record: { ...record, resourceVersion: '8' } }, context);
    expect(next).toMatchObject({ changed: true, outcomeChanged: false });
  });

  it('takes the record that upstream leaves out for a difference, but not for news', () => {
    const { secret: _, ...upstream } = synced();
    expect(nextStatus(upstream, success, context)).toMatchObject({ changed: true, outcomeChanged: false });
  });

  it('does not miss fields that the installed CRD drops', () => {
    const { secret: _, controller: __, ...pruned } = synced();
    expect(nextStatus(pruned, success, { ...context, prunesOwnFields: true }).changed).toBe(false);
  });

  it('does not fight over who wrote it', () => {
    expect(nextStatus(synced({ controller: 'kube-system/two' }), success, context).changed).toBe(false);
  });
});
