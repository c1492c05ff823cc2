import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.ts';
import { addDrillCommand } from './drill.ts';
import { addExportCommand } from './export.ts';
import { addImportCommand } from './import.ts';
import { addListCommand } from './list.ts';
import { addRetireCommand } from './retire.ts';
import { addVerifyBackupCommand } from './verify-backup.ts';

export function addKeysCommand(program: Command, context: CommandContext): void {
  const keys = program
    .command('keys')
    .summary('list, back up, restore, share and retire the keys of a cluster')
    .description(
      'Whoever has the private keys reads every secret in Git; whoever loses them loses every secret. These commands look after them.',
    );
  addListCommand(keys, context);
  addExportCommand(keys, context);
  addImportCommand(keys, context);
  addVerifyBackupCommand(keys, context);
  addDrillCommand(keys, context);
  addRetireCommand(keys, context);
}
