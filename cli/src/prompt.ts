import { encodeUtf8, SealedSecretsError } from '@waxwing/shared';
import type { Io } from './io.ts';

/** Asks on the terminal without showing what is typed. */
export async function askHidden(io: Io, question: string): Promise<Uint8Array> {
  const answer = await io.readHiddenLine(() => io.stderr.write(encodeUtf8(question)));
  await io.stderr.write(encodeUtf8('\n'));
  return encodeUtf8(answer);
}

/** Asks for a new passphrase, twice: one that was mistyped would be lost with everything under it. @throws SealedSecretsError `InvalidUsage`. */
export async function askNewPassphrase(io: Io): Promise<string> {
  const first = Buffer.from(await askHidden(io, 'New passphrase (not shown): ')).toString('utf8');
  const second = Buffer.from(await askHidden(io, 'The same again: ')).toString('utf8');
  if (first !== second) throw new SealedSecretsError('InvalidUsage', 'the two passphrases differ; nothing was written');
  return first;
}
