import type { SealedSecret } from '@waxwing/shared';
import { byteStringFromText, parseTemplate, TemplateError } from '@waxwing/shared/gotemplate';
import { lintTemplate } from './template-lint.ts';

/**
 * What people stumble over in templates, as sentences: unknown functions, entries that a sealed item overrides, items that a template was surely
 * meant to use and does not (those that `null` omits and nobody reads).
 */
export function findTemplateProblems({ spec }: SealedSecret): string[] {
  const problems: string[] = [];
  const read = new Set<string>();
  let readsAll = false;
  for (const [entry, text] of spec.template.data) {
    if (text === null) continue;
    if (spec.encryptedData.has(entry))
      problems.push(`entry ${JSON.stringify(entry)} has no effect: the sealed item of that name wins`);
    for (const { message } of lintTemplate(entry, text)) problems.push(`entry ${JSON.stringify(entry)}: ${message}`);
    try {
      const report = parseTemplate({ name: byteStringFromText(entry), text: byteStringFromText(text) });
      readsAll ||= report.readsWholeData;
      for (const { name } of report.fields) read.add(name);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
    }
  }
  for (const [entry, text] of spec.template.data) {
    if (text !== null || readsAll || read.has(byteStringFromText(entry))) continue;
    problems.push(`item ${JSON.stringify(entry)} is omitted by null, and no template uses it`);
  }
  return problems;
}
