import { formatYaml, keyLabel, SealedSecretsError, type Secret, sealedSecretDocument } from '@waxwing/shared';
import type { Command } from 'commander';
import { usableCertificate } from '../../certificate-source.ts';
import type { CommandContext } from '../../command-context.ts';
import { readFile } from '../../input.ts';
import { readPassphraseFile } from '../../keys/backup-file.ts';
import { type ClusterKeys, connectKeys } from '../../keys/cluster-keys.ts';
import { exportedList, exportedSecret, sealedForCluster } from '../../keys/export.ts';
import { findKey, isActive, type KeyEntry, readKeyRing } from '../../keys/key-ring.ts';
import { addControllerOptions, type ControllerOptions, repeatable } from '../../options.ts';
import { deliver, prepareOutput } from '../../output.ts';
import { askNewPassphrase } from '../../prompt.ts';
import { createSpool } from '../../spool.ts';

interface ExportFlags extends ControllerOptions {
  readonly key: readonly string[];
  readonly recipient: readonly string[];
  readonly recipientFile: readonly string[];
  readonly passphrase: boolean;
  readonly passphraseFile?: string;
  readonly toCert?: string;
  readonly toNamespace: string;
  readonly insecurePlaintext: boolean;
  readonly output?: string;
  readonly clusterName?: string;
}

const fileLimitBytes = 1024 * 1024;

export function addExportCommand(keys: Command, context: CommandContext): void {
  const command = keys
    .command('export')
    .summary('back up keys, encrypted')
    .description(
      'Exports keys into an age file, for several recipients or with one passphrase; or sealed for another cluster. Inside is an ordinary List of Secrets, so age and kubectl alone restore it.',
    )
    .addOption(repeatable('--key <id>', 'only this key; without it all of them'))
    .addOption(repeatable('-r, --recipient <recipient>', 'age1..., ssh-ed25519 ... or ssh-rsa ...'))
    .addOption(repeatable('-R, --recipient-file <file>', 'file with a recipient on every line'))
    .option('-p, --passphrase', 'encrypt with a passphrase, which is asked for', false)
    .option('--passphrase-file <file>', 'file whose first line is the passphrase')
    .option('--to-cert <file>', 'certificate of another cluster: writes SealedSecrets that only its controller opens')
    .option('--to-namespace <namespace>', "namespace of that cluster's controller", 'kube-system')
    .option('--insecure-plaintext', 'write the private keys in clear: whoever reads the file reads every secret', false)
    .option('--cluster-name <name>', 'name of this cluster, for the record in the file')
    .option('-O, --output <file>', 'file to write, readable by you alone');
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing keys export -r age1... -r "$(cat ~/.ssh/id_ed25519.pub)" --output keys.age
  waxwing keys export --to-cert other-cluster.pem --output keys-for-other.yaml
Restore without waxwing:
  age -d -i identity.txt keys.age | kubectl create -f -`,
  );
  command.action((flags: ExportFlags) => runExport(flags, context));
}

async function runExport(flags: ExportFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  assertOneWay(flags);
  const target = prepareOutput(io, flags.output ?? '');
  const cluster = await connectKeys(io, flags);
  const entries = await chooseKeys(cluster, flags);
  const origin = { cluster: flags.clusterName ?? flags.context ?? 'unnamed', now: io.now() };
  const secrets = entries.map((entry) => exportedSecret(entry, origin));
  const spool = createSpool(io, { secret: true });
  try {
    spool.append(await render(secrets, flags, context));
    await deliver(io, target, spool, { private: true });
  } finally {
    spool.dispose();
  }
  for (const { id, label } of entries) await context.note(`exported key ${id} (${label})`);
  if (flags.insecurePlaintext)
    await context.note('warning: this file holds private keys in clear; whoever reads it reads every secret');
  else if (flags.toCert === undefined)
    await context.note(`Prove that it works: waxwing keys verify-backup ${flags.output ?? 'FILE'} --mark`);
}

/** Exactly one way to protect the keys. @throws SealedSecretsError `InvalidUsage`. */
function assertOneWay(flags: ExportFlags): void {
  const ways = [
    flags.recipient.length + flags.recipientFile.length > 0,
    flags.passphrase || flags.passphraseFile !== undefined,
    flags.toCert !== undefined,
    flags.insecurePlaintext,
  ].filter(Boolean).length;
  if (ways === 1) return;
  throw new SealedSecretsError(
    'InvalidUsage',
    ways === 0 ? 'who shall be able to open the export?' : 'give one way to protect the export',
    {
      hint: 'Recipients (-r, -R), or a passphrase (-p), or --to-cert; age files take recipients or a passphrase, not both.',
    },
  );
}

async function chooseKeys(cluster: ClusterKeys, flags: ExportFlags): Promise<KeyEntry[]> {
  const ring = await readKeyRing(await cluster.listKeySecrets());
  const [bad] = ring.invalid;
  if (bad !== undefined && flags.key.length === 0) {
    throw new SealedSecretsError('InvalidKey', `Secret ${bad.name} cannot be exported: ${bad.violations.join('; ')}`, {
      hint: `Mend it or take its label ${keyLabel} away, or choose keys with --key.`,
    });
  }
  const entries = flags.key.length > 0 ? flags.key.map((id) => findKey(ring, id)) : [...ring.entries];
  if (entries.length > 0)
    return flags.toCert === undefined ? entries : entries.filter((entry) => isActive(entry) || flags.key.length > 0);
  throw new SealedSecretsError('NoKeys', `there are no key Secrets in namespace ${cluster.namespace}`, {
    hint: 'Name the namespace of the controller with --controller-namespace.',
  });
}

async function render(secrets: readonly Secret[], flags: ExportFlags, { io }: CommandContext): Promise<string> {
  if (flags.toCert !== undefined) {
    const certificate = usableCertificate(await readFile(io, flags.toCert, fileLimitBytes), io.now());
    const target = { certificate, namespace: flags.toNamespace };
    const sealed = secrets.map((secret) => sealedForCluster(secret, target, io.randomBytes));
    return sealed.map((object) => `---\n${formatYaml(sealedSecretDocument(object))}`).join('');
  }
  const list = exportedList(secrets);
  if (flags.insecurePlaintext) return list;
  const { encryptAge } = await import('../../keys/age.ts');
  const audience =
    flags.passphrase || flags.passphraseFile !== undefined
      ? { passphrase: await newPassphrase(flags, io) }
      : { recipients: [...flags.recipient, ...(await recipientsInFiles(flags, io))] };
  return await encryptAge(Buffer.from(list), audience, io.randomBytes);
}

async function newPassphrase(flags: ExportFlags, io: CommandContext['io']): Promise<string> {
  const passphrase =
    flags.passphraseFile === undefined ? await askedPassphrase(io) : await readPassphraseFile(io, flags.passphraseFile);
  if (passphrase.length >= 12) return passphrase;
  throw new SealedSecretsError('InvalidUsage', 'the passphrase is shorter than 12 characters', {
    hint: 'The file can be attacked for as long as it exists. Use several random words.',
  });
}

async function askedPassphrase(io: CommandContext['io']): Promise<string> {
  if (io.stdin.isTerminal) return await askNewPassphrase(io);
  throw new SealedSecretsError('InvalidUsage', 'there is no terminal to ask for a passphrase on', {
    hint: 'Give --passphrase-file FILE, or recipients with -r.',
  });
}

async function recipientsInFiles(flags: ExportFlags, io: CommandContext['io']): Promise<string[]> {
  const texts = await Promise.all(flags.recipientFile.map((file) => readFile(io, file, fileLimitBytes)));
  return texts.flatMap((text) =>
    text
      .toString('utf8')
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
}
