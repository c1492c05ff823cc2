import { isSealedSecretsError, readSealedSecret, SealedSecretsError, valueAt } from '@waxwing/shared';
import { readInput, sealedSecretIn } from '../documents.ts';
import { inputOf, openInput, readAll } from '../input.ts';
import type { Io } from '../io.ts';
import { findManifests } from '../manifests.ts';
import type { ClusterKeys } from './cluster-keys.ts';
import type { FoundObject, UnreadableObject } from './need.ts';

const fileLimitBytes = 1024 * 1024 * 1024;

/**
 * Every SealedSecret in the manifests of folders. What cannot be read but speaks of a SealedSecret is told as such, because whatever is
 * concluded from a repository must be true of all of it; other broken files, such as templates of charts, are passed over.
 *
 * @throws SealedSecretsError `EmptyInput` when there is nothing at all: a wrong folder would prove anything.
 */
export async function* sealedSecretsInFolders(
  io: Io,
  folders: readonly string[],
): AsyncGenerator<FoundObject | UnreadableObject> {
  let found = 0;
  for (const folder of folders) {
    for (const file of findManifests(io, folder)) {
      for await (const object of sealedSecretsInFile(io, file)) {
        found++;
        yield object;
      }
    }
  }
  if (found > 0) return;
  throw new SealedSecretsError('EmptyInput', `there is no SealedSecret in ${folders.join(', ')}`, {
    hint: 'Name the folder whose files end with .yaml, .yml or .json.',
  });
}

async function* sealedSecretsInFile(io: Io, file: string): AsyncGenerator<FoundObject | UnreadableObject> {
  const bytes = await readAll(openInput(io, file), fileLimitBytes);
  if (!mentionsSealedSecret(bytes)) return;
  try {
    for await (const document of readInput(inputOf(file, bytes), {
      nothingFound: 'cannot be read',
      acceptUtf16: true,
    })) {
      if (valueAt(document.value, ['kind']) === 'SealedSecret') {
        yield { source: file, sealedSecret: sealedSecretIn(document) };
      }
    }
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    if (error.code !== 'EmptyInput') yield { source: file, problem: error };
  }
}

const kindText = 'SealedSecret';

/** Whether a file can hold one at all, in UTF-8 or UTF-16. */
export function mentionsSealedSecret(bytes: Buffer): boolean {
  return bytes.includes(kindText) || bytes.includes(kindText, 0, 'utf16le') || bytes.includes(bigEndian(kindText));
}

function bigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** Every SealedSecret of a cluster. */
export async function* sealedSecretsInCluster(cluster: ClusterKeys): AsyncGenerator<FoundObject> {
  for await (const raw of cluster.listSealedSecrets()) yield { source: 'cluster', sealedSecret: readSealedSecret(raw) };
}
