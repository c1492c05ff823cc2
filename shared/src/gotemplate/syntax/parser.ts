import { runesOf } from '../byte-string.ts';
import { SyntaxFailure } from '../errors.ts';
import { unquote } from '../format/quote.ts';
import { isSpace } from '../unicode.ts';
import { Lexer, type Token, type TokenType } from './lexer.ts';
import type {
  ChainNode,
  CommandNode,
  IfNode,
  Node,
  Operand,
  ParsedTemplates,
  PipeNode,
  RangeNode,
  TemplateNode,
  WithNode,
} from './nodes.ts';
import { BadNumber, readComplex, readNumber, readRune } from './numbers.ts';

/** How deep parentheses and control structures may nest; the parser is recursive. */
const deepestSyntax = 400;

const operandTokens: ReadonlySet<TokenType> = new Set<TokenType>([
  'bool',
  'rune',
  'complex',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  'leftParen',
]);

/** How a list of nodes ended. */
interface Terminator {
  readonly type: 'end' | 'else';
  readonly offset: number;
}

/** State of one `define`, `block` or the text itself: variables are not seen across them. */
interface Scope {
  variables: string[];
  rangeDepth: number;
}

/**
 * Parses the text of a template named `name`. `hasFunction` says which functions exist: an unknown one is a syntax error, even in a
 * branch that never runs. Throws {@link SyntaxFailure}.
 */
export function parseTemplateText(name: string, text: string, hasFunction: (name: string) => boolean): ParsedTemplates {
  return new Parser(text, hasFunction).parse(name);
}

class Parser {
  readonly #text: string;
  readonly #lexer: Lexer;
  readonly #hasFunction: (name: string) => boolean;
  readonly #templates = new Map<string, readonly Node[]>();
  /** Tokens read ahead, the next one last. */
  readonly #pending: Token[] = [];
  #scope: Scope = { variables: ['$'], rangeDepth: 0 };
  #depth = 0;

  constructor(text: string, hasFunction: (name: string) => boolean) {
    this.#text = text;
    this.#lexer = new Lexer(text);
    this.#hasFunction = hasFunction;
  }

  parse(name: string): ParsedTemplates {
    const root: Node[] = [];
    while (this.#peek().type !== 'end of input') {
      if (this.#peek().type === 'leftDelimiter') {
        const delimiter = this.#next();
        const keyword = this.#nextNonSpace();
        if (keyword.type === 'define') {
          this.#define();
          continue;
        }
        // Spaces between the two are of no meaning.
        this.#pending.push(keyword, delimiter);
      }
      const node = this.#textOrAction();
      if (isTerminator(node)) throw new SyntaxFailure(`unexpected {{${node.type}}}`, node.offset);
      root.push(node);
    }
    this.#add(name, root, 0);
    return { text: this.#text, templates: this.#templates };
  }

  #next(): Token {
    return this.#pending.pop() ?? this.#lexer.next();
  }

  #peek(): Token {
    const token = this.#next();
    this.#pending.push(token);
    return token;
  }

  #nextNonSpace(): Token {
    let token = this.#next();
    while (token.type === 'space') token = this.#next();
    return token;
  }

  #peekNonSpace(): Token {
    const token = this.#nextNonSpace();
    this.#pending.push(token);
    return token;
  }

  #unexpected(token: Token, context: string): SyntaxFailure {
    return new SyntaxFailure(`unexpected ${describeToken(token)} in ${context}`, token.offset);
  }

  #expect(type: TokenType, context: string): Token {
    const token = this.#nextNonSpace();
    if (token.type !== type) throw this.#unexpected(token, context);
    return token;
  }

  /** Registers a template; one that is empty may be replaced, or be defined beside another without effect. */
  #add(name: string, nodes: readonly Node[], offset: number): void {
    const existing = this.#templates.get(name);
    if (existing === undefined || isBlank(existing)) this.#templates.set(name, nodes);
    else if (!isBlank(nodes)) throw new SyntaxFailure('multiple definition of a template', offset);
  }

  #nested<T>(offset: number, parse: () => T): T {
    if (this.#depth >= deepestSyntax) {
      throw new SyntaxFailure(`nested more than ${deepestSyntax} levels deep`, offset, 'limit');
    }
    this.#depth++;
    const result = parse();
    this.#depth--;
    return result;
  }

  /** Parses with variables of its own. */
  #inNewScope<T>(parse: () => T): T {
    const outer = this.#scope;
    this.#scope = { variables: ['$'], rangeDepth: 0 };
    const result = parse();
    this.#scope = outer;
    return result;
  }

  #define(): void {
    const context = 'define clause';
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    this.#expect('rightDelimiter', context);
    const { nodes, terminator } = this.#inNewScope(() => this.#list(token.offset));
    if (terminator.type !== 'end') throw new SyntaxFailure(`unexpected {{else}} in ${context}`, terminator.offset);
    this.#add(name, nodes, token.offset);
  }

  #templateName(token: Token, context: string): string {
    if (token.type !== 'string' && token.type !== 'rawString') throw this.#unexpected(token, context);
    const name = unquote(token.text);
    if (name === undefined) throw new SyntaxFailure('invalid syntax', token.offset);
    return name;
  }

  #list(offset: number): { nodes: Node[]; terminator: Terminator } {
    return this.#nested(offset, () => {
      const nodes: Node[] = [];
      while (this.#peekNonSpace().type !== 'end of input') {
        const node = this.#textOrAction();
        if (isTerminator(node)) return { nodes, terminator: node };
        nodes.push(node);
      }
      throw new SyntaxFailure('unexpected EOF', this.#text.length);
    });
  }

  #textOrAction(): Node | Terminator {
    const token = this.#nextNonSpace();
    if (token.type === 'text') return { type: 'text', offset: token.offset, text: token.text };
    if (token.type === 'leftDelimiter') return this.#action();
    throw this.#unexpected(token, 'input');
  }

  #action(): Node | Terminator {
    const token = this.#nextNonSpace();
    switch (token.type) {
      case 'block':
        return this.#block();
      case 'break':
      case 'continue':
        return this.#loopControl(token, token.type);
      case 'else':
        return this.#else();
      case 'end':
        return { type: 'end', offset: this.#expect('rightDelimiter', 'end').offset };
      case 'if':
      case 'with':
      case 'range':
        return this.#control(token.type);
      case 'template':
        return this.#template();
      default:
        this.#pending.push(token);
        return { type: 'action', offset: token.offset, pipe: this.#pipeline('command', 'rightDelimiter') };
    }
  }

  #loopControl(token: Token, type: 'break' | 'continue'): Node {
    this.#expect('rightDelimiter', `{{${type}}}`);
    if (this.#scope.rangeDepth === 0) throw new SyntaxFailure(`{{${type}}} outside {{range}}`, token.offset);
    return { type, offset: token.offset };
  }

  #else(): Terminator {
    const next = this.#peekNonSpace();
    // `else if` and `else with` leave their keyword for the structure they belong to.
    if (next.type === 'if' || next.type === 'with') return { type: 'else', offset: next.offset };
    return { type: 'else', offset: this.#expect('rightDelimiter', 'else').offset };
  }

  #control(type: 'if' | 'with' | 'range'): IfNode | WithNode | RangeNode {
    return this.#nested(this.#peek().offset, () => {
      const variableCount = this.#scope.variables.length;
      const pipe = this.#pipeline(type, 'rightDelimiter');
      if (type === 'range') this.#scope.rangeDepth++;
      const { nodes: body, terminator } = this.#list(pipe.offset);
      if (type === 'range') this.#scope.rangeDepth--;
      const otherwise = terminator.type === 'else' ? this.#otherwise(type, terminator) : undefined;
      this.#scope.variables.length = variableCount;
      return { type, offset: pipe.offset, pipe, body, otherwise };
    });
  }

  #otherwise(type: 'if' | 'with' | 'range', terminator: Terminator): Node[] {
    if ((type === 'if' || type === 'with') && this.#peek().type === type) {
      this.#next();
      return [this.#control(type)];
    }
    const { nodes, terminator: end } = this.#list(terminator.offset);
    if (end.type !== 'end') throw new SyntaxFailure('expected end; found {{else}}', end.offset);
    return nodes;
  }

  #block(): TemplateNode {
    const context = 'block clause';
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    const pipe = this.#pipeline(context, 'rightDelimiter');
    const { nodes, terminator } = this.#inNewScope(() => this.#list(token.offset));
    if (terminator.type !== 'end') throw new SyntaxFailure(`unexpected {{else}} in ${context}`, terminator.offset);
    this.#add(name, nodes, token.offset);
    return { type: 'template', offset: token.offset, name, pipe };
  }

  #template(): TemplateNode {
    const context = 'template clause';
    const token = this.#nextNonSpace();
    const name = this.#templateName(token, context);
    const next = this.#nextNonSpace();
    if (next.type === 'rightDelimiter') return { type: 'template', offset: token.offset, name, pipe: undefined };
    this.#pending.push(next);
    return { type: 'template', offset: token.offset, name, pipe: this.#pipeline(context, 'rightDelimiter') };
  }

  #pipeline(context: string, end: 'rightDelimiter' | 'rightParen'): PipeNode {
    const offset = this.#peekNonSpace().offset;
    const { variables, isAssignment } = this.#declarations(context);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.#nextNonSpace();
      if (token.type === end) break;
      if (!operandTokens.has(token.type)) throw this.#unexpected(token, context);
      this.#pending.push(token);
      commands.push(this.#command());
    }
    if (commands.length === 0) throw new SyntaxFailure(`missing value for ${context}`, offset);
    for (const [index, command] of commands.entries()) {
      const first = command.operands[0].type;
      if (index > 0 && ['bool', 'dot', 'nil', 'number', 'string'].includes(first)) {
        throw new SyntaxFailure(`non executable command in pipeline stage ${index + 1}`, command.offset);
      }
    }
    return { type: 'pipe', offset, variables, isAssignment, commands };
  }

  /** `$x :=`, `$x =`, and in a range `$i, $x :=`. */
  #declarations(context: string): { variables: string[]; isAssignment: boolean } {
    const variables: string[] = [];
    for (;;) {
      const variable = this.#peekNonSpace();
      if (variable.type !== 'variable') return { variables, isAssignment: false };
      this.#next();
      const after = this.#peek();
      const next = this.#peekNonSpace();
      if (next.type === 'assign' || next.type === 'declare') {
        this.#nextNonSpace();
        this.#declare(variables, variable);
        return { variables, isAssignment: next.type === 'assign' };
      }
      if (next.type !== 'character' || next.text !== ',') {
        // An ordinary operand; the space behind it separates operands.
        if (after.type === 'space') this.#pending.push(after);
        this.#pending.push(variable);
        return { variables, isAssignment: false };
      }
      this.#nextNonSpace();
      this.#declare(variables, variable);
      if (context !== 'range' || variables.length >= 2) {
        throw new SyntaxFailure(`too many declarations in ${context}`, next.offset);
      }
      const following = this.#peekNonSpace().type;
      if (following !== 'variable' && following !== 'rightDelimiter' && following !== 'rightParen') {
        throw new SyntaxFailure('range can only initialize variables', next.offset);
      }
    }
  }

  #declare(variables: string[], token: Token): void {
    variables.push(token.text);
    this.#scope.variables.push(token.text);
  }

  #command(): CommandNode {
    const offset = this.#peekNonSpace().offset;
    const operands: Operand[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) operands.push(operand);
      const token = this.#next();
      if (token.type === 'space') continue;
      if (token.type === 'rightDelimiter' || token.type === 'rightParen') this.#pending.push(token);
      else if (token.type !== 'pipe') throw this.#unexpected(token, 'operand');
      break;
    }
    const [first, ...rest] = operands;
    if (first === undefined) throw new SyntaxFailure('empty command', offset);
    return { type: 'command', offset, operands: [first, ...rest] };
  }

  /** A term and the fields that follow it without a space. */
  #operand(): Operand | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().type !== 'field') return term;
    const offset = this.#peek().offset;
    const fields: string[] = [];
    while (this.#peek().type === 'field') fields.push(this.#next().text.slice(1));
    switch (term.type) {
      case 'field':
        return { ...term, offset, names: [...term.names, ...fields] };
      case 'variable':
        return { ...term, offset, fields: [...term.fields, ...fields] };
      case 'pipe':
      case 'identifier':
        return { type: 'chain', offset, operand: term, fields: fields as unknown as ChainNode['fields'] };
      default:
        throw new SyntaxFailure('unexpected . after term', offset);
    }
  }

  #term(): Operand | undefined {
    const token = this.#nextNonSpace();
    const { offset } = token;
    switch (token.type) {
      case 'identifier':
        if (!this.#hasFunction(token.text)) throw new SyntaxFailure(`function "${token.text}" not defined`, offset);
        return { type: 'identifier', offset, name: token.text };
      case 'dot':
      case 'nil':
        return { type: token.type, offset };
      case 'variable':
        if (!this.#scope.variables.includes(token.text))
          throw new SyntaxFailure(`undefined variable "${token.text}"`, offset);
        return { type: 'variable', offset, name: token.text, fields: [] };
      case 'field':
        return { type: 'field', offset, names: [token.text.slice(1)] };
      case 'bool':
        return { type: 'bool', offset, value: token.text === 'true' };
      case 'rune':
      case 'complex':
      case 'number':
        return numberNode(token, token.type);
      case 'leftParen':
        return this.#nested(offset, () => this.#pipeline('parenthesized pipeline', 'rightParen'));
      case 'string':
      case 'rawString': {
        const value = unquote(token.text);
        if (value === undefined) throw new SyntaxFailure('invalid syntax', offset);
        return { type: 'string', offset, value };
      }
      default:
        this.#pending.push(token);
        return undefined;
    }
  }
}

function numberNode(token: Token, type: 'rune' | 'complex' | 'number'): Operand {
  const read = type === 'rune' ? readRune : type === 'complex' ? readComplex : readNumber;
  try {
    return { type: 'number', offset: token.offset, text: token.text, ...read(token.text) };
  } catch (error) {
    if (error instanceof BadNumber) throw new SyntaxFailure(error.message, token.offset);
    throw error;
  }
}

function isTerminator(node: Node | Terminator): node is Terminator {
  return node.type === 'end' || node.type === 'else';
}

/** Nothing but space: such a definition gives way to another of its name. */
function isBlank(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.type === 'text' && runesOf(node.text).every(isSpace));
}

function describeToken(token: Token): string {
  switch (token.type) {
    case 'end of input':
      return 'EOF';
    case 'text':
    case 'string':
    case 'rawString':
    case 'rune':
      return token.type === 'rawString' ? 'raw string' : token.type;
    case 'leftDelimiter':
    case 'rightDelimiter':
    case 'space':
      return token.type === 'space' ? 'space' : `"${token.text}"`;
    default:
      return `<${token.text.slice(0, 40)}>`;
  }
}
