import { isSealedSecretsError, readSealedSecret, valueAt } from '@waxwing/shared';
import { readInput, sealedSecretIn } from '../documents.ts';
import { openInput } from '../input.ts';
import type { Io } from '../io.ts';
import { findManifests } from '../manifests.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import type { FoundObject } from './need.ts';

/**
 * Every SealedSecret in the manifests of folders. Files that hold none are passed over; a file that cannot be read is an error, because
 * whatever is concluded from a repository must be true of all of it.
 */
export async function* sealedSecretsInFolders(io: Io, folders: readonly string[]): AsyncGenerator<FoundObject> {
  for (const folder of folders) {
    for (const file of findManifests(io, folder)) yield* sealedSecretsInFile(io, file);
  }
}

async function* sealedSecretsInFile(io: Io, file: string): AsyncGenerator<FoundObject> {
  try {
    for await (const document of readInput(openInput(io, file), { nothingFound: 'nothing', acceptUtf16: true })) {
      if (valueAt(document.value, ['kind']) === 'SealedSecret')
        yield { source: file, sealedSecret: sealedSecretIn(document) };
    }
  } catch (error) {
    if (!isSealedSecretsError(error, 'EmptyInput')) throw error;
  }
}

/** Every SealedSecret of a cluster. */
export async function* sealedSecretsInCluster(cluster: ClusterKeys): AsyncGenerator<FoundObject> {
  for await (const raw of cluster.listSealedSecrets()) yield { source: 'cluster', sealedSecret: readSealedSecret(raw) };
}
