import {
  type DocumentPath,
  type DocumentValue,
  isSealedSecretsError,
  positionOf,
  readDocumentStream,
  readSealedSecret,
  readSecret,
  type SealedSecret,
  SealedSecretsError,
  type Secret,
  type SourceDocument,
} from '@waxwing/shared';
import type { Input } from './input.ts';

/** How an input with several documents is read. */
export interface DocumentOptions {
  /** What an input without any document is answered with; also put before the first broken document. */
  readonly nothingFound: string;
  /** Whether UTF-16 is taken. Upstream does not take it. */
  readonly acceptUtf16: boolean;
}

/**
 * Reads an input document by document, with no more than one in memory. Documents that hold nothing are left out; a broken one is an
 * error with its position.
 *
 * @throws SealedSecretsError `EmptyInput`, `InvalidDocument`, `InvalidEncoding`, `InputTooLarge`, `UnreadableFile`.
 */
export async function* readInput(input: Input, options: DocumentOptions): AsyncGenerator<SourceDocument> {
  let documents = 0;
  try {
    const bytes = options.acceptUtf16 ? input.chunks() : refuseUtf16(input);
    for await (const document of readDocumentStream(withBoundedMemory(bytes), { source: input.name })) {
      if (!(document.value instanceof Map)) throw notAnObject(document);
      documents++;
      yield document;
    }
  } catch (error) {
    const unreadable = isSealedSecretsError(error, 'InvalidDocument') || isSealedSecretsError(error, 'InvalidEncoding');
    if (!unreadable || documents > 0) throw error;
    const { hint, violations } = error;
    throw new SealedSecretsError(error.code, `${options.nothingFound}: ${error.message}`, {
      ...(hint === undefined ? {} : { hint }),
      violations,
    });
  } finally {
    input.close();
  }
  if (documents === 0) throw new SealedSecretsError('EmptyInput', options.nothingFound);
}

function notAnObject(document: SourceDocument): SealedSecretsError {
  const found = describeFound(document.value);
  const { line, column } = positionOf(document, []);
  return new SealedSecretsError(
    'InvalidDocument',
    `${document.source}: document ${document.index + 1}, line ${line}, column ${column}: expected an object, found ${found}`,
    { violations: [{ path: '', message: `expected an object, found ${found}`, line, column }] },
  );
}

/** An input larger than this is a stream, whose length must not show in the use of memory. */
const streamBytes = 512 * 1024;

/**
 * Keeps V8 from making its space for new objects larger once an input turns out to be long: collected seldom, that space lets the buffers
 * of a hundred documents pile up outside of the heap (measured over 200 MB: 190 MB at the peak instead of 115).
 */
async function* withBoundedMemory(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  let isBounded = false;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (!isBounded && bytes > streamBytes) {
      (await import('node:v8')).setFlagsFromString('--semi-space-growth-factor=1');
      isBounded = true;
    }
    yield chunk;
  }
}

/** What a document is that should have been an object. */
export function describeFound(value: DocumentValue): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value === 'bigint' ? 'number' : typeof value}`;
}

async function* refuseUtf16(input: Input): AsyncGenerator<Uint8Array> {
  let beginning: Uint8Array | undefined = new Uint8Array();
  for await (const chunk of input.chunks()) {
    if (beginning !== undefined) {
      beginning = Buffer.concat([beginning, chunk.subarray(0, 2)]);
      if (beginning.length >= 2) {
        const [a, b] = beginning;
        const isUtf16 = (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0) !== (b === 0);
        if (isUtf16) throw new SealedSecretsError('InvalidEncoding', `${input.name}: is UTF-16, not UTF-8`);
        beginning = undefined;
      }
    }
    yield chunk;
  }
}

/** The Secret in a document, read as upstream reads its input: any case of field names, numbers where texts belong. */
export function secretIn(document: SourceDocument): Secret {
  return located(document, () => readSecret(document.value, { lenient: document.format }));
}

/** The SealedSecret in a document, read as leniently as {@link secretIn}. */
export function sealedSecretIn(document: SourceDocument): SealedSecret {
  return located(document, () => readSealedSecret(document.value, { lenient: document.format }));
}

/** The SealedSecret in a document, read as the Kubernetes decoder reads it. */
export function strictSealedSecretIn(document: SourceDocument): SealedSecret {
  return located(document, () => readSealedSecret(document.value, { keepType: true }));
}

/** Gives violations of an object the source, line and column they have in the input. */
function located<T>(document: SourceDocument, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidObject') || error.violations.length === 0) throw error;
    const violations = error.violations.map((violation) => {
      const position = positionOf(document, parsePath(violation.path));
      return { ...violation, line: position.line, column: position.column };
    });
    const texts = violations.map(
      ({ path, message, line, column }) => `${document.source}: line ${line}, column ${column}: ${path}: ${message}`,
    );
    throw new SealedSecretsError('InvalidObject', texts.join('; '), {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      violations,
    });
  }
}

/** The steps of a field path as violations carry it: `metadata.labels["a.b"]`, `items[2].kind`. */
export function parsePath(text: string): DocumentPath {
  const steps: (string | number)[] = [];
  for (const match of text.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)) {
    if (match[1] !== undefined) steps.push(JSON.parse(`"${match[1]}"`) as string);
    else if (match[2] !== undefined) steps.push(Number(match[2]));
    else steps.push(match[3] as string);
  }
  return steps;
}
