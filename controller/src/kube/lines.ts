/** One event holds one object; etcd's limit is 1.5 MiB and JSON escapes at most six times that. */
const longestLine = 64 * 1024 * 1024;

export interface LineSplitter {
  push(chunk: Buffer): void;
}

/**
 * Cuts a stream of bytes into lines of UTF-8 text. A line that comes in many chunks is joined once, at its end, so that the
 * work is linear in its length. Empty lines are skipped; what follows the last line feed is no line.
 */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  let begun: Buffer[] = [];
  let begunLength = 0;

  function finish(rest: Buffer): string {
    if (begun.length === 0) return rest.toString('utf8');
    const line = Buffer.concat([...begun, rest]).toString('utf8');
    begun = [];
    begunLength = 0;
    return line;
  }

  return {
    push(chunk) {
      let start = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
        const line = finish(chunk.subarray(start, end));
        start = end + 1;
        if (line !== '') onLine(line);
      }
      if (start === chunk.length) return;
      begunLength += chunk.length - start;
      if (begunLength > longestLine) throw new RangeError(`a line is longer than ${longestLine} bytes`);
      begun.push(chunk.subarray(start));
    },
  };
}
