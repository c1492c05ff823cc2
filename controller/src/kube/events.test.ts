import type { DocumentMap } from '@waxwing/shared';
import { describe, expect, test } from 'vitest';
import { createTestLogger } from '../testing.ts';
import { ApiError } from './errors.ts';
import { createEventRecorder, type EventToPost, eventName } from './events.ts';

const event: EventToPost = {
  subject: {
    apiVersion: 'bitnami.com/v1alpha1',
    kind: 'SealedSecret',
    namespace: 'payments',
    name: 'db',
    uid: 'uid-1',
    resourceVersion: '7',
  },
  type: 'Normal',
  reason: 'Unsealed',
  message: 'SealedSecret unsealed successfully',
  identity: ['1', 'Unsealed', 'secret-uid'],
};

/** Keeps events by name, as the API server does. */
function aRecorder(failure?: ApiError) {
  const stored = new Map<string, DocumentMap>();
  const logger = createTestLogger();
  const posted: string[] = [];
  const clock = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 678) };
  const server: { failure: ApiError | undefined } = { failure };
  const timers: { ms: number; run: () => void }[] = [];
  const recorder = createEventRecorder({
    events: {
      async create(namespace, document) {
        if (server.failure !== undefined) throw server.failure;
        const metadata = document.get('metadata') as DocumentMap;
        const key = `${namespace}/${metadata.get('name')}`;
        if (stored.has(key)) return 'exists';
        stored.set(key, document);
        return 'created';
      },
    },
    logger,
    metrics: { eventPosted: (result) => posted.push(result) },
    instance: 'pod-1',
    now: () => clock.ms,
    timers: {
      after(ms, run) {
        timers.push({ ms, run });
        return () => {};
      },
    },
    random: () => 0.5,
  });
  return { recorder, stored, logger, posted, clock, server, timers };
}

describe('events', () => {
  test("have upstream's fields", async () => {
    const { recorder, stored } = aRecorder();
    expect(await recorder.post(event)).toBe('created');
    const [document] = stored.values();
    expect(document?.get('source')).toEqual(new Map([['component', 'sealed-secrets']]));
    expect(document?.get('reportingComponent')).toBe('sealed-secrets');
    expect(document?.get('involvedObject')).toEqual(new Map(Object.entries(event.subject)));
    expect(document?.get('firstTimestamp')).toBe('2026-01-02T03:04:05Z');
    expect([document?.get('type'), document?.get('reason'), document?.get('message'), document?.get('count')]).toEqual([
      'Normal',
      'Unsealed',
      'SealedSecret unsealed successfully',
      1,
    ]);
  });

  test('the same outcome of the same object is posted once, also by another process at another time', async () => {
    const { recorder, posted, clock } = aRecorder();
    await recorder.post(event);
    clock.ms += 3_600_000;
    await recorder.post({ ...event, message: 'in other words', subject: { ...event.subject, resourceVersion: '99' } });
    expect(posted).toEqual(['created', 'exists']);
  });

  test.each([
    ['another uid', { subject: { ...event.subject, uid: 'uid-2' } }],
    ['another generation', { identity: ['2', 'Unsealed', 'secret-uid'] }],
    ['another Secret', { identity: ['1', 'Unsealed', 'secret-uid-2'] }],
    ['another reason', { reason: 'ErrUnsealFailed' }],
  ])('%s makes another name', (_what, change) => {
    expect(eventName({ ...event, ...change })).not.toBe(eventName(event));
  });

  test('names are valid however long the object is named', () => {
    const name = eventName({ ...event, subject: { ...event.subject, name: `${'a'.repeat(235)}.-${'b'.repeat(16)}` } });
    expect(name.length).toBeLessThanOrEqual(253);
    expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
  });

  test('long messages are cut at a character', async () => {
    const { recorder, stored } = aRecorder();
    await recorder.post({ ...event, message: 'é'.repeat(2000) });
    const [document] = stored.values();
    const message = String(document?.get('message'));
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(message).toMatch(/^é+\.\.\.$/);
  });

  test('one object gets 25 events at once and then one every five minutes', async () => {
    const { recorder, posted, clock } = aRecorder();
    for (let i = 0; i < 27; i++) await recorder.post({ ...event, identity: [String(i)] });
    expect(posted.filter((result) => result === 'created')).toHaveLength(25);
    expect(await recorder.post({ ...event, subject: { ...event.subject, uid: 'other' } })).toBe('created');
    clock.ms += 300_000;
    expect(await recorder.post({ ...event, identity: ['later'] })).toBe('created');
    expect(await recorder.post({ ...event, identity: ['too soon'] })).toBe('limited');
  });

  test('a refused event is counted, said once, and fails nothing', async () => {
    const { recorder, posted, logger } = aRecorder(
      new ApiError('ApiForbidden', 'may not create events', { status: 403 }),
    );
    for (const uid of ['a', 'b', 'c']) await recorder.post({ ...event, subject: { ...event.subject, uid } });
    expect(posted).toEqual(['failed', 'failed', 'failed']);
    expect(logger.records.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  test('an event that the API server could not take is posted again until it does, later each time', async () => {
    const { recorder, stored, posted, server, timers } = aRecorder(
      new ApiError('ApiUnavailable', 'internal error', { status: 500 }),
    );
    expect(await recorder.post(event)).toBe('failed');
    const pass = async () => {
      timers.at(-1)?.run();
      await new Promise(setImmediate);
    };
    await pass();
    server.failure = undefined;
    await pass();
    expect(timers.map(({ ms }) => ms)).toEqual([750, 1500]);
    expect(posted).toEqual(['failed', 'failed', 'created']);
    expect(stored.size).toBe(1);
  });

  test('one that is forbidden is not', async () => {
    const { recorder, timers } = aRecorder(new ApiError('ApiForbidden', 'may not create events', { status: 403 }));
    await recorder.post(event);
    expect(timers).toEqual([]);
  });
});
