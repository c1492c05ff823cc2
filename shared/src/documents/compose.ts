/** Syntax tree to value: scalars resolved, aliases expanded, merge keys applied, keys turned into strings, as Go does it. */
import { formatFloat32 } from './go-number.ts';
import type { AliasNode, MapNode, Node, ScalarNode, SequenceNode } from './node.ts';
import { SyntaxProblem } from './node.ts';
import { MAX_DEPTH, MAX_DOCUMENT_BYTES } from './text.ts';
import type { DocumentMap, DocumentValue } from './value.ts';
import { resolveScalar } from './yaml-scalar.ts';

/** More nodes than this made by aliases is not a document but an attack ("billion laughs"). */
const MAX_ALIASED_NODES = 100_000;

interface Composition {
  readonly anchors: Map<string, Node>;
  /** Which node an alias means is decided where it stands, also when the text around it is expanded again later. */
  readonly targets: Map<AliasNode, Node>;
  readonly open: Set<Node>;
  aliasDepth: number;
  aliasedNodes: number;
  aliasedLength: number;
  depth: number;
}

/**
 * The value of a node. A key that occurs twice has its last value; a merge key (`<<`) replaces keys that stand before it.
 * @throws SyntaxProblem with the offset of the node that is wrong. Messages quote neither values nor anchors.
 */
export function composeValue(root: Node): DocumentValue {
  return composeNode(root, {
    anchors: new Map(),
    targets: new Map(),
    open: new Set(),
    aliasDepth: 0,
    aliasedNodes: 0,
    aliasedLength: 0,
    depth: 0,
  });
}

function composeNode(node: Node, state: Composition): DocumentValue {
  if (state.aliasDepth > 0) countAliased(node, state);
  if (node.anchor !== undefined && state.aliasDepth === 0) state.anchors.set(node.anchor, node);
  switch (node.kind) {
    case 'scalar':
      return composeScalar(node);
    case 'alias':
      return composeAlias(node, state, composeNode);
    case 'sequence':
      return composeSequence(node, state);
    case 'map': {
      const map: DocumentMap = new Map();
      fillMap(node, map, state);
      return map;
    }
  }
}

function countAliased(node: Node, state: Composition): void {
  state.aliasedNodes++;
  if (node.kind === 'scalar') state.aliasedLength += node.value.length;
  if (state.aliasedNodes > MAX_ALIASED_NODES || state.aliasedLength > MAX_DOCUMENT_BYTES) {
    throw new SyntaxProblem('the document contains excessive aliasing', node.start, true);
  }
}

function composeScalar(node: ScalarNode): Exclude<DocumentValue, DocumentMap | DocumentValue[]> {
  const resolved = resolveScalar(node.value, node.tag, node.implicit);
  if ('problem' in resolved) throw new SyntaxProblem(resolved.problem, node.start);
  return resolved.value;
}

function targetOf(node: AliasNode, state: Composition): Node {
  const target = state.targets.get(node) ?? state.anchors.get(node.name);
  if (target === undefined) throw new SyntaxProblem('unknown anchor referenced', node.start);
  state.targets.set(node, target);
  return target;
}

function composeAlias<T>(node: AliasNode, state: Composition, compose: (target: Node, state: Composition) => T): T {
  const target = targetOf(node, state);
  if (state.open.has(target)) throw new SyntaxProblem('an anchor contains itself', node.start);
  state.open.add(target);
  state.aliasDepth++;
  const value = compose(target, state);
  state.aliasDepth--;
  state.open.delete(target);
  return value;
}

/** Anchors inside of themselves and aliases of aliases cannot deepen a value without end. */
function enter(node: Node, state: Composition): void {
  if (++state.depth > MAX_DEPTH) {
    throw new SyntaxProblem(`more than ${MAX_DEPTH} levels of objects and lists inside each other`, node.start, true);
  }
  state.open.add(node);
}

function leave(node: Node, state: Composition): void {
  state.depth--;
  state.open.delete(node);
}

function composeSequence(node: SequenceNode, state: Composition): DocumentValue[] {
  enter(node, state);
  const items = node.items.map((item) => composeNode(item, state));
  leave(node, state);
  return items;
}

function fillMap(node: MapNode, map: DocumentMap, state: Composition): void {
  enter(node, state);
  for (const { key, value } of node.entries) {
    if (isMergeKey(key)) mergeInto(value, map, state);
    else {
      const name = composeKey(key, state);
      map.set(name, composeNode(value, state));
    }
  }
  leave(node, state);
}

/** True for the key `<<` of YAML 1.1, unquoted or tagged `!!merge`. */
export function isMergeKey(key: Node): boolean {
  return key.kind === 'scalar' && key.value === '<<' && (key.implicit || key.tag === 'tag:yaml.org,2002:merge');
}

function mergeInto(node: Node, map: DocumentMap, state: Composition): void {
  if (node.anchor !== undefined && state.aliasDepth === 0) state.anchors.set(node.anchor, node);
  if (node.kind === 'sequence') {
    // Aliases bind in the order of the text, but earlier maps win, so they are applied last.
    for (const item of node.items) if (item.kind === 'alias') targetOf(item, state);
    for (const item of node.items.toReversed()) mergeOne(item, map, state);
  } else {
    mergeOne(node, map, state);
  }
}

function mergeOne(node: Node, map: DocumentMap, state: Composition): void {
  const target = node.kind === 'alias' ? targetOf(node, state) : node;
  if (target.kind !== 'map')
    throw new SyntaxProblem('map merge requires map or sequence of maps as the value', node.start);
  if (node.kind === 'alias') {
    composeAlias(node, state, () => fillMap(target, map, state));
  } else {
    if (node.anchor !== undefined && state.aliasDepth === 0) state.anchors.set(node.anchor, node);
    fillMap(target, map, state);
  }
}

/** The key as a string, as `sigs.k8s.io/yaml` makes it: numbers and booleans are allowed, null and collections are not. */
export function composeKey(key: Node, state?: Composition): string {
  let node = key;
  if (node.kind === 'alias' && state !== undefined) {
    node = targetOf(node, state);
    if (node.kind === 'alias') node = targetOf(node, state);
  } else if (node.anchor !== undefined && state !== undefined && state.aliasDepth === 0) {
    state.anchors.set(node.anchor, node);
  }
  if (node.kind !== 'scalar') throw new SyntaxProblem('an object or a list cannot be a key', key.start);
  if (node.tag === '' && !node.implicit) return node.value;
  const resolved = resolveScalar(node.value, node.tag, node.implicit);
  if ('problem' in resolved) throw new SyntaxProblem(resolved.problem, key.start);
  const { value } = resolved;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return formatFloatKey(value);
  if (typeof value === 'bigint' && value < 2n ** 63n) return value.toString();
  throw new SyntaxProblem(
    value === null ? 'null cannot be a key; quote it' : 'this number is too large for a key; quote it',
    key.start,
  );
}

function formatFloatKey(value: number): string {
  if (Number.isNaN(value)) return '.nan';
  const text = formatFloat32(value);
  if (text === '+Inf') return '.inf';
  return text === '-Inf' ? '-.inf' : text;
}
