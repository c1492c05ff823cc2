import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import {
  aConfigMap,
  aSealedSecret,
  aSecret,
  corePath,
  mediaTypes,
  refuse,
  sealedSecretPath,
  startSuite,
  succeed,
} from './suite.ts';

const { server, admin, namespace } = await startSuite();

const configMaps = corePath(namespace, 'configmaps');
const secrets = corePath(namespace, 'secrets');
const sealedSecrets = sealedSecretPath(namespace);

const isGone = async (path: string) => (await admin.request('GET', path)).status === 404;
const setFinalizers = (path: string, finalizers: string[]) =>
  succeed(admin.request('PATCH', path, { metadata: { finalizers } }, mediaTypes.mergePatch));

function ownerReference(owner: Json, extra: object = {}): Json {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, ...extra };
}

function anOwnedSecret(name: string, ownerReferences: Json[]): Json {
  return aSecret(name, { metadata: { name, ownerReferences } });
}

describe('a deletion with preconditions', () => {
  it('of another uid or version is refused with 409 and deletes nothing', async () => {
    const created = await succeed(admin.request('POST', configMaps, aConfigMap('guarded')));
    const { uid, resourceVersion } = created.metadata;
    for (const preconditions of [{ uid: '11111111-2222-3333-4444-555555555555' }, { uid, resourceVersion: '1' }]) {
      const status = await refuse(admin.request('DELETE', `${configMaps}/guarded`, { preconditions }), 409, 'Conflict');
      expect(status.message).toMatch(/[Pp]recondition/);
    }
    await succeed(admin.request('DELETE', `${configMaps}/guarded`, { preconditions: { uid, resourceVersion } }));
    expect(await isGone(`${configMaps}/guarded`)).toBe(true);
  });

  it('or options that cannot be is refused with 422', async () => {
    await succeed(admin.request('POST', configMaps, aConfigMap('kept')));
    for (const options of [{ propagationPolicy: 'Odd' }, { propagationPolicy: 'Orphan', orphanDependents: true }]) {
      await refuse(admin.request('DELETE', `${configMaps}/kept`, options), 422, 'Invalid');
    }
    expect(await isGone(`${configMaps}/kept`)).toBe(false);
  });

  it('with a body of another kind is refused with 400', async () => {
    await refuse(
      admin.request('DELETE', `${configMaps}/kept`, { apiVersion: 'v1', kind: 'ConfigMap' }),
      400,
      'BadRequest',
    );
  });

  it('holds for SealedSecrets too', async () => {
    await succeed(admin.request('POST', sealedSecrets, aSealedSecret('guarded')));
    const wrong = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'another' } };
    await refuse(admin.request('DELETE', `${sealedSecrets}/guarded`, wrong), 409, 'Conflict');
  });
});

describe('an object with finalizers', () => {
  it('is marked by deletion, can still be changed, takes no new finalizers, and goes with the last one', async () => {
    for (const [collection, object] of [
      [secrets, aSecret('final')],
      [sealedSecrets, aSealedSecret('final')],
    ] as const) {
      const item = `${collection}/final`;
      await succeed(
        admin.request('POST', collection, { ...object, metadata: { name: 'final', finalizers: ['waxwing.dev/test'] } }),
      );
      const marked = await succeed(admin.request('DELETE', item));
      expect(marked).toMatchObject({
        kind: object.kind,
        metadata: { deletionTimestamp: expect.stringMatching(/Z$/), deletionGracePeriodSeconds: 0 },
      });
      const labelled = await succeed(
        admin.request('PATCH', item, { metadata: { labels: { a: 'b' } } }, mediaTypes.mergePatch),
      );
      expect(labelled.metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp);
      const again = await succeed(admin.request('DELETE', item));
      expect(again.metadata.deletionTimestamp).toBe(marked.metadata.deletionTimestamp);
      const more = { metadata: { finalizers: ['waxwing.dev/test', 'waxwing.dev/more'] } };
      await refuse(admin.request('PATCH', item, more, mediaTypes.mergePatch), 422, 'Invalid');

      await using watch = await admin.watch(
        `${collection}?watch=true&fieldSelector=metadata.name%3Dfinal&resourceVersion=${again.metadata.resourceVersion}`,
      );
      await setFinalizers(item, []);
      const events = await watch.until((event) => event.type === 'DELETED');
      // The last that is seen of it is how it was before the change that ended it.
      expect(events.at(-1)?.object.metadata).toMatchObject({
        deletionTimestamp: marked.metadata.deletionTimestamp,
        finalizers: ['waxwing.dev/test'],
      });
      expect(await isGone(item)).toBe(true);
    }
  });

  it('with a finalizer that is no qualified name is refused', async () => {
    const bad = { metadata: { name: 'bad-final', finalizers: ['not qualified!'] } };
    await refuse(admin.request('POST', secrets, aSecret('bad-final', bad)), 422, 'Invalid');
  });
});

describe('deleting a collection', () => {
  it('deletes what the selector finds and answers with it', async () => {
    for (const name of ['c1', 'c2', 'c3']) {
      const labels = name === 'c3' ? {} : { batch: 'yes' };
      await succeed(admin.request('POST', configMaps, aConfigMap(name, labels)));
    }
    const answer = await succeed(admin.request('DELETE', `${configMaps}?labelSelector=batch%3Dyes`));
    expect(answer.kind).toBe('ConfigMapList');
    expect(answer.items.map((item: Json) => item.metadata.name)).toEqual(['c1', 'c2']);
    expect(await isGone(`${configMaps}/c1`)).toBe(true);
    expect(await isGone(`${configMaps}/c3`)).toBe(false);
  });
});

/**
 * Waits until the garbage collector knows all Secrets made so far: it sees them in order, and takes the last one, whose owner never was. Whoever
 * deletes an owner before that finds it gone without its dependents having been looked at.
 */
async function collectorKnowsSecrets(owner: Json): Promise<void> {
  const name = `last-of-${owner.metadata.name}`;
  const dead = ownerReference(owner, { uid: '88888888-8888-4888-8888-888888888888', controller: true });
  await succeed(admin.request('POST', secrets, anOwnedSecret(name, [dead])));
  await waitFor(() => isGone(`${secrets}/${name}`), { what: 'the collector to come by', timeoutMs: 20_000 });
}

describe.concurrent('the garbage collector', () => {
  it('deletes what a deleted owner controlled', async () => {
    const owner = await succeed(admin.request('POST', sealedSecrets, aSealedSecret('owner')));
    await succeed(
      admin.request('POST', secrets, anOwnedSecret('owned', [ownerReference(owner, { controller: true })])),
    );
    await succeed(admin.request('DELETE', `${sealedSecrets}/owner`));
    await waitFor(() => isGone(`${secrets}/owned`), { what: 'the owned Secret to be gone', timeoutMs: 20_000 });
  });

  it('keeps an object that has another living owner, and takes the dead one off its list', async () => {
    const first = await succeed(admin.request('POST', sealedSecrets, aSealedSecret('first-owner')));
    const second = await succeed(admin.request('POST', configMaps, aConfigMap('second-owner')));
    const owners = [ownerReference(first), ownerReference(second)];
    await succeed(admin.request('POST', secrets, anOwnedSecret('shared', owners)));
    await succeed(admin.request('DELETE', `${sealedSecrets}/first-owner`));
    const left = await waitFor(
      async () => {
        const { metadata } = await succeed(admin.request('GET', `${secrets}/shared`));
        return metadata.ownerReferences.length === 1 && metadata.ownerReferences;
      },
      { what: 'the dead owner to be removed', timeoutMs: 20_000 },
    );
    expect(left[0].uid).toBe(second.metadata.uid);
  });

  it('deletes an object whose owner of that uid never was, though another has its name', async () => {
    const living = await succeed(admin.request('POST', sealedSecrets, aSealedSecret('reborn-owner')));
    const dead = ownerReference(living, { uid: '99999999-9999-4999-9999-999999999999', controller: true });
    await succeed(admin.request('POST', secrets, anOwnedSecret('orphan-of-old', [dead])));
    await waitFor(() => isGone(`${secrets}/orphan-of-old`), { what: 'the Secret to be gone', timeoutMs: 20_000 });
    expect(await isGone(`${sealedSecrets}/reborn-owner`)).toBe(false);
  });

  it('with Orphan leaves the dependents and takes the reference off them', async () => {
    const owner = await succeed(admin.request('POST', sealedSecrets, aSealedSecret('orphaner')));
    await succeed(admin.request('POST', secrets, anOwnedSecret('orphaned', [ownerReference(owner)])));
    await collectorKnowsSecrets(owner);
    await succeed(admin.request('DELETE', `${sealedSecrets}/orphaner`, { propagationPolicy: 'Orphan' }));
    await waitFor(() => isGone(`${sealedSecrets}/orphaner`), { what: 'the owner to be gone', timeoutMs: 20_000 });
    const { metadata } = await succeed(admin.request('GET', `${secrets}/orphaned`));
    expect(metadata.ownerReferences ?? []).toEqual([]);
  });

  it('with Foreground keeps the owner, marked, until its blocking dependents are gone', async () => {
    const owner = await succeed(admin.request('POST', sealedSecrets, aSealedSecret('foreground')));
    const blocking = ownerReference(owner, { blockOwnerDeletion: true });
    const dependent = anOwnedSecret('blocking', [blocking]);
    dependent.metadata.finalizers = ['waxwing.dev/test'];
    await succeed(admin.request('POST', secrets, dependent));
    await collectorKnowsSecrets(owner);
    const marked = await succeed(admin.request('DELETE', `${sealedSecrets}/foreground?propagationPolicy=Foreground`));
    expect(marked.metadata.finalizers).toEqual(['foregroundDeletion']);
    await waitFor(
      async () => (await succeed(admin.request('GET', `${secrets}/blocking`))).metadata.deletionTimestamp !== undefined,
      { what: 'the dependent to be marked', timeoutMs: 20_000 },
    );
    expect(await isGone(`${sealedSecrets}/foreground`)).toBe(false);
    await setFinalizers(`${secrets}/blocking`, []);
    await waitFor(() => isGone(`${sealedSecrets}/foreground`), { what: 'the owner to be gone', timeoutMs: 20_000 });
  });
});

describe('deleting a namespace', () => {
  it('terminates it: nothing new is accepted with the cause NamespaceTerminating, everything in it goes, then itself', async () => {
    const doomed = await createNamespace(server, { generateName: 'doomed-' });
    const held = aConfigMap('held');
    held.metadata.finalizers = ['waxwing.dev/test'];
    await succeed(admin.request('POST', corePath(doomed, 'configmaps'), held));
    await succeed(admin.request('POST', corePath(doomed, 'secrets'), aSecret('inside')));
    await succeed(admin.request('POST', sealedSecretPath(doomed), aSealedSecret('inside')));

    const deleted = await succeed(admin.request('DELETE', `/api/v1/namespaces/${doomed}`));
    expect(deleted).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
    const refusal = await refuse(admin.request('POST', corePath(doomed, 'secrets'), aSecret('late')), 403, 'Forbidden');
    expect(refusal.details.causes).toEqual([
      expect.objectContaining({ reason: 'NamespaceTerminating', field: 'metadata.namespace' }),
    ]);
    expect(refusal.message).toContain(`because it is being terminated`);

    await waitFor(() => isGone(corePath(doomed, 'secrets', 'inside')), {
      what: 'the Secret to be gone',
      timeoutMs: 20_000,
    });
    await waitFor(() => isGone(sealedSecretPath(doomed, 'inside')), { what: 'the SealedSecret to be gone' });
    expect(await isGone(`/api/v1/namespaces/${doomed}`)).toBe(false);
    await setFinalizers(corePath(doomed, 'configmaps', 'held'), []);
    await waitFor(() => isGone(`/api/v1/namespaces/${doomed}`), {
      what: 'the namespace to be gone',
      timeoutMs: 40_000,
    });
  });

  it('takes the Pods first, and leaves everything else as it is while one of them stays', async () => {
    const doomed = await createNamespace(server, { generateName: 'doomed-' });
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'held', finalizers: ['waxwing.dev/test'] },
      spec: { containers: [{ name: 'main', image: 'none' }] },
    };
    await succeed(admin.request('POST', corePath(doomed, 'pods'), pod));
    await succeed(admin.request('POST', corePath(doomed, 'secrets'), aSecret('inside')));
    await succeed(admin.request('DELETE', `/api/v1/namespaces/${doomed}`));
    await waitFor(
      async () => {
        const { metadata } = await succeed(admin.request('GET', corePath(doomed, 'pods', 'held')));
        return metadata.deletionTimestamp !== undefined;
      },
      { what: 'the Pod to be marked', timeoutMs: 20_000 },
    );
    const inside = await succeed(admin.request('GET', corePath(doomed, 'secrets', 'inside')));
    expect(inside.metadata.deletionTimestamp).toBeUndefined();
    await setFinalizers(corePath(doomed, 'pods', 'held'), []);
    await waitFor(() => isGone(`/api/v1/namespaces/${doomed}`), {
      what: 'the namespace to be gone',
      timeoutMs: 40_000,
    });
  });
});
