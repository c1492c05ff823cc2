import type { IncomingMessage } from 'node:http';

/** Why a body is not there: it was longer than allowed, or the connection broke. */
export type BodyFailure = 'too-large' | 'broken';

/** Reads a request body of at most `maxBytes`. A longer one is not read to its end. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array | BodyFailure> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBytes) return 'too-large';
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) return 'too-large';
      chunks.push(chunk);
    }
  } catch {
    return 'broken';
  }
  return Buffer.concat(chunks);
}
