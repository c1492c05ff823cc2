import { SealedSecretsError, type TemplateRenderer } from '@waxwing/shared';

/** Renders entries of `spec.template.data`. */
export function createTemplateRenderer(): TemplateRenderer {
  return (entry) => {
    throw new SealedSecretsError('TemplateError', `template ${JSON.stringify(entry)}: rendering is not built in yet`);
  };
}
