import type { Input } from './input.ts';

/** Tells people something on standard error. */
export type Note = (text: string) => Promise<void>;

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** The same input; people are told once how its text is written, when that is not UTF-8 with plain line ends, and what became of it. */
export function withNotices(input: Input, note: Note): Input {
  return { name: input.name, chunks: () => watched(input, note), close: () => input.close() };
}

async function* watched(input: Input, note: Note): AsyncGenerator<Uint8Array> {
  let beginning: Uint8Array | undefined = new Uint8Array();
  let isDone = false;
  let previous = 0;
  for await (const chunk of input.chunks()) {
    if (beginning !== undefined) {
      beginning = Buffer.concat([beginning, chunk.subarray(0, 2)]);
      if (beginning.length >= 2) {
        isDone = isUtf16(beginning);
        if (isDone) await note(`note: ${input.name}: is UTF-16 and was read as that; the result is UTF-8`);
        beginning = undefined;
      }
    }
    if (!isDone && hasCrLf(chunk, previous)) {
      await note(`note: ${input.name}: lines end with CRLF; in values over several lines of YAML they become LF`);
      isDone = true;
    }
    previous = chunk.at(-1) ?? previous;
    yield chunk;
  }
}

/** A byte order mark, or a zero byte beside the first ASCII character. */
function isUtf16([a = 0, b = 0]: Uint8Array): boolean {
  return (a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff) || (a === 0) !== (b === 0);
}

function hasCrLf(chunk: Uint8Array, previous: number): boolean {
  if (previous === carriageReturn && chunk[0] === lineFeed) return true;
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).includes('\r\n');
}
