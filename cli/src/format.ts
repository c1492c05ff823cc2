import { type DocumentMap, formatJson, formatYaml, SealedSecretsError } from '@waxwing/shared';

export type OutputFormat = 'json' | 'yaml';

/**
 * Parses a format as written on a command line: any case, empty for json.
 *
 * @throws SealedSecretsError `InvalidUsage` in upstream's words.
 */
export function parseOutputFormat(text: string): OutputFormat {
  const format = text.toLowerCase();
  if (format === '' || format === 'json') return 'json';
  if (format === 'yaml') return 'yaml';
  throw new SealedSecretsError('InvalidUsage', `unsupported output format: ${text}`, { hint: 'Use json or yaml.' });
}

/** A document as it is printed: JSON with a newline behind it, YAML with `---` before it. */
export function formatDocument(document: DocumentMap, format: OutputFormat): string {
  return format === 'json' ? `${formatJson(document)}\n` : `---\n${formatYaml(document)}`;
}
