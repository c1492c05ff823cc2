/** The two readers: lenient streams of documents as kubeseal takes them, and one object as the Kubernetes decoder takes it. */
import { SealedSecretsError } from '../errors.ts';
import { composeKey, composeValue } from './compose.ts';
import { parseJson } from './json-parser.ts';
import { type MapNode, type Node, SyntaxProblem } from './node.ts';
import { DocumentSplitter, type RawDocument } from './split.ts';
import { detectText, exceedsBytes, MAX_DOCUMENT_BYTES, type Position, positionInText, StreamDecoder } from './text.ts';
import type { DocumentPath, DocumentValue } from './value.ts';
import { parseYaml } from './yaml-parser.ts';

export interface ReadOptions {
  /** Name of the input in messages: a file name, `standard input`. Default `input`. */
  readonly source?: string;
  /** Bytes of UTF-8 a single document may have. Default 8 MiB. */
  readonly maxDocumentBytes?: number;
}

/** A document that was read, with what is needed to name a place in it or to edit it. */
export interface SourceDocument {
  readonly value: DocumentValue;
  /** From 0, counting the documents that are not empty. */
  readonly index: number;
  readonly format: 'json' | 'yaml';
  /** Name of the input. */
  readonly source: string;
  /** The document's own text. */
  readonly text: string;
  /** Where `text` stands in the whole input, in UTF-16 units without byte order mark: `[start, end)`. */
  readonly start: number;
  readonly end: number;
  /** Line of the whole input, from 1, in which the document's first value begins. */
  readonly line: number;
  /** The syntax tree; its offsets count in `text`. */
  readonly root: Node;
  /** Line and column in the whole input at which `text` begins. */
  readonly origin: Position;
}

/**
 * Reads all documents of an input as `kubeseal` does (JSON objects behind each other, or YAML separated by `---`), one by one and
 * lazily. JSON that is not well-formed is tried as YAML, together with all that follows it. Empty documents (comments, `null`) are
 * left out. A value that is not an object is handed out: refusing it is up to the caller, who knows what was expected.
 *
 * @throws SealedSecretsError `InvalidEncoding`; `InvalidDocument` with source, number, line and column of a broken document
 *   (the documents before it have been handed out by then); `InputTooLarge` for size, nesting or alias expansion.
 */
export function* readDocuments(
  input: Uint8Array | string,
  options: ReadOptions = {},
): Generator<SourceDocument, void, undefined> {
  const splitter = new DocumentSplitter(options);
  splitter.push(typeof input === 'string' ? stripMark(input) : detectText(input, options).text);
  splitter.end();
  yield* parseAll(splitter, options, { index: 0 });
}

/**
 * As `readDocuments`, from a stream, with no more than a document and a chunk in memory. A chunk is done with when the next one is
 * asked for, so a source may fill one buffer again and again.
 */
export async function* readDocumentStream(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<SourceDocument, void, undefined> {
  const splitter = new DocumentSplitter(options);
  const decoder = new StreamDecoder(options.source);
  const counter = { index: 0 };
  for await (const chunk of chunks) {
    splitter.push(decoder.push(chunk));
    yield* parseAll(splitter, options, counter);
  }
  splitter.push(decoder.end());
  splitter.end();
  yield* parseAll(splitter, options, counter);
}

function stripMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function* parseAll(
  splitter: DocumentSplitter,
  options: ReadOptions,
  counter: { index: number },
): Generator<SourceDocument, void, undefined> {
  const source = options.source ?? 'input';
  // Where JSON failed, in offsets of the whole input, to be reported if YAML fails earlier.
  let jsonProblem: SyntaxProblem | undefined;
  for (;;) {
    const raw = splitter.next();
    if (raw === undefined) return;
    let parsed: { root: Node; value: DocumentValue } | undefined;
    try {
      parsed = raw.format === 'json' ? composed(parseJson(raw.text)) : parseOnlyYaml(raw.text);
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      if (raw.format === 'json' && !error.tooLarge) {
        jsonProblem = new SyntaxProblem(error.message, raw.start + error.offset);
        splitter.reread(raw);
        continue;
      }
      throw describeProblem(furthest(error, raw, jsonProblem), {
        source,
        index: counter.index,
        origin: raw,
        text: raw.text,
      });
    }
    jsonProblem = undefined;
    if (parsed === undefined || parsed.value === null) continue;
    const { text, format, start, end, line, column } = raw;
    const firstLine = positionInText(text, parsed.root.propertiesStart, line).line;
    const origin = { line, column };
    yield { ...parsed, index: counter.index++, format, source, text, start, end, line: firstLine, origin };
  }
}

function composed(root: Node): { root: Node; value: DocumentValue } {
  return { root, value: composeValue(root) };
}

function parseOnlyYaml(text: string): { root: Node; value: DocumentValue } | undefined {
  const { root, nextDocument } = parseYaml(text);
  if (nextDocument !== undefined) {
    throw new SyntaxProblem("a second document begins here, but not with '---' on a line of its own", nextDocument);
  }
  return root === undefined ? undefined : composed(root);
}

/** Text that begins as JSON is more likely to be broken JSON than broken YAML, unless YAML got further. */
function furthest(problem: SyntaxProblem, raw: RawDocument, json: SyntaxProblem | undefined): SyntaxProblem {
  if (json === undefined || problem.tooLarge || json.offset < raw.start || json.offset > raw.end) return problem;
  return json.offset - raw.start >= problem.offset ? new SyntaxProblem(json.message, json.offset - raw.start) : problem;
}

interface ProblemContext {
  readonly source: string;
  /** Left out of the message where only one document is possible. */
  readonly index?: number;
  readonly origin: Position;
  readonly text: string;
}

function describeProblem(problem: SyntaxProblem, context: ProblemContext): SealedSecretsError {
  const { line, column } = placeIn(context, problem.offset);
  const document = context.index === undefined ? '' : `document ${context.index + 1}, `;
  return new SealedSecretsError(
    problem.tooLarge ? 'InputTooLarge' : 'InvalidDocument',
    `${context.source}: ${document}line ${line}, column ${column}: ${problem.message}`,
    { violations: [{ path: '', message: problem.message, line, column }] },
  );
}

function placeIn({ text, origin }: { readonly text: string; readonly origin: Position }, offset: number): Position {
  const { line, column } = positionInText(text, offset, origin.line);
  return { line, column: line === origin.line ? origin.column + column - 1 : column };
}

/**
 * Reads one object as the Kubernetes decoder does: JSON if the first character that is not blank is `{`, else the first YAML
 * document. Nothing is converted: a number stays a number where a string is expected, and names keep their case.
 * `format` takes the decision from the first character.
 *
 * @throws SealedSecretsError `EmptyInput` if there is no document; otherwise as `readDocuments`. JSON that is not well-formed is
 *   not tried as YAML.
 */
export function readObject(
  input: Uint8Array | string,
  options: ReadOptions & { readonly format?: 'json' | 'yaml' } = {},
): SourceDocument & { readonly moreDocuments: boolean } {
  const source = options.source ?? 'input';
  const text = typeof input === 'string' ? stripMark(input) : detectText(input, options).text;
  const limit = options.maxDocumentBytes ?? MAX_DOCUMENT_BYTES;
  if (exceedsBytes(text, limit)) throw new SealedSecretsError('InputTooLarge', `${source}: larger than ${limit} bytes`);
  const origin: Position = { line: 1, column: 1 };
  const format = options.format ?? (/^\s*\{/.test(text) ? 'json' : 'yaml');
  try {
    const { root, nextDocument } =
      format === 'json' ? { root: parseJson(text), nextDocument: undefined } : parseYaml(text);
    if (root === undefined) throw new SealedSecretsError('EmptyInput', `${source}: no document found`);
    const value = composeValue(root);
    const { line } = positionInText(text, root.propertiesStart);
    const end = nextDocument ?? text.length;
    return {
      value,
      root,
      index: 0,
      format,
      source,
      text,
      start: 0,
      end,
      line,
      origin,
      moreDocuments: nextDocument !== undefined,
    };
  } catch (error) {
    if (error instanceof SyntaxProblem) throw describeProblem(error, { source, origin, text });
    throw error;
  }
}

/**
 * Line and column in the whole input of the value at a path, or with `of: 'key'` of its key. Where the path does not exist, the
 * place of the deepest part that does.
 */
export function positionOf(
  document: Pick<SourceDocument, 'root' | 'text' | 'origin'>,
  path: DocumentPath,
  of: 'key' | 'value' = 'value',
): Position {
  let node = document.root;
  let offset = node.start;
  for (const step of path) {
    let next: Node | undefined;
    if (node.kind === 'map') {
      const entry = findEntry(node, String(step));
      next = entry?.value;
      // An empty value has no place of its own worth pointing at.
      if (entry !== undefined)
        offset = of === 'key' || isEmptyScalar(entry.value) ? entry.key.start : entry.value.start;
    } else if (node.kind === 'sequence' && typeof step === 'number') {
      next = node.items[step];
      if (next !== undefined) offset = next.start;
    }
    if (next === undefined) break;
    node = next;
  }
  return placeIn(document, offset);
}

function isEmptyScalar(node: Node): boolean {
  return node.kind === 'scalar' && node.start === node.end;
}

/** The entry of a key; of several the last, whose value counts. */
function findEntry(map: MapNode, key: string): MapNode['entries'][number] | undefined {
  return map.entries.findLast((entry) => keyName(entry.key) === key);
}

/** The name of a key as the composer makes it; undefined for keys given by alias. */
export function keyName(key: Node): string | undefined {
  if (key.kind !== 'scalar') return undefined;
  try {
    return composeKey(key);
  } catch {
    return undefined;
  }
}
