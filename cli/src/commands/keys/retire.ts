import { activeKeyLabelValue, keyLabel, SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { connectKeys } from '../../keys/cluster-keys.ts';
import { findKey, isActive, type KeyRing, readKeyRing, sealingKeyOf, unsealingKeysOf } from '../../keys/key-ring.ts';
import { assertNotNeeded, findNeeds } from '../../keys/need.ts';
import { sealedSecretsInCluster, sealedSecretsInFolders } from '../../keys/repository.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../../options.ts';

interface RetireFlags extends ControllerOptions {
  readonly repo: readonly string[];
  readonly label: string;
  readonly dryRun: boolean;
}

export function addRetireCommand(keys: Command, context: CommandContext): void {
  const command = keys
    .command('retire')
    .summary('take a key that nothing needs out of use')
    .description(
      'Relabels a key Secret, so that the controller withdraws the key at once. Refuses (4) while anything in the cluster, or in the folders given, needs it or cannot be proven not to. The Secret itself stays.',
    )
    .argument('<id>', 'the key, as waxwing keys list shows it')
    .addOption(repeatable('--repo <folder>', 'also ask the SealedSecrets of this folder'))
    .option('--label <value>', 'value for the key label', 'retired')
    .option('--dry-run', 'say whether it could be retired, and do nothing', false);
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing keys retire 3f2a --repo clusters/prod --dry-run
  waxwing keys retire 3f2a --repo clusters/prod
  waxwing keys retire 3f2a --label compromised`,
  );
  command.action((id: string, flags: RetireFlags) => runRetire(id, flags, context));
}

async function runRetire(id: string, flags: RetireFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  assertLabel(flags.label);
  const cluster = await connectKeys(io, flags);
  const ring = await readKeyRing(await cluster.listKeySecrets());
  const entry = findKey(ring, id);
  if (!isActive(entry)) {
    throw new SealedSecretsError(
      'InvalidUsage',
      `key ${entry.id} is out of use already: its label is "${entry.label}"`,
    );
  }
  assertNotSealing(ring, entry.key.spki, entry.id);
  const keys = unsealingKeysOf(ring);
  assertNotNeeded(entry.id, await findNeeds(sealedSecretsInCluster(cluster), keys));
  if (flags.repo.length > 0) assertNotNeeded(entry.id, await findNeeds(sealedSecretsInFolders(io, flags.repo), keys));
  const secrets = ring.entries.filter((other) => other.key.spki === entry.key.spki && isActive(other));
  if (!flags.dryRun) {
    for (const { key } of secrets) await cluster.patchMetadata(key, { labels: { [keyLabel]: flags.label } });
  }
  const result = { key: entry.id, secrets: secrets.map(({ key }) => key.name), dryRun: flags.dryRun };
  if (context.global().json) await context.printJson(result);
  await context.note(
    flags.dryRun ? `key ${entry.id} can be retired` : `key ${entry.id} is retired (${result.secrets.join(', ')})`,
  );
}

const labelValue = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** @throws SealedSecretsError `InvalidUsage`. */
function assertLabel(label: string): void {
  if (labelValue.test(label) && label !== activeKeyLabelValue) return;
  throw new SealedSecretsError('InvalidUsage', `--label ${JSON.stringify(label)} would not take a key out of use`, {
    hint: 'Any label value but "active" does, for example retired or compromised.',
  });
}

/** @throws SealedSecretsError `KeyInUse`. */
function assertNotSealing(ring: KeyRing, spki: string, id: string): void {
  if (sealingKeyOf(ring)?.key.spki !== spki) return;
  throw new SealedSecretsError('KeyInUse', `key ${id} is the one that seals`, {
    hint: 'Renew first (docs/keys.md says how), seal everything again, then retire it.',
  });
}
