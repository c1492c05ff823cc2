import { randomBytes } from 'node:crypto';
import { formatJson, sealedSecretDocument, sealSecret } from '@waxwing/shared';
import { aSecret } from '@waxwing/shared/testing';
import { describe, expect, test } from 'vitest';
import { loadTestKeys, loadVectors } from './load.ts';
import { runCommandCase } from './run-kubeseal.ts';

interface KeyFileCase {
  readonly file: string;
  readonly keys: readonly string[];
  readonly error?: string;
}

/** Files of which we find other keys than upstream, or say so instead of nothing: FIX 16, and the [FIX]es of section 6.9. */
const differences: Readonly<Record<string, { readonly keys: readonly string[]; readonly error?: RegExp }>> = {
  'backup-list-then-secret.yaml': { keys: ['alpha', 'bravo', 'delta'] },
  'backup-secret-then-list.yaml': { keys: ['alpha', 'bravo', 'delta'] },
  'backup-secretlist.yaml': { keys: ['alpha', 'delta'] },
  'backup-stringdata.yaml': { keys: [], error: /must contain a 'tls\.key' key under data/ },
  'backup-without-key.yaml': { keys: [], error: /must contain a 'tls\.key' key under data/ },
  'ec.key.pem': { keys: [], error: /^error: k: the private key is ec, not RSA\n$/ },
};

const pairs = [...loadTestKeys().values()];
const sealed = new Map(
  pairs.map(({ id, publicKey }) => {
    const secret = aSecret({ data: { value: `sealed for ${id}` } });
    return [id, formatJson(sealedSecretDocument(sealSecret(secret, { publicKey, randomBytes })))];
  }),
);

/** The ids of the keys that recovery finds in a file: those whose SealedSecrets it opens. */
async function keysFound(file: string): Promise<{ keys: string[]; stderr: string }> {
  const keys: string[] = [];
  let stderr = '';
  for (const { id } of pairs) {
    const outcome = await runCommandCase({
      name: file,
      argv: ['--recovery-unseal', '--recovery-private-key', 'k'],
      files: { k: { copy: `test-keys/${file}` } },
      stdin: sealed.get(id) ?? '',
    });
    if (outcome.exit === 0) keys.push(id);
    else stderr = outcome.stderr;
  }
  return { keys, stderr };
}

describe('the keys of --recovery-private-key', () => {
  test.for(loadVectors<KeyFileCase>('test-keys/key-files.json'))('$file', async ({ file, keys }) => {
    const difference = differences[file];
    const found = await keysFound(file);
    expect(found.keys).toEqual(difference?.keys ?? keys);
    if (found.keys.length > 0) return;
    // Where upstream uses no key without a word, we name the file.
    expect(found.stderr).toMatch(difference?.error ?? /^error: k: no private key found\n$/);
  });
});
