import { createHash } from 'node:crypto';
import { compareBytewise, type Secret } from '@waxwing/shared';

/** SHA-256, hex, over the entries of these names: tells whether they are still those that were sent, without keeping a value. */
export function volatileDigest({ data }: Pick<Secret, 'data'>, names: ReadonlySet<string>): string {
  const hash = createHash('sha256');
  for (const name of [...names].sort(compareBytewise)) {
    const value = data.get(name);
    hash.update(`${JSON.stringify(name)} ${value === undefined ? 'absent' : value.length}\n`);
    if (value !== undefined) hash.update(value);
  }
  return hash.digest('hex');
}
