import { type FieldError, invalidValue, requiredField, unsupportedValue } from './errors.ts';
import { deepEqual, isObject, jsonTypeName, own } from './json.ts';
import { childPath, SchemaCompiler, type SchemaNode } from './schema.ts';

/**
 * Checks a custom resource against its structural schema. The texts are those of kube-apiserver, because they reach users
 * through `kubectl` and the controller's own messages.
 */
export function validateValue(value: unknown, node: SchemaNode, path: string, errors: FieldError[]): void {
  if (value === null || value === undefined) {
    if (node.nullable) return;
    const wanted = node.intOrString ? 'integer,string' : node.type;
    if (wanted !== undefined) errors.push(typeError(path, wanted, 'null'));
    return;
  }
  if (!hasType(value, node)) {
    errors.push(typeError(path, node.intOrString ? 'integer,string' : (node.type ?? 'object'), jsonTypeName(value)));
    return;
  }
  validateKeywords(value, node, path, errors);
  if (Array.isArray(value)) validateItems(value, node, path, errors);
  else if (isObject(value)) validateProperties(value, node, path, errors);
}

function typeError(path: string, wanted: string, actual: string): FieldError {
  return {
    type: 'FieldValueTypeInvalid',
    field: fieldName(path),
    text: `Invalid value: ${JSON.stringify(actual)}: ${inBody(path)} must be of type ${wanted}: ${JSON.stringify(actual)}`,
  };
}

function fieldName(path: string): string {
  return path === '' ? '<nil>' : path;
}

function inBody(path: string): string {
  return `${path} in body`;
}

function hasType(value: unknown, node: SchemaNode): boolean {
  if (node.intOrString) return typeof value === 'string' || Number.isInteger(value);
  switch (node.type) {
    case undefined:
      return true;
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === node.type;
  }
}

function validateProperties(
  value: Record<string, unknown>,
  node: SchemaNode,
  path: string,
  errors: FieldError[],
): void {
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? node.additional;
    if (child !== undefined) validateValue(value[key], child, childPath(path, key), errors);
  }
  for (const key of node.required) {
    if (!Object.hasOwn(value, key)) errors.push(requiredField(childPath(path, key)));
  }
}

function validateItems(value: readonly unknown[], node: SchemaNode, path: string, errors: FieldError[]): void {
  const { items } = node;
  if (items !== undefined) {
    for (const [index, entry] of value.entries()) validateValue(entry, items, `${path}[${index}]`, errors);
  }
  if (node.listType === 'atomic') return;
  const seen = new Set<string>();
  for (const [index, entry] of value.entries()) {
    const identity =
      node.listType === 'map' && isObject(entry)
        ? Object.fromEntries(node.mapKeys.flatMap((key) => (Object.hasOwn(entry, key) ? [[key, own(entry, key)]] : [])))
        : entry;
    const text = JSON.stringify(identity);
    if (seen.has(text)) {
      errors.push({ type: 'FieldValueDuplicate', field: `${path}[${index}]`, text: `Duplicate value: ${text}` });
    }
    seen.add(text);
  }
}

function validateKeywords(value: unknown, node: SchemaNode, path: string, errors: FieldError[]): void {
  const { keywords } = node;
  const fail = (why: string) => errors.push(invalidValue(fieldName(path), value, `${inBody(path)} ${why}`));
  const limit = (name: string) => {
    const found = own(keywords, name);
    return typeof found === 'number' ? found : undefined;
  };
  const allowed = own(keywords, 'enum');
  if (Array.isArray(allowed) && !allowed.some((entry) => deepEqual(entry, value))) {
    errors.push(unsupportedValue(fieldName(path), value, allowed));
  }
  if (typeof value === 'number') validateNumber(value, keywords, limit, fail);
  if (typeof value === 'string') validateString(value, node, path, limit, errors, fail);
  if (Array.isArray(value)) {
    const { length } = value;
    if (length < (limit('minItems') ?? 0)) {
      errors.push(
        invalidValue(fieldName(path), length, `${inBody(path)} should have at least ${limit('minItems')} items`),
      );
    }
    if (length > (limit('maxItems') ?? length)) errors.push(tooMany(path, length, limit('maxItems') ?? 0));
    if (own(keywords, 'uniqueItems') === true && new Set(value.map((entry) => JSON.stringify(entry))).size < length) {
      fail("shouldn't contain duplicates");
    }
  } else if (isObject(value)) {
    const { length } = Object.keys(value);
    if (length < (limit('minProperties') ?? 0)) fail(`should have at least ${limit('minProperties')} properties`);
    if (length > (limit('maxProperties') ?? length)) errors.push(tooMany(path, length, limit('maxProperties') ?? 0));
  }
  validateCombinations(value, node, path, errors);
}

function tooMany(path: string, actual: number, most: number): FieldError {
  return {
    type: 'FieldValueTooMany',
    field: fieldName(path),
    text: `Too many: ${actual}: must have at most ${most} item${most === 1 ? '' : 's'}`,
  };
}

function validateNumber(
  value: number,
  keywords: Record<string, unknown>,
  limit: (name: string) => number | undefined,
  fail: (why: string) => void,
): void {
  const minimum = limit('minimum');
  const maximum = limit('maximum');
  const multipleOf = limit('multipleOf');
  if (minimum !== undefined) {
    if (own(keywords, 'exclusiveMinimum') === true) {
      if (value <= minimum) fail(`should be greater than ${minimum}`);
    } else if (value < minimum) fail(`should be greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined) {
    if (own(keywords, 'exclusiveMaximum') === true) {
      if (value >= maximum) fail(`should be less than ${maximum}`);
    } else if (value > maximum) fail(`should be less than or equal to ${maximum}`);
  }
  if (multipleOf !== undefined && value % multipleOf !== 0) fail(`should be a multiple of ${multipleOf}`);
}

function validateString(
  value: string,
  node: SchemaNode,
  path: string,
  limit: (name: string) => number | undefined,
  errors: FieldError[],
  fail: (why: string) => void,
): void {
  const length = [...value].length;
  const most = limit('maxLength');
  if (most !== undefined && length > most) {
    errors.push({
      type: 'FieldValueTooLong',
      field: fieldName(path),
      text: `Too long: may not be more than ${most} bytes`,
    });
    return;
  }
  const least = limit('minLength');
  if (least !== undefined && length < least) {
    fail(`should be at least ${least} chars long`);
    return;
  }
  const pattern = own(node.keywords, 'pattern');
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) fail(`should match '${pattern}'`);
  const format = own(node.keywords, 'format');
  if (typeof format === 'string' && isFormat.get(format.replaceAll('-', ''))?.(value) === false) {
    const shown = format === 'date-time' ? 'date-time' : format;
    errors.push({
      type: 'FieldValueTypeInvalid',
      field: fieldName(path),
      text: `Invalid value: ${JSON.stringify(value)}: ${inBody(path)} must be of type ${shown}: ${JSON.stringify(value)}`,
    });
  }
}

const isFormat = new Map<string, (value: string) => boolean>([
  [
    'byte',
    (value) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.replace(/[\r\n]/g, '')),
  ],
  ['datetime', (value) => /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?$/.test(value)],
  ['date', (value) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value))],
  ['uuid', (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(value)],
  ['ipv4', (value) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/.test(value)],
]);

/** `allOf`, `anyOf`, `oneOf` and `not`, which in structural schemas only carry value validations. */
function validateCombinations(value: unknown, node: SchemaNode, path: string, errors: FieldError[]): void {
  const { keywords } = node;
  // These name their place in the text alone.
  const fail = (why: string) => errors.push(invalidValue('<nil>', '', `${JSON.stringify(path)} ${why}`));
  if (
    keywords['anyOf'] === undefined &&
    keywords['oneOf'] === undefined &&
    keywords['allOf'] === undefined &&
    keywords['not'] === undefined
  ) {
    return;
  }
  const errorsOf = (schema: unknown) => {
    const found: FieldError[] = [];
    if (isObject(schema)) validateValue(value, valueNode(schema), path, found);
    return found;
  };
  const branches = (name: string) => {
    const found = own(keywords, name);
    return Array.isArray(found) ? found : [];
  };
  for (const schema of branches('allOf')) errors.push(...errorsOf(schema));
  const anyOf = branches('anyOf');
  if (anyOf.length > 0 && !anyOf.some((schema) => errorsOf(schema).length === 0)) {
    fail('must validate at least one schema (anyOf)');
  }
  const oneOf = branches('oneOf');
  if (oneOf.length > 0 && oneOf.filter((schema) => errorsOf(schema).length === 0).length !== 1) {
    fail('must validate one and only one schema (oneOf)');
  }
  const not = own(keywords, 'not');
  if (isObject(not) && errorsOf(not).length === 0) fail('must not validate the schema (not)');
}

const valueNodes = new WeakMap<object, SchemaNode>();

function valueNode(schema: Record<string, unknown>): SchemaNode {
  let node = valueNodes.get(schema);
  if (node === undefined) {
    node = new SchemaCompiler().compile(schema);
    valueNodes.set(schema, node);
  }
  return node;
}
