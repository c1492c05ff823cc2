import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isBelow, largestOf, likelyKeysFirst } from './likely-keys.ts';
import { importUnsealingKey } from './private-key.ts';

const bytes = (number: bigint, length = 0) => {
  const hex = number.toString(16);
  return Uint8Array.from(Buffer.from(hex.padStart(Math.max(hex.length + (hex.length % 2), length * 2), '0'), 'hex'));
};
const keyWith = (modulus: bigint) => ({ id: String(modulus), modulus: bytes(modulus) });
const numbers = fc.bigInt({ min: 1n, max: 1n << 80n });

describe('likely keys', () => {
  test('are those above every ciphertext, the smallest first; those below come last', () => {
    const keys = [900n, 500n, 70_000n, 300n, 600n].map(keyWith);
    const order = likelyKeysFirst(keys, bytes(500n)).map(({ id }) => id);
    expect(order).toEqual(['600', '900', '70000', '300', '500']);
  });

  test('are all keys, whatever the ciphertext', () => {
    fc.assert(
      fc.property(fc.uniqueArray(numbers), numbers, (moduli, ciphertext) => {
        const order = likelyKeysFirst(moduli.map(keyWith), bytes(ciphertext, 12)).map(({ id }) => BigInt(id));
        expect(order.toSorted()).toEqual(moduli.toSorted());
        const possible = order.filter((modulus) => modulus > ciphertext);
        expect(order.slice(0, possible.length)).toEqual(possible.toSorted((a, b) => (a < b ? -1 : 1)));
      }),
    );
  });

  test('are compared as numbers, with and without leading zeros', () => {
    fc.assert(
      fc.property(numbers, numbers, fc.nat(20), fc.nat(20), (a, b, i, j) => {
        expect(isBelow(bytes(a, i), bytes(b, j))).toBe(a < b);
        expect(largestOf([bytes(a, i), bytes(b, j)])).toEqual(a < b ? bytes(b, j) : bytes(a, i));
      }),
    );
    expect(largestOf([])).toEqual(new Uint8Array());
  });

  test('know their modulus', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const { modulus, unwrapKey } = await importUnsealingKey(privateKey);
    expect(modulus).toHaveLength(128);
    expect(modulus[0]).toBeGreaterThanOrEqual(0x80);
    expect(await unwrapKey(modulus, new Uint8Array())).toBeUndefined();
  });
});
