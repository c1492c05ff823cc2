import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findingKinds } from '../cli/src/doctor/finding-kinds.ts';
import { reasons } from '../controller/src/reasons.ts';

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);

/** What a program of `bin/` prints as its help. Throws if its bundle is older than the sources. */
async function help(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(join(root, 'bin', program), args, {
    // Width and colours of a terminal would change the text.
    env: { PATH: process.env['PATH'], NO_COLOR: '1' },
  });
  if (stderr.includes('the bundle is older than its sources')) throw new Error(stderr.split('\n')[0]);
  return (stdout.trim() === '' ? stderr : stdout).trimEnd();
}

const generatedNote = '<!-- Made by scripts/reference.ts; a test compares. -->';

function section(title: string, text: string): string {
  return `## ${title}\n\n\`\`\`text\n${text}\n\`\`\`\n`;
}

async function waxwingReference(): Promise<string> {
  const main = 'waxwing';
  const commandsOf = (text: string) =>
    [...(text.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)]
      .map((match) => match[1] as string)
      .filter((name) => name !== 'help');
  const top = await help(main, ['--help']);
  const sections = [section('waxwing', top)];
  for (const command of commandsOf(top)) {
    const text = await help(main, ['help', command]);
    sections.push(section(`waxwing ${command}`, text));
    if (!text.includes('\nCommands:')) continue;
    for (const child of commandsOf(text))
      sections.push(section(`waxwing ${command} ${child}`, await help(main, [command, child, '--help'])));
  }
  return `# waxwing\n\n${generatedNote}\n\n${sections.join('\n')}`;
}

async function kubesealReference(): Promise<string> {
  return `# kubeseal\n\n${generatedNote}\n\n${section('kubeseal', await help('kubeseal', ['--help']))}`;
}

async function controllerReference(): Promise<string> {
  const text = await help('waxwing-controller', ['--help']);
  const note =
    'Every flag can be set by the environment: `SEALED_SECRETS_` and its name in capitals, `-` written as `_`. The command line wins.';
  return `# waxwing-controller\n\n${generatedNote}\n\n${note}\n\n${section('waxwing-controller', text)}`;
}

function reasonsReference(): string {
  const rows = Object.entries(reasons).flatMap(([reason, row]) =>
    row === undefined
      ? []
      : [
          `| \`${reason}\` | ${row.meaning} | ${row.retry === 'timer' ? 'by timer, for ever' : 'when something changes'} |`,
        ],
  );
  return `# Reasons of the Synced condition\n\n${generatedNote}\n\nThe message beside the reason says what was looked for, where, and which command mends it.\n
| Reason | Meaning | Tried again |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function doctorReference(): string {
  const modes = { health: 'without `--migrate`', migration: '`--migrate`', both: 'always' };
  const rows = Object.entries(findingKinds).map(([code, { severity, mode, title, effect, remedy }]) => {
    const cells = [`\`${code}\``, severity, modes[mode], title, effect, remedy];
    return `| ${cells.join(' | ')} |`;
  });
  const note =
    'What `waxwing doctor` finds, by its code. An error needs somebody, a warning a decision, a note nothing. In commands, NAMESPACE and NAME are those of the object.';
  const header =
    '| Code | Severity | Looked for | What was found | Effect | To do |\n| --- | --- | --- | --- | --- | --- |';
  return `# Findings of waxwing doctor\n\n${generatedNote}\n\n${note}\n\n${header}\n${rows.join('\n')}\n`;
}

/** The reference pages by path below the repository. */
async function referencePages(): Promise<Map<string, string>> {
  const [waxwing, kubeseal, controller] = await Promise.all([
    waxwingReference(),
    kubesealReference(),
    controllerReference(),
  ]);
  return new Map([
    ['docs/reference/waxwing.md', waxwing],
    ['docs/reference/kubeseal.md', kubeseal],
    ['docs/reference/controller.md', controller],
    ['docs/reference/doctor.md', doctorReference()],
    ['docs/reference/reasons.md', reasonsReference()],
  ]);
}

/** Writes the pages; with `--check` only says which files differ from what they should be, and fails if any does. */
async function main(): Promise<void> {
  const checkOnly = process.argv.includes('--check');
  await mkdir(join(root, 'docs/reference'), { recursive: true });
  for (const [path, text] of await referencePages()) {
    if (!checkOnly) await writeFile(join(root, path), text);
    else if ((await readFile(join(root, path), 'utf8').catch(() => '')) !== text) {
      console.error(`${path} is out of date; renew it with: node scripts/with-node.mjs scripts/reference.ts`);
      process.exitCode = 1;
    }
  }
}

await main();
