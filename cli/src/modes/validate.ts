import {
  formatJsonCompact,
  isSealedSecretsError,
  type SealedSecret,
  SealedSecretsError,
  type SourceDocument,
  sealedSecretDocument,
} from '@waxwing/shared';
import type { Controller } from '../cluster.ts';
import { type DocumentOptions, readInput, sealedSecretIn } from '../documents.ts';
import type { Input } from '../input.ts';

/**
 * Asks the controller whether it can decrypt every SealedSecret of an input. All refused ones are named.
 *
 * @throws SealedSecretsError `Undecryptable`, or what keeps the controller from answering.
 */
export async function runValidate(input: Input, controller: Controller, options: DocumentOptions): Promise<void> {
  const refused: string[] = [];
  for await (const document of readInput(input, options)) {
    const sealedSecret = readForValidation(document);
    const answer = await controller.verify(formatJsonCompact(sealedSecretDocument(sealedSecret)));
    if (answer.status === 409) refused.push(`unable to decrypt sealed secret: ${sealedSecret.metadata.name}`);
    else if (answer.status !== 200) {
      throw new SealedSecretsError('ControllerUnreachable', `cannot validate sealed secret: ${answer.failure}`);
    }
  }
  if (refused.length === 0) return;
  throw new SealedSecretsError('Undecryptable', refused.join('\n'), {
    hint: 'It was sealed for another cluster, name, namespace or scope. The condition of the applied object says which.',
  });
}

/** The SealedSecret in a document; what is none is told in the words of this mode. */
function readForValidation(document: SourceDocument): SealedSecret {
  try {
    return sealedSecretIn(document);
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidObject')) throw error;
    const { hint, violations } = error;
    throw new SealedSecretsError(error.code, `unable to decrypt sealed secret: ${error.message}`, {
      ...(hint === undefined ? {} : { hint }),
      violations,
    });
  }
}
