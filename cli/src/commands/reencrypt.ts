import { parseSealingCertificate, SealedSecretsError } from '@waxwing/shared';
import type { Command } from 'commander';
import { loadOneCertificate } from '../certificates.ts';
import type { CommandContext } from '../command-context.ts';
import { connectTo } from '../controller-connection.ts';
import { counted } from '../counted.ts';
import { parseOutputFormat } from '../format.ts';
import { exitStatus } from '../hints.ts';
import { openNamed } from '../input-files.ts';
import { type BackupOptions, readBackup } from '../keys/backup-file.ts';
import { readKeyRing, unsealingKeysOf } from '../keys/key-ring.ts';
import { findManifests } from '../manifests.ts';
import { runReencrypt } from '../modes/reencrypt.ts';
import {
  controllerReseal,
  offlineReseal,
  type Reseal,
  type ResealResult,
  resealFile,
} from '../modes/reencrypt-tree.ts';
import {
  addCertificateOptions,
  addFormatOption,
  type CertificateOptions,
  repeatable,
  withCertificates,
} from '../options.ts';
import { prepareOutput } from '../output.ts';
import { createProgress } from '../progress.ts';

interface ReencryptFlags extends CertificateOptions, BackupOptions {
  /** Folder whose manifests are all looked at. */
  readonly all?: string;
  readonly backup?: string;
  readonly inPlace: boolean;
  readonly format?: string;
  readonly output?: string;
}

export function addReencryptCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('reencrypt')
    .summary('seal again under the newest key')
    .description(
      'Has the controller seal SealedSecrets again under its newest key. Only ciphertexts change. The values stay the same: re-encrypting is no remedy for a value that leaked.',
    )
    .argument('[files...]', 'files with SealedSecrets; - or nothing is standard input')
    .option('--in-place', 'change the files themselves', false)
    .option('-O, --output <file>', 'file to write')
    .option(
      '--all <folder>',
      'seal every stale item below a folder again, in place; can be broken off and started again',
    )
    .option('--backup <file>', 'with --all: offline, with the keys of this backup and the certificate of --cert')
    .addOption(repeatable('-i, --identity <file>', 'age identity or SSH private key that opens the backup'))
    .option('--passphrase-file <file>', 'file whose first line is the passphrase of the backup');
  addCertificateOptions(addFormatOption(command)).addHelpText(
    'after',
    `
Examples:
  waxwing reencrypt --in-place clusters/prod/*.yaml
  waxwing reencrypt sealed.yaml --output renewed.yaml
  waxwing reencrypt --all clusters/prod --backup keys.age --identity identity.txt --cert cert.pem`,
  );
  command.action((files: string[], given: ReencryptFlags) => {
    const flags = withCertificates(given, context.io);
    assertUsage(files, flags);
    return flags.all === undefined
      ? runReencryptCommand(files, flags, context)
      : runReencryptAll(flags.all, flags, context);
  });
}

async function runReencryptAll(folder: string, flags: ReencryptFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const { keyId, reseal } =
    flags.backup === undefined
      ? await throughController(flags, context)
      : await withBackup(flags.backup, flags, context);
  const progress = createProgress(context, 'looked at');
  const results: ResealResult[] = [];
  try {
    for (const file of findManifests(io, folder)) {
      results.push(...(await resealFile(io, file, keyId, reseal)));
      await progress.advance();
    }
  } finally {
    await progress.finish();
  }
  await reportAll(results, keyId, context);
}

async function throughController(
  flags: ReencryptFlags,
  { io }: CommandContext,
): Promise<{ keyId: string; reseal: Reseal }> {
  const controller = await connectTo(io, flags);
  const { keyId } = parseSealingCertificate((await controller.fetchCertificate()).toString('utf8'));
  return { keyId, reseal: controllerReseal(controller, keyId) };
}

async function withBackup(
  backup: string,
  flags: ReencryptFlags,
  context: CommandContext,
): Promise<{ keyId: string; reseal: Reseal }> {
  const { io } = context;
  const { certificate } = await loadOneCertificate(io, flags);
  const ring = await readKeyRing(await readBackup(io, backup, flags));
  return { keyId: certificate.keyId, reseal: offlineReseal(unsealingKeysOf(ring), certificate, io) };
}

async function reportAll(results: readonly ResealResult[], keyId: string, context: CommandContext): Promise<void> {
  const count = (action: ResealResult['action']) => results.filter((result) => result.action === action).length;
  if (context.global().json) {
    await context.printJson({ keyId, objects: results });
  } else {
    for (const { file, object, action, items, reason } of results) {
      const place = object === '' ? file : `${file}: ${object}`;
      if (action === 'sealed again') await context.note(`${place}: ${counted(items, 'item')} sealed again`);
      if (action === 'failed') await context.note(`${place}: failed: ${reason}`);
    }
    await context.note(
      `${counted(count('sealed again'), 'object')} sealed again for key ${keyId}, ${count('current')} current, ${count('failed')} failed`,
    );
    await context.note('The values are the same as before: if one may have leaked, change it where it is used, too.');
  }
  if (count('failed') > 0) context.setStatus(exitStatus.negative);
}

async function runReencryptCommand(
  files: readonly string[],
  flags: ReencryptFlags,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const controller = await connectTo(io, flags);
  for await (const input of openNamed(context, files)) {
    const name = flags.inPlace ? input.name : (flags.output ?? '');
    const format = flags.format ?? (/\.json$/.test(name === '' ? input.name : name) ? 'json' : 'yaml');
    const options = {
      format: parseOutputFormat(format),
      isInPlace: flags.inPlace,
      nothingFound: `${input.name}: no SealedSecret found`,
      acceptUtf16: true,
    };
    await runReencrypt(input, prepareOutput(io, name), controller, options, io);
    if (flags.inPlace) await context.note(`${input.name}: sealed again`);
  }
}

/** @throws SealedSecretsError `InvalidUsage`. */
function assertUsage(files: readonly string[], flags: ReencryptFlags): void {
  if (flags.all !== undefined) {
    if (files.length === 0 && !flags.inPlace && flags.output === undefined) return;
    throw new SealedSecretsError(
      'InvalidUsage',
      '--all takes a folder and changes its files: no other files, --in-place or --output',
    );
  }
  if (flags.backup !== undefined) {
    throw new SealedSecretsError('InvalidUsage', '--backup needs --all FOLDER', {
      hint: 'Single files are sealed again by the controller: waxwing reencrypt --in-place FILE',
    });
  }
  if (flags.inPlace && (files.length === 0 || files.includes('-'))) {
    throw new SealedSecretsError('InvalidUsage', '--in-place needs files: standard input cannot be changed');
  }
  if (flags.inPlace && flags.output !== undefined) {
    throw new SealedSecretsError('InvalidUsage', '--in-place and --output contradict each other');
  }
  if (!flags.inPlace && files.length > 1) {
    throw new SealedSecretsError('InvalidUsage', 'several files need --in-place');
  }
}
