import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importUnsealingKey, type UnsealingKey } from '@waxwing/shared';

/** The folder of the vectors; their README says what each field means. */
const vectorsFolder = import.meta.dirname;

/** A list of cases, one per line of the file. */
export function loadVectors<Case>(file: string): Case[] {
  return JSON.parse(readFileSync(join(vectorsFolder, file), 'utf8')) as Case[];
}

export function readVectorFile(file: string): Buffer {
  return readFileSync(join(vectorsFolder, file));
}

export interface TestKeyPair {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly certificatePem: string;
  /** SSH style, as upstream names the key. */
  readonly fingerprint: string;
  readonly commonName: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

interface KeyRow {
  readonly id: string;
  readonly keyFile: string;
  readonly certFile: string;
  readonly fingerprint: string;
  readonly commonName?: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** The four key pairs of `test-keys/`, by id. */
export function loadTestKeys(): Map<string, TestKeyPair> {
  return new Map(
    loadVectors<KeyRow>('test-keys/keys.json').map((row) => {
      const pem = readVectorFile(join('test-keys', row.keyFile));
      const pair: TestKeyPair = {
        id: row.id,
        privateKey: createPrivateKey(pem),
        publicKey: createPublicKey(pem),
        certificatePem: readVectorFile(join('test-keys', row.certFile)).toString(),
        fingerprint: row.fingerprint,
        commonName: row.commonName ?? '',
        notBefore: row.notBefore,
        notAfter: row.notAfter,
      };
      return [row.id, pair];
    }),
  );
}

/** Makes key rings of ids; each key is imported once. */
export async function loadKeyRings(): Promise<(ids: readonly string[]) => UnsealingKey[]> {
  const imported = new Map<string, UnsealingKey>();
  for (const [id, pair] of loadTestKeys()) imported.set(id, await importUnsealingKey(pair.privateKey));
  return (ids) =>
    ids.map((id) => {
      const key = imported.get(id);
      if (key === undefined) throw new Error(`the vectors name a key that is not in test-keys/keys.json: ${id}`);
      return key;
    });
}
