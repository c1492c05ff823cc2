import type { DocumentValue } from '@waxwing/shared';
import {
  encodeBase64,
  isSealedSecretsError,
  keyLabel,
  primaryKeyAnnotation,
  SealedSecretsError,
} from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { readFile } from '../../input.ts';
import { activeLabel, type BackupOptions, readBackup } from '../../keys/backup-file.ts';
import { type ClusterKeys, connectKeys } from '../../keys/cluster-keys.ts';
import { type ImportPlan, type ImportStep, planImport } from '../../keys/import-plan.ts';
import { type KeyEntry, type KeyRing, readKeyRing } from '../../keys/key-ring.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../../options.ts';

interface ImportFlags extends ControllerOptions, BackupOptions {
  readonly privateKey?: string;
  readonly certificate?: string;
  readonly primary: boolean;
  readonly dryRun: boolean;
}

const pemLimitBytes = 1024 * 1024;

export function addImportCommand(keys: Command, context: CommandContext): void {
  const command = keys
    .command('import')
    .summary('restore or share keys')
    .description(
      'Imports keys from age files, from backups as kubectl prints them, or from a PEM pair. Says first what it would do; writes everything or nothing. The running controller takes the keys up without a restart.',
    )
    .argument('[files...]', 'files with key Secrets')
    .addOption(repeatable('-i, --identity <file>', 'age identity or SSH private key that opens the file'))
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
  await carryOut(plan, cluster);
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
    const steps = plan.steps.map((step) => {
      if (step.action === 'refuse') return { action: step.action, name: step.name, reason: step.reason };
      const { id } = step.action === 'demote' ? step.existing : step.entry;
      return { action: step.action, key: id, warnings: 'warnings' in step ? step.warnings : [] };
    });
    const result = {
      dryRun: flags.dryRun,
      steps,
      seals: describe(plan.seals),
      sealsUpstream: describe(plan.sealsUpstream),
    };
    await context.printJson(result);
    return;
  }
  for (const step of plan.steps) await context.note(describeStep(step));
  await context.note(`seals afterwards: ${describe(plan.seals)}`);
  if (plan.seals?.key.spki !== plan.sealsUpstream?.key.spki) {
    await context.note(
      `upstream's controller, which knows no primary keys, would seal with ${describe(plan.sealsUpstream)}; before going back to it set --key-renew-period=0`,
    );
  }
}

function describeStep(step: ImportStep): string {
  if (step.action === 'refuse') {
    return `refuse   ${step.name === '' ? 'the key' : `Secret ${step.name}`}: ${step.reason}`;
  }
  const warnings = 'warnings' in step ? step.warnings.map((warning) => `; warning: ${warning}`).join('') : '';
  if (step.action === 'create') return `create   key ${step.entry.id}${warnings}`;
  const place = `as Secret ${step.existing.secret.metadata.name}`;
  switch (step.action) {
    case 'keep':
      return `keep     key ${step.entry.id}: it is there, ${place}${warnings}`;
    case 'activate':
      return `activate key ${step.entry.id}: it is there, ${place}${step.primary ? '; becomes primary' : ''}`;
    case 'demote':
      return `demote   key ${step.existing.id}: primary until now, ${place}; it goes on opening what it sealed`;
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

/** Writes all steps; when one fails, what this run has written is taken back. */
async function carryOut(plan: ImportPlan, cluster: ClusterKeys): Promise<void> {
  const takeBack: (() => Promise<unknown>)[] = [];
  try {
    for (const step of plan.steps) {
      const undo = await carryOutStep(step, cluster);
      if (undo !== undefined) takeBack.unshift(undo);
    }
  } catch (error) {
    const outcomes = await Promise.allSettled(takeBack.map((undo) => undo()));
    if (outcomes.every(({ status }) => status === 'fulfilled') || !isSealedSecretsError(error)) throw error;
    throw new SealedSecretsError(error.code, `${error.message}; what was written before could not be taken back`, {
      hint: 'Look at the keys with waxwing keys list, and run the import again: it goes on where this one ended.',
    });
  }
}

/** Returns what takes the step back. */
async function carryOutStep(step: ImportStep, cluster: ClusterKeys): Promise<(() => Promise<unknown>) | undefined> {
  switch (step.action) {
    case 'create': {
      const { name, uid } = await cluster.createSecret(step.secret, { dryRun: false });
      return () => cluster.deleteSecret(name, uid);
    }
    case 'activate': {
      const { key, label } = step.existing;
      const annotations = (value: string | null) =>
        step.primary ? { annotations: { [primaryKeyAnnotation]: value } } : {};
      const version = await cluster.patchMetadata(key, { labels: activeLabel, ...annotations('true') });
      return () => cluster.patchMetadata(version, { labels: { [keyLabel]: label || null }, ...annotations(null) });
    }
    case 'demote': {
      const change = (value: string | null) => ({ annotations: { [primaryKeyAnnotation]: value } });
      const version = await cluster.patchMetadata(step.existing.key, change(null));
      return () => cluster.patchMetadata(version, change('true'));
    }
    default:
      return undefined;
  }
}
