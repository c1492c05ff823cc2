import {
  type DocumentEdit,
  detectText,
  encodeText,
  formatJsonCompact,
  isDocumentMap,
  isSealedSecretsError,
  keyIdAnnotation,
  planEdit,
  readDocuments,
  readSealedSecret,
  type SealedSecret,
  SealedSecretsError,
  type SourceDocument,
  scopeOf,
  sealedSecretDocument,
  templateMetadata,
  valueAt,
  withScope,
} from '@waxwing/shared';
import type { Controller } from '../cluster.ts';
import { type DocumentOptions, readInput, sealedSecretIn } from '../documents.ts';
import { formatDocument, type OutputFormat } from '../format.ts';
import { type Input, inputOf, readAll } from '../input.ts';
import type { Io } from '../io.ts';
import { deliver, type OutputTarget } from '../output.ts';
import { createSpool } from '../spool.ts';

export interface ReencryptOptions extends DocumentOptions {
  readonly format: OutputFormat;
  /** The output replaces the input file: all that does not have to change stays as it is, byte for byte. */
  readonly isInPlace: boolean;
}

const fileLimitBytes = 1024 * 1024 * 1024;

/**
 * Has the controller seal every SealedSecret of an input under its newest key. Ciphertexts are replaced and nothing else: labels,
 * annotations and entries of the template, which controllers drop or render, are those of the input.
 *
 * @throws SealedSecretsError
 */
export async function runReencrypt(
  input: Input,
  target: OutputTarget,
  controller: Controller,
  options: ReencryptOptions,
  io: Io,
): Promise<void> {
  const spool = createSpool(io);
  try {
    if (options.isInPlace) {
      spool.append(await reencryptFile(input, controller, options));
    } else {
      for await (const document of readInput(input, options)) {
        const renewed = await reencrypt(sealedSecretIn(document), controller);
        spool.append(formatDocument(sealedSecretDocument(renewed), options.format));
      }
    }
    await deliver(io, target, spool);
  } finally {
    spool.dispose();
  }
}

async function reencryptFile(input: Input, controller: Controller, options: ReencryptOptions): Promise<Uint8Array> {
  const bytes = await readAll(input, fileLimitBytes);
  const detected = detectText(bytes, { source: input.name });
  const whole = inputOf(input.name, bytes);
  let text = '';
  let done = 0;
  for await (const document of readInput(whole, options)) {
    const sealedSecret = sealedSecretIn(document);
    const renewed = await reencrypt(sealedSecret, controller);
    text += detected.text.slice(done, document.start) + rewrite(document, sealedSecret, renewed);
    done = document.end;
  }
  return encodeText(text + detected.text.slice(done), detected);
}

/** The text of a document with its new ciphertexts. One that cannot be edited in place, such as the deprecated format, is written anew. */
function rewrite(document: SourceDocument, before: SealedSecret, after: SealedSecret): string {
  // Names are read in any case, but edited as they should be.
  const items = valueAt(document.value, ['spec', 'encryptedData']);
  const isRegular = isDocumentMap(items) && [...after.spec.encryptedData.keys()].every((item) => items.has(item));
  if (before.spec.data === undefined && isRegular) {
    try {
      return planEdit(document.text, planReencryption(before, after), { source: document.source }).text;
    } catch (error) {
      if (!isSealedSecretsError(error, 'InvalidDocument')) throw error;
    }
  }
  const text = formatDocument(sealedSecretDocument(after), document.format);
  // The line `---` belongs to the document's text only where one was written.
  return document.text.trimStart().startsWith('---') ? text : text.replace(/^---\n/, '');
}

function planReencryption(before: SealedSecret, after: SealedSecret): DocumentEdit[] {
  const edits: DocumentEdit[] = Array.from(after.spec.encryptedData, ([item, value]) => ({
    op: 'set',
    path: ['spec', 'encryptedData', item],
    value,
  }));
  const path = ['metadata', 'annotations', keyIdAnnotation];
  const hint = after.metadata.annotations.get(keyIdAnnotation);
  if (hint !== undefined) edits.push({ op: 'set', path, value: hint });
  else if (before.metadata.annotations.has(keyIdAnnotation)) edits.push({ op: 'remove', path });
  return edits;
}

/** Has the controller seal one object again; everything but its ciphertexts is that of the input. */
export async function reencrypt(sealedSecret: SealedSecret, controller: Controller): Promise<SealedSecret> {
  const answer = await controller.reencrypt(formatJsonCompact(sealedSecretDocument(sealedSecret)));
  const { name } = sealedSecret.metadata;
  if (answer.status === 409) {
    throw new SealedSecretsError('Undecryptable', `unable to rotate secret: ${name}`);
  }
  if (answer.status !== 200) {
    throw new SealedSecretsError('ControllerUnreachable', `cannot re-encrypt secret: ${answer.failure}`, {
      hint: `Ask whether the controller can decrypt ${name} at all: kubeseal --validate`,
    });
  }
  return withNewCiphertexts(sealedSecret, parseAnswer(answer.body, name));
}

function parseAnswer(body: Buffer, name: string): SealedSecret {
  try {
    const [document] = readDocuments(body, { source: 'the answer of the controller' });
    return readSealedSecret(document?.value, { source: 'the answer of the controller' });
  } catch (cause) {
    throw new SealedSecretsError(
      'ControllerUnreachable',
      `cannot re-encrypt secret: the answer for ${name} is no SealedSecret`,
      {
        cause,
      },
    );
  }
}

/**
 * The input with the ciphertexts of the answer. The controllers of upstream give template metadata and entries back changed or not at all,
 * so nothing else is taken from the answer; only the deprecated format has nothing else to be taken from.
 */
function withNewCiphertexts(before: SealedSecret, answer: SealedSecret): SealedSecret {
  const { metadata, spec } = before;
  if (spec.data !== undefined) return { ...answer, metadata: templateMetadata(answer.metadata) };
  const encryptedData = new Map<string, string>();
  for (const item of spec.encryptedData.keys()) {
    const ciphertext = answer.spec.encryptedData.get(item);
    if (ciphertext === undefined) {
      throw new SealedSecretsError(
        'ControllerUnreachable',
        `cannot re-encrypt secret: the answer for ${metadata.name} lacks item ${item}`,
      );
    }
    encryptedData.set(item, ciphertext);
  }
  const own = templateMetadata(metadata);
  const annotations = new Map(own.annotations);
  // Only our own controller says which key it took, and only where there was a hint before.
  const hint = annotations.has(keyIdAnnotation) ? answer.metadata.annotations.get(keyIdAnnotation) : undefined;
  annotations.delete(keyIdAnnotation);
  if (hint !== undefined) annotations.set(keyIdAnnotation, hint);
  const template = templateMetadata(spec.template.metadata);
  return {
    apiVersion: before.apiVersion,
    kind: before.kind,
    metadata: { ...own, annotations },
    spec: {
      ...spec,
      template: {
        ...spec.template,
        metadata: {
          ...template,
          name: metadata.name,
          namespace: metadata.namespace,
          annotations: withScope(template.annotations, scopeOf(metadata.annotations)),
        },
      },
      encryptedData,
    },
  };
}
