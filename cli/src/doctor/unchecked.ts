import { type Config, namespacesOf } from '@waxwing/shared/settings';
import type { ServedCertificate } from './read-controller.ts';
import type { ReadObjects, ReadSecrets } from './read-objects.ts';

/** What an examination rests on. */
interface Examined {
  readonly read: ReadObjects;
  readonly secrets: ReadSecrets;
  readonly served: ServedCertificate;
  readonly keys: readonly unknown[] | undefined;
  readonly config: Config;
}

/** What nobody should believe to have been looked at. */
export function uncheckedBy({ read, secrets, served, keys, config }: Examined): string[] {
  const namespaces = namespacesOf(config);
  const { labelSelector } = config.reconcile;
  const nameless = [...secrets.found.values()].filter(({ entries }) => entries === undefined).length;
  return [
    'values: of Secrets only types, names of entries, labels and annotations are compared; none is read but those of the keys',
    'templates that take long or make much: they are parsed, not rendered (waxwing template tries one)',
    'files in Git (waxwing lint)',
    ...(nameless > 0 ? [`names of entries of ${nameless} Secrets: only their number is known`] : []),
    ...(keys === undefined
      ? ['whether objects that failed, or whose scope is doubtful, open: the keys were not read']
      : []),
    ...(read.untried > 0 ? [`whether ${read.untried} more objects open that failed, or whose scope is doubtful`] : []),
    ...('failure' in served ? [`which key seals today: ${served.failure}`] : []),
    ...(namespaces[0] === ''
      ? []
      : [`other namespaces than ${namespaces.join(', ')}: the controller does not watch them`]),
    ...(labelSelector === '' ? [] : [`SealedSecrets that --label-selector leaves out: ${labelSelector}`]),
  ];
}
