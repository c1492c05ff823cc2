import { byteStringFromText, parseTemplate, TemplateError, textFromByteString } from '@waxwing/shared/gotemplate';
import type { TemplateLint } from './lint.ts';

/** The checks of the text of a template. With it comes the engine, so this is imported when there is something to check. */
export const lintTemplate: TemplateLint = (entry, text) => {
  try {
    const report = parseTemplate({ name: byteStringFromText(entry), text: byteStringFromText(text) });
    return [
      ...report.unknownFunctions.map(({ name, line, column }) => ({
        rule: 'template-function' as const,
        message: `line ${line}, column ${column}: function ${JSON.stringify(textFromByteString(name))} not defined`,
      })),
      ...report.undefinedTemplates.map(({ name, line, column }) => ({
        rule: 'template-syntax' as const,
        message: `line ${line}, column ${column}: template ${JSON.stringify(textFromByteString(name))} not defined`,
      })),
    ];
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return [{ rule: 'template-syntax', message: `line ${error.line}, column ${error.column}: ${error.message}` }];
  }
};
