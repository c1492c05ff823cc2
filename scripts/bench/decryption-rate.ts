import { createPrivateKey, publicEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { importUnsealingKey } from '@waxwing/shared';
import { forEachConcurrently } from './pool.ts';

const keyFile = join(import.meta.dirname, '../../test/vectors/test-keys/alpha.key.pem');
const operations = 400;

/**
 * How many RSA-4096 operations per second all cores do when they do nothing else: the price of the format. It differs between machines by
 * a factor of five (AVX-512 IFMA), which no bar of the whole controller can be compared without.
 */
export async function decryptionRate(): Promise<number> {
  const privateKey = createPrivateKey(readFileSync(keyFile, 'utf8'));
  const label = Buffer.from('bench/bench');
  const wrapped = publicEncrypt({ key: privateKey, oaepHash: 'sha256', oaepLabel: label }, Buffer.alloc(32));
  const key = await importUnsealingKey(privateKey, availableParallelism());
  const run = () =>
    forEachConcurrently(Array.from({ length: operations }), 16, async () => {
      await key.unwrapKey(wrapped, label);
    });
  await run();
  const started = performance.now();
  await run();
  return operations / ((performance.now() - started) / 1000);
}
