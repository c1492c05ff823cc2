import type { DocumentValue } from '@waxwing/shared';
import { encodeBase64, primaryKeyAnnotation, SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import { readFile } from '../../input.ts';
import { activeLabel, type BackupOptions, readBackup } from '../../keys/backup-file.ts';
import { type ClusterKeys, connectKeys } from '../../keys/cluster-keys.ts';
import { type ImportPlan, type ImportStep, planImport } from '../../keys/import-plan.ts';
import { type KeyEntry, type KeyRing, readKeyRing } from '../../keys/key-ring.ts';
import { addControllerOptions, type ControllerOptions } from '../../options.ts';
import type { CommandContext } from '../../program.ts';

interface ImportFlags extends ControllerOptions, BackupOptions {
  readonly privateKey?: string;
  readonly certificate?: string;
  readonly primary: boolean;
  readonly dryRun: boolean;
}

const pemLimitBytes = 1024 * 1024;

export function addImportCommand(keys: Command, context: CommandContext): void {
  const repeat = (value: string, all: readonly string[]) => [...all, value];
  const command = keys
    .command('import')
    .summary('restore or share keys')
    .description(
      'Imports keys from age files, from backups as kubectl prints them, or from a PEM pair. Says first what it would do; writes everything or nothing. The running controller takes the keys up without a restart.',
    )
    .argument('[files...]', 'files with key Secrets')
    .option('-i, --identity <file>', 'age identity or SSH private key that opens the file; repeatable', repeat, [])
    .option('--passphrase-file <file>', 'file whose first line is the passphrase; without it you are asked')
    .option('--private-key <file>', 'a key of your own, as PEM')
    .option('--certificate <file>', 'the certificate of that key, as PEM')
    .option('--primary', 'the newest imported key seals from now on, whatever its age', false)
    .option('--dry-run', 'say what would be done, and do nothing', false);
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing keys import keys.age --identity identity.txt --dry-run
  waxwing keys import --private-key tls.key --certificate tls.crt --primary`,
  );
  command.action((files: string[], flags: ImportFlags) => runImport(files, flags, context));
}

async function runImport(files: readonly string[], flags: ImportFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const incoming = await readIncoming(files, flags, context);
  const cluster = await connectKeys(io, flags);
  const existing = await readKeyRing(await cluster.listKeySecrets());
  const plan = planImport(incoming, existing, { namespace: cluster.namespace, now: io.now(), primary: flags.primary });
  await tellPlan(plan, flags, context);
  assertAccepted(plan);
  // The API server checks all of them before the first is stored.
  for (const step of plan.steps)
    if (step.action === 'create') await cluster.createSecret(step.secret, { dryRun: true });
  if (flags.dryRun) return;
  await carryOut(plan, flags, cluster);
  await context.note('done; the running controller takes the keys up within seconds');
}

async function readIncoming(files: readonly string[], flags: ImportFlags, { io }: CommandContext): Promise<KeyRing> {
  const raw: DocumentValue[] = [];
  for (const file of files) raw.push(...(await readBackup(io, file, flags)));
  if ((flags.privateKey === undefined) !== (flags.certificate === undefined)) {
    throw new SealedSecretsError('InvalidUsage', '--private-key and --certificate belong together');
  }
  if (flags.privateKey !== undefined && flags.certificate !== undefined) {
    raw.push(await pemPair(flags.privateKey, flags.certificate, io));
  }
  if (raw.length === 0)
    throw new SealedSecretsError('InvalidUsage', 'nothing to import: name a file, or --private-key and --certificate');
  return await readKeyRing(raw);
}

/** The Secret that a PEM pair would be in. It has no name: the API server makes one up. */
async function pemPair(privateKey: string, certificate: string, io: CommandContext['io']): Promise<DocumentValue> {
  const [key, cert] = await Promise.all([
    readFile(io, privateKey, pemLimitBytes),
    readFile(io, certificate, pemLimitBytes),
  ]);
  return new Map<string, DocumentValue>([
    ['kind', 'Secret'],
    ['metadata', new Map()],
    [
      'data',
      new Map([
        ['tls.key', encodeBase64(key)],
        ['tls.crt', encodeBase64(cert)],
      ]),
    ],
  ]);
}

async function tellPlan(plan: ImportPlan, flags: ImportFlags, context: CommandContext): Promise<void> {
  const describe = (entry: KeyEntry | undefined) => entry?.id ?? 'none';
  if (context.global().json) {
    const steps = plan.steps.map((step) =>
      step.action === 'refuse'
        ? { action: step.action, name: step.name, reason: step.reason }
        : { action: step.action, key: step.entry.id, warnings: step.action === 'create' ? step.warnings : [] },
    );
    const result = {
      dryRun: flags.dryRun,
      steps,
      seals: describe(plan.seals),
      sealsUpstream: describe(plan.sealsUpstream),
    };
    await context.io.stdout.write(Buffer.from(`${JSON.stringify(result)}\n`));
    return;
  }
  for (const step of plan.steps) await context.note(describeStep(step));
  await context.note(`seals afterwards: ${describe(plan.seals)}`);
  if (plan.seals !== plan.sealsUpstream) {
    await context.note(
      `upstream's controller, which knows no primary keys, would seal with ${describe(plan.sealsUpstream)}; before going back to it set --key-renew-period=0`,
    );
  }
}

function describeStep(step: ImportStep): string {
  switch (step.action) {
    case 'create':
      return [`create   key ${step.entry.id}`, ...step.warnings.map((warning) => `warning: ${warning}`)].join('; ');
    case 'keep':
      return `keep     key ${step.entry.id}: it is there, as Secret ${step.existing.secret.metadata.name}`;
    case 'activate':
      return `activate key ${step.entry.id}: it is there, as Secret ${step.existing.secret.metadata.name}`;
    case 'refuse':
      return `refuse   ${step.name === '' ? 'the key' : `Secret ${step.name}`}: ${step.reason}`;
  }
}

/** @throws SealedSecretsError `InvalidKey`: nothing is imported in part. */
function assertAccepted(plan: ImportPlan): void {
  const refused = plan.steps.filter((step) => step.action === 'refuse');
  if (refused.length === 0) return;
  const list = refused.map(({ name, reason }) => `${name === '' ? 'the key' : `Secret ${name}`}: ${reason}`).join('; ');
  throw new SealedSecretsError('InvalidKey', `nothing was imported: ${list}`, {
    hint: 'Take the Secrets named out of the file, or mend them, and import again.',
  });
}

/** Writes all steps; when one fails, what this run created is deleted again. */
async function carryOut(plan: ImportPlan, flags: ImportFlags, cluster: ClusterKeys): Promise<void> {
  const created: { name: string; uid: string }[] = [];
  try {
    for (const step of plan.steps) {
      if (step.action === 'create') created.push(await cluster.createSecret(step.secret, { dryRun: false }));
      if (step.action === 'activate')
        await activate(step.existing, flags.primary && step.entry === plan.seals, cluster);
    }
  } catch (error) {
    for (const { name, uid } of created) await cluster.deleteSecret(name, uid);
    throw error;
  }
}

async function activate({ key }: KeyEntry, primary: boolean, cluster: ClusterKeys): Promise<void> {
  await cluster.patchMetadata(key, {
    labels: activeLabel,
    ...(primary ? { annotations: { [primaryKeyAnnotation]: 'true' } } : {}),
  });
}
