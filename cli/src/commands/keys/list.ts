import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { connectKeys } from '../../keys/cluster-keys.ts';
import {
  isActive,
  type KeyEntry,
  type KeyRing,
  readKeyRing,
  sealingKeyOf,
  unsealingKeysOf,
} from '../../keys/key-ring.ts';
import { describeUnproven, findNeeds, type Needs } from '../../keys/need.ts';
import { sealedSecretsInCluster, sealedSecretsInFolders } from '../../keys/repository.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../../options.ts';
import { formatTable } from '../../table.ts';

interface ListFlags extends ControllerOptions {
  readonly repo: readonly string[];
  readonly needs: boolean;
}

const dayMs = 86_400_000;

export function addListCommand(keys: Command, context: CommandContext): void {
  const command = keys
    .command('list')
    .summary('every key, its age, its state, and how much needs it')
    .description(
      'Lists the keys of the cluster. What needs a key is found by decrypting, so you need permission to read key Secrets.',
    )
    .addOption(repeatable('--repo <folder>', 'also count what the SealedSecrets of a folder need'))
    .option('--no-needs', 'do not look at SealedSecrets: quick');
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing keys list
  waxwing keys list --repo clusters/prod --json

STATE is sealing (seals now), primary (marked to seal), active (opens what it sealed), or the label of a key out of use.`,
  );
  command.action((flags: ListFlags) => runList(flags, context));
}

async function runList(flags: ListFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const cluster = await connectKeys(io, flags);
  const ring = await readKeyRing(await cluster.listKeySecrets());
  if (ring.entries.length === 0) {
    await context.note(
      `warning: there are no keys in namespace ${cluster.namespace}; is the controller there? (--controller-namespace)`,
    );
  }
  const keys = unsealingKeysOf(ring);
  const inCluster = flags.needs ? await findNeeds(sealedSecretsInCluster(cluster), keys) : undefined;
  const inFiles = flags.repo.length > 0 ? await findNeeds(sealedSecretsInFolders(io, flags.repo), keys) : undefined;
  if (context.global().json) await context.printJson(listDocument(ring, inCluster, inFiles));
  else await printList(ring, inCluster, inFiles, context);
}

function stateOf(entry: KeyEntry, ring: KeyRing): string {
  if (!isActive(entry)) return entry.label === '' ? 'unlabelled' : entry.label;
  if (entry.key.primary) return 'primary';
  return entry === sealingKeyOf(ring) ? 'sealing' : 'active';
}

function listDocument(ring: KeyRing, inCluster: Needs | undefined, inFiles: Needs | undefined): unknown {
  return {
    keys: ring.entries.map((entry) => ({
      id: entry.id,
      secret: entry.secret.metadata.name,
      state: stateOf(entry, ring),
      seals: entry === sealingKeyOf(ring),
      notBefore: entry.key.certificate.notBefore.toISOString(),
      notAfter: entry.key.certificate.notAfter.toISOString(),
      created: entry.secret.metadata.creationTimestamp ?? null,
      origin: originOf(entry),
      backup: entry.key.backup,
      neededInCluster: inCluster && (inCluster.byKey.get(entry.id) ?? { objects: 0, items: 0 }),
      neededInFiles: inFiles && (inFiles.byKey.get(entry.id) ?? { objects: 0, items: 0 }),
    })),
    invalid: ring.invalid,
    unproven: [...(inCluster?.unproven ?? []), ...(inFiles?.unproven ?? [])],
  };
}

/** Where a key came from: another cluster, as far as its Secret says so. */
function originOf({ secret }: KeyEntry): string {
  return secret.metadata.annotations.get('waxwing.dev/exported-from') ?? 'here';
}

async function printList(
  ring: KeyRing,
  inCluster: Needs | undefined,
  inFiles: Needs | undefined,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const nowMs = io.now().getTime();
  const need = (needs: Needs | undefined, id: string) => {
    const found = needs?.byKey.get(id);
    if (needs === undefined) return '-';
    return found === undefined ? '0' : `${found.items} in ${found.objects}`;
  };
  const rows = ring.entries.map((entry) => [
    entry.id,
    stateOf(entry, ring),
    `${Math.max(0, Math.floor((nowMs - entry.key.certificate.notBefore.getTime()) / dayMs))}d`,
    entry.key.certificate.notAfter.toISOString().slice(0, 10),
    entry.key.backup,
    originOf(entry),
    need(inCluster, entry.id),
    need(inFiles, entry.id),
    entry.secret.metadata.name,
  ]);
  const header = ['KEY', 'STATE', 'AGE', 'VALID UNTIL', 'BACKUP', 'ORIGIN', 'CLUSTER NEEDS', 'FILES NEED', 'SECRET'];
  await context.print(formatTable([header, ...rows]));
  for (const { name, violations } of ring.invalid)
    await context.note(`warning: Secret ${name} holds no key: ${violations.join('; ')}`);
  for (const unproven of [...(inCluster?.unproven ?? []), ...(inFiles?.unproven ?? [])]) {
    await context.note(`warning: no key here opens ${describeUnproven(unproven)}`);
  }
}
