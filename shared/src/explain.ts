import type { Scope } from './api/scope.ts';
import { encryptionLabel, scopeOf, scopes } from './api/scope.ts';
import type { SealedSecret } from './api/sealed-secret.ts';
import { hybridDecrypt, parseEnvelope } from './crypto/hybrid.ts';
import type { UnsealingKey } from './crypto/private-key.ts';
import { decodeBase64 } from './encoding.ts';
import type { ErrorCode } from './errors.ts';

/** What a person needs to know of an item that no key opens. */
export interface Explanation {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

interface Candidate {
  readonly label: Uint8Array;
  readonly explanation: Explanation;
}

/**
 * Finds out why no key opens an item, by trying the few labels that mistakes lead to: the name and namespace written in the template, and the
 * other scopes at this place. Only texts of the object itself are used, so nothing is said about objects of other tenants.
 */
export async function explainUndecryptable(
  sealedSecret: SealedSecret,
  item: string,
  keys: readonly UnsealingKey[],
): Promise<Explanation> {
  const envelope = parseEnvelope(decodeBase64(sealedSecret.spec.encryptedData.get(item) ?? ''));
  if (envelope === undefined) {
    return {
      code: 'MalformedItem',
      message: `item ${JSON.stringify(item)} is too short to be a sealed value`,
      hint: 'The item was cut or is not sealed at all. Seal its value again.',
    };
  }
  for (const { label, explanation } of candidates(sealedSecret)) {
    for (const key of keys) {
      if ((await hybridDecrypt(envelope, key.unwrapKey, label)) !== undefined) return explanation;
    }
  }
  return unknownKey(sealedSecret, keys);
}

function unknownKey(sealedSecret: SealedSecret, keys: readonly UnsealingKey[]): Explanation {
  const scope = scopeOf(sealedSecret.metadata.annotations);
  return {
    code: 'UnknownKey',
    message:
      keys.length === 0
        ? 'there are no sealing keys'
        : `sealed with a certificate whose private key is not here, or for another place than ${describePlace(scope, sealedSecret)}`,
    hint: 'Fetch the certificate of this cluster (waxwing cert) and seal again, or restore the missing key (waxwing keys import).',
  };
}

function describePlace(scope: Scope, { metadata }: SealedSecret): string {
  switch (scope) {
    case 'strict':
      return `${metadata.namespace}/${metadata.name} (scope strict)`;
    case 'namespace-wide':
      return `namespace ${metadata.namespace} (scope namespace-wide)`;
    case 'cluster-wide':
      return 'any place (scope cluster-wide)';
  }
}

function candidates(sealedSecret: SealedSecret): Candidate[] {
  const { metadata, spec } = sealedSecret;
  const declared = scopeOf(metadata.annotations);
  const result: Candidate[] = [];
  for (const { scope, annotation } of scopes) {
    if (scope === declared) continue;
    result.push({
      label: encryptionLabel(scope, metadata.namespace, metadata.name),
      explanation:
        declared === 'strict'
          ? {
              code: 'ScopeAnnotationMissing',
              message: `it was sealed with scope ${scope}, but the SealedSecret lacks the annotation of that scope`,
              hint: `Add the annotation to the SealedSecret itself (not to its template): ${annotation}: "true"`,
            }
          : {
              code: 'ScopeMismatch',
              message: `it was sealed with scope ${scope}, but the annotations declare ${declared}`,
              hint: `Change the scope annotation of the SealedSecret to ${annotation ?? 'none (strict)'}, or seal again with --scope ${declared}.`,
            },
    });
  }
  const { name, namespace } = spec.template.metadata;
  const sealedName = name === '' ? metadata.name : name;
  const sealedNamespace = namespace === '' ? metadata.namespace : namespace;
  if (sealedName !== metadata.name || sealedNamespace !== metadata.namespace) {
    const here = `${metadata.namespace}/${metadata.name}`;
    const there = `${sealedNamespace}/${sealedName}`;
    for (const scope of ['strict', 'namespace-wide'] as const) {
      result.push({
        label: encryptionLabel(scope, sealedNamespace, sealedName),
        explanation: {
          code: 'SealedForOtherName',
          message: `it was sealed for ${there} (scope ${scope}), and this object is ${here}`,
          hint: `Apply it as ${there}, or seal it again for ${here}; scope ${scope} binds a secret to its place on purpose.`,
        },
      });
    }
  }
  return result;
}
