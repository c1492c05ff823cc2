/** Values to JSON, byte for byte as Go's encoding/json writes them. */
import type { DocumentValue } from './value.ts';

const ESCAPED = /["\\<>&\x00-\x1f\u2028\u2029\ud800-\udfff]/;
const ESCAPED_ALL = /["\\<>&\x00-\x1f\u2028\u2029]|[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g;
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/**
 * Like `json.MarshalIndent(value, "", "  ")`: two spaces, keys in the order of the Map, `<`, `>`, `&`, U+2028 and U+2029 escaped.
 * Without a newline at the end.
 * @throws TypeError for NaN and infinity, which JSON cannot express.
 */
export function formatJson(value: DocumentValue): string {
  return format(value, '\n');
}

/** Like `json.Marshal(value)`: as `formatJson`, without whitespace. */
export function formatJsonCompact(value: DocumentValue): string {
  return format(value, '');
}

/** `lineBreak` is a newline and the current indentation, or empty for the compact form. */
function format(value: DocumentValue, lineBreak: string): string {
  if (typeof value === 'string') return formatJsonString(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return formatJsonNumber(value);
  const inner = lineBreak === '' ? '' : `${lineBreak}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${inner}${value.map((item) => format(item, inner)).join(`,${inner}`)}${lineBreak}]`;
  }
  if (value.size === 0) return '{}';
  const colon = lineBreak === '' ? ':' : ': ';
  let text = '';
  for (const [key, item] of value) {
    text += `${text === '' ? '{' : ','}${inner}${formatJsonString(key)}${colon}${format(item, inner)}`;
  }
  return `${text}${lineBreak}}`;
}

export function formatJsonString(text: string): string {
  if (!ESCAPED.test(text)) return `"${text}"`;
  return `"${text.replace(ESCAPED_ALL, escapeChar)}"`;
}

function escapeChar(char: string): string {
  if (char.length === 2) return char;
  const short = SHORT_ESCAPES.get(char);
  if (short !== undefined) return short;
  const code = char.charCodeAt(0);
  // Half a surrogate pair cannot be written in UTF-8; Go writes the replacement character for it.
  if (code >= 0xd800 && code <= 0xdfff) return '\\ufffd';
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** JavaScript and encoding/json agree about floats: shortest digits, exponents below 1e-6 and from 1e+21 on. */
export function formatJsonNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError('JSON has no infinity and no NaN');
  return Object.is(value, -0) ? '-0' : String(value);
}
