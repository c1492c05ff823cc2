import { CallError } from './errors.ts';
import type { NumberNode } from './syntax/nodes.ts';
import { typeName, typeOf } from './values/inspect.ts';
import { type GoType, isSignedKind, isUnsignedKind, types } from './values/types.ts';
import { type Evaluated, GoComplex, GoInteger, GoMap, GoSlice, type GoValue, int } from './values/value.ts';

/** How values and literals become arguments of a Go type: assignment as in Go, with nothing converted. */

/** Parameters that take any value. */
export function isOpen(type: GoType): boolean {
  return type === types.any || type === types.reflectValue;
}

export function expectation(type: GoType): string {
  return type.kind === 'int' || type.kind === 'int64' ? 'integer' : type.name;
}

/** A number literal for a parameter of a number type takes that type, if it has a value of it. */
export function numberArgument(node: NumberNode, type: GoType): GoValue {
  if (isOpen(type)) return idealConstant(node);
  if (isSignedKind(type.kind) && node.int !== undefined) return new GoInteger(type, node.int);
  if (isUnsignedKind(type.kind) && node.uint !== undefined) {
    return new GoInteger(type, BigInt.asUintN(type === types.uint32 ? 32 : 64, node.uint));
  }
  if (type.kind === 'float64' && node.float !== undefined) return node.float;
  throw new CallError(`expected ${expectation(type)}; found a number`);
}

/** The type a number literal has where nothing asks for one. */
export function idealConstant(node: NumberNode): GoValue {
  if (node.complex !== undefined) return new GoComplex(node.complex.real, node.complex.imaginary);
  const isRune = node.text.startsWith("'");
  // `0x1e3` has an `e` and is an integer all the same. Go looks at the first two characters only, not behind a sign.
  const isHexInteger = /^0[xX]./.test(node.text) && !/[pP]/.test(node.text);
  if (node.float !== undefined && !isHexInteger && !isRune && /[.eEpP]/.test(node.text)) return node.float;
  if (node.int !== undefined) return int(node.int);
  throw new CallError('a number overflows int');
}

/** Types whose parameters accept a nil. */
export function canBeNil(type: GoType): boolean {
  return (
    type.kind === 'interface' ||
    type.kind === 'map' ||
    type.kind === 'slice' ||
    type.kind === 'ptr' ||
    type === types.reflectValue
  );
}

export function zeroOf(type: GoType): Evaluated {
  if (type.kind === 'map') return new GoMap(type, undefined);
  if (type.kind === 'slice') return new GoSlice(type, undefined);
  return type === types.reflectValue ? undefined : null;
}

/** The value as an argument of this type, or an error that names both types. */
export function assignable(value: Evaluated, type: GoType): Evaluated {
  if (value === undefined) {
    if (canBeNil(type)) return zeroOf(type);
    throw new CallError(`invalid value; expected ${type.name}`);
  }
  if (isOpen(type) || typeOf(value) === type) return value;
  throw new CallError(
    `wrong type for value; expected ${type.name}; got ${value === null ? 'interface {}' : typeName(value)}`,
  );
}
