import { type Scope, SealedSecretsError, type Secret, scopeNeeds, scopeOf, withScope } from '@waxwing/shared';

/** What the command line says about the place a Secret is sealed for. */
export interface PlacementOptions {
  /** Overrides the input's name; empty for none. */
  readonly name: string;
  /** The namespace given explicitly; empty for none. It must not contradict the input. */
  readonly namespace: string;
  /** A scope wider than strict replaces the one the input declares; strict leaves it alone, as upstream does. */
  readonly scope: Scope;
  /** Makes strict take the annotations of a wider scope away. */
  readonly narrow?: boolean;
  /** For an input without namespace. Asked only then; an empty answer is none. */
  readonly defaultNamespace: () => Promise<string>;
  readonly allowEmptyData: boolean;
}

/**
 * Completes a Secret that was read, so that it can be sealed: scope, name and namespace (specification 6.4, steps 4 to 6).
 *
 * @throws SealedSecretsError `EmptyInput`, `InvalidObject` or `NamespaceMismatch`, in upstream's words.
 */
export async function placeSecret(secret: Secret, options: PlacementOptions): Promise<Secret> {
  if (secret.data.size === 0 && !options.allowEmptyData) {
    throw new SealedSecretsError(
      'EmptyInput',
      'secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, --allow-empty-data can be used',
    );
  }
  const name = options.name === '' ? secret.metadata.name : options.name;
  if (name === '') throw new SealedSecretsError('InvalidObject', 'missing metadata.name in input Secret');
  const annotations =
    options.scope === 'strict' && options.narrow !== true
      ? secret.metadata.annotations
      : withScope(secret.metadata.annotations, options.scope);
  const namespace = await placeNamespace(secret.metadata.namespace, scopeOf(annotations), options);
  return { ...secret, metadata: { ...secret.metadata, name, namespace, annotations } };
}

async function placeNamespace(own: string, scope: Scope, options: PlacementOptions): Promise<string> {
  if (!scopeNeeds(scope).namespace) return own;
  assertSameNamespace(own, options.namespace);
  const namespace = own || options.namespace || (await options.defaultNamespace());
  if (namespace === '') {
    throw new SealedSecretsError('InvalidObject', 'secret must declare a namespace', {
      hint: `Scope ${scope} binds the secret to its namespace: set metadata.namespace or give --namespace.`,
    });
  }
  return namespace;
}

/** @throws SealedSecretsError `NamespaceMismatch` when both are named and differ. */
function assertSameNamespace(input: string, given: string): void {
  if (input === '' || given === '' || input === given) return;
  throw new SealedSecretsError(
    'NamespaceMismatch',
    `namespace mismatch: input secret is in namespace "${input}" but "${given}" was specified`,
  );
}
