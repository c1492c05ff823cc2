import { assignable, canBeNil, expectation, idealConstant, isOpen, numberArgument, zeroOf } from './arguments.ts';
import type { Budget } from './budget.ts';
import { EffectError, type TemplateEffects } from './effects.ts';
import { CallError, LimitError, positionAt, TemplateError, type TemplateLimit } from './errors.ts';
import { displayText } from './format/printer.ts';
import type { CallContext, TemplateFunction } from './functions/definition.ts';
import { methodOf } from './methods.ts';
import type {
  ChainNode,
  CommandNode,
  IdentifierNode,
  IfNode,
  Node,
  Operand,
  ParsedTemplates,
  PipeNode,
  RangeNode,
  TemplateNode,
  WithNode,
} from './syntax/nodes.ts';
import { isTrue, typeName } from './values/inspect.ts';
import { type GoType, types } from './values/types.ts';
import { type Evaluated, GoCertificate, GoInteger, GoMap, GoSlice, type GoValue, int } from './values/value.ts';

/** Runs a parsed template: Go's `text/template` execution. */

export interface ExecutionOptions {
  readonly name: string;
  readonly parsed: ParsedTemplates;
  readonly data: GoValue;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  readonly effects: TemplateEffects;
  readonly budget: Budget;
}

/** Renders the template named `name`; the output is a byte string. Throws {@link TemplateError}. */
export function execute(options: ExecutionOptions): string {
  const executor = new Executor(options);
  try {
    return executor.run();
  } catch (error) {
    throw executor.explain(error);
  }
}

function limitOf(error: unknown): TemplateLimit | undefined {
  if (error instanceof LimitError) return error.limit;
  return error instanceof RangeError ? 'template' : undefined;
}

/** No argument came through the pipe; distinct from a value that is nothing. */
const noPipedValue = Symbol('no piped value');
type Piped = Evaluated | typeof noPipedValue;

/** How a list of nodes ended. */
type Flow = 'next' | 'break' | 'continue';

interface Variable {
  readonly name: string;
  value: Evaluated;
}

/** The template that is being executed. */
interface Frame {
  readonly depth: number;
  readonly variables: Variable[];
}

class Executor {
  readonly #options: ExecutionOptions;
  readonly #context: CallContext;
  readonly #budget: Budget;
  #output = '';
  #frame: Frame;
  /** Where an error that happens now is reported. */
  #offset = 0;

  constructor(options: ExecutionOptions) {
    this.#options = options;
    this.#budget = options.budget;
    this.#context = { budget: options.budget, effects: options.effects };
    this.#frame = { depth: 0, variables: [{ name: '$', value: options.data }] };
  }

  run(): string {
    const { name, parsed, data } = this.#options;
    // Each template of an object has a copy of its own, which is work that grows with the square of the object: a step is 32 keys.
    if (data instanceof GoMap) this.#budget.step(data.size >> 5);
    this.#walkList(data, parsed.templates.get(name) ?? []);
    return this.#output;
  }

  /** The error to show for whatever was thrown. */
  explain(error: unknown): unknown {
    const isLimit = error instanceof LimitError || error instanceof RangeError;
    if (!isLimit && !(error instanceof CallError) && !(error instanceof EffectError)) return error;
    // The engine's own complaint is about the size of the stack or of a string: a template that goes too far.
    const message =
      error instanceof RangeError ? 'the template nests too deeply or makes a value that is too large' : error.message;
    const { name, parsed } = this.#options;
    return new TemplateError(message, {
      kind: isLimit ? 'limit' : 'exec',
      limit: limitOf(error),
      templateName: name,
      ...positionAt(parsed.text, this.#offset),
    });
  }

  #write(text: string): void {
    this.#output += text;
    this.#budget.write(text.length);
  }

  // ---- statements ----

  #walkList(dot: Evaluated, nodes: readonly Node[]): Flow {
    for (const node of nodes) {
      const flow = this.#walk(dot, node);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  #walk(dot: Evaluated, node: Node): Flow {
    this.#offset = node.offset;
    this.#budget.step();
    switch (node.type) {
      case 'text':
        this.#write(node.text);
        return 'next';
      case 'action': {
        const value = this.#evaluatePipe(dot, node.pipe);
        this.#offset = node.offset;
        if (node.pipe.variables.length === 0) this.#write(this.#printed(value));
        return 'next';
      }
      case 'if':
      case 'with':
        return this.#walkIfOrWith(dot, node);
      case 'range':
        return this.#walkRange(dot, node);
      case 'template':
        this.#walkTemplate(dot, node);
        return 'next';
      case 'break':
      case 'continue':
        return node.type;
    }
  }

  #printed(value: Evaluated): string {
    return value === undefined || value === null ? '<no value>' : displayText(value, this.#budget);
  }

  #walkIfOrWith(dot: Evaluated, node: IfNode | WithNode): Flow {
    const mark = this.#frame.variables.length;
    const value = this.#evaluatePipe(dot, node.pipe);
    let flow: Flow = 'next';
    if (isTrue(value)) flow = this.#walkList(node.type === 'with' ? value : dot, node.body);
    else if (node.otherwise !== undefined) flow = this.#walkList(dot, node.otherwise);
    this.#frame.variables.length = mark;
    return flow;
  }

  #walkRange(dot: Evaluated, node: RangeNode): Flow {
    const mark = this.#frame.variables.length;
    const value = this.#evaluatePipe(dot, node.pipe);
    const bodyMark = this.#frame.variables.length;
    let ran = false;
    for (const [index, element] of this.#iterate(value, node)) {
      ran = true;
      this.#setRangeVariables(node.pipe, index, element);
      const flow = this.#walkList(element, node.body);
      this.#frame.variables.length = bodyMark;
      this.#budget.step();
      if (flow === 'break') break;
    }
    let flow: Flow = 'next';
    if (!ran && node.otherwise !== undefined) flow = this.#walkList(dot, node.otherwise);
    this.#frame.variables.length = mark;
    return flow;
  }

  /** Pairs of index (or key) and element; numbers have no index. */
  *#iterate(value: Evaluated, node: RangeNode): Generator<[Evaluated, Evaluated]> {
    if (value === undefined || value === null) return;
    if (value instanceof GoSlice) {
      for (let i = 0; i < value.length; i++) yield [int(i), value.at(i)];
      return;
    }
    if (value instanceof GoMap) {
      // Changes made by the body do not show.
      const pairs = value.sortedKeys().map((key): [string, GoValue] => [key, value.get(key) ?? null]);
      this.#budget.allocate(pairs.length * 16);
      yield* pairs;
      return;
    }
    if (value instanceof GoInteger) {
      if (node.pipe.variables.length > 1)
        throw new CallError("can't use an integer to iterate over more than one variable");
      for (let i = 0n; i < value.value; i++) yield [undefined, new GoInteger(value.type, i)];
      return;
    }
    throw new CallError(`range can't iterate over a value of type ${typeName(value)}`);
  }

  #setRangeVariables(pipe: PipeNode, index: Evaluated, element: Evaluated): void {
    const [first, second] = pipe.variables;
    if (first === undefined) return;
    if (pipe.isAssignment) {
      this.#setVariable(first, second === undefined ? element : index);
      if (second !== undefined) this.#setVariable(second, element);
      return;
    }
    this.#setTopVariable(1, element);
    if (second !== undefined) this.#setTopVariable(2, index);
  }

  #walkTemplate(dot: Evaluated, node: TemplateNode): void {
    const nodes = this.#options.parsed.templates.get(node.name);
    if (nodes === undefined) throw new CallError('the template that is called is not defined');
    const { maxTemplateDepth } = this.#budget.limits;
    if (this.#frame.depth >= maxTemplateDepth) {
      throw new CallError(`exceeded maximum template depth (${maxTemplateDepth})`);
    }
    const newDot = node.pipe === undefined ? undefined : this.#evaluatePipe(dot, node.pipe);
    const caller = this.#frame;
    this.#frame = { depth: caller.depth + 1, variables: [{ name: '$', value: newDot }] };
    this.#walkList(newDot, nodes);
    this.#frame = caller;
  }

  // ---- variables ----

  #variable(name: string): Evaluated {
    return this.#findVariable(name).value;
  }

  #setVariable(name: string, value: Evaluated): void {
    this.#findVariable(name).value = value;
  }

  #setTopVariable(fromTop: number, value: Evaluated): void {
    const variable = this.#frame.variables.at(-fromTop);
    if (variable !== undefined) variable.value = value;
  }

  #findVariable(name: string): Variable {
    const variable = this.#frame.variables.findLast((candidate) => candidate.name === name);
    if (variable === undefined) throw new CallError(`undefined variable: ${name}`);
    return variable;
  }

  // ---- expressions ----

  #evaluatePipe(dot: Evaluated, pipe: PipeNode): Evaluated {
    this.#offset = pipe.offset;
    let piped: Piped = noPipedValue;
    for (const command of pipe.commands) {
      const value: Evaluated = this.#evaluateCommand(dot, command, piped);
      // A nil interface that leaves a pipeline is no value at all.
      piped = value ?? undefined;
    }
    const value = piped === noPipedValue ? undefined : piped;
    for (const name of pipe.variables) {
      if (pipe.isAssignment) this.#setVariable(name, value);
      else this.#frame.variables.push({ name, value });
    }
    return value;
  }

  #evaluateCommand(dot: Evaluated, command: CommandNode, piped: Piped): Evaluated {
    this.#budget.step();
    const [first, ...rest] = command.operands;
    this.#offset = first.offset;
    switch (first.type) {
      case 'field':
        return this.#evaluateFields(dot, dot, first.names, rest, piped);
      case 'chain':
        return this.#evaluateChain(dot, first, rest, piped);
      case 'identifier':
        return this.#evaluateFunction(dot, first, rest, piped);
      case 'variable':
        if (first.fields.length > 0) {
          return this.#evaluateFields(dot, this.#variable(first.name), first.fields, rest, piped);
        }
        break;
      default:
        break;
    }
    if (rest.length > 0 || piped !== noPipedValue) throw new CallError("can't give argument to non-function");
    return this.#evaluateTerm(dot, first);
  }

  #evaluateTerm(dot: Evaluated, operand: Operand): Evaluated {
    switch (operand.type) {
      case 'pipe':
        return this.#evaluatePipe(dot, operand);
      case 'variable':
        return this.#variable(operand.name);
      case 'dot':
        return dot;
      case 'bool':
      case 'string':
        return operand.value;
      case 'number':
        return idealConstant(operand);
      case 'nil':
        throw new CallError('nil is not a command');
      default:
        throw new CallError("can't evaluate command");
    }
  }

  #evaluateChain(dot: Evaluated, chain: ChainNode, args: readonly Operand[], piped: Piped): Evaluated {
    const receiver =
      chain.operand.type === 'pipe'
        ? this.#evaluatePipe(dot, chain.operand)
        : this.#evaluateFunction(dot, chain.operand, [], noPipedValue);
    this.#offset = chain.offset;
    return this.#evaluateFields(dot, receiver, chain.fields, args, piped);
  }

  /** Follows fields; arguments belong to the last one. */
  #evaluateFields(
    dot: Evaluated,
    receiver: Evaluated,
    names: readonly string[],
    args: readonly Operand[],
    piped: Piped,
  ): Evaluated {
    const last = names.length - 1;
    let value = receiver;
    for (const [index, name] of names.entries()) {
      value =
        index < last ? this.#field(dot, value, name, [], noPipedValue) : this.#field(dot, value, name, args, piped);
    }
    return value;
  }

  #field(dot: Evaluated, receiver: Evaluated, name: string, args: readonly Operand[], piped: Piped): Evaluated {
    if (receiver === undefined) return undefined;
    if (receiver === null) throw new CallError(`nil pointer evaluating interface {}.${name}`);
    const method = methodOf(receiver, name);
    if (method !== undefined) return this.#call(dot, method, args, piped);
    const hasArguments = args.length > 0 || piped !== noPipedValue;
    if (receiver instanceof GoMap) {
      if (hasArguments) throw new CallError(`${name} is not a method but has arguments`);
      return receiver.get(name);
    }
    if (receiver instanceof GoCertificate && (name === 'Cert' || name === 'Key')) {
      if (hasArguments) throw new CallError(`${name} has arguments but cannot be invoked as function`);
      return name === 'Cert' ? receiver.certificatePem : receiver.keyPem;
    }
    throw new CallError(`can't evaluate field ${name} in type ${typeName(receiver)}`);
  }

  #evaluateFunction(dot: Evaluated, node: IdentifierNode, args: readonly Operand[], piped: Piped): Evaluated {
    this.#offset = node.offset;
    const fn = this.#options.functions.get(node.name);
    if (fn === undefined) throw new CallError(`"${node.name}" is not a defined function`);
    if (node.name === 'and' || node.name === 'or') return this.#shortCircuit(dot, node.name, args, piped);
    return this.#call(dot, fn, args, piped, node.offset);
  }

  /** `and` and `or` stop at the first argument that decides; the piped one comes last. */
  #shortCircuit(dot: Evaluated, name: 'and' | 'or', args: readonly Operand[], piped: Piped): Evaluated {
    if (args.length === 0 && piped === noPipedValue) {
      throw new CallError(`wrong number of args for ${name}: want at least 1 got 0`);
    }
    let value: Evaluated;
    for (const arg of args) {
      value = this.#argument(dot, types.reflectValue, arg);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return piped === noPipedValue ? value : piped;
  }

  #call(
    dot: Evaluated,
    fn: TemplateFunction,
    operands: readonly Operand[],
    piped: Piped,
    offset = this.#offset,
  ): Evaluated {
    const { name, parameters, variadic } = fn;
    const given = operands.length + (piped === noPipedValue ? 0 : 1);
    if (variadic === undefined ? given !== parameters.length : given < parameters.length) {
      const wanted = variadic === undefined ? `${parameters.length}` : `at least ${parameters.length}`;
      throw new CallError(`wrong number of args for ${name}: want ${wanted} got ${given}`);
    }
    const typeAt = (index: number): GoType => parameters[index] ?? variadic ?? types.any;
    const args = operands.map((operand, index) => this.#argument(dot, typeAt(index), operand));
    if (piped !== noPipedValue) args.push(assignable(piped, typeAt(args.length)));
    this.#offset = offset;
    return this.#invoke(fn, args);
  }

  #invoke(fn: TemplateFunction, args: readonly Evaluated[]): Evaluated {
    this.#budget.step();
    if (fn.cost > 0) this.#budget.spend(fn.cost);
    try {
      const result = fn.call(this.#context, args);
      this.#budget.allocate(sizeOf(result));
      return result;
    } catch (error) {
      if (error instanceof CallError || error instanceof EffectError) {
        throw new CallError(`error calling ${fn.name}: ${error.message}`);
      }
      throw error;
    }
  }

  /** Evaluates an argument for a parameter of this type. */
  #argument(dot: Evaluated, type: GoType, operand: Operand): Evaluated {
    this.#budget.step();
    this.#offset = operand.offset;
    switch (operand.type) {
      case 'dot':
        return assignable(dot, type);
      case 'nil':
        if (!canBeNil(type)) throw new CallError(`cannot assign nil to ${type.name}`);
        return zeroOf(type);
      case 'field':
        return assignable(this.#evaluateFields(dot, dot, operand.names, [], noPipedValue), type);
      case 'variable': {
        const value = this.#variable(operand.name);
        return assignable(this.#evaluateFields(dot, value, operand.fields, [], noPipedValue), type);
      }
      case 'pipe':
        return assignable(this.#evaluatePipe(dot, operand), type);
      case 'identifier':
        return assignable(this.#evaluateFunction(dot, operand, [], noPipedValue), type);
      case 'chain':
        return assignable(this.#evaluateChain(dot, operand, [], noPipedValue), type);
      case 'bool':
        if (type.kind === 'bool' || isOpen(type)) return operand.value;
        throw new CallError(`expected ${expectation(type)}; found a boolean`);
      case 'string':
        if (type === types.string || isOpen(type)) return operand.value;
        throw new CallError(`expected ${expectation(type)}; found a string`);
      case 'number':
        return numberArgument(operand, type);
    }
  }
}

/** What a result takes from the budget. */
function sizeOf(value: Evaluated): number {
  if (typeof value === 'string') return value.length;
  return value instanceof GoSlice ? value.length * 8 : 0;
}
