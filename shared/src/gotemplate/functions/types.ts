import { kindOf, typeOf } from '../values/inspect.ts';
import type { GoValue } from '../values/value.ts';
import { define, param, type TemplateFunction } from './definition.ts';

/** Names of types and kinds, as Go's `%T` and `reflect.Kind` give them. */

const typeText = (value: GoValue): string => typeOf(value)?.name ?? '<nil>';

export const typeFunctions: readonly TemplateFunction[] = [
  define('typeOf', [param.any], (_, value) => typeText(value)),
  define('typeIs', [param.string, param.any], (_, name, value) => name === typeText(value)),
  define('typeIsLike', [param.string, param.any], (_, name, value) => {
    const actual = typeText(value);
    return name === actual || `*${name}` === actual;
  }),
  define('kindOf', [param.any], (_, value) => kindOf(value)),
  define('kindIs', [param.string, param.any], (_, name, value) => name === kindOf(value)),
];
