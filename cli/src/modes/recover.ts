import {
  isSealedSecretsError,
  readObject,
  type SealedSecret,
  SealedSecretsError,
  type SourceDocument,
  secretDocument,
  type TemplateRenderer,
  unsealSecret,
} from '@waxwing/shared';
import { describeFound, strictSealedSecretIn } from '../documents.ts';
import { formatDocument, type OutputFormat } from '../format.ts';
import { type Input, readAll } from '../input.ts';
import type { Io } from '../io.ts';
import { deliver, type OutputTarget } from '../output.ts';
import { readPrivateKeys } from '../private-keys.ts';
import { createSpool } from '../spool.ts';

export interface RecoverOptions {
  readonly keyFiles: readonly string[];
  readonly format: OutputFormat;
  readonly render: TemplateRenderer;
}

const inputLimitBytes = 64 * 1024 * 1024;

/**
 * Opens a SealedSecret offline and writes the Secret it stands for. Neither network nor kubeconfig is touched, and no plaintext
 * reaches a disk but in the output file, which only its owner may read.
 *
 * @throws SealedSecretsError
 */
export async function runRecover(input: Input, target: OutputTarget, options: RecoverOptions, io: Io): Promise<void> {
  const keys = await readPrivateKeys(io, options.keyFiles);
  const sealedSecret = parseOneSealedSecret(await readAll(input, inputLimitBytes), input.name);
  const { secret } = await unsealSecret(sealedSecret, { keys, render: options.render, acceptV1: false });
  const spool = createSpool(io, { secret: true });
  spool.append(formatDocument(secretDocument(secret), options.format));
  await deliver(io, target, spool, { private: true });
}

/**
 * Reads one SealedSecret as the Kubernetes decoder does: the first document, exact names and types, kind and version optional.
 *
 * @throws SealedSecretsError `EmptyInput`, `InvalidDocument`, `InvalidObject`.
 */
function parseOneSealedSecret(bytes: Uint8Array, source: string): SealedSecret {
  return sealedSecretOf(readOneDocument(bytes, source));
}

/** The first document of an input. */
export function readOneDocument(
  bytes: Uint8Array,
  source: string,
): SourceDocument & { readonly moreDocuments: boolean } {
  try {
    return readObject(bytes, { source });
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidDocument')) throw error;
    throw new SealedSecretsError(error.code, `couldn't get version/kind; json parse error: ${error.message}`, {
      violations: error.violations,
    });
  }
}

/** The SealedSecret in a document; anything else is refused in upstream's words. */
export function sealedSecretOf(document: SourceDocument): SealedSecret {
  const { value } = document;
  if (!(value instanceof Map)) {
    throw new SealedSecretsError(
      'InvalidDocument',
      `couldn't get version/kind; json parse error: ${document.source}: expected an object, found ${describeFound(value)}`,
    );
  }
  const kind = value.get('kind');
  if (typeof kind === 'string' && kind !== '' && kind !== 'SealedSecret') {
    const version = String(value.get('apiVersion') ?? '').replace(/^.*\//, '');
    throw new SealedSecretsError(
      'InvalidObject',
      `converting (${version}.${kind}) to (v1alpha1.SealedSecret): unknown conversion`,
      { hint: `${document.source} holds a ${kind}, not a SealedSecret.` },
    );
  }
  return strictSealedSecretIn(document);
}
