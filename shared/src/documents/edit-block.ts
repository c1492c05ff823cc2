/** Splices for objects in YAML's block style: one entry a line. */

import { formatDoubleQuoted, formatYaml, isPlainText } from './format-yaml.ts';
import type { MapEntry, MapNode } from './node.ts';
import type { Splice } from './splice.ts';
import type { DocumentMap, DocumentValue } from './value.ts';

export interface BlockStyle {
  readonly text: string;
  readonly eol: string;
  readonly indentStep: number;
}

/** Adds entries behind the last one. */
export function addToBlock(map: MapNode, added: DocumentMap, style: BlockStyle): Splice {
  const last = map.entries.at(-1);
  return insertLines(
    contentEnd(last?.value.end ?? map.end, style),
    entryLines(added, style),
    columnOf(map, style),
    style,
  );
}

/** Fills an object that is there as `key:`, `key: null` or `key: {}`. A comment behind it stays. */
export function setEmptyInBlock(map: MapNode, entry: MapEntry, content: DocumentMap, style: BlockStyle): Splice[] {
  const { value } = entry;
  const colonEnd = colonBehind(entry, style);
  const column = columnOf(map, style) + style.indentStep;
  return [
    { start: colonEnd, end: value.end, text: '' },
    insertLines(contentEnd(value.end, style), entryLines(content, style), column, style),
  ];
}

/** Replaces a scalar, keeping its quotes if it has some. */
export function replaceInBlock(map: MapNode, entry: MapEntry, replacement: string, style: BlockStyle): Splice {
  const { value } = entry;
  const isEmpty = value.start === value.end;
  const isBlockScalar = value.kind === 'scalar' && (value.style === 'literal' || value.style === 'folded');
  const pad = ' '.repeat(columnOf(map, style));
  let text: string;
  if (value.kind === 'scalar' && value.style === 'double') text = formatDoubleQuoted(replacement);
  else if (value.kind === 'scalar' && value.style === 'single' && isSingleLine(replacement))
    text = singleQuoted(replacement);
  else if (!isSingleLine(replacement) && !isBlockScalar && hasMoreOnLine(value.end, style))
    text = formatDoubleQuoted(replacement);
  else text = indentLines(scalarLines(replacement, style), pad, style.eol).slice(pad.length);
  // The range of a block scalar includes its last line break.
  const endsWithBreak = isBlockScalar && style.text[value.end - 1] === '\n';
  if (endsWithBreak) text += style.eol;
  return {
    start: value.propertiesStart,
    end: value.end,
    text: isEmpty && !/\s/.test(style.text[value.start - 1] ?? '') ? ` ${text}` : text,
  };
}

/**
 * Removes entries with their lines, and adds others. Comments on lines of their own stay. An object that loses all entries is
 * written as `{}`.
 */
export function removeFromBlock(
  map: MapNode,
  removed: ReadonlySet<MapEntry>,
  added: DocumentMap,
  style: BlockStyle,
): Splice[] {
  const { entries } = map;
  if (removed.size === entries.length) return [replaceAll(map, added, style)];
  const splices: Splice[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as MapEntry;
    if (!removed.has(entry)) continue;
    const start = entryStart(entry, i === 0 ? map : undefined);
    const next = entries[i + 1];
    if (isFirstOnLine(start, style)) {
      splices.push({ start: lineStart(start, style), end: contentEnd(entry.value.end, style), text: '' });
    } else if (next !== undefined && !removed.has(next)) {
      splices.push({ start, end: entryStart(next), text: '' });
    } else {
      // The line holds the dash of a list: the first entry that stays moves up to it.
      let stay = i + 1;
      while (removed.has(entries[stay] as MapEntry)) stay++;
      splices.push({ start, end: entryStart(entries[stay] as MapEntry), text: '' });
      i = stay - 1;
    }
  }
  if (added.size > 0) splices.push(addToBlock(map, added, style));
  return splices;
}

/** All entries go: new ones, or `{}`, take the place of the object. */
function replaceAll(map: MapNode, added: DocumentMap, style: BlockStyle): Splice {
  const end = contentEnd(map.entries.at(-1)?.value.end ?? map.end, style);
  const endsWithBreak = style.text[end - 1] === '\n';
  const pad = ' '.repeat(columnOf(map, style));
  const lines = added.size === 0 ? ['{}'] : entryLines(added, style);
  const text = indentLines(lines, pad, style.eol).slice(pad.length);
  return { start: map.start, end, text: endsWithBreak ? text + style.eol : text };
}

/** Where an entry begins; for the first one that is where the object begins, which may be its `?`. */
function entryStart(entry: MapEntry, map?: MapNode): number {
  return map === undefined ? entry.key.propertiesStart : map.start;
}

function columnOf(map: MapNode, style: BlockStyle): number {
  return map.start - lineStart(map.start, style);
}

function lineStart(offset: number, { text }: BlockStyle): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function isFirstOnLine(offset: number, style: BlockStyle): boolean {
  return /^[ ]*$/.test(style.text.slice(lineStart(offset, style), offset));
}

/** The beginning of the line behind a value, or the end of the text. */
function contentEnd(offset: number, { text }: BlockStyle): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const lineBreak = text.indexOf('\n', offset);
  return lineBreak < 0 ? text.length : lineBreak + 1;
}

function colonBehind(entry: MapEntry, { text }: BlockStyle): number {
  const gap = /^[ \t]*:/.exec(text.slice(entry.key.end, entry.value.propertiesStart + 1))?.[0];
  return gap === undefined ? entry.value.propertiesStart : entry.key.end + gap.length;
}

function insertLines(offset: number, lines: readonly string[], column: number, style: BlockStyle): Splice {
  const text = indentLines(lines, ' '.repeat(column), style.eol);
  const atLineStart = offset === 0 || style.text[offset - 1] === '\n';
  return { start: offset, end: offset, text: atLineStart ? text + style.eol : style.eol + text };
}

function indentLines(lines: readonly string[], pad: string, eol: string): string {
  return lines.map((line) => (line === '' ? '' : pad + line)).join(eol);
}

function entryLines(entries: DocumentMap, style: BlockStyle): string[] {
  const lines: string[] = [];
  for (const [key, value] of entries) {
    const name = isPlainText(key) && key !== '<<' ? key : formatDoubleQuoted(key);
    if (value instanceof Map) {
      const pad = ' '.repeat(style.indentStep);
      lines.push(`${name}:`, ...entryLines(value, style).map((line) => (line === '' ? '' : pad + line)));
    } else {
      const [first, ...rest] = scalarLines(value, style);
      lines.push(`${name}: ${first}`, ...rest);
    }
  }
  return lines;
}

/** The lines of a scalar as the value of a key in column 0. */
function scalarLines(value: DocumentValue, style: BlockStyle): string[] {
  // A block scalar is for plain lines of text: odd line breaks do not survive in it, nor does the last one at the end of a
  // file without a line break; leading blanks and several line breaks at the end would need indicators.
  if (typeof value === 'string' && !isSingleLine(value)) {
    if (!style.text.endsWith('\n') || !/^[^\s](?:[^\r\x85\u2028\u2029]*[^\s])?\n?$/.test(value))
      return [formatDoubleQuoted(value)];
  }
  const text = formatYaml(new Map([['k', value]]));
  return text.slice('k: '.length, -1).split('\n');
}

/** A comment behind a value would become part of a block scalar. */
function hasMoreOnLine(offset: number, style: BlockStyle): boolean {
  return style.text.slice(offset, contentEnd(offset, style)).trim() !== '';
}

function isSingleLine(text: string): boolean {
  return /^[\t\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/.test(text);
}

function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
