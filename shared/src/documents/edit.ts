/**
 * Changes single strings in a file and leaves every other byte as it is. The text is only spliced; comments, order, quoting and
 * line ends around the change stay. The result is read again and must be exactly what was intended.
 */
import { SealedSecretsError } from '../errors.ts';
import { isMergeKey } from './compose.ts';
import { addToBlock, type BlockStyle, removeFromBlock, replaceInBlock, setEmptyInBlock } from './edit-block.ts';
import { addToFlow, type FlowStyle, removeFromFlow, replaceInFlow } from './edit-flow.ts';
import type { MapEntry, MapNode, Node } from './node.ts';
import { keyName, readDocuments, type SourceDocument } from './read.ts';
import { applySplices, type Splice } from './splice.ts';
import { type Position, positionInText } from './text.ts';
import { type DocumentMap, type DocumentValue, describeKind, equalValues, formatPath } from './value.ts';

/**
 * Sets the string at a path of object keys, or removes what is there. Removing what is absent does nothing. Of several edits of one
 * path the last counts.
 */
export type DocumentEdit =
  | { readonly op: 'set'; readonly path: readonly string[]; readonly value: string }
  | { readonly op: 'remove'; readonly path: readonly string[] };

export interface EditOptions {
  /** Named in errors. Default `input`. */
  readonly source?: string;
  /** Which document of the file, from 0, not counting empty ones. Default 0. */
  readonly document?: number;
}

export interface PlannedEdit {
  readonly text: string;
  /** In ascending order, not overlapping; all text outside of them is unchanged. */
  readonly splices: readonly Splice[];
}

/** The edits as a tree: what happens to each key of an object. */
type Change = { readonly set: string } | 'remove' | ChangeTree;
type ChangeTree = Map<string, Change>;

interface EditContext {
  readonly document: SourceDocument;
  readonly block: BlockStyle;
  readonly flow: FlowStyle;
  readonly splices: Splice[];
}

/**
 * Plans edits of one YAML or JSON document of a file. Objects missing on the way to a path are made, also where `null`, `{}` or
 * nothing stands in their place. A byte order mark and the kind of line breaks are kept.
 *
 * @throws SealedSecretsError `InvalidDocument` (with line and column) if the document cannot be read, does not exist, has an
 *   anchor, alias, merge key or duplicate key at the place, has something else than an object on the way, or if the result would
 *   differ from what was intended. Nothing has changed then.
 */
export function planEdit(text: string, edits: readonly DocumentEdit[], options: EditOptions = {}): PlannedEdit {
  const source = options.source ?? 'input';
  const markLength = text.startsWith('\ufeff') ? 1 : 0;
  const body = text.slice(markLength);
  const documents = [...readDocuments(body, { source })];
  const document = documents[options.document ?? 0];
  if (document === undefined) {
    throw new SealedSecretsError(
      'InvalidDocument',
      `${source}: there is no document ${(options.document ?? 0) + 1} to edit`,
    );
  }
  const tree = changeTree(edits);
  const splices = spliceDocument(document, body, tree);
  const edited = applySplices(body, splices);
  const expected = documents.map((each) => (each === document ? changedValue(each.value, tree) : each.value));
  if (!readsAs(edited, expected)) {
    throw new SealedSecretsError(
      'InvalidDocument',
      `${source}: this document cannot be edited in place without changing something else`,
      {
        hint: 'Make sure that the file ends with a line break, or rewrite the document in plain block style.',
      },
    );
  }
  const shifted = splices.map(({ start, end, text: replacement }) => ({
    start: start + markLength,
    end: end + markLength,
    text: replacement,
  }));
  return { text: text.slice(0, markLength) + edited, splices: shifted };
}

function changeTree(edits: readonly DocumentEdit[]): ChangeTree {
  const tree: ChangeTree = new Map();
  for (const edit of edits) {
    const last = edit.path.at(-1);
    if (last === undefined) throw new TypeError('an edit needs a path');
    let level = tree;
    for (const step of edit.path.slice(0, -1)) {
      const next = level.get(step) ?? new Map();
      if (!(next instanceof Map)) throw new TypeError(`edits contradict each other at ${formatPath(edit.path)}`);
      level.set(step, next);
      level = next;
    }
    if (level.get(last) instanceof Map) throw new TypeError(`edits contradict each other at ${formatPath(edit.path)}`);
    level.set(last, edit.op === 'set' ? { set: edit.value } : 'remove');
  }
  return tree;
}

function readsAs(text: string, expected: readonly DocumentValue[]): boolean {
  try {
    const values = [...readDocuments(text)].map((document) => document.value);
    return equalValues(values, [...expected]);
  } catch (error) {
    if (error instanceof SealedSecretsError) return false;
    throw error;
  }
}

/** The value after the edits. */
function changedValue(value: DocumentValue | undefined, tree: ChangeTree): DocumentMap {
  const map: DocumentMap = new Map(value instanceof Map ? value : []);
  for (const [key, change] of tree) {
    if (change === 'remove') map.delete(key);
    else if (!(change instanceof Map)) map.set(key, change.set);
    else if (map.get(key) instanceof Map || hasSets(change)) map.set(key, changedValue(map.get(key), change));
  }
  return map;
}

/** True if a change below makes objects; removing alone never does. */
function hasSets(tree: ChangeTree): boolean {
  return [...tree.values()].some((change) => (change instanceof Map ? hasSets(change) : change !== 'remove'));
}

function spliceDocument(document: SourceDocument, body: string, tree: ChangeTree): Splice[] {
  const eol = /\r?\n/.exec(body)?.[0] ?? '\n';
  const { text, root } = document;
  const context: EditContext = {
    document,
    block: { text, eol, indentStep: blockIndentStep(root, text) },
    flow: { text, eol, json: document.format === 'json', indentStep: flowIndentStep(root, text) },
    splices: [],
  };
  if (root.kind !== 'map') refuse(context, root.start, 'is not an object', []);
  else editMap(root, tree, [], context);
  // Of two insertions at one place the inner one comes first: it was planned first, and sorting is stable.
  const sorted = context.splices.sort((a, b) => a.start - b.start);
  return sorted.map((splice) => ({
    ...splice,
    start: splice.start + document.start,
    end: splice.end + document.start,
  }));
}

function refuse(context: EditContext, offset: number, problem: string, path: readonly string[]): never {
  const { document } = context;
  const { line, column }: Position = positionInText(document.text, offset, document.origin.line);
  const place = path.length === 0 ? 'the document' : formatPath(path);
  const violation = { path: formatPath(path), message: problem, line, column };
  throw new SealedSecretsError(
    'InvalidDocument',
    `${document.source}: document ${document.index + 1}, line ${line}, column ${column}: ${place} ${problem}, so it cannot be edited in place`,
    { violations: [violation] },
  );
}

function editMap(map: MapNode, tree: ChangeTree, path: readonly string[], context: EditContext): void {
  checkEditable(map, tree, path, context);
  const removed = new Set<MapEntry>();
  const added: DocumentMap = new Map();
  for (const [key, change] of tree) {
    const entry = map.entries.find((candidate) => keyName(candidate.key) === key);
    if (entry === undefined) {
      if (change instanceof Map) {
        if (hasSets(change)) added.set(key, changedValue(undefined, change));
      } else if (change !== 'remove') {
        added.set(key, change.set);
      }
    } else if (change === 'remove') {
      removed.add(entry);
    } else {
      editEntry(map, entry, change, [...path, key], context);
    }
  }
  if (map.flow) {
    if (removed.size > 0) context.splices.push(...removeFromFlow(map, removed, added, context.flow));
    else if (added.size > 0) context.splices.push(addToFlow(map, added, context.flow));
    return;
  }
  if (removed.size === map.entries.length && added.size === 0 && path.length === 0) {
    refuse(context, map.start, 'would be empty', path);
  }
  if (removed.size > 0) context.splices.push(...removeFromBlock(map, removed, added, context.block));
  else if (added.size > 0) context.splices.push(addToBlock(map, added, context.block));
}

function checkEditable(map: MapNode, tree: ChangeTree, path: readonly string[], context: EditContext): void {
  if (map.anchor !== undefined) refuse(context, map.propertiesStart, 'has an anchor', path);
  const seen = new Set<string>();
  for (const { key } of map.entries) {
    if (isMergeKey(key)) refuse(context, key.start, 'has a merge key', path);
    if (key.kind === 'alias') refuse(context, key.start, 'has an alias as key', path);
    const name = keyName(key);
    if (name === undefined || !tree.has(name)) continue;
    if (seen.has(name)) refuse(context, key.start, 'occurs more than once', [...path, name]);
    if (key.anchor !== undefined) refuse(context, key.propertiesStart, 'has an anchor', [...path, name]);
    seen.add(name);
  }
}

function editEntry(
  map: MapNode,
  entry: MapEntry,
  change: { readonly set: string } | ChangeTree,
  path: readonly string[],
  context: EditContext,
): void {
  const { value } = entry;
  if (value.kind === 'alias') refuse(context, value.start, 'is an alias', path);
  if (value.anchor !== undefined) refuse(context, value.propertiesStart, 'has an anchor', path);
  if (change instanceof Map) {
    if (value.kind === 'map' && (value.entries.length > 0 || map.flow)) {
      editMap(value, change, path, context);
    } else if (isEmptyMap(value) || isNull(value)) {
      if (!hasSets(change)) return;
      const content = changedValue(undefined, change);
      if (map.flow) context.splices.push(replaceInFlow(map, entry, content, context.flow));
      else context.splices.push(...setEmptyInBlock(map, entry, content, context.block));
    } else {
      refuse(context, value.start, `is ${describeNode(value)} instead of an object`, path);
    }
    return;
  }
  if (value.kind !== 'scalar') refuse(context, value.start, `is ${describeNode(value)} instead of a string`, path);
  if (map.flow) context.splices.push(replaceInFlow(map, entry, change.set, context.flow));
  else context.splices.push(replaceInBlock(map, entry, change.set, context.block));
}

function isEmptyMap(node: Node): boolean {
  return node.kind === 'map' && node.entries.length === 0;
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && node.implicit && ['', '~', 'null', 'Null', 'NULL'].includes(node.value);
}

function describeNode(node: Node): string {
  if (node.kind === 'map') return describeKind(new Map());
  return node.kind === 'sequence' ? describeKind([]) : 'a single value';
}

/** How far the document indents an object inside an object: as the first one that is indented, else two columns. */
function blockIndentStep(root: Node, text: string): number {
  if (root.kind !== 'map' || root.flow) return 2;
  for (const { value } of root.entries) {
    if (value.kind !== 'map' || value.flow) continue;
    const step = columnOf(text, value.start) - columnOf(text, root.start);
    if (step > 0) return step;
  }
  return 2;
}

function columnOf(text: string, offset: number): number {
  return offset - (text.lastIndexOf('\n', offset - 1) + 1);
}

/** The indentation of the outermost entries of a document in braces; undefined if it is written on one line. */
function flowIndentStep(root: Node, text: string): string | undefined {
  const first = root.kind === 'map' && root.flow ? root.entries[0] : undefined;
  if (first === undefined) return undefined;
  return /\n([ \t]*)$/.exec(text.slice(root.start, first.key.start))?.[1];
}
