import {
  activeKeyLabelValue,
  type DocumentMap,
  type DocumentValue,
  isDocumentMap,
  isSealedSecretsError,
  keyLabel,
  readDocuments,
  SealedSecretsError,
} from '@waxwing/shared';
import { describeFound } from '../documents.ts';
import { readFile } from '../input.ts';
import type { Io } from '../io.ts';
import { askHidden } from '../prompt.ts';

const backupLimitBytes = 64 * 1024 * 1024;
const identityLimitBytes = 1024 * 1024;

/** What opens an age file, as given on the command line. */
export interface BackupOptions {
  readonly identity: readonly string[];
  /** File whose first line is the passphrase. */
  readonly passphraseFile?: string;
}

/**
 * The Secrets in a backup: an age file of ours, or a List, a SecretList, or documents as `kubectl get secret -o yaml` prints them. Nothing
 * decrypted touches a disk.
 *
 * @throws SealedSecretsError naming the file; `InvalidDocument` when it holds something else than Secrets.
 */
export async function readBackup(io: Io, file: string, options: BackupOptions): Promise<DocumentMap[]> {
  const bytes = await readFile(io, file, backupLimitBytes);
  const { isAgeFile } = await import('./age.ts');
  const plain = isAgeFile(bytes) ? await openAge(io, file, bytes, options) : bytes;
  const secrets: DocumentMap[] = [];
  for (const document of readDocuments(plain, { source: file })) {
    for (const value of itemsOf(document.value)) secrets.push(assertSecret(value, file));
  }
  if (secrets.length === 0) {
    throw new SealedSecretsError('NoKeys', `${file}: no key Secrets found`, {
      hint: 'Expected a file of waxwing keys export, or of kubectl get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml.',
    });
  }
  return secrets;
}

async function openAge(io: Io, file: string, bytes: Uint8Array, options: BackupOptions): Promise<Uint8Array> {
  const { decryptAge } = await import('./age.ts');
  const identities = await Promise.all(
    options.identity.map(async (name) => (await readFile(io, name, identityLimitBytes)).toString('utf8')),
  );
  const passphrases = identities.length > 0 ? [] : [await readPassphrase(io, file, options.passphraseFile)];
  try {
    return await decryptAge(bytes, { identities, passphrases });
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    throw new SealedSecretsError(
      error.code,
      `${file}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** The first line of a file. */
export async function readPassphraseFile(io: Io, file: string): Promise<string> {
  const [line = ''] = (await readFile(io, file, identityLimitBytes)).toString('utf8').split(/\r?\n/);
  return line;
}

/** From a file, or asked for without echo. @throws SealedSecretsError `InvalidUsage` where nobody can be asked. */
async function readPassphrase(io: Io, file: string, passphraseFile: string | undefined): Promise<string> {
  if (passphraseFile !== undefined) return await readPassphraseFile(io, passphraseFile);
  if (io.stdin.isTerminal) return Buffer.from(await askHidden(io, `Passphrase of ${file}: `)).toString('utf8');
  throw new SealedSecretsError(
    'InvalidUsage',
    `${file} is encrypted: no identity and no passphrase given, and there is no terminal to ask on`,
    { hint: 'Give --identity FILE or --passphrase-file FILE.' },
  );
}

function itemsOf(value: DocumentValue): DocumentValue[] {
  if (!isDocumentMap(value)) return [value];
  const items = value.get('items');
  return Array.isArray(items) ? items : [value];
}

/** A backup that holds something else is not what its owner thinks it is. */
function assertSecret(value: DocumentValue, file: string): DocumentMap {
  const kind = isDocumentMap(value) ? value.get('kind') : undefined;
  if (!isDocumentMap(value) || (kind !== undefined && kind !== 'Secret')) {
    throw new SealedSecretsError(
      'InvalidDocument',
      `${file}: holds ${typeof kind === 'string' ? kind : describeFound(value)}, not only Secrets`,
    );
  }
  return value;
}

export const activeLabel = { [keyLabel]: activeKeyLabelValue } as const;
