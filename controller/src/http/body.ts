import type { IncomingMessage } from 'node:http';
import type { SealedSecret } from '@waxwing/shared';
import {
  formatJsonCompact,
  isDocumentMap,
  readObject,
  readSealedSecret,
  SealedSecretsError,
  sealedSecretDocument,
} from '@waxwing/shared';
import type { MemoryShare } from './limits.ts';

/** Why a body is not there: it was longer than allowed, there was no memory for it, or the connection broke. */
export type BodyFailure = 'too-large' | 'no-memory' | 'broken';

/** Reads a request body of at most `maxBytes` into the given share, which the caller releases. A longer one is not read to its end. */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  memory: Pick<MemoryShare, 'grow'>,
): Promise<Uint8Array | BodyFailure> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) return 'too-large';
      if (!memory.grow(chunk.length)) return 'no-memory';
      chunks.push(chunk);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(chunks);
}

/**
 * The SealedSecret of a body, JSON or YAML, read as strictly as the Kubernetes decoder does: `apiVersion` and `kind` have to be there.
 *
 * @param options.single refuse a body of several documents; otherwise the first counts
 * @throws SealedSecretsError naming what is wrong; no value of the body is repeated.
 */
export function parseBody(body: Uint8Array, options: { readonly single: boolean }): SealedSecret {
  const { value, moreDocuments } = readObject(body, { source: 'body' });
  if (options.single && moreDocuments) {
    throw new SealedSecretsError('InvalidDocument', 'body: expected one document, found several');
  }
  for (const name of ['apiVersion', 'kind']) {
    const field = isDocumentMap(value) ? value.get(name) : undefined;
    if (field === undefined || field === null || field === '')
      throw new SealedSecretsError('InvalidObject', `body: ${name} is missing`);
  }
  return readSealedSecret(value, { source: 'body' });
}

/** The answer of `/v1/rotate`: compact JSON, with kind and apiVersion. */
export function formatBody(sealedSecret: SealedSecret): string {
  return formatJsonCompact(sealedSecretDocument(sealedSecret));
}
