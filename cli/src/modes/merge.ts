import {
  type DocumentEdit,
  detectText,
  encodeText,
  keyIdAnnotation,
  keyIdOf,
  planEdit,
  readSealedSecret,
  type Scope,
  type SealedSecret,
  SealedSecretsError,
  type Sealer,
  type Secret,
  scopeOf,
  scopes,
  sealedSecretDocument,
  sealSecret,
  updateKeyIdHint,
  withScope,
} from '@waxwing/shared';
import { readInput, secretIn } from '../documents.ts';
import { formatDocument, type OutputFormat } from '../format.ts';
import { type Input, readFile } from '../input.ts';
import type { Io } from '../io.ts';
import { deliver, prepareOutput } from '../output.ts';
import { placeSecret } from '../placement.ts';
import { createSpool } from '../spool.ts';
import { readOneDocument, sealedSecretOf } from './recover.ts';
import { guardPlaintext, type SealOptions } from './seal.ts';

export interface MergeOptions extends SealOptions {
  /** The file with a SealedSecret that is changed. */
  readonly file: string;
  /** The scope, where it was asked for; it must be the file's. */
  readonly explicitScope: Scope | undefined;
  /** The format, where it was asked for; otherwise the file keeps its own. */
  readonly explicitFormat: OutputFormat | undefined;
}

const fileLimitBytes = 64 * 1024 * 1024;

/**
 * Seals every Secret of an input and puts its items, labels and annotations into a SealedSecret file, for the name, namespace and scope of
 * that file. Only what is put in changes: comments, order, quoting and format of the file stay. On failure the file is as it was.
 *
 * @throws SealedSecretsError
 */
export async function runMerge(input: Input, options: MergeOptions, io: Io): Promise<void> {
  await mergeAll([input], options, io);
}

/** As {@link runMerge} for several inputs, which are merged together or not at all. */
export async function mergeAll(
  inputs: Iterable<Input> | AsyncIterable<Input>,
  options: MergeOptions,
  io: Io,
): Promise<void> {
  const target = prepareOutput(io, options.file);
  const bytes = await readFile(io, options.file, fileLimitBytes);
  const document = readOneDocument(bytes, options.file);
  const sealedSecret = sealedSecretOf(document);
  assertScope(sealedSecret, options);

  const additions: SealedSecret[] = [];
  for await (const input of inputs) {
    for await (const source of readInput(input, options)) {
      const secret = await placeSecret(boundTo(sealedSecret, secretIn(source)), placementIn(sealedSecret, options));
      await guardPlaintext(secret, options.plaintext, io);
      await options.inspect?.(secret);
      additions.push(sealSecret(secret, withoutKeyId(options.sealer)));
    }
  }

  const detected = detectText(bytes, { source: options.file });
  const { text } = planEdit(detected.text, planMerge(sealedSecret, additions, options.sealer), {
    source: options.file,
  });
  const spool = createSpool(io);
  const format = options.explicitFormat ?? document.format;
  // New items are sorted among the others in a file that is as kubeseal prints it; in files that people wrote they come last.
  const isAsPrinted = detected.text === formatDocument(sealedSecretDocument(sealedSecret), document.format);
  const isRewritten = isAsPrinted || format !== document.format;
  spool.append(isRewritten ? reformat(text, options.file, format) : encodeText(text, detected));
  await deliver(io, target, spool);
}

/** The hint is written by {@link planMerge}, for the whole object. */
function withoutKeyId({ publicKey, randomBytes }: Sealer): Sealer {
  return { publicKey, randomBytes };
}

/** Sealing for another scope than the file's would give items that never open. */
function assertScope({ metadata }: SealedSecret, options: MergeOptions): void {
  const own = scopeOf(metadata.annotations);
  if (options.explicitScope === undefined || options.explicitScope === own) return;
  throw new SealedSecretsError(
    'InvalidUsage',
    `--scope ${options.explicitScope} contradicts ${options.file}, whose scope is ${own}`,
    {
      hint: 'Leave --scope out: items are sealed for the scope of the file.',
    },
  );
}

/** The Secret with name, namespace and scope of the file, as far as the file has them. */
function boundTo({ metadata }: SealedSecret, secret: Secret): Secret {
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      name: metadata.name || secret.metadata.name,
      namespace: metadata.namespace || secret.metadata.namespace,
      annotations: withScope(secret.metadata.annotations, scopeOf(metadata.annotations)),
    },
  };
}

function placementIn({ metadata }: SealedSecret, options: MergeOptions): MergeOptions {
  // Strict leaves the annotations alone, which declare the file's scope by now.
  return { ...options, name: metadata.name || options.name, scope: 'strict' };
}

/** The changes of the file: items, template labels and annotations are laid over what is there, later documents over earlier ones. */
function planMerge(target: SealedSecret, additions: readonly SealedSecret[], sealer: Sealer): DocumentEdit[] {
  const items = new Map<string, string>();
  const labels = new Map<string, string>();
  const annotations = new Map<string, string>();
  for (const { spec } of additions) {
    for (const [item, ciphertext] of spec.encryptedData) items.set(item, ciphertext);
    for (const [name, value] of spec.template.metadata.labels) labels.set(name, value);
    for (const [name, value] of spec.template.metadata.annotations) annotations.set(name, value);
  }
  // The scope is the file's already; whether its template repeats it is the file's business.
  for (const { annotation } of scopes) if (annotation !== undefined) annotations.delete(annotation);
  return [
    ...planKeyIdHint(target, new Set(items.keys()), sealer),
    ...setAll(['spec', 'encryptedData'], items),
    ...setAll(['spec', 'template', 'metadata', 'labels'], labels),
    ...setAll(['spec', 'template', 'metadata', 'annotations'], annotations),
  ];
}

function setAll(path: readonly string[], values: ReadonlyMap<string, string>): DocumentEdit[] {
  return Array.from(values, ([name, value]) => ({ op: 'set', path: [...path, name], value }));
}

/** Keeps the hint true where there is one, and never adds one. */
function planKeyIdHint({ metadata, spec }: SealedSecret, added: ReadonlySet<string>, sealer: Sealer): DocumentEdit[] {
  const before = metadata.annotations.get(keyIdAnnotation);
  if (before === undefined) return [];
  const items = new Set([...spec.encryptedData.keys(), ...added]);
  const after = updateKeyIdHint(before, items, added, keyIdOf(sealer.publicKey));
  const path = ['metadata', 'annotations', keyIdAnnotation];
  if (after === before) return [];
  return after === undefined ? [{ op: 'remove', path }] : [{ op: 'set', path, value: after }];
}

/** The one object of a file, field by field as upstream writes it. */
function reformat(text: string, file: string, format: OutputFormat): string {
  const document = readOneDocument(Buffer.from(text), file);
  if (document.moreDocuments) {
    throw new SealedSecretsError(
      'InvalidUsage',
      `${file} has several documents, which cannot become ${format} together`,
      {
        hint: 'Leave --format out: the file keeps its format.',
      },
    );
  }
  return formatDocument(sealedSecretDocument(readSealedSecret(document.value)), format);
}
