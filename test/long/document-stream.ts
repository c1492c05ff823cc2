/** Reads a generated stream of `argv[2]` megabytes in the format `argv[3]` and prints the documents seen and the peak memory in bytes. */
import { readDocumentStream } from '@waxwing/shared/documents';

const [, , megabytes = '2', format = 'yaml'] = process.argv;

async function* generate(): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(1 << 18);
  const encoder = new TextEncoder();
  let pending = '';
  let written = 0;
  for (let i = 0; written < Number(megabytes) * 1e6; i++) {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `s-${i}`, namespace: 'ns' },
      data: { a: 'QUJD'.repeat(200) },
    };
    pending +=
      format === 'json'
        ? `${JSON.stringify(secret, null, 2)}\n`
        : `---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s-${i}\n  namespace: ns\ndata:\n  a: ${secret.data.a}\n`;
    if (pending.length < 65536) continue;
    written += pending.length;
    yield buffer.subarray(0, encoder.encodeInto(pending, buffer).written);
    pending = '';
  }
  yield buffer.subarray(0, encoder.encodeInto(pending, buffer).written);
}

let documents = 0;
for await (const document of readDocumentStream(generate())) if (document.value instanceof Map) documents++;
console.log(JSON.stringify({ documents, peak: process.resourceUsage().maxRSS * 1024 }));
