import {
  decodeBase64,
  encodeBase64,
  encodeUtf8,
  hybridDecrypt,
  parseEnvelope,
  type Scope,
  type UnsealingKey,
} from '@waxwing/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeyRings, loadVectors } from './load.ts';
import { type CommandCase, runCommandCase } from './run-kubeseal.ts';
import { kubesealWaiver } from './waivers.ts';

interface RawCase extends CommandCase {
  readonly stdout?: string;
  readonly filesAfter?: Readonly<Record<string, string>>;
  readonly key: string;
  readonly scope: Scope;
  readonly label: string;
  readonly plaintext: string;
}

let ring: (ids: readonly string[]) => UnsealingKey[];
beforeAll(async () => {
  ring = await loadKeyRings();
});

async function open(ciphertext: string, row: RawCase): Promise<string | undefined> {
  const envelope = parseEnvelope(decodeBase64(ciphertext));
  const [key] = ring([row.key]);
  if (envelope === undefined || key === undefined) return undefined;
  const plaintext = await hybridDecrypt(envelope, key.unwrapKey, encodeUtf8(row.label));
  return plaintext === undefined ? undefined : encodeBase64(plaintext);
}

const cases = loadVectors<RawCase>('objects/raw.json');

describe('kubeseal --raw', () => {
  test.for(cases)('$name', async (row) => {
    const outcome = await runCommandCase(row);
    expect({ exit: outcome.exit, stderr: outcome.stderr }).toEqual({ exit: 0, stderr: '' });
    expect(Object.keys(outcome.filesAfter)).toEqual(Object.keys(row.filesAfter ?? {}));
    const result = outcome.stdout || Object.values(outcome.filesAfter)[0] || '';
    const recorded = row.stdout || Object.values(row.filesAfter ?? {})[0] || '';
    expect(await open(recorded, row)).toBe(row.plaintext);
    if (kubesealWaiver(row.name) === undefined) {
      expect(result.length).toBe(recorded.length);
      expect(await open(result, row)).toBe(row.plaintext);
    } else {
      expect(await open(result, row)).toBe(encodeBase64(encodeUtf8('in the file')));
    }
  });
});
