import { encodeUtf8 } from '../encoding.ts';
import { SealedSecretsError } from '../errors.ts';
import { clusterWideAnnotation, isTruthy, namespaceWideAnnotation } from './annotations.ts';

/** Which objects a sealed value opens in. */
export type Scope = 'strict' | 'namespace-wide' | 'cluster-wide';

interface ScopeRow {
  readonly scope: Scope;
  /** The annotation that declares it; none for the default. */
  readonly annotation: string | undefined;
  /** What a value is bound to, for people. */
  readonly binds: string;
  /** The OAEP label, as text. */
  readonly label: (namespace: string, name: string) => string;
}

/** FORMAT.md, "Scopes". From the widest to the narrowest: the first whose annotation is set applies. */
export const scopes: readonly [ScopeRow, ScopeRow, ScopeRow] = [
  { scope: 'cluster-wide', annotation: clusterWideAnnotation, binds: 'nothing', label: () => '' },
  {
    scope: 'namespace-wide',
    annotation: namespaceWideAnnotation,
    binds: 'the namespace',
    label: (namespace) => namespace,
  },
  {
    scope: 'strict',
    annotation: undefined,
    binds: 'the namespace and the name',
    label: (namespace, name) => `${namespace}/${name}`,
  },
];

function scopeRow(scope: Scope): ScopeRow {
  return scopes.find((row) => row.scope === scope) ?? scopes[2];
}

/** The scope that annotations declare; cluster-wide wins over namespace-wide. */
export function scopeOf(annotations: ReadonlyMap<string, string>): Scope {
  return scopes.find((row) => row.annotation === undefined || isTruthy(annotations, row.annotation))?.scope ?? 'strict';
}

/** The annotations of a scope: one entry, or none for strict. */
export function scopeAnnotations(scope: Scope): Map<string, string> {
  const { annotation } = scopeRow(scope);
  return new Map(annotation === undefined ? [] : [[annotation, 'true']]);
}

/** A copy of the annotations in which exactly this scope is declared. */
export function withScope(annotations: ReadonlyMap<string, string>, scope: Scope): Map<string, string> {
  const result = new Map(annotations);
  for (const row of scopes) if (row.annotation !== undefined) result.delete(row.annotation);
  for (const [name, value] of scopeAnnotations(scope)) result.set(name, value);
  return result;
}

/** The OAEP label that binds a value to its place (FORMAT.md, "Scopes"), UTF-8. */
export function encryptionLabel(scope: Scope, namespace: string, name: string): Uint8Array<ArrayBuffer> {
  return encodeUtf8(scopeRow(scope).label(namespace, name));
}

/** Whether a value of this scope needs a namespace, and a name, to be sealed. */
export function scopeNeeds(scope: Scope): { readonly namespace: boolean; readonly name: boolean } {
  return { namespace: scope !== 'cluster-wide', name: scope === 'strict' };
}

/**
 * Parses a scope as written on a command line; the empty text is strict.
 *
 * @throws SealedSecretsError `InvalidUsage`, naming the three scopes.
 */
export function parseScope(text: string): Scope {
  if (text === '') return 'strict';
  const row = scopes.find((candidate) => candidate.scope === text);
  if (row === undefined) {
    throw new SealedSecretsError(
      'InvalidUsage',
      `unknown scope ${JSON.stringify(text)}: must be one of strict, namespace-wide, cluster-wide`,
    );
  }
  return row.scope;
}
