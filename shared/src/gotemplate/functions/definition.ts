import type { Budget } from '../budget.ts';
import type { TemplateEffects } from '../effects.ts';
import type { GoTime } from '../time/time.ts';
import { type GoType, types } from '../values/types.ts';
import type { Evaluated, GoCertificate, GoInteger, GoMap, GoSlice, GoValue, GoVersion } from '../values/value.ts';

/** How functions of templates are declared: a Go signature, a cost, and what it does. */

/** What a function may use besides its arguments. */
export interface CallContext {
  readonly budget: Budget;
  readonly effects: TemplateEffects;
}

/** A parameter: the Go type arguments are checked against, and the JavaScript value the function gets. */
export interface Parameter<T> {
  readonly type: GoType;
  readonly read: (value: Evaluated) => T;
}

function parameter<T>(type: GoType): Parameter<T> {
  // The executor has checked the value against the type.
  return { type, read: (value) => value as T };
}

const integerParameter = (type: GoType): Parameter<bigint> => ({
  type,
  read: (value) => (value as GoInteger).value,
});

/** The parameter types that occur. */
export const param = {
  string: parameter<string>(types.string),
  int: integerParameter(types.int),
  uint32: integerParameter(types.uint32),
  float: parameter<number>(types.float64),
  bool: parameter<boolean>(types.bool),
  any: parameter<GoValue>(types.any),
  dict: parameter<GoMap>(types.anyMap),
  list: parameter<GoSlice>(types.anySlice),
  bytes: parameter<GoSlice>(types.byteSlice),
  time: parameter<GoTime>(types.time),
  duration: integerParameter(types.duration),
  location: parameter<GoValue>(types.locationPointer),
  /** A nil pointer arrives as `null`. */
  version: parameter<GoVersion | null>(types.versionPointer),
  certificate: parameter<GoCertificate>(types.certificate),
  /** A value as the engine sees it: also none. */
  reflect: parameter<Evaluated>(types.reflectValue),
} as const;

export interface TemplateFunction {
  readonly name: string;
  readonly parameters: readonly GoType[];
  /** The type of further arguments, if any are taken. */
  readonly variadic: GoType | undefined;
  /** Units of costly work (about 10 ms each); 0 for what is cheap. */
  readonly cost: number;
  readonly call: (context: CallContext, args: readonly Evaluated[]) => Evaluated;
}

type Arguments<P extends readonly Parameter<unknown>[]> = {
  [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

/** A function with a fixed number of arguments. */
export function define<const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  call: (context: CallContext, ...args: Arguments<P>) => Evaluated,
  cost = 0,
): TemplateFunction {
  return {
    name,
    parameters: parameters.map(({ type }) => type),
    variadic: undefined,
    cost,
    call: (context, args) => call(context, ...(parameters.map(({ read }, i) => read(args[i])) as Arguments<P>)),
  };
}

/** A function that takes any number of further arguments of one type, as a list after the fixed ones. */
export function defineVariadic<const P extends readonly Parameter<unknown>[], V>(
  name: string,
  parameters: P,
  variadic: Parameter<V>,
  call: (context: CallContext, ...args: [...Arguments<P>, V[]]) => Evaluated,
): TemplateFunction {
  return {
    name,
    parameters: parameters.map(({ type }) => type),
    variadic: variadic.type,
    cost: 0,
    call: (context, args) => {
      const fixed = parameters.map(({ read }, i) => read(args[i])) as Arguments<P>;
      return call(context, ...fixed, args.slice(parameters.length).map(variadic.read));
    },
  };
}

/** The same function under another name. */
export function alias(name: string, original: TemplateFunction): TemplateFunction {
  return { ...original, name };
}
