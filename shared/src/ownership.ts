import { isTruthy, managedAnnotation, patchAnnotation } from './api/annotations.ts';
import type { ObjectMeta, OwnerReference } from './api/sealed-secret.ts';
import { sealedSecretResource } from './api/sealed-secret.ts';

/**
 * What an existing Secret is to the SealedSecret of its name, the first that fits:
 *
 * - `terminating`: it is being deleted.
 * - `leftover`: it belonged to an earlier SealedSecret of this name. Names are unique, so that one is gone for certain, and the garbage
 *   collector deletes the Secret as soon as it notices.
 * - `owned`: it is controlled by this SealedSecret.
 * - `handed-over`: its annotations allow it to be replaced, or added to.
 * - `foreign`: it is somebody else's.
 */
export type SecretStanding = 'terminating' | 'leftover' | 'owned' | 'handed-over' | 'foreign';

/** The part of an object's metadata that decides about ownership. */
type Owned = Pick<ObjectMeta, 'annotations' | 'deletionTimestamp' | 'ownerReferences'>;

/** Whether the controller may write a Secret. Metadata alone decides. */
export function standingOf({ name, uid }: Pick<ObjectMeta, 'name' | 'uid'>, secret: Owned): SecretStanding {
  if (secret.deletionTimestamp !== undefined) return 'terminating';
  const controller = controllerOf(secret);
  if (controller !== undefined && isSealedSecretReference(controller) && controller.name === name) {
    if (controller.uid !== uid) return 'leftover';
  }
  if (controller?.uid === uid && uid !== undefined) return 'owned';
  const { annotations } = secret;
  return isTruthy(annotations, managedAnnotation) || isTruthy(annotations, patchAnnotation) ? 'handed-over' : 'foreign';
}

/** The owner reference that has `controller: true`. */
export function controllerOf(metadata: Pick<ObjectMeta, 'ownerReferences'>): OwnerReference | undefined {
  return metadata.ownerReferences.find((reference) => reference.controller === true);
}

/** Whether an owner is a SealedSecret, of whatever version. */
export function isSealedSecretReference({ apiVersion, kind }: OwnerReference): boolean {
  return kind === sealedSecretResource.kind && apiVersion.startsWith(`${sealedSecretResource.group}/`);
}
