/** What replaces `[start, end)` of the old text. Offsets are UTF-16 units. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The text with all of them carried out. They are in ascending order and do not overlap. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  let result = '';
  let done = 0;
  for (const { start, end, text: replacement } of splices) {
    result += text.slice(done, start) + replacement;
    done = end;
  }
  return result + text.slice(done);
}
