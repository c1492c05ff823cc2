import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeySecretDraft } from '@waxwing/shared';
import {
  backupWrittenAnnotation,
  type DocumentMap,
  type DocumentValue,
  formatJson,
  isSealedSecretsError,
  keySecretOf,
  parseSealingCertificate,
  type RandomBytes,
  SealedSecretsError,
  secretDocument,
} from '@waxwing/shared';
import { encryptAge } from '@waxwing/shared/age';
import type { ConfigMapsApi } from '../kube/api.ts';
import type { KeyDraft } from './manager.ts';

/** Label of the ConfigMaps that hold encrypted backups. */
const backupLabel = 'waxwing.dev/key-backup';
/** Item of such a ConfigMap: an age file in text form around an ordinary List of the key Secret. */
export const backupItem = 'key.age';

export interface KeyBackupOptions {
  /** age recipients; see `--backup-recipient`. */
  readonly recipients: readonly string[];
  readonly configMaps: ConfigMapsApi;
  /** See `--backup-file-dir`: a mounted volume; undefined: the ConfigMap alone. */
  readonly folder: string | undefined;
  readonly secret: Pick<KeySecretDraft, 'namespace' | 'prefix' | 'labels' | 'annotations'>;
  readonly randomBytes: RandomBytes;
  readonly nowMs: () => number;
  /** Whether the last backup worked, for metrics. */
  readonly onResult: (worked: boolean) => void;
}

/** Writes the backup of a key that exists in memory alone; the annotations it resolves to go onto the key Secret. */
export type BackUpKey = (draft: KeyDraft) => Promise<ReadonlyMap<string, string>>;

/**
 * Backs a key up before it may seal: encrypt, write, read back, compare, in the cluster and, if there is one, in a folder. Only when all of
 * that worked is the key Secret created; otherwise the key is forgotten and nothing was ever sealed with it.
 *
 * The content is what `waxwing keys export` writes, so `age -d | kubectl create -f -` restores it.
 */
export function createKeyBackup(options: KeyBackupOptions): BackUpKey {
  const { namespace } = options.secret;
  return async (draft) => {
    const { keyId } = parseSealingCertificate(draft.certificatePem);
    try {
      const file = await encryptAge(
        backupContent(draft, options),
        { recipients: options.recipients },
        options.randomBytes,
      );
      const digest = createHash('sha256').update(file).digest('hex');
      await writeConfigMap(`waxwing-key-${keyId}`, file, keyId, options);
      if (options.folder !== undefined) await writeFileDurably(options.folder, `${namespace}-key-${keyId}.age`, file);
      options.onResult(true);
      return new Map([[backupWrittenAnnotation, `${timestamp(options.nowMs())} sha256:${digest}`]]);
    } catch (error) {
      options.onResult(false);
      throw backupError(keyId, error);
    }
  };
}

function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A List of the key Secret as it will be created. Its name is not known before; the API server makes one up when it is restored, too. */
function backupContent(draft: KeyDraft, options: KeyBackupOptions): Buffer {
  const secret = keySecretOf({ ...options.secret, ...draft });
  const list: DocumentMap = new Map<string, DocumentValue>([
    ['kind', 'List'],
    ['apiVersion', 'v1'],
    ['items', [secretDocument(secret)]],
  ]);
  return Buffer.from(`${formatJson(list)}\n`);
}

async function writeConfigMap(name: string, file: string, keyId: string, options: KeyBackupOptions): Promise<void> {
  const key = { namespace: options.secret.namespace, name };
  const metadata: DocumentMap = new Map<string, DocumentValue>([
    ['name', name],
    ['namespace', key.namespace],
    ['labels', new Map([[backupLabel, 'true']])],
    ['annotations', new Map([['waxwing.dev/key-id', keyId]])],
  ]);
  await options.configMaps.create(key, metadata, new Map([[backupItem, file]]));
  const stored = await options.configMaps.get(key);
  if (stored?.get(backupItem) !== file) {
    throw new SealedSecretsError('BackupFailed', `ConfigMap ${key.namespace}/${name} does not hold what was written`);
  }
}

/** A new file beside its final name, synced, read back, renamed, and the folder synced: after that it survives a power cut. */
async function writeFileDurably(folder: string, name: string, text: string): Promise<void> {
  const path = join(folder, name);
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(Buffer.byteLength(text) + 1), 0, undefined, 0);
      if (buffer.subarray(0, bytesRead).toString() !== text) throw new Error('reading back gave something else');
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await unlink(temporary).catch(() => {});
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SealedSecretsError('BackupFailed', `cannot write ${path}: ${reason}`, { cause });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function backupError(keyId: string, error: unknown): SealedSecretsError {
  const reason = error instanceof Error ? error.message : String(error);
  const hint = isSealedSecretsError(error, 'ApiForbidden')
    ? 'The role of the controller needs create and get on configmaps in its own namespace.'
    : 'The key in use goes on sealing. The backup is tried again.';
  return new SealedSecretsError(
    'BackupFailed',
    `the backup of the new key ${keyId} failed, so it was not activated: ${reason}`,
    {
      hint,
      cause: error,
    },
  );
}
