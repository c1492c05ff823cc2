import type { Command } from 'commander';
import { Argument } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { completionScript, shells } from '../completions.ts';

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that completes commands and options.')
    .addArgument(new Argument('<shell>', 'the shell to complete for').choices(shells))
    .addHelpText(
      'after',
      `
Examples:
  source <(waxwing completion bash)
  waxwing completion zsh > "\${fpath[1]}/_waxwing"
  waxwing completion fish > ~/.config/fish/completions/waxwing.fish
  waxwing completion powershell | Out-String | Invoke-Expression`,
    )
    .action(async (shell: (typeof shells)[number]) => {
      await context.print(completionScript(program, shell));
    });
}
