/**
 * Cuts a stream of text into documents without parsing them, holding no more than one document at a time: JSON objects by their
 * braces, YAML at lines that begin with `---`.
 */
import { SealedSecretsError } from '../errors.ts';
import { exceedsBytes, MAX_DOCUMENT_BYTES, positionInText } from './text.ts';

export interface RawDocument {
  /** The text of the document; in YAML with the `---` line before it, if any. */
  readonly text: string;
  /** `json` if it was cut as a JSON object of a JSON stream. */
  readonly format: 'json' | 'yaml';
  /** UTF-16 units from the beginning of the stream, byte order mark not counted. */
  readonly start: number;
  readonly end: number;
  /** The line of the stream, from 1, in which `text` begins. */
  readonly line: number;
  /** The column, from 1, at which `text` begins: above 1 for JSON objects that follow each other on a line. */
  readonly column: number;
}

export interface SplitterOptions {
  /** Named in errors. */
  readonly source?: string;
  /** Bytes of UTF-8 a single document may have. */
  readonly maxDocumentBytes?: number;
}

type Mode = 'undecided' | 'json' | 'yaml';

/**
 * Feed it with `push`, finish with `end`; both give the documents that are complete. A JSON document that turns out not to be
 * JSON is handed back with `reread`: it and all that follows are then cut as YAML.
 */
export class DocumentSplitter {
  private readonly source: string;
  private readonly limit: number;
  private mode: Mode = 'undecided';
  private buffer = '';
  private ended = false;
  /** Position of the beginning of the buffer in the stream. */
  private offset = 0;
  private line = 1;
  private column = 1;
  /** How far the buffer was searched for the end of the current document, and what was found on the way. */
  private scanned = 0;
  private depth = 0;
  private inString = false;
  private hasContent = false;
  private hasDirective = false;
  private hasSeparator = false;

  constructor(options: SplitterOptions = {}) {
    this.source = options.source ?? 'input';
    this.limit = options.maxDocumentBytes ?? MAX_DOCUMENT_BYTES;
  }

  push(text: string): void {
    this.buffer += text;
  }

  end(): void {
    this.ended = true;
  }

  /** The next complete document, or undefined if more text is needed or nothing is left. */
  next(): RawDocument | undefined {
    if (this.mode === 'undecided') this.decide();
    if (this.mode === 'json') return this.nextJson();
    return this.mode === 'yaml' ? this.nextYaml() : undefined;
  }

  /** Puts a document back in front and goes on with YAML. Only for the document that `next` gave last. */
  reread(document: RawDocument): void {
    this.buffer = document.text + this.buffer;
    this.offset = document.start;
    this.line = document.line;
    this.column = document.column;
    this.switchToYaml();
  }

  private switchToYaml(): void {
    this.mode = 'yaml';
    this.resetYamlScan();
  }

  private resetJsonScan(): void {
    this.scanned = 0;
    this.depth = 0;
    this.inString = false;
  }

  /** kubeseal decides by the first character that is not blank. */
  private decide(): void {
    const first = /\S/.exec(this.buffer)?.[0];
    if (first !== undefined) this.mode = first === '{' ? 'json' : 'yaml';
    else if (this.ended) this.mode = 'yaml';
    else if (exceedsBytes(this.buffer, this.limit)) this.advance(this.buffer.length);
  }

  /** Drops the beginning of the buffer. */
  private advance(length: number): void {
    const dropped = this.buffer.slice(0, length);
    const { line, column } = positionInText(dropped, length, this.line);
    this.column = line === this.line ? this.column + column - 1 : column;
    this.line = line;
    this.offset += length;
    this.buffer = this.buffer.slice(length);
  }

  private take(length: number, format: 'json' | 'yaml'): RawDocument {
    const { offset: start, line, column } = this;
    const text = this.buffer.slice(0, length);
    this.checkSize(text);
    this.advance(length);
    return { text, format, start, end: start + length, line, column };
  }

  private checkSize(text: string): void {
    if (!exceedsBytes(text, this.limit)) return;
    throw new SealedSecretsError(
      'InputTooLarge',
      `${this.source}: the document that begins in line ${this.line} is larger than ${describeBytes(this.limit)}`,
    );
  }

  private nextJson(): RawDocument | undefined {
    if (this.scanned === 0 && !this.skipBetweenJson()) return undefined;
    if (this.mode !== 'json') return this.nextYaml();
    const { buffer } = this;
    let i = this.scanned;
    for (; i < buffer.length; i++) {
      const c = buffer.charCodeAt(i);
      if (this.inString) {
        if (c === 0x5c) {
          // The escaped character may not have arrived yet.
          if (i + 1 === buffer.length && !this.ended) break;
          i++;
        } else if (c === 0x22) {
          this.inString = false;
        }
      } else if (c === 0x22) {
        this.inString = true;
      } else if (c === 0x7b || c === 0x5b) {
        this.depth++;
      } else if ((c === 0x7d || c === 0x5d) && --this.depth === 0) {
        this.resetJsonScan();
        return this.take(i + 1, 'json');
      }
    }
    this.scanned = Math.min(i, buffer.length);
    // No end in sight: not JSON, or broken. Reading it as YAML finds the place, or another document behind it.
    if (!this.ended && buffer.length <= this.limit) return undefined;
    this.resetJsonScan();
    this.switchToYaml();
    return this.nextYaml();
  }

  /** Skips blanks and `---` lines between JSON objects. False if more text is needed; anything but `{` switches to YAML. */
  private skipBetweenJson(): boolean {
    for (;;) {
      const blank = /^[ \t\r\n]*/.exec(this.buffer)?.[0].length ?? 0;
      if (blank > 0) this.advance(blank);
      if (this.buffer === '' || (!this.ended && '---'.startsWith(this.buffer))) return false;
      if (this.buffer.startsWith('{')) return true;
      const separator = /^---[ \t\r]*(?:#[^\n]*)?(\n|$)/.exec(this.buffer);
      if (separator === null || this.column !== 1) {
        if (!this.ended && /^---[ \t\r]*(?:#[^\n]*)?$/.test(this.buffer)) return false;
        this.switchToYaml();
        return true;
      }
      if (separator[1] === '' && !this.ended) return false;
      this.advance(separator[0].length);
    }
  }

  private nextYaml(): RawDocument | undefined {
    for (;;) {
      let lineEnd = this.buffer.indexOf('\n', this.scanned);
      if (lineEnd < 0) {
        if (!this.ended) {
          if (this.buffer.length > this.limit) this.checkSize(this.buffer);
          return undefined;
        }
        if (this.scanned >= this.buffer.length) break;
        lineEnd = this.buffer.length;
      }
      const start = this.scanned;
      if (this.endsBefore(this.buffer.slice(start, Math.min(lineEnd, start + 200)), start)) {
        this.resetYamlScan();
        return this.take(start, 'yaml');
      }
      this.scanned = lineEnd + 1;
    }
    this.resetYamlScan();
    return this.buffer === '' ? undefined : this.take(this.buffer.length, 'yaml');
  }

  /** Looks at one more line of the current document; true if it is the separator before the next one. */
  private endsBefore(line: string, start: number): boolean {
    if (!line.startsWith('---')) {
      if (!this.hasSeparator && line.startsWith('%')) this.hasDirective = true;
      else if (!/^\s*(?:#|$)/.test(line)) this.hasContent = true;
      return false;
    }
    // The line that begins the document, or the one that ends its directives.
    const own = start === 0 || (this.hasDirective && !this.hasContent && !this.hasSeparator);
    if (!own) return true;
    const rest = line.slice(3).trim();
    if (rest !== '' && !rest.startsWith('#')) this.refuseSeparator(start);
    this.hasSeparator = true;
    return false;
  }

  private resetYamlScan(): void {
    this.scanned = 0;
    this.hasContent = false;
    this.hasDirective = false;
    this.hasSeparator = false;
  }

  private refuseSeparator(start: number): never {
    const { line } = positionInText(this.buffer, start, this.line);
    throw new SealedSecretsError(
      'InvalidDocument',
      `${this.source}: line ${line}, column 1: only spaces or a comment may follow '---' on a line`,
      { violations: [{ path: '', message: "only spaces or a comment may follow '---' on a line", line, column: 1 }] },
    );
  }
}

function describeBytes(bytes: number): string {
  return bytes % (1024 * 1024) === 0 ? `${bytes / (1024 * 1024)} MiB` : `${bytes} bytes`;
}
