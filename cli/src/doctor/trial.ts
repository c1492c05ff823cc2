import { assertDecryptable, isSealedSecretsError, type SealedSecret, type UnsealingKey } from '@waxwing/shared';

/** What came of trying to open an object. */
export interface Trial {
  readonly opens: boolean;
  /** Reason, explanation and what mends it; empty for one that opens. */
  readonly text: string;
}

/** Tries to open an object as the controller would. Values are dropped at once, templates not rendered. */
export async function tryToOpen(
  sealedSecret: SealedSecret,
  keys: readonly UnsealingKey[],
  acceptV1: boolean,
): Promise<Trial> {
  try {
    await assertDecryptable(sealedSecret, { keys, acceptV1, maxFailures: 1 });
    return { opens: true, text: '' };
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    const { code, message, hint } = error;
    return { opens: false, text: hint === undefined ? `${code}: ${message}` : `${code}: ${message}. ${hint}` };
  }
}
