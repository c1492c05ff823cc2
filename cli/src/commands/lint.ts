import { type ErrorCode, isSealedSecretsError, type SourceDocument, valueAt } from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { counted } from '../counted.ts';
import { readInput } from '../documents.ts';
import { exitStatus } from '../hints.ts';
import type { Input } from '../input.ts';
import { openManifests } from '../input-files.ts';
import { type Finding, lintDocument } from '../lint.ts';
import { createPaint } from '../terminal.ts';

/** A finding with the file it is in; a file whose text is broken is one too. */
interface FileFinding extends Omit<Finding, 'rule'> {
  readonly file: string;
  readonly rule: Finding['rule'] | ErrorCode;
}

export function addLintCommand(program: Command, context: CommandContext): void {
  program
    .command('lint')
    .summary('check files before they are committed')
    .description(
      'Checks SealedSecrets offline: shape, base64, envelopes, scope annotations, templates, and plain Secrets that do not belong into Git. Ends with 4 when something is wrong.',
    )
    .argument(
      '[paths...]',
      'files, or folders that are searched for *.yaml, *.yml and *.json; - or nothing is standard input',
    )
    .option('--strict', 'warnings count as errors', false)
    .addHelpText(
      'after',
      `
Examples:
  waxwing lint clusters/
  git diff --cached --name-only -z --diff-filter=d -- '*.yaml' | xargs -0 waxwing lint`,
    )
    .action((paths: string[], flags: { strict: boolean }) => runLint(paths, flags, context));
}

async function runLint(paths: readonly string[], flags: { strict: boolean }, context: CommandContext): Promise<void> {
  const findings: FileFinding[] = [];
  let documents = 0;
  for await (const input of openManifests(context, paths)) {
    const found = await lintInput(input);
    findings.push(...found.findings);
    documents += found.documents;
  }
  const failed = findings.some(({ severity }) => severity === 'error' || flags.strict);
  if (context.global().json) await context.printJson({ documents, findings });
  else await printFindings(findings, documents, context);
  if (failed) context.setStatus(exitStatus.negative);
}

async function lintInput(input: Input): Promise<{ findings: FileFinding[]; documents: number }> {
  const { lintTemplate } = await import('../template-lint.ts');
  const findings: FileFinding[] = [];
  const seen = new Map<string, string>();
  let documents = 0;
  try {
    for await (const document of readInput(input, { nothingFound: 'no documents found', acceptUtf16: true })) {
      documents++;
      for (const finding of [...lintDocument(document, lintTemplate), ...findDuplicate(document, seen)]) {
        findings.push({ file: input.name, ...finding });
      }
    }
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    // A file without documents is nothing to complain about.
    if (error.code !== 'EmptyInput') {
      const { line = 1, column = 1 } = error.violations[0] ?? {};
      findings.push({
        file: input.name,
        rule: error.code,
        severity: 'error',
        path: '',
        message: error.message,
        line,
        column,
      });
    }
  }
  return { findings, documents };
}

/** Two objects of one name in one file overwrite each other when it is applied. Files are often alternatives: one per cluster, or overlay. */
function findDuplicate(document: SourceDocument, seen: Map<string, string>): Finding[] {
  if (valueAt(document.value, ['kind']) !== 'SealedSecret') return [];
  const text = (field: string) => String(valueAt(document.value, ['metadata', field]) ?? '');
  const name = `${text('namespace')}/${text('name')}`;
  const first = seen.get(name);
  const here = `${document.source}:${document.line}`;
  if (first === undefined) {
    seen.set(name, here);
    return [];
  }
  const message = `${name} stands at ${first} already; the one overwrites the other when the file is applied`;
  return [
    { rule: 'duplicate-object', severity: 'warning', path: 'metadata.name', message, line: document.line, column: 1 },
  ];
}

async function printFindings(
  findings: readonly FileFinding[],
  documents: number,
  context: CommandContext,
): Promise<void> {
  const { io } = context;
  const paint = createPaint(io.stdout, io.env, context.global().color);
  for (const { file, line, column, severity, rule, path, message } of findings) {
    const label = severity === 'error' ? paint.red('error') : paint.yellow('warning');
    const text = `${file}:${line}:${column}: ${label} ${rule}: ${path === '' ? '' : `${path}: `}${message}\n`;
    await context.print(text);
  }
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  await context.note(
    `${counted(documents, 'document')}, ${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}`,
  );
}
