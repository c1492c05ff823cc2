import { describe, expect, it } from 'vitest';
import { managedAnnotation, patchAnnotation } from './api/annotations.ts';
import type { OwnerReference } from './api/sealed-secret.ts';
import { standingOf } from './ownership.ts';

const sealedSecret = { name: 'db', uid: 'uid-1' };
const owner = (parts: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'bitnami.com/v1alpha1',
  kind: 'SealedSecret',
  name: 'db',
  uid: 'uid-1',
  controller: true,
  ...parts,
});

describe('the standing of a Secret', () => {
  it.each([
    ['owned', 'it is controlled by the SealedSecret', [owner()], {}],
    ['leftover', 'it is controlled by an earlier one of that name', [owner({ uid: 'uid-0' })], {}],
    [
      'leftover',
      'that it may be taken over does not count then',
      [owner({ uid: 'uid-0' })],
      { [managedAnnotation]: 'true' },
    ],
    ['handed-over', 'it may be replaced', [], { [managedAnnotation]: 'true' }],
    ['handed-over', 'it may be added to', [], { [patchAnnotation]: 'true' }],
    [
      'handed-over',
      'somebody else controls it, and hands it over',
      [owner({ kind: 'App', uid: 'uid-9' })],
      { [managedAnnotation]: 'true' },
    ],
    ['foreign', 'nobody owns it', [], {}],
    ['foreign', 'the annotation says something else than true', [], { [managedAnnotation]: 'yes' }],
    ['foreign', 'another SealedSecret controls it', [owner({ name: 'other', uid: 'uid-0' })], {}],
    ['foreign', 'the reference does not control', [owner({ controller: false })], {}],
    [
      'foreign',
      'it is controlled by a SealedSecret of another group',
      [owner({ apiVersion: 'example.com/v1', uid: 'uid-0' })],
      {},
    ],
  ] as const)('is %s: %s', (standing, _, ownerReferences, annotations) => {
    expect(standingOf(sealedSecret, { ownerReferences, annotations: new Map(Object.entries(annotations)) })).toBe(
      standing,
    );
  });

  it('is terminating whatever else is true', () => {
    const secret = { ownerReferences: [owner()], annotations: new Map(), deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(standingOf(sealedSecret, secret)).toBe('terminating');
  });

  it('of a Secret for an object without uid is never owned', () => {
    const ownerReferences = [owner({ uid: '', name: 'x' })];
    expect(standingOf({ name: 'db' }, { ownerReferences, annotations: new Map() })).toBe('foreign');
  });
});
