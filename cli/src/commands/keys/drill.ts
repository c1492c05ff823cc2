import { forbiddenTypeReason, isSealedSecretsError, unsealSecret } from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { exitStatus } from '../../hints.ts';
import { type BackupOptions, readBackup } from '../../keys/backup-file.ts';
import { readKeyRing, unsealingKeysOf } from '../../keys/key-ring.ts';
import { sealedSecretsInFolders } from '../../keys/repository.ts';
import { lazyRenderer } from '../../lazy-renderer.ts';
import { repeatable } from '../../options.ts';

interface DrillFlags extends BackupOptions {
  readonly repo: readonly string[];
}

interface DrillResult {
  readonly file: string;
  readonly object: string;
  /** `Unsealed`, or the reason as the controller would give it. */
  readonly reason: string;
  readonly message: string;
}

export function addDrillCommand(keys: Command, context: CommandContext): void {
  keys
    .command('drill')
    .summary('rehearse the loss of a cluster')
    .description(
      'Restores a backup in memory and unseals a whole repository with the code of the controller, templates included. No cluster is touched and no plaintext is written. Ends with 4 when an object would not come back.',
    )
    .argument('<file>', 'the backup')
    .requiredOption(
      '--repo <folder>',
      'folder with SealedSecrets; repeatable',
      (value: string, all: readonly string[] = []) => [...all, value],
    )
    .addOption(repeatable('-i, --identity <file>', 'age identity or SSH private key'))
    .option('--passphrase-file <file>', 'file whose first line is the passphrase; without it you are asked')
    .addHelpText(
      'after',
      `
Examples:
  waxwing keys drill keys.age --identity identity.txt --repo clusters/prod`,
    )
    .action((file: string, flags: DrillFlags) => runDrill(file, flags, context));
}

async function runDrill(file: string, flags: DrillFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const ring = await readKeyRing(await readBackup(io, file, flags));
  const options = { keys: unsealingKeysOf(ring), render: lazyRenderer(io), acceptV1: true };
  const results: DrillResult[] = [];
  for await (const found of sealedSecretsInFolders(io, flags.repo)) {
    if ('problem' in found) {
      const { code, message } = found.problem;
      results.push({ file: found.source, object: '', reason: code, message });
      continue;
    }
    const { source, sealedSecret } = found;
    const object = `${sealedSecret.metadata.namespace}/${sealedSecret.metadata.name}`;
    try {
      const { secret } = await unsealSecret(sealedSecret, options);
      const forbidden = forbiddenTypeReason(secret.type);
      results.push({
        file: source,
        object,
        reason: forbidden === undefined ? 'Unsealed' : 'ForbiddenType',
        message: forbidden ?? '',
      });
    } catch (error) {
      if (!isSealedSecretsError(error)) throw error;
      results.push({ file: source, object, reason: error.code, message: error.message });
    }
  }
  await report(results, context);
  if (results.some(({ reason }) => reason !== 'Unsealed')) context.setStatus(exitStatus.negative);
}

async function report(results: readonly DrillResult[], context: CommandContext): Promise<void> {
  if (context.global().json) {
    await context.printJson({ objects: results });
    return;
  }
  const lost = results.filter(({ reason }) => reason !== 'Unsealed');
  const lines = results.map(
    ({ file, object, reason, message }) =>
      `${file}: ${object === '' ? '' : `${object} `}${reason}${message === '' ? '' : `: ${message}`}`,
  );
  lines.push(`${results.length - lost.length} of ${results.length} objects would come back`);
  await context.print(`${lines.join('\n')}\n`);
}
