/** Tokens to the syntax tree of one document, by libyaml's grammar (a YAML 1.1 stream, LL(1)). */
import { type MapEntry, type Node, SyntaxProblem } from './node.ts';
import { createScanner, type Scanner, type Token, type TokenType } from './yaml-scanner.ts';

export interface ParsedYaml {
  /** Undefined if the text holds nothing but comments, directives and document markers. */
  readonly root: Node | undefined;
  /** Offset of the `---` of a second document, if there is one. */
  readonly nextDocument: number | undefined;
}

const DEFAULT_TAG_PREFIXES: ReadonlyMap<string, string> = new Map([
  ['!', '!'],
  ['!!', 'tag:yaml.org,2002:'],
]);

interface Context {
  readonly scanner: Scanner;
  readonly tagPrefixes: Map<string, string>;
}

/**
 * Reads the first document of a text. Nothing but another document may follow it: Go's library ignores what comes after
 * `{a: 1} garbage`, which hides mistakes.
 *
 * @throws SyntaxProblem
 */
export function parseYaml(text: string): ParsedYaml {
  const scanner = createScanner(text);
  const context: Context = { scanner, tagPrefixes: new Map(DEFAULT_TAG_PREFIXES) };
  let token = scanner.peek();
  let root: Node | undefined;
  if (token.type === 'stream-end') return { root: undefined, nextDocument: undefined };
  if (token.type === 'directive' || token.type === 'document-start') {
    readDirectives(context);
    const marker = scanner.peek();
    if (marker.type !== 'document-start')
      throw new SyntaxProblem('did not find expected <document start>', marker.start);
    scanner.take();
    token = scanner.peek();
  }
  if (!isOneOf(token.type, 'document-start', 'document-end', 'directive', 'stream-end'))
    root = parseNode(context, true, false);
  return { root, nextDocument: findNextDocument(scanner) };
}

/** Where the next document begins. Anything else after a document is an error. */
function findNextDocument(scanner: Scanner): number | undefined {
  try {
    let ended = false;
    while (scanner.peek().type === 'document-end') {
      scanner.take();
      ended = true;
    }
    const next = scanner.peek();
    if (next.type === 'stream-end') return undefined;
    if (next.type === 'document-start' || (ended && next.type === 'directive')) return next.start;
    throw new SyntaxProblem('did not find expected <document start>', next.start);
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw new SyntaxProblem(`after the end of the document: ${error.message}`, error.offset, error.tooLarge);
  }
}

function readDirectives({ scanner, tagPrefixes }: Context): void {
  let version = false;
  const handles = new Set<string>();
  while (scanner.peek().type === 'directive') {
    const token = scanner.take();
    if (token.value === 'YAML') {
      if (version) throw new SyntaxProblem('found duplicate %YAML directive', token.start);
      if (token.suffix !== '1.1') throw new SyntaxProblem('found incompatible YAML document', token.start);
      version = true;
    } else {
      const [handle = '', prefix = ''] = token.suffix.split(/[ \t]+/);
      if (handles.has(handle)) throw new SyntaxProblem('found duplicate %TAG directive', token.start);
      handles.add(handle);
      tagPrefixes.set(handle, prefix);
    }
  }
}

function isOneOf(type: TokenType, ...types: TokenType[]): boolean {
  return types.includes(type);
}

interface Properties {
  readonly start: number;
  readonly anchor: string | undefined;
  readonly tag: string;
  readonly present: boolean;
  readonly end: number;
}

function readProperties({ scanner, tagPrefixes }: Context): Properties {
  let anchor: Token | undefined;
  let tag: Token | undefined;
  const start = scanner.peek().start;
  let end = start;
  for (;;) {
    const token = scanner.peek();
    if (token.type === 'anchor' && anchor === undefined) anchor = scanner.take();
    else if (token.type === 'tag' && tag === undefined) tag = scanner.take();
    else break;
    end = token.end;
  }
  let fullTag = '';
  if (tag !== undefined) {
    const prefix = tag.value === '' ? '' : tagPrefixes.get(tag.value);
    if (prefix === undefined) throw new SyntaxProblem('found undefined tag handle', tag.start);
    fullTag = prefix + tag.suffix;
  }
  return { start, anchor: anchor?.value, tag: fullTag, present: anchor !== undefined || tag !== undefined, end };
}

function emptyScalar(offset: number, properties?: Properties): Node {
  const tag = properties?.tag ?? '';
  return {
    kind: 'scalar',
    value: '',
    style: 'plain',
    tag,
    implicit: tag === '',
    anchor: properties?.anchor,
    start: offset,
    end: offset,
    propertiesStart: properties?.start ?? offset,
  };
}

function parseNode(context: Context, block: boolean, indentlessSequence: boolean): Node {
  const { scanner } = context;
  const first = scanner.peek();
  if (first.type === 'alias') {
    scanner.take();
    const { start, end, value } = first;
    return { kind: 'alias', name: value, start, end, propertiesStart: start, anchor: undefined };
  }
  const properties = readProperties(context);
  const token = scanner.peek();
  const { anchor } = properties;
  const propertiesStart = properties.present ? properties.start : token.start;
  if (indentlessSequence && token.type === 'block-entry') {
    const items = parseIndentlessItems(context);
    return {
      kind: 'sequence',
      items,
      flow: false,
      anchor,
      start: token.start,
      end: lastEnd(items, token.start),
      propertiesStart,
    };
  }
  switch (token.type) {
    case 'scalar': {
      scanner.take();
      const implicit = properties.tag === '!' || (properties.tag === '' && token.style === 'plain');
      const { value, style, start, end } = token;
      const { tag } = properties;
      return { kind: 'scalar', value, style, tag, implicit, anchor, start, end, propertiesStart };
    }
    case 'flow-sequence-start': {
      const { items, end } = parseFlowItems(context);
      return { kind: 'sequence', items, flow: true, anchor, start: token.start, end, propertiesStart };
    }
    case 'flow-mapping-start': {
      const { entries, end } = parseFlowEntries(context);
      return { kind: 'map', entries, flow: true, anchor, start: token.start, end, propertiesStart };
    }
    case 'block-sequence-start': {
      if (!block) break;
      const items = parseBlockItems(context);
      return {
        kind: 'sequence',
        items,
        flow: false,
        anchor,
        start: token.start,
        end: lastEnd(items, token.start),
        propertiesStart,
      };
    }
    case 'block-mapping-start': {
      if (!block) break;
      const entries = parseBlockEntries(context);
      const end = entries.at(-1)?.value.end ?? token.start;
      return { kind: 'map', entries, flow: false, anchor, start: token.start, end, propertiesStart };
    }
    default:
  }
  if (properties.present) return emptyScalar(properties.end, properties);
  throw new SyntaxProblem('did not find expected node content', token.start);
}

function lastEnd(items: Node[], fallback: number): number {
  return items.at(-1)?.end ?? fallback;
}

function parseBlockItems(context: Context): Node[] {
  const { scanner } = context;
  scanner.take();
  const items: Node[] = [];
  for (;;) {
    const token = scanner.take();
    if (token.type === 'block-end') return items;
    if (token.type !== 'block-entry') throw new SyntaxProblem("did not find expected '-' indicator", token.start);
    items.push(
      isOneOf(scanner.peek().type, 'block-entry', 'block-end')
        ? emptyScalar(token.end)
        : parseNode(context, true, false),
    );
  }
}

function parseIndentlessItems(context: Context): Node[] {
  const { scanner } = context;
  const items: Node[] = [];
  while (scanner.peek().type === 'block-entry') {
    const token = scanner.take();
    items.push(
      isOneOf(scanner.peek().type, 'block-entry', 'key', 'value', 'block-end')
        ? emptyScalar(token.end)
        : parseNode(context, true, false),
    );
  }
  return items;
}

function parseBlockEntries(context: Context): MapEntry[] {
  const { scanner } = context;
  scanner.take();
  const entries: MapEntry[] = [];
  for (;;) {
    const token = scanner.take();
    if (token.type === 'block-end') return entries;
    if (token.type !== 'key') throw new SyntaxProblem('did not find expected key', token.start);
    const key = isOneOf(scanner.peek().type, 'key', 'value', 'block-end')
      ? emptyScalar(token.end)
      : parseNode(context, true, true);
    let value: Node;
    if (scanner.peek().type === 'value') {
      const colon = scanner.take();
      value = isOneOf(scanner.peek().type, 'key', 'value', 'block-end')
        ? emptyScalar(colon.end)
        : parseNode(context, true, true);
    } else {
      value = emptyScalar(key.end);
    }
    entries.push({ key, value });
  }
}

function parseFlowItems(context: Context): { items: Node[]; end: number } {
  const { scanner } = context;
  scanner.take();
  const items: Node[] = [];
  for (;;) {
    if (items.length > 0 && scanner.peek().type !== 'flow-sequence-end') {
      const comma = scanner.take();
      if (comma.type !== 'flow-entry') throw new SyntaxProblem("did not find expected ',' or ']'", comma.start);
    }
    const token = scanner.peek();
    if (token.type === 'flow-sequence-end') return { items, end: scanner.take().end };
    items.push(token.type === 'key' ? parseFlowPair(context) : parseNode(context, false, false));
  }
}

/** `[a: b]`: a map of one entry without braces. */
function parseFlowPair(context: Context): Node {
  const { scanner } = context;
  const start = scanner.take();
  let key: Node;
  if (isOneOf(scanner.peek().type, 'value', 'flow-entry', 'flow-sequence-end')) {
    // libyaml swallows the token here, so that `[? : b]` is an error; ours must agree about what is valid.
    key = emptyScalar(scanner.take().end);
  } else {
    key = parseNode(context, false, false);
  }
  const value = parseFlowValue(context, 'flow-sequence-end', key.end);
  const entries = [{ key, value }];
  return {
    kind: 'map',
    entries,
    flow: true,
    anchor: undefined,
    start: start.start,
    end: value.end,
    propertiesStart: start.start,
  };
}

function parseFlowValue(context: Context, close: TokenType, offset: number): Node {
  const { scanner } = context;
  if (scanner.peek().type !== 'value') return emptyScalar(offset);
  const colon = scanner.take();
  if (isOneOf(scanner.peek().type, 'flow-entry', close)) return emptyScalar(colon.end);
  return parseNode(context, false, false);
}

function parseFlowEntries(context: Context): { entries: MapEntry[]; end: number } {
  const { scanner } = context;
  scanner.take();
  const entries: MapEntry[] = [];
  for (;;) {
    if (entries.length > 0 && scanner.peek().type !== 'flow-mapping-end') {
      const comma = scanner.take();
      if (comma.type !== 'flow-entry') throw new SyntaxProblem("did not find expected ',' or '}'", comma.start);
    }
    const token = scanner.peek();
    if (token.type === 'flow-mapping-end') return { entries, end: scanner.take().end };
    if (token.type === 'key') {
      scanner.take();
      const key = isOneOf(scanner.peek().type, 'value', 'flow-entry', 'flow-mapping-end')
        ? emptyScalar(token.end)
        : parseNode(context, false, false);
      entries.push({ key, value: parseFlowValue(context, 'flow-mapping-end', key.end) });
    } else {
      const key = parseNode(context, false, false);
      entries.push({ key, value: emptyScalar(key.end) });
    }
  }
}
