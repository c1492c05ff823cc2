import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { exitStatus } from '../hints.ts';
import { addControllerOptions, type ControllerOptions, clusterOptionsOf } from '../options.ts';
import { createProgress } from '../progress.ts';

interface DoctorFlags extends ControllerOptions {
  readonly migrate: boolean;
  readonly strict: boolean;
}

export function addDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .summary('say what is wrong in a cluster, or will be different after a migration')
    .description(
      "Looks at controller, keys and SealedSecrets of a cluster and says what does not work and what mends it. With --migrate: what will be different once our controller's image takes the place of Sealed Secrets'. Nothing is changed, no value is shown.",
    )
    .option('--migrate', 'look for everything that the swap of the image makes different', false)
    .option('--strict', 'warnings count as errors', false);
  addControllerOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing doctor
  waxwing doctor --migrate --controller-namespace sealed-secrets --controller-name sealed-secrets
  waxwing doctor --migrate --json | jq -r '.findings[] | [.code, .namespace, .name] | @tsv'

Ends with 0 when nothing needs you, 4 when there are errors, and 3 when something could not be read: then what is told is not all.
The codes: docs/reference/doctor.md`,
  );
  command.action((flags: DoctorFlags) => runDoctor(flags, context));
}

async function runDoctor(flags: DoctorFlags, context: CommandContext): Promise<void> {
  const { countOf, examineHealth, examineMigration, printReport, reportDocument } = await import('../doctor/index.ts');
  const progress = createProgress(context, 'looked at');
  const examine = flags.migrate ? examineMigration : examineHealth;
  const report = await examine({
    io: context.io,
    cluster: clusterOptionsOf(flags),
    service: { namespace: flags.controllerNamespace, name: flags.controllerName },
    onProgress: progress.advance,
  }).finally(progress.finish);
  if (context.global().json) await context.printJson(reportDocument(report));
  else await printReport(report, context);
  const failures = countOf(report, 'error') + (flags.strict ? countOf(report, 'warning') : 0);
  if (report.gaps.length > 0) context.setStatus(exitStatus.cluster);
  else if (failures > 0) context.setStatus(exitStatus.negative);
}
