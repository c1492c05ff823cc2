import { type FindingCode, type FindingKind, findingKinds, type Severity } from './finding-kinds.ts';

/** Something that was found on one object. */
export interface Finding {
  readonly code: FindingCode;
  /** Empty for what belongs to no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** What is special about this object: names and types, never a value. */
  readonly detail: string;
}

/** An object of the cluster, as far as findings name it. */
interface Place {
  readonly namespace: string;
  readonly name: string;
}

/** A finding about an object. */
export function finding(code: FindingCode, { namespace, name }: Place, detail = ''): Finding {
  return { code, namespace, name, detail };
}

export function kindOf(code: FindingCode): FindingKind {
  return findingKinds[code];
}

export const severities: readonly Severity[] = ['error', 'warning', 'note'];

/** Findings of one code, as they are told. */
export interface FindingGroup {
  readonly code: FindingCode;
  readonly kind: FindingKind;
  readonly findings: readonly Finding[];
}

/** By severity, then in the order of the table; within a group by namespace and name. */
export function groupFindings(findings: readonly Finding[]): FindingGroup[] {
  const byCode = Map.groupBy(findings, ({ code }) => code);
  const groups = (Object.keys(findingKinds) as FindingCode[]).flatMap((code) => {
    const found = byCode.get(code);
    return found === undefined ? [] : [{ code, kind: kindOf(code), findings: found.toSorted(byPlace) }];
  });
  return severities.flatMap((severity) => groups.filter(({ kind }) => kind.severity === severity));
}

function byPlace(a: Finding, b: Finding): number {
  const [left, right] = [a, b].map(({ namespace, name }) => `${namespace}\u0000${name}`) as [string, string];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** What a group says in general, said of one object. */
export function remedyFor({ code, namespace, name }: Finding): string {
  return kindOf(code)
    .remedy.replaceAll('NAMESPACE', namespace)
    .replaceAll(/\bNAME\b/g, name);
}

/** `a, b, c and 4 more`: sorted names, the first ones of many. */
export function listNames(names: Iterable<string>, most = 5): string {
  const sorted = [...names].sort();
  const shown = sorted.slice(0, most).join(', ');
  return sorted.length > most ? `${shown} and ${sorted.length - most} more` : shown;
}

export type { FindingCode, Severity };
