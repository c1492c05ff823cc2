/** The syntax tree of a template. `offset` is the byte offset in the text that errors point at. */

export interface TextNode {
  readonly type: 'text';
  readonly offset: number;
  readonly text: string;
}

/** A pipeline in an action: its value is printed unless it declares variables. */
export interface ActionNode {
  readonly type: 'action';
  readonly offset: number;
  readonly pipe: PipeNode;
}

export interface IfNode {
  readonly type: 'if';
  readonly offset: number;
  readonly pipe: PipeNode;
  readonly body: readonly Node[];
  readonly otherwise: readonly Node[] | undefined;
}

export interface WithNode extends Omit<IfNode, 'type'> {
  readonly type: 'with';
}

export interface RangeNode extends Omit<IfNode, 'type'> {
  readonly type: 'range';
}

export interface TemplateNode {
  readonly type: 'template';
  readonly offset: number;
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}

export interface BreakNode {
  readonly type: 'break';
  readonly offset: number;
}

export interface ContinueNode {
  readonly type: 'continue';
  readonly offset: number;
}

export type Node = TextNode | ActionNode | IfNode | WithNode | RangeNode | TemplateNode | BreakNode | ContinueNode;

export interface PipeNode {
  readonly type: 'pipe';
  readonly offset: number;
  /** Names of the variables, with `$`, that take the value. */
  readonly variables: readonly string[];
  /** True for `=`, false for `:=`. */
  readonly isAssignment: boolean;
  readonly commands: readonly CommandNode[];
}

export interface CommandNode {
  readonly type: 'command';
  readonly offset: number;
  /** At least one. */
  readonly operands: readonly [Operand, ...Operand[]];
}

export interface DotNode {
  readonly type: 'dot';
  readonly offset: number;
}

export interface NilNode {
  readonly type: 'nil';
  readonly offset: number;
}

export interface BoolNode {
  readonly type: 'bool';
  readonly offset: number;
  readonly value: boolean;
}

export interface StringNode {
  readonly type: 'string';
  readonly offset: number;
  readonly value: string;
}

/** A number and every type it could have; which one it takes depends on where it stands. */
export interface NumberNode {
  readonly type: 'number';
  readonly offset: number;
  readonly text: string;
  readonly int: bigint | undefined;
  readonly uint: bigint | undefined;
  readonly float: number | undefined;
  readonly complex: { readonly real: number; readonly imaginary: number } | undefined;
}

/** `.a.b`, names without dots. */
export interface FieldNode {
  readonly type: 'field';
  readonly offset: number;
  readonly names: readonly [string, ...string[]];
}

/** `$x.a.b`: the variable's name with `$`, then the fields. */
export interface VariableNode {
  readonly type: 'variable';
  readonly offset: number;
  readonly name: string;
  readonly fields: readonly string[];
}

/** `(pipeline).a.b` or `function.a.b`. */
export interface ChainNode {
  readonly type: 'chain';
  readonly offset: number;
  readonly operand: PipeNode | IdentifierNode;
  readonly fields: readonly [string, ...string[]];
}

/** The name of a function. */
export interface IdentifierNode {
  readonly type: 'identifier';
  readonly offset: number;
  readonly name: string;
}

export type Operand =
  | DotNode
  | NilNode
  | BoolNode
  | StringNode
  | NumberNode
  | FieldNode
  | VariableNode
  | ChainNode
  | IdentifierNode
  | PipeNode;

/** One parsed text: the templates it defines by name, its own among them. */
export interface ParsedTemplates {
  readonly text: string;
  readonly templates: ReadonlyMap<string, readonly Node[]>;
}
