import type { DocumentValue } from '@waxwing/shared';

/**
 * A document as JSON for the API server, keys in the map's order and with every key, `__proto__` and `10` included.
 * JSON.stringify does the texts, since this runs for each write; people read none of it.
 */
export function encodeJson(value: DocumentValue | readonly DocumentValue[]): string {
  if (value instanceof Map) {
    let text = '';
    for (const [key, entry] of value) {
      text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${encodeJson(entry)}`;
    }
    return `{${text}}`;
  }
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}
