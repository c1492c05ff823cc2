import { defaultLimits, type TemplateLimits } from './budget.ts';
import type { TemplatePosition } from './errors.ts';
import { positionsIn } from './errors.ts';
import { costlyFunctionNames, templateFunctions } from './functions/index.ts';
import { parseOrExplain } from './render.ts';
import type { CommandNode, Node, Operand, PipeNode } from './syntax/nodes.ts';

/** A name used in a template, and where. */
export interface TemplateReference extends TemplatePosition {
  readonly name: string;
}

/** What a template refers to, found without running it. */
export interface TemplateReport {
  /**
   * Keys of the data that are read: `.key`, `$.key`, and `index . "key"` or `index $ "key"` with a literal. Only the first key of a
   * chain; where dot is not the data (inside `range`, `with` and `define`), `.key` is counted nevertheless, since it may be.
   */
  readonly fields: readonly TemplateReference[];
  /** True if dot or `$` as a whole is used, so that any key may be read. */
  readonly readsWholeData: boolean;
  /** Functions that are called and exist. */
  readonly functions: readonly TemplateReference[];
  /** Functions that are called and do not exist: rendering refuses the template. */
  readonly unknownFunctions: readonly TemplateReference[];
  /** Templates that are called and not defined: rendering fails when it gets there. */
  readonly undefinedTemplates: readonly TemplateReference[];
  /** True if rendering may generate keys or certificates, or hash passwords: better done outside the main thread. */
  readonly isCostly: boolean;
  /** True if a function is called whose result depends on more than its arguments: another result each time. */
  readonly isVolatile: boolean;
}

/** Random, time, new keys (specification 1.5). */
const volatileNames =
  '(now|ago|date|dateInZone|date_in_zone|htmlDate|htmlDateInZone|shuffle|uuidv4|bcrypt|htpasswd|encryptAES|buildCustomCert|rand\\w+|gen[A-Z]\\w*)';
const volatileFunctions = new RegExp(`^${volatileNames}$`);
const volatileWords = new RegExp(`\\b${volatileNames}\\b`);

/** False only where {@link TemplateReport.isVolatile} is false for certain: a look at the words of the text, without parsing it. */
export function mayBeVolatile(text: string): boolean {
  return volatileWords.test(text);
}

/** Parses a template for linting. Throws `TemplateError` of kind `parse` or `limit` for text that is no template, but not for unknown functions. */
export function parseTemplate(options: {
  readonly name: string;
  readonly text: string;
  readonly limits?: Partial<TemplateLimits>;
}): TemplateReport {
  const limits = { ...defaultLimits, ...options.limits };
  const parsed = parseOrExplain(options.name, options.text, limits, () => true);
  const collector = new Collector(options.text, new Set(parsed.templates.keys()));
  for (const nodes of parsed.templates.values()) collector.visitNodes(nodes);
  return collector.report();
}

/**
 * Whether a template calls a function that generates keys or certificates or hashes passwords. A text that cannot be parsed is not
 * costly: rendering it fails at once.
 */
export function isCostly(text: string): boolean {
  // Nearly all templates have none of the names anywhere.
  if (![...costlyFunctionNames].some((name) => text.includes(name))) return false;
  try {
    return parseTemplate({ name: '', text }).isCostly;
  } catch {
    return false;
  }
}

class Collector {
  readonly #positionAt: (offset: number) => TemplatePosition;
  readonly #defined: ReadonlySet<string>;
  readonly #fields: TemplateReference[] = [];
  readonly #functions: TemplateReference[] = [];
  readonly #unknownFunctions: TemplateReference[] = [];
  readonly #undefinedTemplates: TemplateReference[] = [];
  #readsWholeData = false;

  constructor(text: string, defined: ReadonlySet<string>) {
    this.#positionAt = positionsIn(text);
    this.#defined = defined;
  }

  report(): TemplateReport {
    return {
      fields: this.#fields,
      readsWholeData: this.#readsWholeData,
      functions: this.#functions,
      unknownFunctions: this.#unknownFunctions,
      undefinedTemplates: this.#undefinedTemplates,
      isCostly: this.#functions.some(({ name }) => costlyFunctionNames.has(name)),
      isVolatile: this.#functions.some(({ name }) => volatileFunctions.test(name)),
    };
  }

  #reference(name: string, offset: number): TemplateReference {
    return { name, ...this.#positionAt(offset) };
  }

  visitNodes(nodes: readonly Node[]): void {
    for (const node of nodes) this.#visitNode(node);
  }

  #visitNode(node: Node): void {
    switch (node.type) {
      case 'action':
        this.#visitPipe(node.pipe);
        break;
      case 'if':
      case 'with':
      case 'range':
        this.#visitPipe(node.pipe);
        this.visitNodes(node.body);
        this.visitNodes(node.otherwise ?? []);
        break;
      case 'template':
        if (!this.#defined.has(node.name)) this.#undefinedTemplates.push(this.#reference(node.name, node.offset));
        // What is passed to a template of ours is followed there.
        if (node.pipe !== undefined) this.#visitPipe(node.pipe, true);
        break;
      default:
        break;
    }
  }

  #visitPipe(pipe: PipeNode, isTemplateArgument = false): void {
    for (const command of pipe.commands) this.#visitCommand(command, isTemplateArgument);
  }

  #visitCommand({ operands }: CommandNode, isTemplateArgument: boolean): void {
    const [first, second, third] = operands;
    const indexes = first.type === 'identifier' && first.name === 'index';
    if (indexes && second !== undefined && isWholeData(second) && third?.type === 'string') {
      this.#fields.push(this.#reference(third.value, third.offset));
      this.#visitOperand(first);
      for (const operand of operands.slice(3)) this.#visitOperand(operand);
      return;
    }
    for (const operand of operands) {
      if (!(isTemplateArgument && isWholeData(operand))) this.#visitOperand(operand);
    }
  }

  #visitOperand(operand: Operand): void {
    switch (operand.type) {
      case 'field':
        this.#fields.push(this.#reference(operand.names[0], operand.offset));
        break;
      case 'variable': {
        const [field] = operand.fields;
        if (operand.name === '$' && field !== undefined) this.#fields.push(this.#reference(field, operand.offset));
        if (isWholeData(operand)) this.#readsWholeData = true;
        break;
      }
      case 'dot':
        this.#readsWholeData = true;
        break;
      case 'identifier': {
        const list = templateFunctions.has(operand.name) ? this.#functions : this.#unknownFunctions;
        list.push(this.#reference(operand.name, operand.offset));
        break;
      }
      case 'chain':
        this.#visitOperand(operand.operand);
        break;
      case 'pipe':
        this.#visitPipe(operand);
        break;
      default:
        break;
    }
  }
}

function isWholeData(operand: Operand): boolean {
  return operand.type === 'dot' || (operand.type === 'variable' && operand.name === '$' && operand.fields.length === 0);
}
