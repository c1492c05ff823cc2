import { builtinFunctions } from './builtins.ts';
import { caseFunctions } from './case-conversion.ts';
import { costlyFunctions, cryptoFunctions } from './crypto.ts';
import { dateFunctions } from './dates.ts';
import { defaultFunctions } from './defaults.ts';
import type { TemplateFunction } from './definition.ts';
import { dictFunctions } from './dicts.ts';
import { encodingFunctions } from './encoding.ts';
import { flowFunctions } from './flow.ts';
import { jsonFunctions } from './json.ts';
import { listFunctions } from './lists.ts';
import { mathFunctions } from './math.ts';
import { pathFunctions } from './paths.ts';
import { randomFunctions } from './random.ts';
import { regexFunctions } from './regex.ts';
import { semverFunctions } from './semver.ts';
import { stringFunctions } from './strings.ts';
import { typeFunctions } from './types.ts';
import { urlFunctions } from './urls.ts';

/**
 * Every function a template can call: Go's own, and those of sprig 3.3.0 except the three that reach outside (`env`, `expandenv`,
 * `getHostByName`). Sprig's `slice` takes the place of Go's. What is not in this table does not exist.
 */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map(
  [
    builtinFunctions,
    stringFunctions,
    caseFunctions,
    listFunctions,
    dictFunctions,
    defaultFunctions,
    jsonFunctions,
    mathFunctions,
    dateFunctions,
    typeFunctions,
    pathFunctions,
    urlFunctions,
    encodingFunctions,
    cryptoFunctions,
    randomFunctions,
    regexFunctions,
    semverFunctions,
    flowFunctions,
  ]
    .flat()
    .map((fn) => [fn.name, fn]),
);

/** Names of the functions that generate keys and certificates or hash passwords. */
export const costlyFunctionNames: ReadonlySet<string> = new Set(costlyFunctions.map(({ name }) => name));
