import { type KeyObject, publicEncrypt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { importUnsealingKey } from '@waxwing/shared';
import { forEachConcurrently } from './pool.ts';

const operations = 400;

/**
 * How many RSA operations per second all cores do with this key when they do nothing else: the price of the format. With 4096 bits it differs
 * between machines by a factor of five (AVX-512 IFMA), which no bar of the whole controller can be compared without.
 */
export async function decryptionRate(privateKey: KeyObject): Promise<number> {
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
