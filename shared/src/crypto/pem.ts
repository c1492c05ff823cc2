/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** What stands between `BEGIN` and the dashes, such as `CERTIFICATE`. */
  readonly label: string;
  /** Whether the block has RFC 1421 headers, such as `Proc-Type`. */
  readonly hasHeaders: boolean;
  /** The block as written, from its first dash to its last. */
  readonly text: string;
}

const block = /^-----BEGIN ([^\n\r-]+)-----[ \t]*\r?\n([\s\S]*?)^-----END \1-----[ \t]*$/gm;

/** The blocks of a text in order; whatever stands around them is prose and ignored. */
export function parsePemBlocks(text: string): PemBlock[] {
  return Array.from(text.matchAll(block), (match) => ({
    label: match[1] as string,
    hasHeaders: /^[^\s:]+:/m.test(match[2] as string),
    text: match[0],
  }));
}
