import { badRequest } from './errors.ts';
import { at, isObject, type KubeObject } from './json.ts';
import { labelValueText } from './metadata.ts';

export type ObjectPredicate = (object: KubeObject) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: 'exists' | 'missing' | 'in' | 'notin' | 'gt' | 'lt';
  readonly values: ReadonlySet<string>;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

const labelKeyPattern = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValuePattern = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function parseRequirement(text: string): Requirement {
  const trimmed = text.trim();
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(trimmed);
  const pair = /^([^=!<>\s]+)\s*(==|=|!=|>|<)\s*(.*)$/s.exec(trimmed);
  const requirement: Requirement | undefined =
    set !== null
      ? {
          key: set[1] as string,
          operator: set[2] as 'in' | 'notin',
          values: new Set((set[3] as string).split(',').map((value) => value.trim())),
        }
      : pair !== null
        ? {
            key: pair[1] as string,
            operator: operatorOf(pair[2] as string),
            values: new Set([(pair[3] as string).trim()]),
          }
        : /^!\s*\S+$/.test(trimmed)
          ? { key: trimmed.slice(1).trim(), operator: 'missing', values: new Set() }
          : /^\S+$/.test(trimmed)
            ? { key: trimmed, operator: 'exists', values: new Set() }
            : undefined;
  if (requirement === undefined || !labelKeyPattern.test(requirement.key)) {
    throw badRequest(`unable to parse requirement: ${JSON.stringify(trimmed)} is no label requirement`);
  }
  for (const value of requirement.values) {
    if (!labelValuePattern.test(value)) {
      throw badRequest(
        `unable to parse requirement: values[0][${requirement.key}]: Invalid value: ${JSON.stringify(value)}: ${labelValueText}`,
      );
    }
  }
  return requirement;
}

function operatorOf(sign: string): Requirement['operator'] {
  if (sign === '!=') return 'notin';
  if (sign === '>') return 'gt';
  return sign === '<' ? 'lt' : 'in';
}

function holds(requirement: Requirement, labels: Record<string, string> | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'exists':
      return value !== undefined;
    case 'missing':
      return value === undefined;
    case 'in':
      return value !== undefined && requirement.values.has(value);
    case 'notin':
      return value === undefined || !requirement.values.has(value);
    default: {
      const [bound] = requirement.values;
      if (value === undefined || !/^-?\d+$/.test(value) || bound === undefined) return false;
      return requirement.operator === 'gt' ? Number(value) > Number(bound) : Number(value) < Number(bound);
    }
  }
}

/** Parses a label selector (`a=b,c!=d,e in (f,g),!h`). Throws a 400 ApiError that shows the part that is no requirement. */
export function parseLabelSelector(text: string): ObjectPredicate | undefined {
  if (text.trim() === '') return undefined;
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => requirements.every((requirement) => holds(requirement, object.metadata.labels));
}

/** One term of a field selector. */
interface FieldTerm {
  readonly path: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Parses `metadata.name=x,type!=Opaque`. Throws a 400 ApiError on a term without operator. */
export function parseFieldSelector(text: string): FieldTerm[] {
  if (text.trim() === '') return [];
  return text.split(/(?<!\\),/).map((term) => {
    const parts = /^(.+?)(==|!=|=)(.*)$/s.exec(term);
    if (parts === null) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, path = '', operator, value = ''] = parts;
    return { path: path.trim(), equal: operator !== '!=', value: value.replace(/\\([,=\\])/g, '$1') };
  });
}

/**
 * A predicate for field terms. `supported` are the paths beside `metadata.name` and `metadata.namespace` that the resource
 * allows; another one is refused with 400, as the API server does.
 */
export function fieldPredicate(
  terms: readonly FieldTerm[],
  supported: ReadonlySet<string>,
): ObjectPredicate | undefined {
  if (terms.length === 0) return undefined;
  for (const { path } of terms) {
    if (path !== 'metadata.name' && path !== 'metadata.namespace' && !supported.has(path)) {
      throw badRequest(`field label not supported: ${path}`);
    }
  }
  return (object) => terms.every(({ path, equal, value }) => (fieldValue(object, path) === value) === equal);
}

function fieldValue(object: KubeObject, path: string): string {
  const found = at(object, ...path.split('.'));
  if (found === undefined || found === null || isObject(found)) return '';
  return String(found);
}
