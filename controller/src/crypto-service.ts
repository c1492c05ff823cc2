import type { RandomBytes, SealedSecret } from '@waxwing/shared';
import {
  assertDecryptable,
  decryptItems,
  isSealedSecretsError,
  keyIdAnnotation,
  reencryptSealedSecret,
} from '@waxwing/shared';
import type { DecryptionQueue } from './decryption-queue.ts';
import type { KeyRing } from './keys/registry.ts';
import { keysInOrder, sealingKey } from './keys/registry.ts';

/** What the HTTP endpoints do with keys. Nothing is rendered here. */
export interface CryptoService {
  currentCertificate(): string;
  verify(sealedSecret: SealedSecret): Promise<boolean>;
  reencrypt(sealedSecret: SealedSecret): Promise<SealedSecret>;
}

export interface CryptoServiceOptions {
  readonly keyRing: () => KeyRing;
  readonly decryptions: DecryptionQueue;
  readonly acceptDeprecatedData: boolean;
  readonly randomBytes: RandomBytes;
  readonly nowMs: () => number;
}

export function createCryptoService(options: CryptoServiceOptions): CryptoService {
  const { acceptDeprecatedData: acceptV1, nowMs, randomBytes } = options;
  const candidates = (sealedSecret: SealedSecret) => {
    const keys = keysInOrder(options.keyRing(), { hint: sealedSecret.metadata.annotations.get(keyIdAnnotation) });
    return options.decryptions.keysFor(keys, 'whenever');
  };
  return {
    currentCertificate: () => sealingKey(options.keyRing(), nowMs()).secret.certificate.pem,
    async verify(sealedSecret) {
      const keys = candidates(sealedSecret);
      // Only yes or no is answered: finding out why costs decryptions, and would tell a stranger which scope fits.
      if (sealedSecret.spec.data === undefined)
        return (await decryptItems(sealedSecret, keys, { maxFailures: 1 })).failures.length === 0;
      try {
        await assertDecryptable(sealedSecret, { keys, acceptV1 });
        return true;
      } catch (error) {
        if (isSealedSecretsError(error)) return false;
        throw error;
      }
    },
    async reencrypt(sealedSecret) {
      const { secret, unsealing } = sealingKey(options.keyRing(), nowMs());
      const sealer = { publicKey: secret.certificate.publicKey, randomBytes, keyId: unsealing.id };
      return reencryptSealedSecret(sealedSecret, { keys: candidates(sealedSecret), acceptV1, sealer });
    },
  };
}
