import {
  buildSecret,
  encodeUtf8,
  readSecret,
  type SealedSecret,
  SealedSecretsError,
  secretDocument,
} from '@waxwing/shared';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { readInput, sealedSecretIn } from '../documents.ts';
import { formatDocument, parseOutputFormat } from '../format.ts';
import { openInput } from '../input.ts';
import { openNamed } from '../input-files.ts';
import { lazyRenderer } from '../lazy-renderer.ts';
import { addFormatOption, repeatable } from '../options.ts';

interface TemplateFlags {
  readonly values?: string;
  readonly set: readonly string[];
  readonly format?: string;
}

export function addTemplateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('template')
    .summary('try spec.template offline')
    .description(
      'Renders the templates of a SealedSecret with values you give, so that you can try them before you commit. Items without a value get the placeholder <NAME>. Nothing is decrypted.',
    )
    .argument('[file]', 'file with a SealedSecret; - or nothing is standard input')
    .option('--values <file>', 'Secret (YAML or JSON) whose items are the values')
    .addOption(repeatable('--set <item=value>', 'a value that is no secret, for trying'));
  addFormatOption(command).addHelpText(
    'after',
    `
Examples:
  waxwing template sealed.yaml
  waxwing template sealed.yaml --values plain-secret.yaml`,
  );
  command.action((file: string | undefined, flags: TemplateFlags) => runTemplate(file, flags, context));
}

async function runTemplate(file: string | undefined, flags: TemplateFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const values = await loadValues(flags, context);
  const render = lazyRenderer(io);
  let result = '';
  const { findTemplateProblems } = await import('../template-problems.ts');
  for await (const input of openNamed(context, file === undefined ? [] : [file])) {
    for await (const document of readInput(input, { nothingFound: 'no SealedSecret found', acceptUtf16: true })) {
      const sealedSecret = sealedSecretIn(document);
      const items = itemValues(sealedSecret, values);
      const { secret, failures } = await buildSecret(sealedSecret, { items, failures: [] }, render);
      for (const problem of findTemplateProblems(sealedSecret)) await context.note(`warning: ${problem}`);
      if (failures.length > 0) {
        throw new SealedSecretsError('TemplateError', failures.map(({ message }) => message).join('; '), {
          violations: failures.map(({ item, message }) => ({
            path: `spec.template.data[${JSON.stringify(item)}]`,
            message,
          })),
        });
      }
      result += formatted(secret, flags, input.name, context);
    }
  }
  await context.print(result);
}

async function loadValues(flags: TemplateFlags, { io }: CommandContext): Promise<Map<string, Uint8Array>> {
  const values = new Map<string, Uint8Array>();
  if (flags.values !== undefined) {
    const input = openInput(io, flags.values);
    for await (const document of readInput(input, {
      nothingFound: `${flags.values}: no Secret found`,
      acceptUtf16: true,
    })) {
      const { data } = readSecret(document.value, { source: flags.values, lenient: document.format });
      for (const [item, value] of data) values.set(item, value);
    }
  }
  for (const text of flags.set) {
    const separator = text.indexOf('=');
    if (separator < 1)
      throw new SealedSecretsError('InvalidUsage', `--set takes item=value, not ${JSON.stringify(text)}`);
    values.set(text.slice(0, separator), encodeUtf8(text.slice(separator + 1)));
  }
  return values;
}

function itemValues({ spec }: SealedSecret, values: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  return new Map(Array.from(spec.encryptedData.keys(), (item) => [item, values.get(item) ?? encodeUtf8(`<${item}>`)]));
}

/** People read the Secret with its texts; programs get it as the API server would. */
function formatted(
  secret: Parameters<typeof secretDocument>[0],
  flags: TemplateFlags,
  source: string,
  context: CommandContext,
): string {
  const document = secretDocument(secret);
  if (!context.global().json) {
    const texts = Array.from(secret.data, ([item, value]) => [item, Buffer.from(value).toString('utf8')] as const);
    document.delete('data');
    document.set('stringData', new Map(texts));
  }
  const format = context.global().json
    ? 'json'
    : parseOutputFormat(flags.format ?? (/\.json$/.test(source) ? 'json' : 'yaml'));
  return formatDocument(document, format);
}
