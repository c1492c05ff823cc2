import { isSealedSecretsError, SealedSecretsError, type Secret } from '@waxwing/shared';
import type { KubeClient } from './kube/api.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { ObjectMemory } from './object-memory.ts';
import type { Orphans } from './orphans.ts';
import type { Outcome, ReconcileRequest } from './outcome.ts';
import { isAbandoned, mayDeleteLeftover } from './plan.ts';
import { type Target, targetOf } from './target.ts';

/**
 * How long the garbage collector is waited for. It takes seconds. It never comes for a Secret whose owner was deleted and made again while it
 * could not watch: in its cache the new one has replaced the old one under the same name.
 */
export const collectionPatienceMs = 60_000;

export interface CleanUpDeps {
  readonly client: Pick<KubeClient, 'secrets' | 'sealedSecrets'>;
  readonly memory: Pick<ObjectMemory, 'forget'>;
  readonly metrics: Pick<Metrics, 'objectDeleted'>;
  readonly orphans: Pick<Orphans, 'overdueUid'>;
  readonly logger: Logger;
  readonly settings: { readonly oldGcBehavior: boolean };
}

/**
 * The SealedSecret is gone. Normally the garbage collector takes the Secret with it; we do with `--old-gc-behavior`, and when it does not come.
 * The API server has to confirm that the SealedSecret does not exist, and the Secret has to have been ours: a cache that is behind, or a label
 * that no longer fits the selector, must not cost anybody a Secret.
 */
export async function cleanUp({ key, namespace, name, signal }: ReconcileRequest, deps: CleanUpDeps): Promise<Outcome> {
  const { client, memory, metrics, orphans, logger } = deps;
  const { oldGcBehavior } = deps.settings;
  memory.forget(key);
  // Once more: a run that was under way when it was deleted may have set them again.
  metrics.objectDeleted(namespace, name);
  const overdueUid = orphans.overdueUid(key);
  if (!oldGcBehavior && overdueUid === undefined) return { type: 'done', action: 'gone' };
  if ((await client.sealedSecrets.get({ namespace, name }, { signal })) !== undefined) {
    return { type: 'done', action: 'left alone: the SealedSecret still exists' };
  }
  const secret = await client.secrets.get({ namespace, name }, { signal });
  if (secret === undefined) return { type: 'done', action: 'gone' };
  if (oldGcBehavior) {
    if (!mayDeleteLeftover(secret, name)) return { type: 'done', action: 'left alone: the Secret is not ours' };
    logger.info('old GC: deleting Secret', { 'sealed-secret': key });
    await client.secrets.delete(versionOf(secret, namespace, name), { signal });
    return { type: 'done', action: 'deleted the Secret' };
  }
  if (secret.metadata.uid !== overdueUid || !isAbandoned(secret, name)) {
    return { type: 'done', action: 'left alone: the Secret is not ours' };
  }
  try {
    await deleteUncollected(secret, 'a SealedSecret that is gone', { key, namespace, name, signal }, deps);
    return { type: 'done', action: 'deleted the Secret' };
  } catch (error) {
    if (!isSealedSecretsError(error) || error.code !== 'WaitingForGarbageCollection') throw error;
    return { type: 'wait', error };
  }
}

/**
 * Takes away the Secret of an earlier SealedSecret of this name, after asking the API server whether the SealedSecret is still the one at hand:
 * to a cache that is behind, the Secret of a newer one would look like a leftover.
 */
export async function deleteLeftover(
  { key, namespace, name, uid }: Target,
  secret: Secret,
  signal: AbortSignal,
  deps: Pick<CleanUpDeps, 'client' | 'logger'>,
): Promise<void> {
  const current = await deps.client.sealedSecrets.get({ namespace, name }, { signal });
  if (current === undefined || targetOf(key, current, '').uid !== uid) {
    throw new SealedSecretsError('ApiConflict', `SealedSecret ${namespace}/${name} was made anew meanwhile`);
  }
  await deleteUncollected(secret, 'an earlier SealedSecret of the same name', { key, namespace, name, signal }, deps);
}

/** Does what the garbage collector missed. Our own manifests do not allow it everywhere; then somebody has to be told. */
async function deleteUncollected(
  secret: Secret,
  owner: string,
  { key, namespace, name, signal }: Pick<ReconcileRequest, 'key' | 'namespace' | 'name' | 'signal'>,
  { client, logger }: Pick<CleanUpDeps, 'client' | 'logger'>,
): Promise<void> {
  try {
    await client.secrets.delete(versionOf(secret, namespace, name), { signal });
    logger.warn(`no garbage collector took the Secret of ${owner}: deleted it`, { 'sealed-secret': key });
  } catch (error) {
    if (!isSealedSecretsError(error) || error.code !== 'ApiForbidden') throw error;
    const message = `Secret ${namespace}/${name} belongs to ${owner}, and no garbage collector took it`;
    const hint = `Delete it: kubectl -n ${namespace} delete secret ${name}`;
    throw new SealedSecretsError('WaitingForGarbageCollection', message, { hint });
  }
}

/** The state that was looked at, and no other, is deleted. */
function versionOf({ metadata: { uid = '', resourceVersion = '' } }: Secret, namespace: string, name: string) {
  return { namespace, name, uid, resourceVersion };
}
