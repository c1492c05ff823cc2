/** Whether a template could not be parsed, failed while it ran, or was stopped by a limit of ours. */
export type TemplateErrorKind = 'parse' | 'exec' | 'limit';

/**
 * Which limit stopped a template.
 *
 * - `template`: one of this template alone, such as its size or how deep it nests; others of the same object go on.
 * - `budget`: one that all templates of an object share is used up, and would be each time.
 * - `time`: the shared time is used up; another time, on a machine with less to do, it may be enough.
 */
export type TemplateLimit = 'template' | 'budget' | 'time';

/** A place in the text of a template. Line and column count from 1; the column counts bytes. */
export interface TemplatePosition {
  readonly line: number;
  readonly column: number;
}

export interface TemplateErrorDetails extends TemplatePosition {
  readonly kind: TemplateErrorKind;
  /** Set where the kind is `limit`. */
  readonly limit?: TemplateLimit | undefined;
  /** The name of the template that was rendered (not of a nested `define`). */
  readonly templateName: string;
}

/**
 * Why a template gave no output. The message holds names of functions, fields, types and limits, never a value: templates are
 * rendered over secrets, and their errors end up in logs and conditions.
 */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
  readonly kind: TemplateErrorKind;
  readonly limit: TemplateLimit | undefined;
  readonly templateName: string;
  readonly line: number;
  readonly column: number;

  constructor(message: string, details: TemplateErrorDetails) {
    super(message);
    this.kind = details.kind;
    this.limit = details.limit;
    this.templateName = details.templateName;
    this.line = details.line;
    this.column = details.column;
  }
}

/** A function, conversion or comparison of a template failed. Caught by the executor, which adds name and position. */
export class CallError extends Error {
  override readonly name = 'CallError';
}

/** A budget ran out. Caught by the executor, which adds name and position. */
export class LimitError extends Error {
  override readonly name = 'LimitError';
  readonly limit: TemplateLimit;

  constructor(message: string, limit: TemplateLimit = 'template') {
    super(message);
    this.limit = limit;
  }
}

/** A syntax error at a byte offset of the text. Caught by the entry point, which adds name, line and column. */
export class SyntaxFailure extends Error {
  override readonly name = 'SyntaxFailure';
  readonly offset: number;
  readonly kind: 'parse' | 'limit';

  constructor(message: string, offset: number, kind: 'parse' | 'limit' = 'parse') {
    super(message);
    this.offset = offset;
    this.kind = kind;
  }
}

/** Line and column of a byte offset. */
export function positionAt(text: string, offset: number): TemplatePosition {
  const before = text.slice(0, offset);
  const lastNewline = before.lastIndexOf('\n');
  let line = 1;
  for (let i = before.indexOf('\n'); i >= 0; i = before.indexOf('\n', i + 1)) line++;
  return { line, column: offset - lastNewline };
}

/** {@link positionAt} for many offsets of one text: its lines are looked for once, so that a long text takes no time that grows with its square. */
export function positionsIn(text: string): (offset: number) => TemplatePosition {
  const newlines: number[] = [];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) newlines.push(i);
  return (offset) => {
    let low = 0;
    let high = newlines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((newlines[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return { line: low + 1, column: offset - (newlines[low - 1] ?? -1) };
  };
}
