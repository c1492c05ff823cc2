import { encodeUtf8 } from '@waxwing/shared';
import type { Io } from './io.ts';

/** Asks for one value on the terminal without showing what is typed. */
export async function* promptForValue(io: Io): AsyncGenerator<Uint8Array> {
  await io.stderr.write(encodeUtf8('Value (not shown): '));
  const value = await io.readHiddenLine();
  await io.stderr.write(encodeUtf8('\n'));
  yield encodeUtf8(value);
}
