/** Types whose mere existence makes the control plane hand out, or accept, a credential. */
const credentialTypes: readonly string[] = ['kubernetes.io/service-account-token', 'bootstrap.kubernetes.io/token'];

/**
 * Why a Secret of this type is not created from a SealedSecret, or undefined where it is. Whoever may create SealedSecrets could otherwise have
 * tokens made that he may not ask for himself.
 */
export function forbiddenTypeReason(type: string): string | undefined {
  if (!credentialTypes.includes(type)) return undefined;
  return `Secrets of type ${type} make the cluster hand out credentials, so none is created from a SealedSecret`;
}
