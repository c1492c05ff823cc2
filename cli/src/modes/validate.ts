import { formatJsonCompact, isSealedSecretsError, SealedSecretsError, sealedSecretDocument } from '@waxwing/shared';
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
    const sealedSecret = sealedSecretIn(document);
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

/** An input that cannot be read, in the words of this mode. */
export function unreadableSealedSecret(error: unknown): unknown {
  if (!isSealedSecretsError(error, 'InvalidObject')) return error;
  const { hint, violations } = error;
  return new SealedSecretsError(error.code, `unable to decrypt sealed secret: ${error.message}`, {
    ...(hint === undefined ? {} : { hint }),
    violations,
  });
}
