import { isEmpty } from '../values/inspect.ts';
import { define, defineVariadic, param, type TemplateFunction } from './definition.ts';

/** Defaults, emptiness and choice. Empty is the zero value of a type, and nil. */
export const defaultFunctions: readonly TemplateFunction[] = [
  defineVariadic('default', [param.any], param.any, (_, fallback, given) => {
    const [first] = given;
    return first === undefined || isEmpty(first) ? fallback : first;
  }),
  define('empty', [param.any], (_, value) => isEmpty(value)),
  defineVariadic('coalesce', [], param.any, (_, values) => values.find((value) => !isEmpty(value)) ?? null),
  defineVariadic('all', [], param.any, (_, values) => values.every((value) => !isEmpty(value))),
  defineVariadic('any', [], param.any, (_, values) => values.some((value) => !isEmpty(value))),
  define('ternary', [param.any, param.any, param.bool], (_, whenTrue, whenFalse, condition) =>
    condition ? whenTrue : whenFalse,
  ),
];
