/**
 * The syntax tree of one document, for YAML and JSON alike. Offsets are UTF-16 units in the text that was parsed; ranges are
 * `[start, end)` and cover the value alone, without anchor, tag, comments and line breaks around it.
 */
export type Node = ScalarNode | MapNode | SequenceNode | AliasNode;

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

interface NodeBase {
  readonly start: number;
  readonly end: number;
  /** Where anchor and tag begin; equal to `start` if there are none. */
  readonly propertiesStart: number;
  readonly anchor: string | undefined;
}

export interface ScalarNode extends NodeBase {
  readonly kind: 'scalar';
  readonly value: string;
  readonly style: ScalarStyle;
  /** The full tag such as `tag:yaml.org,2002:str`, `!`, or the empty string. */
  readonly tag: string;
  /** libyaml's flag of that name: a plain scalar without tag, or any scalar with the tag `!`. */
  readonly implicit: boolean;
}

export interface MapEntry {
  readonly key: Node;
  readonly value: Node;
}

export interface MapNode extends NodeBase {
  readonly kind: 'map';
  readonly entries: MapEntry[];
  /** True for `{...}`. */
  readonly flow: boolean;
}

export interface SequenceNode extends NodeBase {
  readonly kind: 'sequence';
  readonly items: Node[];
  /** True for `[...]`. */
  readonly flow: boolean;
}

export interface AliasNode extends NodeBase {
  readonly kind: 'alias';
  readonly name: string;
}

/** A mistake in the text at an offset. The readers turn it into an `InvalidDocument` with source, document, line and column. */
export class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
  readonly offset: number;
  /** True if the text is well-formed but beyond a limit. */
  readonly tooLarge: boolean;

  constructor(message: string, offset: number, tooLarge = false) {
    super(message);
    this.offset = offset;
    this.tooLarge = tooLarge;
  }
}
