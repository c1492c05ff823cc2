import type { Io } from '../io.ts';
import { deliver, type OutputTarget } from '../output.ts';
import { createSpool } from '../spool.ts';

/** Writes the bytes of a certificate as they came; expired ones too. */
export async function runFetchCertificate(certificate: Uint8Array, target: OutputTarget, io: Io): Promise<void> {
  const spool = createSpool(io);
  spool.append(certificate);
  await deliver(io, target, spool);
}
