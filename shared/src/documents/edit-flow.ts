/** Splices for objects in braces: JSON, and YAML's flow style. */

import { formatJsonString } from './format-json.ts';
import { formatDoubleQuoted, isPlainText } from './format-yaml.ts';
import type { MapEntry, MapNode, Node } from './node.ts';
import type { Splice } from './splice.ts';
import type { DocumentMap, DocumentValue } from './value.ts';

export interface FlowStyle {
  readonly text: string;
  readonly eol: string;
  readonly json: boolean;
  /** Indentation of one level; undefined if the document stands on one line. */
  readonly indentStep: string | undefined;
}

/** How the entries of one object are laid out. */
interface Layout {
  /** Line break and indentation before each entry, or undefined for one line. */
  readonly entryBreak: string | undefined;
  readonly closeBreak: string;
  readonly colon: string;
  readonly comma: string;
  readonly quoteKeys: boolean;
}

/** Adds entries behind the last one, or between the braces of an empty object. */
export function addToFlow(map: MapNode, added: DocumentMap, style: FlowStyle): Splice {
  const last = map.entries.at(-1);
  const layout = layoutOf(map, style);
  if (last === undefined) return { start: map.start, end: map.end, text: formatObject(added, layout, style) };
  const end = last.value.end;
  return {
    start: end,
    end,
    text: formatEntries(added, layout, style)
      .map((entry) => separator(layout) + entry)
      .join(''),
  };
}

/** Replaces the value of an entry by a string or a new object. */
export function replaceInFlow(
  map: MapNode,
  entry: MapEntry,
  replacement: string | DocumentMap,
  style: FlowStyle,
): Splice {
  const { value } = entry;
  const layout = layoutOf(map, style);
  const text = likeBefore(value, replacement, style) ?? formatValue(replacement, layout, style);
  const before = style.text[value.propertiesStart - 1] ?? '';
  // YAML's `{a}` and `{a:}` have no place for a value yet.
  const lead = value.start === value.end ? (before === ':' ? ' ' : ': ') : '';
  return { start: value.propertiesStart, end: value.end, text: lead + text };
}

/** A text without quotes, or with single ones, where the old one had them and the new one can do with them. */
function likeBefore(old: Node, replacement: string | DocumentMap, style: FlowStyle): string | undefined {
  if (style.json || old.kind !== 'scalar' || old.start === old.end || typeof replacement !== 'string') return undefined;
  if (old.style === 'single' && /^[\x20-\x7e]*$/.test(replacement)) return `'${replacement.replaceAll("'", "''")}'`;
  return old.style === 'plain' && PLAIN_IN_FLOW.test(replacement) && isPlainText(replacement) ? replacement : undefined;
}

/** No indicator of flow style, and no space: base64 and names. */
const PLAIN_IN_FLOW = /^[A-Za-z0-9+/=._-]+$/;

/** Removes entries together with the comma that separated them, and adds others. */
export function removeFromFlow(
  map: MapNode,
  removed: ReadonlySet<MapEntry>,
  added: DocumentMap,
  style: FlowStyle,
): Splice[] {
  const { entries } = map;
  const layout = layoutOf(map, style);
  if (removed.size === entries.length) {
    return [{ start: map.start, end: map.end, text: formatObject(added, layout, style) }];
  }
  const additions = formatEntries(added, layout, style)
    .map((entry) => separator(layout) + entry)
    .join('');
  const splices: Splice[] = [];
  let lastKept = entries.length - 1;
  while (removed.has(entries[lastKept] as MapEntry)) lastKept--;
  for (let i = 0; i < lastKept; i++) {
    const entry = entries[i] as MapEntry;
    if (!removed.has(entry)) continue;
    splices.push({ start: entry.key.propertiesStart, end: (entries[i + 1] as MapEntry).key.propertiesStart, text: '' });
  }
  const start = (entries[lastKept] as MapEntry).value.end;
  const end = (entries.at(-1) as MapEntry).value.end;
  if (end > start || additions !== '') splices.push({ start, end, text: additions });
  return splices;
}

function separator(layout: Layout): string {
  return layout.entryBreak === undefined ? layout.comma : `,${layout.entryBreak}`;
}

function layoutOf(map: MapNode, style: FlowStyle): Layout {
  const { text } = style;
  const first = map.entries[0];
  const last = map.entries.at(-1);
  const lineIndent = /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', map.start) + 1))?.[0] ?? '';
  if (first === undefined || last === undefined) {
    const inner = style.indentStep === undefined ? undefined : style.eol + lineIndent + style.indentStep;
    const spaced = style.indentStep !== undefined || !style.json;
    return {
      entryBreak: inner,
      closeBreak: style.eol + lineIndent,
      colon: spaced ? ': ' : ':',
      comma: spaced ? ', ' : ',',
      quoteKeys: style.json,
    };
  }
  const before = text.slice(
    map.entries.length > 1 ? (map.entries.at(-2) as MapEntry).value.end : map.start,
    last.key.start,
  );
  const ownLine = /\r?\n[ \t]*$/.exec(before)?.[0];
  const spaceAfterColon = /:(\s*)$/.exec(text.slice(last.key.end, last.value.propertiesStart))?.[1] ?? ' ';
  const quoteKeys = style.json || (first.key.kind === 'scalar' && first.key.style === 'double');
  return {
    entryBreak: ownLine,
    closeBreak: style.eol + lineIndent,
    colon: style.json || spaceAfterColon !== '' ? `:${spaceAfterColon.includes('\n') ? ' ' : spaceAfterColon}` : ': ',
    comma: style.json && !/\s/.test(before) ? ',' : ', ',
    quoteKeys,
  };
}

function formatEntries(entries: DocumentMap, layout: Layout, style: FlowStyle): string[] {
  return [...entries].map(([key, value]) => {
    const name = layout.quoteKeys ? formatString(key, style) : key === '<<' ? '"<<"' : formatFlowText(key, style);
    return name + layout.colon + formatValue(value, layout, style);
  });
}

function formatValue(value: DocumentValue, layout: Layout, style: FlowStyle): string {
  if (value instanceof Map) {
    const step = style.indentStep ?? '  ';
    const inner: Layout =
      layout.entryBreak === undefined
        ? layout
        : { ...layout, entryBreak: layout.entryBreak + step, closeBreak: layout.entryBreak };
    return formatObject(value, inner, style);
  }
  const text = String(value);
  return layout.quoteKeys ? formatString(text, style) : formatFlowText(text, style);
}

function formatObject(entries: DocumentMap, layout: Layout, style: FlowStyle): string {
  if (entries.size === 0) return '{}';
  const formatted = formatEntries(entries, layout, style);
  if (layout.entryBreak === undefined) return `{${formatted.join(layout.comma)}}`;
  return `{${layout.entryBreak}${formatted.join(`,${layout.entryBreak}`)}${layout.closeBreak}}`;
}

function formatString(text: string, style: FlowStyle): string {
  return style.json ? formatJsonString(text) : formatDoubleQuoted(text);
}

/** Plain only where no character could mean anything in flow style. */
function formatFlowText(text: string, style: FlowStyle): string {
  return /^[A-Za-z0-9_./+-][A-Za-z0-9_./+=-]*$/.test(text) && isPlainText(text) ? text : formatString(text, style);
}
