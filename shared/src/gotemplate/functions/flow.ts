import { CallError } from '../errors.ts';
import { define, param, type TemplateFunction } from './definition.ts';

export const flowFunctions: readonly TemplateFunction[] = [
  define('fail', [param.string], () => {
    // The text the template gives may hold a secret.
    throw new CallError('the template asked to fail');
  }),
];
