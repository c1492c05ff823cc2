import { createHash } from 'node:crypto';
import { backupVerifiedAnnotation, encodeHex } from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { counted } from '../../counted.ts';
import { exitStatus } from '../../hints.ts';
import { readFile } from '../../input.ts';
import { type BackupOptions, readBackup } from '../../keys/backup-file.ts';
import { connectKeys } from '../../keys/cluster-keys.ts';
import { type KeyRing, readKeyRing, unsealingKeysOf } from '../../keys/key-ring.ts';
import { describeUnproven, type FoundObject, findNeeds, type UnreadableObject } from '../../keys/need.ts';
import { sealedSecretsInCluster, sealedSecretsInFolders } from '../../keys/repository.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../../options.ts';

interface VerifyBackupFlags extends ControllerOptions, BackupOptions {
  readonly repo: readonly string[];
  readonly mark: boolean;
}

const backupLimitBytes = 64 * 1024 * 1024;

export function addVerifyBackupCommand(keys: Command, context: CommandContext): void {
  const command = keys
    .command('verify-backup')
    .summary('prove that a backup opens every SealedSecret')
    .description(
      'Opens a backup and tries its keys on every SealedSecret: of folders (--repo), else of the cluster. Ends with 4 when something does not open. A backup that was never opened is a hope.',
    )
    .argument('<file>', 'the backup')
    .addOption(repeatable('-i, --identity <file>', 'age identity or SSH private key'))
    .option('--passphrase-file <file>', 'file whose first line is the passphrase; without it you are asked')
    .addOption(repeatable('--repo <folder>', 'look at the SealedSecrets of this folder'))
    .option('--mark', 'record time and digest of the file on the key Secrets of the cluster', false);
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing keys verify-backup keys.age --identity identity.txt --mark
  waxwing keys verify-backup keys.age --identity identity.txt --repo clusters/prod    without a cluster`,
  );
  command.action((file: string, flags: VerifyBackupFlags) => runVerifyBackup(file, flags, context));
}

async function runVerifyBackup(file: string, flags: VerifyBackupFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const backup = await readKeyRing(await readBackup(io, file, flags));
  const useCluster = flags.repo.length === 0 || flags.mark;
  const cluster = useCluster ? await connectKeys(io, flags) : undefined;
  const objects: AsyncIterable<FoundObject | UnreadableObject> =
    flags.repo.length > 0 || cluster === undefined
      ? sealedSecretsInFolders(io, flags.repo)
      : sealedSecretsInCluster(cluster);
  const needs = await findNeeds(objects, unsealingKeysOf(backup));
  const proven = needs.unproven.length === 0 && backup.invalid.length === 0;
  let marked: string[] = [];
  if (flags.mark && cluster !== undefined && proven) {
    marked = await mark(file, backup, await readKeyRing(await cluster.listKeySecrets()), cluster, context);
  }
  await report(backup, needs, marked, context);
  if (!proven) context.setStatus(exitStatus.negative);
}

/** Writes on every key Secret whose key is in the backup when, and by which file, that was proven. */
async function mark(
  file: string,
  backup: KeyRing,
  present: KeyRing,
  cluster: Awaited<ReturnType<typeof connectKeys>>,
  { io }: CommandContext,
): Promise<string[]> {
  const digest = encodeHex(
    createHash('sha256')
      .update(await readFile(io, file, backupLimitBytes))
      .digest(),
  );
  const text = `${io.now().toISOString().slice(0, 19)}Z sha256:${digest}`;
  const backedUp = new Set(backup.entries.map(({ key }) => key.spki));
  const marked: string[] = [];
  for (const { id, key } of present.entries) {
    if (!backedUp.has(key.spki)) continue;
    await cluster.patchMetadata(key, { annotations: { [backupVerifiedAnnotation]: text } });
    marked.push(id);
  }
  return marked;
}

async function report(
  backup: KeyRing,
  needs: Awaited<ReturnType<typeof findNeeds>>,
  marked: readonly string[],
  context: CommandContext,
): Promise<void> {
  const ids = [...new Set(backup.entries.map(({ id }) => id))];
  const result = {
    keys: ids,
    invalid: backup.invalid,
    objects: needs.objects,
    items: needs.items,
    unproven: needs.unproven,
    marked,
  };
  if (context.global().json) {
    await context.printJson(result);
    return;
  }
  const lines = [
    `keys in the backup: ${ids.join(', ')}`,
    `${counted(needs.objects, 'object')} with ${counted(needs.items, 'item')} looked at`,
    ...backup.invalid.map(({ name, violations }) => `BROKEN  Secret ${name}: ${violations.join('; ')}`),
    ...needs.unproven.map((unproven) => `CLOSED  ${describeUnproven(unproven)}`),
    needs.unproven.length === 0 ? 'every one of them opens with this backup' : 'this backup does not open everything',
    ...marked.map((id) => `marked key ${id} as backed up`),
  ];
  await context.print(`${lines.join('\n')}\n`);
}
