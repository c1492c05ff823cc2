import {
  positionOf,
  type SealedSecret,
  SealedSecretsError,
  type Sealer,
  type Secret,
  type SourceDocument,
  sealedSecretDocument,
  sealSecret,
  valueAt,
} from '@waxwing/shared';
import { type DocumentOptions, readInput, secretIn } from '../documents.ts';
import { formatDocument, type OutputFormat } from '../format.ts';
import type { Input } from '../input.ts';
import type { Io } from '../io.ts';
import { deliver, type OutputTarget, tell } from '../output.ts';
import { type PlacementOptions, placeSecret } from '../placement.ts';
import { findPlaintext, type PlaintextFinding } from '../plaintext-guard.ts';
import { createSpool } from '../spool.ts';

/** What to do with annotations that show a value: refuse the document, warn and go on, or go on. */
export type PlaintextPolicy = 'refuse' | 'warn' | 'allow';

export interface SealOptions extends PlacementOptions, DocumentOptions {
  readonly sealer: Sealer;
  readonly plaintext: PlaintextPolicy;
  /** Refuses documents that say they are something else than a Secret. Upstream seals whatever has the fields of one. */
  readonly onlySecrets?: boolean;
  /** Looks at every Secret before it is sealed. */
  readonly inspect?: (secret: Secret) => Promise<void>;
}

/**
 * Seals every Secret of an input, one after the other.
 *
 * @throws SealedSecretsError for the first document that cannot be sealed; what was sealed before has been handed out by then.
 */
export async function* sealDocuments(input: Input, options: SealOptions, io: Io): AsyncGenerator<SealedSecret> {
  for await (const document of readInput(input, options)) {
    if (options.onlySecrets === true) assertKindSecret(document);
    const secret = await placeSecret(secretIn(document), options);
    await guardPlaintext(secret, options.plaintext, io);
    await options.inspect?.(secret);
    yield sealSecret(secret, options.sealer);
  }
}

/** @throws SealedSecretsError `InvalidObject`. */
function assertKindSecret(document: SourceDocument): void {
  const kind = valueAt(document.value, ['kind']);
  if (typeof kind !== 'string' || kind === 'Secret') return;
  const { line, column } = positionOf(document, ['kind']);
  throw new SealedSecretsError(
    'InvalidObject',
    `${document.source}: line ${line}, column ${column}: is a ${kind}, not a Secret`,
    kind === 'SealedSecret'
      ? { hint: 'It is sealed already. To add items to it: waxwing merge --into FILE' }
      : { hint: 'Give Secrets alone, as documents of one file or as files of their own.' },
  );
}

/** Applies the policy to values that stand in annotations. @throws SealedSecretsError `PlaintextInMetadata`, without the value. */
export async function guardPlaintext(secret: Secret, policy: PlaintextPolicy, io: Io): Promise<void> {
  if (policy === 'allow') return;
  const findings = findPlaintext(secret);
  if (findings.length === 0) return;
  const place =
    secret.metadata.namespace === '' ? secret.metadata.name : `${secret.metadata.namespace}/${secret.metadata.name}`;
  const text = findings.map(describeFinding).join('; ');
  if (policy === 'refuse') {
    throw new SealedSecretsError('PlaintextInMetadata', `Secret ${place}: ${text}`, {
      hint: 'Annotations are copied as they are and everybody can read them. Remove it, or give --allow-plaintext-in-metadata.',
    });
  }
  await tell(io, `warning: Secret ${place}: ${text}; annotations are not encrypted, the result shows it to everybody`);
}

function describeFinding({ annotation, item }: PlaintextFinding): string {
  return `annotation ${JSON.stringify(annotation)} contains the value of item ${JSON.stringify(item)}`;
}

/**
 * Seals an input into an output. Nothing is written unless every document could be sealed.
 *
 * @throws SealedSecretsError
 */
export async function runSeal(
  input: Input,
  target: OutputTarget,
  options: SealOptions & { readonly format: OutputFormat },
  io: Io,
): Promise<void> {
  const spool = createSpool(io);
  try {
    for await (const sealed of sealDocuments(input, options, io)) {
      spool.append(formatDocument(sealedSecretDocument(sealed), options.format));
    }
    await deliver(io, target, spool);
  } finally {
    spool.dispose();
  }
}
